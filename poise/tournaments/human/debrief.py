"""What a person hears when the talks are over: how they ended, and what the other side wanted, felt and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from poise.games.moves import SEATS, Seat, other
from poise.games.transcript import Message, Transcript

_MOST_NOTES: Final = 300


def ending(transcript: Transcript, seat: Seat) -> str:
    """The outcome, and what it is worth to the person in `seat`."""
    outcome = transcript.outcome
    worth = outcome.utilities[SEATS.index(seat)]
    verdict = f" To you it is worth {worth:.2f} of 1." if outcome.ending == "deal" else " It is worth 0 to both."
    return f"{outcome.reason}{verdict}"


def debrief(transcript: Transcript, seat: Seat) -> str:
    """The other side's target, result, feelings, and what it read in each of the person's messages."""
    scenario, across = transcript.scenario, other(seat)
    theirs = transcript.outcome.utilities[SEATS.index(across)]
    wanted = f"The other side wanted {scenario.amount(scenario.target(across))} and got {theirs:.2f} of 1."
    lines = [wanted, *map(_line, _turns(transcript, seat))]
    lines += _hidden([message for message in transcript.messages if message.seat == across])
    return "\n".join(lines)


def _turns(transcript: Transcript, seat: Seat) -> list[tuple[Message, Message | None]]:
    """Each of the person's messages, with the other side's next."""
    messages = transcript.messages
    after = {message.index: message for message in messages}
    return [(message, after.get(message.index + 1)) for message in messages if message.seat == seat]


def _line(turn: tuple[Message, Message | None]) -> str:
    said, answer = turn
    meant = f" (you meant {said.emotion})" if said.emotion else ""
    if answer is None or answer.reading is None:
        return f"  message {said.index + 1}: it ended the talks, so nobody read it{meant}"
    read = f"{answer.reading.label}, {max(answer.reading.emotions):.0%}"
    shown = f"{answer.emotion or 'no emotion'}{_mood(answer)}"
    return f"  message {said.index + 1}: read as {read}{meant}; answered with {shown}"


def _mood(message: Message) -> str:
    return "" if message.mood is None else f", mood {message.mood:+.2f}"


def _hidden(messages: list[Message]) -> list[str]:
    """What a seat noted for itself, at the end."""
    notes: Mapping[str, Any] = messages[-1].notes if messages else {}
    if not notes:
        return []
    told = orjson.dumps(dict(notes), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return [f"Its private notes at the end: {told[:_MOST_NOTES]}{'...' if len(told) > _MOST_NOTES else ''}"]
