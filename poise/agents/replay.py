"""Transcripts looked at again as a seat saw them while they were made: its views, its requests, its prompts.

`request_at` gives the very `Request` that the seat's voice was handed for a message, up to the thread's name, so that
the prompt made of it is byte for byte the one that was sent on the first try. That holds for agents that take their
turn as Poise's own graph does (perceive, feel, decide, speak); a graph of one's own may tell its model anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from poise.agents.protocols import Brief, ChatMessage, Line, ReplyForm, Request, View
from poise.agents.voices.prompts import Offers, render
from poise.common.errors import BadInput, shorten
from poise.games.moves import Seat
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Message, Transcript

_RULES = frozenset(each.name for each in fields(Rules))


def brief_of(scenario: Scenario, seat: Seat, rules: Rules) -> Brief:
    """What `seat` may know of the scenario: its own target, and nothing of the other's."""
    return Brief(
        seat=seat,
        target=scenario.target(seat),
        domain=scenario.domain,
        unit=scenario.unit,
        polarity=scenario.polarity,
        bounds=scenario.bounds,
        context=scenario.context,
        rules=rules,
    )


class Seen:
    """One seat's side of a transcript."""

    def __init__(self, transcript: Transcript, seat: Seat) -> None:
        self.transcript = transcript
        self.seat = seat
        rules = Rules(**{name: value for name, value in transcript.rules.items() if name in _RULES})
        self.brief = brief_of(transcript.scenario, seat, rules)
        self._lines = tuple(Line(each.seat, each.text, each.move, each.tone) for each in transcript.messages)
        self.messages: Sequence[Message] = [each for each in transcript.messages if each.seat == seat]

    def view(self, number: int) -> View:
        """What the seat saw when it made its message `number` (of its own, from 0); len(messages) is after the end."""
        own = self.messages[:number]
        at = self.messages[number] if number < len(self.messages) else None
        heard = self.messages[: number + 1] if at is not None else own
        readings = tuple(each.reading for each in heard if each.reading is not None)
        mood, notes = (0.0, {}) if at is None else (at.mood or 0.0, at.notes)
        lines = self._lines if at is None else self._lines[: at.index]
        return View(self.brief, lines, readings, tuple(each.emotion for each in own), mood, notes)

    def request(self, number: int) -> Request:
        """What the seat's voice was asked for its message `number`."""
        message = self.messages[number]
        move = message.intended if self.offers == "policy" else None
        settings = self.declared.get("settings")
        persona = settings.get("persona") if isinstance(settings, dict) else None
        text, strategy = (
            (str(persona.get(name, "")) for name in ("text", "strategy")) if isinstance(persona, dict) else ("", "")
        )
        return Request(self.view(number), move, message.emotion, text, strategy=strategy)

    def prompt(self, number: int, reading: ReplyForm | None = None) -> tuple[ChatMessage, ...]:
        """The prompt of its message `number`, as on the first try; `reading` asks for another form of the reply."""
        asked = render(self.request(number), self.offers, reading=reading or self.reading)
        return tuple(ChatMessage(*turn) for turn in asked.messages())

    @property
    def declared(self) -> dict[str, object]:
        """The seat's agent as it was declared."""
        return dict(self.transcript.creditor if self.seat == "creditor" else self.transcript.debtor)

    @property
    def offers(self) -> Offers:
        """Who decided the number."""
        found = self.declared.get("offers", "policy")
        if found == "policy":
            return "policy"
        if found == "model":
            return "model"
        raise BadInput(f"offers={shorten(found)} in a transcript; it is 'policy' or 'model'")

    @property
    def reading(self) -> ReplyForm:
        """How its model answered; in words in transcripts of versions that knew no other form."""
        return "structured" if self.declared.get("reading") == "structured" else "words"

    @property
    def voiced(self) -> bool:
        """Whether the seat's words came from a model."""
        return self.declared.get("model", "scripted") != "scripted"
