"""The graph of one negotiation: two seats take turns until the referee says it is over; a judge may listen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Protocol

from langgraph.errors import GraphBubbleUp
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from msgspec.structs import replace

from poise.agents.conduct import broken_rules
from poise.agents.emotions.taxonomy import TO_SEVEN
from poise.agents.protocols import Brief, Line, Speech
from poise.common.errors import AgentError, ModelDown, ModelMissing, ModelTimeout, PoiseError
from poise.games.moves import SEATS, Seat, other
from poise.games.transcript import Message, Outcome
from poise.graphs.failures import blame, failure_reason, traceback_of
from poise.graphs.judging import give_verdict
from poise.graphs.seat import UsualTurn
from poise.graphs.state import NegotiationContext, NegotiationState, NegotiationUpdate, SeatMemory, SeatState, extend
from poise.graphs.turns import recorded
from poise.graphs.visits import SECONDS, VISITS

NegotiationGraph = StateGraph[NegotiationState, NegotiationContext, NegotiationState, NegotiationState]

_GROWING: Final = frozenset({"lines", "messages", "usage", "verdicts"})  # what an update adds to

Resolve = Callable[[Any], NegotiationContext]


class Runner(Protocol):
    """Runs a graph: `poise.graphs.turns.SeatRunner`, or a compiled LangGraph graph."""

    def invoke(self, input: Any, *, context: Any) -> Any:  # noqa: A002 - LangGraph's own name for it
        """The state at the end, as a mapping."""
        ...


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
            return _message(graph, seat, state, resolve(runtime.context))
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


class UsualNegotiation:
    """Runs `negotiation_graph` of two usual turns, without a judge, as a plain loop: the same match in less time."""

    @staticmethod
    def invoke(input: NegotiationState, *, context: NegotiationContext) -> Mapping[str, Any]:  # noqa: A002 - as `Runner`
        """The state at the end, as a mapping."""
        state = NegotiationState(**vars(input))
        values = vars(state)
        while True:
            for seat in SEATS:
                try:
                    update: Mapping[str, Any] = _message(UsualTurn, seat, state, context)
                except Exception as error:
                    blame(error, seat)
                    raise
                for name, value in update.items():
                    values[name] = extend(values[name], value) if name in _GROWING else value
                if state.outcome is not None:
                    return values


def _message(graph: Runner, seat: Seat, state: NegotiationState, context: NegotiationContext) -> NegotiationUpdate:
    """One message and its outcome. An agent that fails ends its match as failed; a server that is down does not."""
    memory = state.creditor if seat == "creditor" else state.debtor
    seat_context = context.seat(seat)
    if seat_context.privileged:
        hidden = state.debtor.notes if seat == "creditor" else state.creditor.notes
        memory = replace(memory, notes={**memory.notes, "other": dict(hidden)})
    try:
        # The seat is handed the public lines and its own memory, and nothing else; but for the oracle, which says so.
        start = SeatState(lines=state.lines, memory=memory)
        runner: Runner = seat_context.runner or graph
        result = context.guard(lambda: runner.invoke(start, context=seat_context))
        speech = _with_what_nodes_asked(_speech(result, seat), seat_context.spent)
        outcome = context.referee.judge([line.move for line in state.lines], speech.move)
        update = _record(seat_context.brief, len(state.lines), result, speech)
    except (ModelDown, ModelMissing, ModelTimeout, GraphBubbleUp):  # the last: LangGraph waits for a person's answer
        raise
    except Exception as error:  # whatever an agent does wrong ends its match, not the tournament
        reason = failure_reason(seat, error)
        if context.raises:
            error.add_note(reason)
            raise
        return {"outcome": Outcome("failed", by=seat, reason=reason), "traceback": traceback_of(error)}
    if outcome is not None:
        update["outcome"] = outcome
    return update


def _speech(result: Mapping[str, Any], seat: Seat) -> Speech:
    speech = result.get("speech")
    if not isinstance(speech, Speech):
        raise AgentError(f"the {seat}'s graph ended without a speech; let its last node be `poise.graphs.speak`")
    if not isinstance(speech.text, str):
        raise AgentError(f"the {seat} said {speech.text!r}; the text of a speech is a str")
    if (emotion := result.get("emotion")) is not None and emotion not in TO_SEVEN:
        raise AgentError(f"the graph set the emotion {emotion!r}; it must be one of the 28 labels, or None")
    return speech


def _with_what_nodes_asked(speech: Speech, spent: list[Mapping[str, float]]) -> Speech:
    """The speech with what its nodes' own questions to the model cost."""
    if not spent:
        return speech
    total = dict(speech.usage)
    for usage in spent:
        for name, value in usage.items():
            total[name] = total.get(name, 0) + value
    spent.clear()
    return replace(speech, usage=total)


def _record(brief: Brief, index: int, result: Mapping[str, Any], speech: Speech) -> NegotiationUpdate:
    seat = brief.seat
    memory: SeatMemory = result["memory"]
    emotion = result.get("emotion")
    message = Message(
        index=index,
        seat=seat,
        text=speech.text,
        tone=speech.tone,
        move=speech.move,
        emotion=emotion,
        intended=result.get("move"),
        reading=memory.readings[-1] if memory.readings else None,
        mood=memory.mood,
        notes=memory.notes,
        state=recorded(memory.state),
        wording=speech.wording,
        violations=broken_rules(speech.text, seat, brief.domain),
        nodes=result.get(VISITS, ()),
    )
    memory = replace(memory, shown=(*memory.shown, emotion))
    update: NegotiationUpdate = {"lines": (Line(seat, speech.text, speech.move, speech.tone),), "messages": (message,)}
    tries = {"tries": [dict(usage) for usage in speech.tries]} if speech.tries else {}
    seconds = {SECONDS: result[SECONDS]} if SECONDS in result else {}
    update["usage"] = ({**speech.usage, **tries, **seconds},)
    if seat == "creditor":
        update["creditor"] = memory
    else:
        update["debtor"] = memory
    return update
