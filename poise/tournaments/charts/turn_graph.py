"""The graph of a negotiation as SVG whose nodes carry their names, so that a page can light the one at work."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from markupsafe import Markup

from poise.common.words import shortened, visible
from poise.games.moves import SEATS
from poise.graphs.drawing.outline import USUAL, GraphOutline, joined_outline, label_of
from poise.tournaments.charts.svg import tag

_WIDE, _HIGH = 132, 50  # pixels from node to node
_BOX: Final = (112, 28)
_TALL: Final = 11 * _HIGH  # from here on it is scrolled, and not made smaller
_LONGEST: Final = 15  # characters of a name; the title has all of it

Places = dict[str, tuple[float, float]]


@lru_cache(maxsize=32)
def match_graph(creditor: GraphOutline = USUAL, debtor: GraphOutline = USUAL, *, judged: bool = False) -> Markup:
    """The negotiation between two seats: every node an element with `data-node`, such as "creditor:feel"."""
    from poise.graphs.drawing.draw import places_of

    outline = joined_outline(creditor, debtor, judged=judged)
    places = {node: (78 + x * _WIDE, 20 - y * _HIGH) for node, (x, y) in places_of(outline.nodes, outline.ways).items()}
    wide = max(x for x, _ in places.values()) + 78
    high = max(y for _, y in places.values()) + 20
    marker = tag("path", d="M0 0L8 4L0 8z")
    size = {"refX": 7, "refY": 4, "markerWidth": 7, "markerHeight": 7}
    arrow = tag("marker", marker, id="arrow", viewBox="0 0 8 8", orient="auto", **size)
    parts = [tag("defs", arrow), *_boxes(places), *_edges(outline, places), *_nodes(places)]
    words = "The graph of the negotiation: " + ", ".join(node for node in outline.nodes if ":" in node)
    picture_size = {"width": f"{wide:.0f}", "height": f"{high:.0f}"}
    kind = "graph tall" if high > _TALL else "graph"
    return tag(
        "svg", *parts, class_=kind, viewBox=f"0 0 {wide:.0f} {high:.0f}", role="img", aria_label=words, **picture_size
    )


def _boxes(places: Places) -> list[Markup]:
    """A box around each seat's nodes, with the seat's name, and one around those of each subgraph in it."""
    parts = []
    for group in sorted({name for node in places for name in _groups_of(node)}):
        inside = [place for node, place in places.items() if group in _groups_of(node)]
        inner = 6 * group.count(":")
        left, top = min(x for x, _ in inside) - 64 + inner, min(y for _, y in inside) - 26 + inner
        wide, high = max(x for x, _ in inside) + 64 - inner - left, max(y for _, y in inside) + 24 - inner - top
        box = tag("rect", x=f"{left:.0f}", y=f"{top:.0f}", width=f"{wide:.0f}", height=f"{high:.0f}", rx=10)
        words = shortened(group.rpartition(":")[2], _LONGEST)
        name = tag("text", x=f"{left + 10:.0f}", y=f"{top + 3:.0f}", class_="name", text=words)
        kind = f"seat {group}" if group in SEATS else "subgraph"
        parts.append(tag("g", box, name, class_=kind, data_group=group))
    return parts


def _groups_of(node: str) -> list[str]:
    """The seat and the subgraphs that a node is in: of "creditor:mind:ask" "creditor" and "creditor:mind"."""
    names = node.split(":")
    return [":".join(names[:deep]) for deep in range(1, len(names))]


def _edges(outline: GraphOutline, places: Places) -> list[Markup]:
    parts = []
    for source, target in outline.ways:
        kind = "edge conditional" if (source, target) in outline.conditional else "edge"
        path = _path(places[source], places[target])
        parts.append(tag("path", class_=kind, d=path, marker_end="url(#arrow)", data_edge=f"{source}>{target}"))
    return parts


def _path(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Down from box to box; past other boxes, back up and to itself in a bow."""
    (x0, y0), (x1, y1) = start, end
    half = _BOX[1] / 2
    if y1 > y0 and (y1 - y0 <= _HIGH or x0 != x1):
        return f"M{x0:.0f} {y0 + half:.0f}L{x1:.0f} {y1 - half:.0f}"
    side = 1 if x1 >= x0 else -1
    same_column = x0 == x1
    back = side if same_column else -side
    out, into = x0 + side * _BOX[0] / 2, x1 + back * _BOX[0] / 2
    y2 = y1 + 8 if start == end else y1
    return f"M{out:.0f} {y0:.0f}C{out + 26 * side:.0f} {y0:.0f} {into + 26 * back:.0f} {y2:.0f} {into:.0f} {y2:.0f}"


def _nodes(places: Places) -> list[Markup]:
    parts = []
    for node, (x, y) in places.items():
        wide, high = _BOX if ":" in node else (54, 24)
        at = {"x": f"{x - wide / 2:.0f}", "y": f"{y - high / 2:.0f}", "width": wide, "height": high, "rx": high // 2}
        name = label_of(node)
        label = tag("text", x=f"{x:.0f}", y=f"{y + 4:.0f}", text_anchor="middle", text=shortened(name, _LONGEST))
        parts.append(
            tag("g", tag("title", text=name), tag("rect", **at), label, class_="node", data_node=visible(node))
        )
    return parts
