"""A seat's graph as plain data, so that it can be drawn wherever the code that built it is not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec

from poise.agents.agent import Agent
from poise.games.moves import SEATS, Seat, other
from poise.games.transcript import Message

if TYPE_CHECKING:
    import networkx as nx

START: Final = "__start__"
END: Final = "__end__"
_MOST_NODES: Final = 200
_MOST_EDGES: Final = 1000


@dataclass(frozen=True, slots=True)
class GraphOutline:
    """The nodes of one seat's graph and the ways between them.

    nodes:       in the order they were added; within a subgraph "SUBGRAPH:NODE".
    edges:       always taken, from START and to END included.
    conditional: those that a router decides on.
    """

    nodes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    conditional: tuple[tuple[str, str], ...] = ()

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """All edges."""
        return (*self.edges, *self.conditional)

    def to_dict(self) -> dict[str, Any]:
        """JSON data; `from_dict` reads it back."""
        return asdict(self)

    def visited(self, message: Message) -> tuple[str, ...]:
        """The nodes that wrote a message of a seat with this graph, in order; (UNKNOWN,) if not recorded."""
        if message.nodes:
            return tuple(visit.node for visit in message.nodes)
        return self.nodes if self in (USUAL, PERSON) else (UNKNOWN,)

    @classmethod
    def from_dict(cls, data: Any) -> GraphOutline | None:
        """The outline in a tournament's header; None where none was recorded, or it is not one that can be drawn."""
        try:
            outline = msgspec.convert(data, cls)
        except msgspec.ValidationError:
            return None
        known = {START, END, *outline.nodes}
        drawable = 0 < len(outline.nodes) <= _MOST_NODES and len(outline.ways) <= _MOST_EDGES
        return outline if drawable and all(known.issuperset(way) for way in outline.ways) else None


_NODES: Final = ("perceive", "feel", "decide", "speak")
USUAL: Final = GraphOutline(_NODES, tuple(pairwise((START, *_NODES, END))))
"""The turn of every agent without a graph of its own; see `poise.graphs.seat`."""
PERSON: Final = GraphOutline(
    ("perceive", "listen", "confirm", "say"),
    ((START, "perceive"), ("perceive", "listen"), ("say", END)),
    (("listen", "listen"), ("listen", "confirm"), ("confirm", "listen"), ("confirm", "confirm"), ("confirm", "say")),
)
"""A person's turn; see `poise.graphs.human.graph`."""
UNKNOWN: Final = "not recorded"
UNRECORDED: Final = GraphOutline((UNKNOWN,), ((START, UNKNOWN), (UNKNOWN, END)))
"""Stands for a custom graph that was not recorded."""


def outline_of(graph: Any) -> GraphOutline:
    """The outline of a StateGraph or of a compiled one. Raises what LangGraph raises for a graph without an entry."""
    drawable = (graph if hasattr(graph, "get_graph") else graph.compile()).get_graph(xray=True)
    nodes = tuple(str(node) for node in drawable.nodes if node not in (START, END))
    ways = [(str(edge.source), str(edge.target), bool(edge.conditional)) for edge in drawable.edges]
    return GraphOutline(
        nodes,
        tuple((source, target) for source, target, conditional in ways if not conditional),
        tuple((source, target) for source, target, conditional in ways if conditional),
    )


def agent_outline(agent: Agent) -> GraphOutline | None:
    """The outline of an agent's graph; None where its function returns none, which playing it will say."""
    if agent.make_graph is None:
        return USUAL
    if agent.human:
        return PERSON
    try:
        return GraphOutline.from_dict(outline_of(agent.make_graph()).to_dict())
    except Exception:  # noqa: BLE001 - a user's own code; the match that needs the graph fails with the reason
        return None


def joined_outline(creditor: GraphOutline, debtor: GraphOutline, *, judged: bool = False) -> GraphOutline:
    """The negotiation between two seats with these graphs; a node of a seat is "SEAT:NODE"."""
    seats: Mapping[Seat, GraphOutline] = dict(zip(SEATS, (creditor, debtor), strict=True))
    nodes = [f"{seat}:{node}" for seat, outline in seats.items() for node in outline.nodes]
    entries = {
        seat: [f"{seat}:{target}" for source, target in one.ways if source == START] for seat, one in seats.items()
    }
    conditional = {(START, entry): False for entry in entries["creditor"]}  # by edge
    for seat, outline in seats.items():
        inner = [way for way in outline.ways if way[0] != START and way[1] != END]
        conditional |= {(f"{seat}:{way[0]}", f"{seat}:{way[1]}"): way in outline.conditional for way in inner}
        ends = [f"{seat}:{source}" for source, target in outline.ways if target == END]
        following = ["judge"] if judged else [END, *entries[other(seat)]]
        conditional |= {(end, node): not judged for end in ends for node in following}
    if judged:
        conditional |= {("judge", node): True for node in (END, *entries["creditor"], *entries["debtor"])}
    return GraphOutline(
        (*nodes, *(["judge"] if judged else [])),
        tuple(way for way, router in conditional.items() if not router),
        tuple(way for way, router in conditional.items() if router),
    )


def negotiation_outline(creditor: GraphOutline, debtor: GraphOutline, *, judged: bool = False) -> nx.DiGraph:
    """The same as `poise.graphs.drawing.draw.to_networkx` gives it."""
    import networkx as nx

    outline, picture = joined_outline(creditor, debtor, judged=judged), nx.DiGraph()
    for node in (START, *outline.nodes, END):
        picture.add_node(node, label=label_of(node))
    picture.add_edges_from(outline.edges, conditional=False)
    picture.add_edges_from(outline.conditional, conditional=True)
    return picture


def label_of(node: str) -> str:
    """What a node is called in a drawing."""
    return {START: "start", END: "end"}.get(node, node.rpartition(":")[2])
