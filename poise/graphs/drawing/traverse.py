"""How often each edge of the negotiation's graph was taken, read off transcripts, and drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Literal

from poise.common.errors import BadInput
from poise.common.words import brief_duration
from poise.games.moves import SEATS
from poise.games.transcript import Transcript, Usage
from poise.graphs.drawing.draw import picture_of
from poise.graphs.drawing.outline import END, PERSON, START, USUAL, GraphOutline, negotiation_outline

if TYPE_CHECKING:
    import networkx as nx

Outlines = tuple[GraphOutline, GraphOutline]
_SPEAKS: Final = {USUAL: "speak", PERSON: "say"}


def traversal(played: Iterable[tuple[Transcript, Usage, Outlines]]) -> nx.DiGraph:
    """The negotiation's graph with `count` on each node and edge: how often the matches went there.

    Each match comes with the graphs of its creditor and debtor. Nodes and edges of one name are one in the picture.
    `seconds`, where they were recorded, are the sum over a node's `timed` visits: of a custom graph those of each node,
    else what the calls of the model took. A person's words that were asked for again are counted once.
    """
    import networkx as nx

    whole = nx.DiGraph()
    drawn: dict[tuple[Any, ...], nx.DiGraph] = {}
    for transcript, usage, outlines in played:
        kind = (*outlines, bool(transcript.judge))
        if kind not in drawn:
            drawn[kind] = _drawn(outlines, judged=bool(transcript.judge))
            whole = nx.compose(drawn[kind], whole)
        for sources, node in _ways(drawn[kind], _path(transcript, outlines)):
            if node not in whole:
                whole.add_node(node, label=node.rpartition(":")[2])
            _count(whole.nodes[node])
            for source in sources:
                whole.add_edge(source, node, **{"conditional": False, **(whole.get_edge_data(source, node) or {})})
                _count(whole.edges[source, node])
        for node, seconds in _seconds(transcript, usage, outlines):
            data = whole.nodes[node]
            data |= {"seconds": data.get("seconds", 0.0) + seconds, "timed": data.get("timed", 0) + 1}
    if not whole:
        raise BadInput("there is no finished match to draw; play one first")
    return whole


def draw_traversal(whole: nx.DiGraph, fmt: Literal["svg", "png"] = "svg") -> bytes:
    """The graph with its counts as SVG or PNG: wider edges were taken more often, dashed ones never."""
    if fmt not in ("svg", "png"):
        raise BadInput(f"format {fmt!r} is neither svg nor png")
    most = max((data.get("count", 0) for _, _, data in whole.edges(data=True)), default=0) or 1
    shown = whole.copy()
    for _, _, edge in shown.edges(data=True):
        count = edge.get("count", 0)
        edge.update(conditional=not count, width=0.6 + 2.4 * count / most, label=str(count))
    for _, node in shown.nodes(data=True):
        if seconds := node.get("seconds"):
            node["label"] = node["label"].replace("\n", " ") + f"\n{brief_duration(seconds / node['timed'])}"
    return picture_of(shown, fmt)


def _count(data: dict[str, Any]) -> None:
    data["count"] = data.get("count", 0) + 1


def _drawn(outlines: Outlines, *, judged: bool) -> nx.DiGraph:
    picture = negotiation_outline(*outlines, judged=judged)
    for seat, outline in zip(SEATS, outlines, strict=True):
        if outline == PERSON:  # how often a person began again is not recorded; what was taken comes back
            asked = [f"{seat}:{node}" for node in ("listen", "confirm")]
            picture.remove_edges_from([way for way in picture.edges if way[0] in asked])
    return picture


def _path(transcript: Transcript, outlines: Outlines) -> Iterator[str]:
    """The nodes that a match went through, in order; an agent that failed is left where its turn began."""
    yield START
    for message in transcript.messages:
        nodes = outlines[SEATS.index(message.seat)].visited(message)
        yield from (f"{message.seat}:{node}" for node in nodes)
        if transcript.judge:
            yield "judge"
    if transcript.outcome.ending != "failed":
        yield END
    elif transcript.outcome.by:
        outline = outlines[SEATS.index(transcript.outcome.by)]
        yield f"{transcript.outcome.by}:{next((target for source, target in outline.ways if source == START), '?')}"


def _ways(picture: nx.DiGraph, path: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    """Each node of a path, and those it was reached from.

    Branches side by side stand one after the other in it: each began where it forked, and all end where they meet.
    """
    before: list[str] = []
    waiting: list[str] = []  # nodes from which nothing has gone on yet
    for node in path:
        sources = [one for one in waiting if picture.has_edge(one, node)]
        sources = sources or [one for one in reversed(before) if picture.has_edge(one, node)][:1] or before[-1:]
        yield sources, node
        waiting = [one for one in waiting if one not in sources] + [node]
        before = [*before[-_REMEMBERED:], node]


_REMEMBERED: Final = 50


def _seconds(transcript: Transcript, usage: Usage, outlines: Outlines) -> Iterator[tuple[str, float]]:
    for place, message in enumerate(transcript.messages):
        outline = outlines[SEATS.index(message.seat)]
        timed = usage.nodes[place] if place < len(usage.nodes) else ()
        spent = usage.per_message[place] if place < len(usage.per_message) else {}
        if timed:
            yield from (
                (f"{message.seat}:{node}", own) for node, own in zip(outline.visited(message), timed, strict=False)
            )
        elif (speaks := _SPEAKS.get(outline)) and "model_seconds" in spent:
            yield f"{message.seat}:{speaks}", float(spent["model_seconds"])
