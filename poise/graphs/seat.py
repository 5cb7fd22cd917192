"""The graph of one seat's turn."""

from __future__ import annotations

from langgraph.graph import END, START, StateGraph

from poise.graphs.nodes import decide, feel, perceive, speak
from poise.graphs.state import SeatContext, SeatState

SeatGraph = StateGraph[SeatState, SeatContext, SeatState, SeatState]


def empty_seat_graph() -> SeatGraph:
    """A seat's graph without nodes, to build one's own on: add nodes and edges from START to END.

    By the time it reaches END, `speech` must be set (the node `poise.graphs.speak` does that).
    """
    return StateGraph(SeatState, SeatContext)


def seat_graph() -> SeatGraph:
    """The graph every built-in agent uses: perceive, feel, decide, speak."""
    graph = empty_seat_graph()
    graph.add_node("perceive", perceive)
    graph.add_node("feel", feel)
    graph.add_node("decide", decide)
    graph.add_node("speak", speak)
    graph.add_edge(START, "perceive")
    graph.add_edge("perceive", "feel")
    graph.add_edge("feel", "decide")
    graph.add_edge("decide", "speak")
    graph.add_edge("speak", END)
    return graph
