"""The seams between the parts of an agent. Each is one method; anything with that method will do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import msgspec

from poise.common.seeds import Dice
from poise.common.value import Value, dataclass_like
from poise.games.moves import Move, Seat, other
from poise.games.rules import Rules
from poise.games.transcript import Reading, Wording

Conduct = Literal["record", "reask", "refuse"]  # what is done about words that break a rule; see `conduct.duties`
ReplyForm = Literal["words", "structured"]  # how a model that decides the number answers: in words, or as JSON


class ChatMessage(NamedTuple):
    """One message of a prompt, as a chat model takes it; role is system, user or assistant."""

    role: str
    content: str


@dataclass_like
class Line(Value, frozen=True):
    """A message as both seats see it.

    tone: the sentence of it that shows the emotion, where the voice says which; "" where the whole message has to be
          heard, as of a model or a person.
    """

    seat: Seat
    text: str
    move: Move
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """What a seat knows before the first word: its own target, never the other's.

    bounds: smallest and largest offer (scenario units). context: the case, public to both seats.
    polarity: +1 where the debtor wants more of the unit than the creditor (debt, student), -1 where less.
    """

    seat: Seat
    target: int
    domain: str
    unit: str
    polarity: int
    bounds: tuple[int, int]
    context: Mapping[str, str]
    rules: Rules

    @property
    def direction(self) -> int:
        """+1 when this seat concedes by raising its offer, -1 when by lowering it."""
        return self.polarity if self.seat == "creditor" else -self.polarity


@dataclass_like
class View(Value, frozen=True):
    """Everything a seat may use to decide one message.

    lines:    the talks so far, both seats. readings: what this seat read, one for each message of the other side.
    shown:    the emotions this seat meant to show so far (None where it had no direction).
    mood:     this seat's mood in [-1, 1], 0 for a seat without a persona.
    notes:    small JSON data that this seat's own parts wrote in this match (see `Noting`).
    """

    brief: Brief
    lines: tuple[Line, ...] = ()
    readings: tuple[Reading, ...] = ()
    shown: tuple[str | None, ...] = ()
    mood: float = 0.0
    notes: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def index(self) -> int:
        """The index of the message about to be made, 0 for the opening."""
        return len(self.lines)

    @property
    def reading(self) -> Reading | None:
        """What was read in the other side's last message."""
        return self.readings[-1] if self.readings else None

    def offers(self, seat: Seat) -> list[int]:
        """The offers of `seat` so far, oldest first (scenario units)."""
        return [line.move.value for line in self.lines if line.seat == seat and line.move.value is not None]

    @property
    def own_offer(self) -> int | None:
        """This seat's standing offer."""
        return self._standing(self.brief.seat)

    @property
    def other_offer(self) -> int | None:
        """The other side's standing offer."""
        return self._standing(other(self.brief.seat))

    def _standing(self, seat: Seat) -> int | None:
        for line in reversed(self.lines):
            if line.seat == seat and line.move.value is not None:
                return line.move.value
        return None


@runtime_checkable
class Policy(Protocol):
    """Chooses the emotion to show: one of the 28 labels, or None for no direction."""

    def choose(self, view: View, dice: Dice) -> str | None:
        """The emotion for the message about to be made."""
        ...


@runtime_checkable
class Noting(Protocol):
    """A policy that keeps notes during a match: JSON data that its own `choose`, the seat's concession and voice see.

    `note` is asked once a message, before `choose`, with the notes so far in `view.notes`; what it returns replaces
    them. Notes go into the transcript and never to the other seat.
    """

    def note(self, view: View, dice: Dice) -> Mapping[str, Any]:
        """The notes for the message about to be made."""
        ...


@runtime_checkable
class Planning(Protocol):
    """A policy that plans with what its own agent concedes by; it is told once a match, before the first message."""

    def plan_for(self, concession: Concession | None) -> None:
        """Take in the concession; None where a model decides the offers."""
        ...


@runtime_checkable
class Asking(Protocol):
    """A policy that asks a model of its own; it is told before the first message how long a call may take."""

    def ask_within(self, timeout: float, patience: float) -> None:
        """Take in the limits, in seconds; see `poise.agents.models.settings.ModelSettings`."""
        ...


@runtime_checkable
class Learner(Protocol):
    """A policy that learns across the negotiations of one series (one creditor against one debtor).

    `learn` sees the seat's last view (every message of the talks) and the seat's own utility in [0, 1];
    `memory` gives what was learned as JSON data; `restore` takes it back, so that a resumed tournament goes on
    from the very numbers an uninterrupted one would have.
    """

    def learn(self, view: View, utility: float, deal: bool) -> None:
        """Take in one finished negotiation."""
        ...

    def memory(self) -> dict[str, Any]:
        """What was learned, as JSON data."""
        ...

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        ...


@runtime_checkable
class Concession(Protocol):
    """Chooses the move: an offer, acceptance or walking away."""

    def decide(self, view: View, dice: Dice) -> Move:
        """The move for the message about to be made; legal under `view.brief`."""
        ...


@dataclass_like
class Request(Value, frozen=True):
    """What a voice is asked to put into words.

    move:    the decided move, or None when the model decides (offers="model").
    emotion: the emotion to show, or None for no direction.
    persona: the debtor persona's own words for its system prompt; "" for none.
    strategy: how that persona bargains, one of `scripted.STRATEGIES`; "" for none.
    thread:  names this seat's conversation in this match, so that a server can keep its prompt cache warm.
    """

    view: View
    move: Move | None
    emotion: str | None
    persona: str = ""
    thread: str = ""
    strategy: str = ""


@dataclass_like
class Speech(Value, frozen=True):
    """Words, the move they make, how they came about, and what they cost (see `Usage.per_message`).

    tries: what each call cost, where there were several. tone: as of `Line`.
    """

    text: str
    move: Move
    wording: Wording = Wording()
    usage: Mapping[str, float] = msgspec.field(default_factory=dict)
    tries: tuple[Mapping[str, float], ...] = ()
    tone: str = ""


class Voice(Protocol):
    """Puts a move into words."""

    def speak(self, request: Request, dice: Dice) -> Speech:
        """The message. With `request.move` set, the speech makes exactly that move."""
        ...
