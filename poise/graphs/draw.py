"""Drawings of graphs: Mermaid text, SVG and PNG, without any network."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

from poise.games.errors import BadInput

if TYPE_CHECKING:
    import networkx as nx

Format = Literal["mermaid", "svg", "png"]


def draw(graph: Any, fmt: Format = "mermaid") -> bytes:
    """A compiled LangGraph graph, with its subgraphs, as UTF-8 Mermaid text, SVG or PNG."""
    drawable = graph.get_graph(xray=True)
    if fmt == "mermaid":
        return str(drawable.draw_mermaid()).encode()
    if fmt not in ("svg", "png"):
        raise BadInput(f"format {fmt!r} is not one of mermaid, svg, png")
    return _picture(to_networkx(drawable), fmt)


def to_networkx(drawable: Any) -> nx.DiGraph:
    """The drawable graph's nodes and edges; a conditional edge has `conditional=True`."""
    import networkx as nx

    picture = nx.DiGraph()
    for key, node in drawable.nodes.items():
        picture.add_node(key, label=_label(key, node.name))
    for edge in drawable.edges:
        picture.add_edge(edge.source, edge.target, conditional=bool(edge.conditional))
    return picture


def _label(key: str, name: str) -> str:
    plain = {"__start__": "start", "__end__": "end"}.get(name, name)
    return plain if ":" in plain or ":" not in key else key.rpartition(":")[2]


def _positions(picture: nx.DiGraph) -> dict[str, tuple[float, float]]:
    """Layers from the start downwards; the nodes of one subgraph share a column."""
    import networkx as nx

    start = next(node for node in picture if picture.in_degree(node) == 0)
    depth = nx.single_source_shortest_path_length(picture, start)
    groups = sorted({str(node).partition(":")[0] for node in picture if ":" in str(node)})
    spread = (len(groups) - 1) / 2
    column = {group: place - spread for place, group in enumerate(groups)}
    return {node: (column.get(str(node).partition(":")[0], 0.0), -float(depth.get(node, 0))) for node in picture}


def _picture(picture: nx.DiGraph, fmt: str) -> bytes:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "poise", "svg.fonttype": "none", "font.family": "sans-serif"}):
        places = _positions(picture)
        rows = len({place[1] for place in places.values()})
        columns = len({place[0] for place in places.values()})
        figure = Figure(figsize=(2.6 * columns + 1.4, 0.85 * rows + 0.4), layout="constrained")
        axes = figure.add_subplot()
        axes.set_axis_off()
        axes.margins(0.25, 0.06)
        _draw_edges(axes, picture, places)
        _draw_nodes(axes, picture, places)
        out = io.BytesIO()
        figure.savefig(out, format=fmt, dpi=160, metadata={"Date": None} if fmt == "svg" else None)
    return out.getvalue()


def _draw_nodes(axes: Any, picture: nx.DiGraph, places: dict[str, tuple[float, float]]) -> None:
    for node, (x, y) in places.items():
        label = picture.nodes[node]["label"]
        end = label in ("start", "end")
        box = {"boxstyle": "round,pad=0.45", "facecolor": "#ffffff" if end else "#e7eefb", "edgecolor": "#3b5998"}
        axes.text(x, y, label, ha="center", va="center", fontsize=10, color="#16233d", bbox=box, zorder=3)


def _draw_edges(axes: Any, picture: nx.DiGraph, places: dict[str, tuple[float, float]]) -> None:
    for source, target, data in picture.edges(data=True):
        (x0, y0), (x1, y1) = places[source], places[target]
        bend = 0.0 if abs(y1 - y0) <= 1 and x0 == x1 and y1 < y0 else 0.25
        arrow = {
            "arrowstyle": "-|>",
            "color": "#5b6b8c",
            "linestyle": "dashed" if data["conditional"] else "solid",
            "connectionstyle": f"arc3,rad={bend}",
            "shrinkA": 16,
            "shrinkB": 16,
        }
        axes.annotate("", xy=(x1, y1), xytext=(x0, y0), arrowprops=arrow, zorder=2)
