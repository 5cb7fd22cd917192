"""How often each edge of the negotiation's graph was taken, read off transcripts, and drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

from langgraph.graph import END, START

from poise.common.errors import BadInput
from poise.games.moves import SEATS, Seat
from poise.games.transcript import Transcript, Usage
from poise.graphs.drawing.draw import picture_of, to_networkx
from poise.graphs.human.graph import person_graph
from poise.graphs.negotiation import negotiation_graph
from poise.graphs.seat import seat_graph

if TYPE_CHECKING:
    import networkx as nx

_USUAL: Final = ("perceive", "feel", "decide", "speak")
_PERSON: Final = ("perceive", "listen", "confirm", "say")


def traversal(played: Iterable[tuple[Transcript, Usage]]) -> nx.DiGraph:
    """The negotiation's graph with `count` on each node and edge: how often the matches went there.

    A node that speaks has `seconds` as well, the sum of what its model's calls took, where that was recorded; nothing
    else is timed. A person's words that were asked for again are counted once. An agent that comes from a file is
    drawn as the usual turn, since a transcript does not say which nodes its own graph has.
    """
    import networkx as nx

    whole = nx.DiGraph()
    drawn: dict[tuple[bool, ...], nx.DiGraph] = {}
    for transcript, usage in played:
        kind = (_by_person(transcript, "creditor"), _by_person(transcript, "debtor"), bool(transcript.judge))
        if kind not in drawn:
            drawn[kind] = _graph(*kind)
            whole = nx.compose(drawn[kind], whole)
        path = list(_path(transcript))
        for node in path:
            whole.nodes[node]["count"] = whole.nodes[node].get("count", 0) + 1
        for source, target in pairwise(path):
            taken = whole.get_edge_data(source, target, {"conditional": False}) | {"conditional": False}
            whole.add_edge(source, target, **taken | {"count": taken.get("count", 0) + 1})
        for message, spent in zip(transcript.messages, usage.per_message, strict=False):
            node = whole.nodes[f"{message.seat}:{'say' if _by_person(transcript, message.seat) else 'speak'}"]
            node["seconds"] = node.get("seconds", 0.0) + spent.get("model_seconds", 0.0)
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
            node["label"] += f"\n{seconds / node['count']:.2g} s"
    return picture_of(shown, fmt)


def _graph(creditor: bool, debtor: bool, judged: bool) -> nx.DiGraph:
    seats = [person_graph() if by_person else seat_graph() for by_person in (creditor, debtor)]
    graph = negotiation_graph(seats[0].compile(), seats[1].compile(), judged=judged)
    picture = to_networkx(graph.compile().get_graph(xray=True))
    unknown = [(one, two) for one, two in picture.edges if one.rpartition(":")[2] in ("listen", "confirm")]
    picture.remove_edges_from(unknown)  # how often a person began again is not recorded; what was taken comes back
    return picture


def _path(transcript: Transcript) -> Iterator[str]:
    """The nodes that a match went through, in order; an agent that failed is left where its turn began."""
    yield START
    for message in transcript.messages:
        nodes = _PERSON if _by_person(transcript, message.seat) else _USUAL
        yield from (f"{message.seat}:{node}" for node in nodes)
        if transcript.judge:
            yield "judge"
    if transcript.outcome.ending != "failed":
        yield END
    elif transcript.outcome.by:
        yield f"{transcript.outcome.by}:perceive"


def _by_person(transcript: Transcript, seat: Seat) -> bool:
    declared: Mapping[str, Any] = (transcript.creditor, transcript.debtor)[SEATS.index(seat)]
    return bool(declared.get("human"))
