"""The graphs as LangGraph's development server and Studio see them (`langgraph.json`).

There the context is JSON that a person fills in: who plays whom, on which scenario, with which seed and model. The
negotiation needs no input; a seat's graph takes the messages so far and answers with the next message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from poise.agents.protocols import Line
from poise.agents.registry import find_agent
from poise.common.errors import BadInput
from poise.games.moves import Move, Seat
from poise.games.scenarios.loaders import load_scenarios
from poise.graphs.negotiation import negotiation_graph
from poise.graphs.pairing import Pairing, PlaySettings
from poise.graphs.seat import seat_graph
from poise.graphs.state import NegotiationContext, SeatState, unguarded


@dataclass(frozen=True)
class StudioChoice:
    """What a person chooses in Studio.

    case: which scenario of `scenarios`, from 0. judge: of the graph that has one, "rules" or a model URI. The graphs
    shown are those of the built-in agents.
    """

    creditor: str = "eq-negotiator"
    debtor: str = "angry"
    scenarios: str = "builtin"
    case: int = 0
    seed: int = 0
    model: str = "scripted"
    judge: str = "rules"


@dataclass
class SeatTurn:
    """A seat's graph in Studio: the messages so far, and its answer.

    said: messages such as {"seat": "debtor", "text": "90 days?", "kind": "offer", "value": 90}, oldest first.
    """

    said: list[dict[str, Any]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)


def _negotiation_context(context: Any) -> NegotiationContext:
    if context is None:
        return _resolved(StudioChoice())
    return _resolved(context if isinstance(context, StudioChoice) else StudioChoice(**context))


@lru_cache(maxsize=64)
def _resolved(choice: StudioChoice) -> NegotiationContext:
    scenarios = load_scenarios(choice.scenarios)
    if not 0 <= choice.case < len(scenarios):
        raise BadInput(f"case {choice.case} is outside 0 to {len(scenarios) - 1} of {choice.scenarios}")
    agents = find_agent(choice.creditor, "creditor"), find_agent(choice.debtor, "debtor")
    context = Pairing(*agents, PlaySettings(model=choice.model, judge=choice.judge or None)).context(
        scenarios[choice.case], choice.seed
    )
    return replace(context, guard=unguarded)  # a person in Studio may take all day


def negotiation() -> Any:
    """The negotiation graph, compiled."""
    return _negotiation(judged=False)


def judged_negotiation() -> Any:
    """The negotiation graph with a judge, compiled."""
    return _negotiation(judged=True)


def _negotiation(*, judged: bool) -> Any:
    seats = seat_graph().compile(), seat_graph().compile()
    return negotiation_graph(seats[0], seats[1], StudioChoice, _negotiation_context, judged=judged).compile()


def creditor() -> Any:
    """The creditor's graph, compiled."""
    return _seat("creditor")


def debtor() -> Any:
    """The debtor's graph, compiled."""
    return _seat("debtor")


def _seat(seat: Seat) -> Any:
    inner = seat_graph().compile()

    def turn(state: SeatTurn, runtime: Runtime[StudioChoice]) -> dict[str, Any]:
        context = _negotiation_context(runtime.context).seat(seat)
        result = inner.invoke(SeatState(lines=tuple(map(_line, state.said))), context=context)
        speech = result["speech"]
        move = {"kind": speech.move.kind, "value": speech.move.value}
        return {"answer": {"seat": seat, "text": speech.text, "emotion": result.get("emotion"), **move}}

    graph = StateGraph(SeatTurn, StudioChoice)
    graph.add_node(seat, turn)
    graph.add_edge(START, seat)
    graph.add_edge(seat, END)
    return graph.compile()


def _line(said: Mapping[str, Any]) -> Line:
    try:
        return Line(said["seat"], said["text"], Move(said.get("kind", "offer"), said.get("value")))
    except KeyError as error:
        raise BadInput(f"a message in `said` has no {error}; it needs seat, text and, for an offer, value") from None
