"""The graph of one seat's turn."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from langgraph.graph import END, START, StateGraph

from poise.agents.agent import Agent
from poise.common.errors import AgentError
from poise.graphs.failures import place_of
from poise.graphs.plain import NODES
from poise.graphs.state import SeatContext, SeatState

SeatGraph = StateGraph[SeatState, SeatContext, SeatState, SeatState]


def empty_seat_graph(state: type[Any] = SeatState) -> StateGraph[Any, SeatContext, Any, Any]:
    """A seat's graph without nodes, to build your own on: add nodes and edges from START to END.

    state: SeatState, or a state of your own that extends it or `SeatDict`.

    By the time it reaches END, `speech` must be set (the node `poise.graphs.speak` does that).
    """
    return StateGraph(state, SeatContext)


def graph_of(agent: Agent) -> Any:
    """The graph of an agent's turn: its own, as its function returned it, or the usual one.

    Raises AgentError where the function fails.
    """
    if agent.make_graph is None:
        return seat_graph()
    try:
        return agent.make_graph()
    except Exception as error:
        raise AgentError(
            f"the function of {agent.name!r} failed: {type(error).__name__}: {error}{place_of(error)}"
        ) from error


def seat_graph() -> SeatGraph:
    """The graph every built-in agent uses: perceive, feel, decide, speak."""
    graph = empty_seat_graph()
    for name, node in NODES.items():
        graph.add_node(name, node)
    for before, after in pairwise((START, *NODES, END)):
        graph.add_edge(before, after)
    return graph
