"""What a person hears after the negotiation: how it ended, and what the other side wanted, felt and read."""

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
    following = {message.index - 1: message for message in transcript.messages}
    mine = [message for message in transcript.messages if message.seat == seat]
    lines = [wanted, *(_how_it_was_read(message, following.get(message.index)) for message in mine)]
    lines += _private_notes([message for message in transcript.messages if message.seat == across])
    return "\n".join(lines)


def _how_it_was_read(said: Message, answer: Message | None) -> str:
    meant = f" (you meant {said.emotion})" if said.emotion else ""
    if answer is None or answer.reading is None:
        return f"  message {said.index + 1}: it ended the negotiation, so nobody read it{meant}"
    read = f"{answer.reading.label}, {max(answer.reading.emotions):.0%}"
    mood = "" if answer.mood is None else f", mood {answer.mood:+.2f}"
    shown = f"{answer.emotion or 'no emotion'}{mood}"
    return f"  message {said.index + 1}: read as {read}{meant}; answered with {shown}"


def _private_notes(messages: list[Message]) -> list[str]:
    """The seat's own notes at the end of the match."""
    notes: Mapping[str, Any] = messages[-1].notes if messages else {}
    if not notes:
        return []
    text = orjson.dumps(dict(notes), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return [f"Its private notes at the end: {text[:_MOST_NOTES]}{'...' if len(text) > _MOST_NOTES else ''}"]
