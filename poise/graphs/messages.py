"""One message of a negotiation: a seat's turn under its deadline, the referee's judgement, and the record.

LangGraph's engine and the plain loop both call these functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

from msgspec.structs import replace

from poise.agents.conduct import broken_rules
from poise.agents.emotions.taxonomy import TO_SEVEN
from poise.agents.protocols import Brief, Line, Speech
from poise.common.errors import AgentError, ModelDown, ModelMissing, ModelTimeout, shorten
from poise.games.moves import Seat
from poise.games.transcript import Message, Outcome
from poise.graphs.failures import failure_reason, traceback_of
from poise.graphs.state import (
    SECONDS,
    VISITS,
    NegotiationContext,
    NegotiationState,
    NegotiationUpdate,
    SeatMemory,
    SeatState,
)


class Runner(Protocol):
    """Runs a graph: `poise.graphs.turns.SeatRunner`, or a compiled LangGraph graph."""

    def invoke(self, input: Any, *, context: Any) -> Any:  # noqa: A002 - LangGraph's own name for it
        """The state at the end, as a mapping."""
        ...


def take_turn(graph: Runner, seat: Seat, state: NegotiationState, context: NegotiationContext) -> NegotiationUpdate:
    """One message and its outcome. An agent's error ends its match as failed; a server that is down does not."""
    memory = state.creditor if seat == "creditor" else state.debtor
    seat_context = context.seat(seat)
    if seat_context.privileged:
        hidden = state.debtor.notes if seat == "creditor" else state.creditor.notes
        memory = replace(memory, notes={**memory.notes, "other": dict(hidden)})
    try:
        # The seat gets only the public lines and its own memory, unless its agent is privileged, as the oracle is.
        start = SeatState(lines=state.lines, memory=memory)
        runner: Runner = seat_context.runner or graph
        result = context.guard(lambda: runner.invoke(start, context=seat_context))
        speech = _with_what_nodes_asked(_speech(result, seat), seat_context.spent)
        outcome = context.referee.judge([line.move for line in state.lines], speech.move)
        update = _record(seat_context.brief, len(state.lines), result, speech)
    except (ModelDown, ModelMissing, ModelTimeout):
        raise
    except Exception as error:  # whatever an agent does wrong ends its match, not the tournament
        from langgraph.errors import GraphBubbleUp  # loaded by now where a graph could have raised it

        if isinstance(error, GraphBubbleUp):  # it waits for a person
            raise
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
    """The speech, whose usage includes the nodes' own questions to the model."""
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


def recorded(state: Mapping[str, Any]) -> dict[str, Any]:
    """A seat's own fields as JSON data for the transcript. Raises AgentError for a value that JSON cannot hold."""
    return {name: _as_json(value, name) for name, value in state.items()}


def _as_json(value: Any, name: str) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None  # JSON has no infinity
    if callable(as_list := getattr(value, "tolist", None)):
        value = as_list()  # a NumPy array or scalar
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _as_json(item, name) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [_as_json(item, name) for item in value]
        return sorted(items, key=repr) if isinstance(value, set | frozenset) else items
    if value is None or isinstance(value, bool | int | str):
        return value
    from langchain_core.messages import BaseMessage

    if isinstance(value, BaseMessage):
        return _as_json({"role": value.type, "content": value.content}, name)  # its id is drawn at random
    raise AgentError(
        f"the state's field {name!r} holds {shorten(value)}, a {type(value).__name__}, which cannot be written into "
        "the transcript; keep numbers, text, lists, sets, dicts with text keys or LangChain messages in it, or say "
        "`Annotated[TYPE, PER_TURN]` for what need not last beyond the turn"
    )
