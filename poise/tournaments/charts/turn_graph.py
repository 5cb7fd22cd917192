"""A graph as SVG whose nodes carry their names, so that a page can light the one at work."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from poise.tournaments.charts.svg import tag

if TYPE_CHECKING:
    import networkx as nx

_WIDE, _HIGH = 124, 50  # pixels from node to node
_BOX: Final = (92, 28)


@cache
def usual_graph(creditor: bool = False, debtor: bool = False) -> Markup:
    """The negotiation between two seats with the turn that every built-in agent takes, or, where true, a person's."""
    from poise.graphs import negotiation_graph, seat_graph
    from poise.graphs.human.graph import person_graph

    first, second = (person_graph().compile() if human else seat_graph().compile() for human in (creditor, debtor))
    return lightable(negotiation_graph(first, second).compile())


def lightable(graph: Any) -> Markup:
    """A compiled graph: every node an element with `data-node`, such as "creditor:feel", to be lit by class."""
    from poise.graphs.drawing.draw import places_of, to_networkx

    picture = to_networkx(graph.get_graph(xray=True))
    places = {node: (78 + x * _WIDE, 20 - y * _HIGH) for node, (x, y) in places_of(picture).items()}
    wide = max(x for x, _ in places.values()) + 78
    high = max(y for _, y in places.values()) + 20
    marker = tag("path", d="M0 0L8 4L0 8z")
    size = {"refX": 7, "refY": 4, "markerWidth": 7, "markerHeight": 7}
    arrow = tag("marker", marker, id="arrow", viewBox="0 0 8 8", orient="auto", **size)
    parts = [tag("defs", arrow), *_groups(places), *_edges(picture, places), *_nodes(picture, places)]
    view = f"0 0 {wide:.0f} {high:.0f}"
    words = "The graph of the negotiation: " + ", ".join(str(node) for node in picture if ":" in str(node))
    return tag("svg", *parts, class_="graph", viewBox=view, role="img", aria_label=words)


Places = dict[str, tuple[float, float]]


def _groups(places: Places) -> list[Markup]:
    """A box around each seat's nodes, with the seat's name."""
    parts = []
    for group in sorted({node.rpartition(":")[0] for node in places} - {""}):
        inside = [place for node, place in places.items() if node.rpartition(":")[0] == group]
        left, top = min(x for x, _ in inside) - 58, min(y for _, y in inside) - 26
        wide, high = max(x for x, _ in inside) + 58 - left, max(y for _, y in inside) + 22 - top
        box = tag("rect", x=f"{left:.0f}", y=f"{top:.0f}", width=f"{wide:.0f}", height=f"{high:.0f}", rx=10)
        name = tag("text", x=f"{left + 10:.0f}", y=f"{top + 3:.0f}", class_="name", text=group)
        parts.append(tag("g", box, name, class_=f"seat {group}", data_group=group))
    return parts


def _edges(picture: nx.DiGraph, places: Places) -> list[Markup]:
    parts = []
    for source, target, data in picture.edges(data=True):
        kind = "edge conditional" if data["conditional"] else "edge"
        path = _path(places[source], places[target])
        parts.append(tag("path", class_=kind, d=path, marker_end="url(#arrow)", data_edge=f"{source}>{target}"))
    return parts


def _path(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Down from box to box; back up between the seats, in a bow."""
    (x0, y0), (x1, y1) = start, end
    half = _BOX[1] / 2
    if y1 > y0:
        return f"M{x0:.0f} {y0 + half:.0f}L{x1:.0f} {y1 - half:.0f}"
    side = 1 if x1 >= x0 else -1
    out, into = x0 + side * _BOX[0] / 2, x1 - side * _BOX[0] / 2
    bend = 26 * side
    return f"M{out:.0f} {y0:.0f}C{out + bend:.0f} {y0:.0f} {into - bend:.0f} {y1:.0f} {into:.0f} {y1:.0f}"


def _nodes(picture: nx.DiGraph, places: Places) -> list[Markup]:
    parts = []
    for node, (x, y) in places.items():
        wide, high = _BOX if ":" in node else (54, 24)
        at = {"x": f"{x - wide / 2:.0f}", "y": f"{y - high / 2:.0f}", "width": wide, "height": high, "rx": high // 2}
        label = tag("text", x=f"{x:.0f}", y=f"{y + 4:.0f}", text_anchor="middle", text=picture.nodes[node]["label"])
        parts.append(tag("g", tag("rect", **at), label, class_="node", data_node=node))
    return parts
