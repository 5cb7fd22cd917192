"""Drawings of graphs: Mermaid text, SVG and PNG, without any network."""

from __future__ import annotations

import io
import warnings
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from poise.common.errors import BadInput
from poise.common.words import shortened, visible
from poise.graphs.drawing.outline import END, START, label_of

if TYPE_CHECKING:
    import networkx as nx

_MERMAID_MARKS: Final = '#;&<>[](){}|"`\\\n'
Format = Literal["mermaid", "svg", "png"]


def draw(graph: Any, fmt: Format = "mermaid") -> bytes:
    """A compiled LangGraph graph, with its subgraphs, as UTF-8 Mermaid text, SVG or PNG."""
    drawable = graph.get_graph(xray=True)
    if fmt == "mermaid":
        return str(_escaped(drawable).draw_mermaid()).encode()
    if fmt not in ("svg", "png"):
        raise BadInput(f"format {fmt!r} is not one of mermaid, svg, png")
    return picture_of(to_networkx(drawable), fmt)


def _escaped(drawable: Any) -> Any:
    """The graph with names and conditions that Mermaid cannot take for its own marks, or a browser for HTML."""
    nodes = {key: node._replace(name=_escape_mermaid(node.name)) for key, node in drawable.nodes.items()}
    edges = [
        edge if edge.data is None else edge._replace(data=_escape_mermaid(str(edge.data))) for edge in drawable.edges
    ]
    return replace(drawable, nodes=nodes, edges=edges)


def _escape_mermaid(text: str) -> str:
    return "".join(f"#{ord(mark)};" if mark in _MERMAID_MARKS else mark for mark in visible(text))


def to_networkx(drawable: Any) -> nx.DiGraph:
    """The drawable graph's nodes and edges; a conditional edge has `conditional=True`."""
    import networkx as nx

    picture = nx.DiGraph()
    for key, node in drawable.nodes.items():
        picture.add_node(key, label=visible(label_of(node.name)))
    for edge in drawable.edges:
        picture.add_edge(edge.source, edge.target, conditional=bool(edge.conditional))
    return picture


def _group(node: str) -> str:
    return node.rpartition(":")[0]


Place = tuple[float, float]
_SCALE = (1.9, 0.8)  # inches for one step across and down
_LETTERS = 10  # points
_LONGEST = 22  # characters of a node's name that are drawn


def places_of(nodes: Iterable[str], edges: Collection[tuple[str, str]]) -> dict[str, Place]:
    """Where each node stands: subgraphs side by side, each from its entry downwards; start above all, end below."""
    inner = [node for node in nodes if node not in (START, END)]
    places: dict[str, Place] = {}
    left = 0.0
    for group in sorted({_group(node) for node in inner}):
        rows = _rows(edges, [node for node in inner if _group(node) == group])
        width = max(map(len, rows))
        for depth, row in enumerate(rows):
            for number, node in enumerate(row):
                places[node] = (left + (width - len(row)) / 2 + number, -1.0 - depth)
        left += width + 0.35
    bottom = min(y for _, y in places.values()) - 1
    first = next((target for source, target in edges if source == START), None)
    centre = (min(x for x, _ in places.values()) + max(x for x, _ in places.values())) / 2
    return {**places, START: (places[first][0] if first in places else centre, 0.0), END: (centre, bottom)}


def _rows(edges: Collection[tuple[str, str]], nodes: list[str]) -> list[list[str]]:
    """The nodes of one (sub)graph by distance from where it is entered."""
    left = set(nodes)
    layer = {target for source, target in edges if target in left and source not in left} or {nodes[0]}
    layers: list[list[str]] = []
    while layer:
        layers.append(sorted(layer))
        left -= layer
        layer = {target for source, target in edges if source in layer and target in left}
    return [*layers, sorted(left)] if left else layers


