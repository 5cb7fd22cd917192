"""The graph of one seat's turn."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from poise.agents.agent import Agent
from poise.common.errors import AgentError
from poise.graphs.failures import blame, place_of
from poise.graphs.nodes import decide, feel, perceive, speak
from poise.graphs.state import SeatContext, SeatState

_NODES: Final[Mapping[str, Any]] = {"perceive": perceive, "feel": feel, "decide": decide, "speak": speak}

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
    for name, node in _NODES.items():
        graph.add_node(name, node)
    for before, after in pairwise((START, *_NODES, END)):
        graph.add_edge(before, after)
    return graph


class UsualTurn:
    """Runs the nodes of `seat_graph` one after another, on one state: the same turn for a fraction of the time."""

    @staticmethod
    def invoke(input: Any, *, context: SeatContext) -> Mapping[str, Any]:  # noqa: A002 - LangGraph's own name for it
        """The seat's state after a turn that starts from the lines and the memory of `input`."""
        state, runtime = SeatState(input.lines, input.memory), Runtime(context=context)
        values = vars(state)
        for name, node in _NODES.items():
            try:
                values.update(node(state, runtime))
            except Exception as error:
                blame(error, name)
                raise
        return values
