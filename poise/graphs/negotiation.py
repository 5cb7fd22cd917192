"""The graph of one negotiation: two seats take turns until the referee says it is over; a judge may listen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime

from poise.common.errors import PoiseError
from poise.games.moves import Seat, other
from poise.games.transcript import Outcome
from poise.graphs.judging import give_verdict
from poise.graphs.messages import Runner, take_turn
from poise.graphs.state import NegotiationContext, NegotiationState, NegotiationUpdate

NegotiationGraph = StateGraph[NegotiationState, NegotiationContext, NegotiationState, NegotiationState]

Resolve = Callable[[Any], NegotiationContext]


def negotiation_graph(  # noqa: PLR0913 - two of them by name only
    creditor_graph: Runner,
    debtor_graph: Runner,
    schema: type = NegotiationContext,
    resolve: Resolve = lambda context: context,
    *,
    judged: bool = False,
    tells: bool = False,
) -> NegotiationGraph:
    """The negotiation between two seats' graphs. The creditor speaks first.

    judged: after each message a judge, the context's, says whether the last two are an agreement.
    A server such as LangGraph Studio hands over its context as JSON: `schema` is its type and `resolve` makes the
    NegotiationContext of it. tells: an error of that, or of a model, is how the negotiation ends, for a client to read;
    else it is raised.
    """

    def turn(seat: Seat, graph: Runner, state: NegotiationState, runtime: Runtime[Any]) -> NegotiationUpdate:
        try:
            return take_turn(graph, seat, state, resolve(runtime.context))
        except PoiseError as error:
            if not tells:
                raise
            return {"outcome": Outcome("failed", reason=f"{type(error).__name__}: {error}")}

    def creditor(state: NegotiationState, runtime: Runtime[NegotiationContext]) -> NegotiationUpdate:
        return turn("creditor", creditor_graph, state, runtime)

    def debtor(state: NegotiationState, runtime: Runtime[NegotiationContext]) -> NegotiationUpdate:
        return turn("debtor", debtor_graph, state, runtime)

    def after_creditor(state: NegotiationState) -> Literal["debtor", "__end__"]:
        return "debtor" if state.outcome is None else "__end__"

    def after_debtor(state: NegotiationState) -> Literal["creditor", "__end__"]:
        return "creditor" if state.outcome is None else "__end__"

    graph: NegotiationGraph = StateGraph(NegotiationState, schema)
    graph.add_node("creditor", creditor)
    graph.add_node("debtor", debtor)
    graph.add_edge(START, "creditor")
    if judged:
        _add_judge(graph, resolve)
        return graph
    graph.add_conditional_edges("creditor", after_creditor)
    graph.add_conditional_edges("debtor", after_debtor)
    return graph


def _add_judge(graph: NegotiationGraph, resolve: Resolve) -> None:
    """A node that both seats lead to, and from which the negotiation goes on or ends."""

    def judge(state: NegotiationState, runtime: Runtime[NegotiationContext]) -> NegotiationUpdate:
        judged = len(state.verdicts) == len(state.messages)
        return {} if judged else give_verdict(state, resolve(runtime.context))

    def after_judge(state: NegotiationState) -> Literal["creditor", "debtor", "__end__"]:
        return "__end__" if state.outcome is not None else other(state.lines[-1].seat)

    graph.add_node("judge", judge)
    graph.add_edge("creditor", "judge")
    graph.add_edge("debtor", "judge")
    graph.add_conditional_edges("judge", after_judge)