def picture_of(picture: nx.DiGraph, fmt: str) -> bytes:
    """A graph of `to_networkx` as SVG or PNG; an edge may have a `width` in points and a `label`."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    places = places_of(picture, picture.edges)
    wide = max(x for x, _ in places.values()) + 1.3
    high = 1 - min(y for _, y in places.values())
    with mpl.rc_context({"svg.hashsalt": "poise", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(_SCALE[0] * wide, _SCALE[1] * high))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-0.65, wide - 0.65), ylim=(-high + 0.5, 0.5))
        axes.set_axis_off()
        out = io.BytesIO()
        with warnings.catch_warnings():  # a name may be in a script that matplotlib's font lacks
            warnings.filterwarnings("ignore", "Glyph", UserWarning)
            _draw_groups(axes, places)
            _draw_edges(axes, picture, places, _draw_nodes(axes, picture, places))
            figure.savefig(out, format=fmt, dpi=160, metadata={"Date": None} if fmt == "svg" else None)
    return out.getvalue()


def _draw_groups(axes: Any, places: dict[str, Place]) -> None:
    from matplotlib.patches import FancyBboxPatch

    for group in sorted({_group(node) for node in places} - {""}):
        xs, ys = zip(*(place for node, place in places.items() if _group(node) == group), strict=True)
        corner, size = (min(xs) - 0.42, min(ys) - 0.36), (max(xs) - min(xs) + 0.84, max(ys) - min(ys) + 0.72)
        box = FancyBboxPatch(corner, *size, boxstyle="round,pad=0.04", facecolor="#f6f8fc", edgecolor="#c8d2e6")
        axes.add_patch(box)
        at, name = (corner[0] + 0.02, max(ys) + 0.29), shortened(group, 2 * _LONGEST)
        axes.text(*at, name, fontsize=8, color="#5b6b8c", va="center", ha="left", parse_math=False)


def _draw_nodes(axes: Any, picture: nx.DiGraph, places: dict[str, Place]) -> dict[str, Any]:
    """The nodes' boxes, at which arrows begin and end."""
    from matplotlib.patches import FancyBboxPatch
    from matplotlib.textpath import TextPath

    boxes: dict[str, Any] = {}
    for node, (x, y) in places.items():
        lines = [shortened(line, _LONGEST) for line in str(picture.nodes[node]["label"]).split("\n")]
        longest = max(
            TextPath((0, 0), line, size=_LETTERS).get_extents().width if line.strip() else 0 for line in lines
        )
        wide = (longest + 1.2 * _LETTERS) / 72 / _SCALE[0]
        high = (1.2 * len(lines) + 0.8) * _LETTERS / 72 / _SCALE[1]
        boxes[node] = FancyBboxPatch(
            (x - wide / 2, y - high / 2),
            wide,
            high,
            boxstyle="round,pad=0,rounding_size=0.03",
            mutation_aspect=_SCALE[0] / _SCALE[1],
            facecolor="#ffffff" if node in (START, END) else "#dfe8fb",
            edgecolor="#3b5998",
            zorder=3,
        )
        axes.add_patch(boxes[node])
        style = {"ha": "center", "va": "center", "fontsize": _LETTERS, "color": "#16233d", "parse_math": False}
        axes.text(x, y, "\n".join(lines), zorder=4, **style)
    return boxes


def _draw_edges(axes: Any, picture: nx.DiGraph, places: dict[str, Place], boxes: dict[str, Any]) -> None:
    for source, target, data in picture.edges(data=True):
        (x0, y0), (x1, y1) = places[source], places[target]
        straight = y0 - 1.01 <= y1 < y0 or target == END
        arrow = {
            "arrowstyle": "-|>",
            "color": "#5b6b8c",
            "linestyle": "dashed" if data["conditional"] else "solid",
            "connectionstyle": f"arc3,rad={0.0 if straight else 0.18}",
            "linewidth": data.get("width", 1.0),
            "patchA": boxes[source],
            "patchB": boxes[target],
            "shrinkA": 1,
            "shrinkB": 1,
        }
        axes.annotate("", xy=(x1, y1), xytext=(x0, y0), arrowprops=arrow, zorder=2)
        if label := data.get("label"):
            # Edges between two groups cross halfway.
            share = 0.5 if straight or _group(source) == _group(target) else 0.25
            middle = _on_arc((x0, y0), (x1, y1), 0.0 if straight else 0.18, share)
            box = {"boxstyle": "round,pad=0.1", "facecolor": "#ffffff", "edgecolor": "none", "alpha": 0.8}
            axes.text(*middle, label, fontsize=8, color="#16233d", ha="center", va="center", bbox=box, zorder=5)


def _on_arc(start: Place, end: Place, bend: float, share: float) -> Place:
    """The point at this share of matplotlib's arc3, which is bent in inches and not in the picture's own units."""
    (x0, y0), (x1, y1) = ((x * _SCALE[0], y * _SCALE[1]) for x, y in (start, end))
    x2, y2 = (x0 + x1) / 2 + bend * (y1 - y0), (y0 + y1) / 2 - bend * (x1 - x0)
    weights = (1 - share) ** 2, 2 * share * (1 - share), share**2
    x, y = (sum(w * at for w, at in zip(weights, ats, strict=True)) for ats in ((x0, x2, x1), (y0, y2, y1)))
    return x / _SCALE[0], y / _SCALE[1]
