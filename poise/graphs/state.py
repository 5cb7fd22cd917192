"""State and context of the graphs.

State is what a negotiation is at a moment: plain frozen values, replaced and never changed in place. Context is what
stays the same while it runs: the agents' parts, the referee, the dice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, TypedDict, TypeVar

import msgspec

from poise.agents.emotions.detector import EmotionReader
from poise.agents.emotions.tracker import Tracker
from poise.agents.judges.types import Judge, Verdict
from poise.agents.models.endpoint import ChatTurn, Question
from poise.agents.personas.persona import Persona
from poise.agents.protocols import Brief, Concession, Line, Policy, Speech, View, Voice
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.common.value import Value, dataclass_like
from poise.games.moves import Move, Seat
from poise.games.referee import Referee
from poise.games.transcript import Message, Outcome, Reading

if TYPE_CHECKING:
    from poise.agents.models.calls import Caller

T = TypeVar("T")
_SEEDS: Final = 1 << 31
VISITS: Final = "__visits__"  # beside a seat's state: the nodes that a turn went through
SECONDS: Final = "__seconds__"  # and what each of them took
PER_TURN: Final = "starts again with each turn"  # in Annotated[...]: such a field does not last from turn to turn


def extend(before: Sequence[T], added: Sequence[T]) -> tuple[T, ...]:
    """The reducer of what grows with every message; LangGraph's own checkpoints return its tuples as lists."""
    return (*before, *added)


@dataclass_like
class SeatMemory(Value, frozen=True):
    """What one seat remembers of this match and the other never sees.

    readings: one for each message of the other side.
    shown:    the emotions it meant to show, one for each own message.
    mood:     in [-1, 1]; None before the first message, and for a seat without a persona.
    notes:    JSON data of a noting policy or of a user's own nodes.
    state:    the fields that a graph of one's own adds to the seat's state, as its last turn left them.
    """

    readings: tuple[Reading, ...] = ()
    shown: tuple[str | None, ...] = ()
    mood: float | None = None
    notes: Mapping[str, Any] = msgspec.field(default_factory=dict)
    state: Mapping[str, Any] = msgspec.field(default_factory=dict)


@dataclass
class SeatState:
    """One seat's turn.

    lines and memory are what the turn starts from; the rest is filled in by the nodes, in this order.

    A graph of your own may extend it by fields of its own. They last over the seat's turns of a match, go into the
    transcript, and begin with their defaults in every match:

        @dataclass
        class Ledger(SeatState):
            asked: int = 0
            heard: Annotated[list[str], operator.add] = field(default_factory=list)
            draft: Annotated[str, PER_TURN] = ""  # this one starts again with each turn
    """

    lines: tuple[Line, ...] = ()
    memory: SeatMemory = field(default_factory=SeatMemory)
    emotion: str | None = None
    move: Move | None = None
    speech: Speech | None = None


class Turn(TypedDict, total=False):
    """What a node of a seat's graph may change, but for fields of its own."""

    memory: SeatMemory
    emotion: str | None
    move: Move | None
    speech: Speech


class SeatDict(TypedDict):
    """As SeatState, for those who write a state as a TypedDict: extend it by fields of your own."""

    lines: tuple[Line, ...]
    memory: SeatMemory
    emotion: str | None
    move: Move | None
    speech: Speech | None


@dataclass(frozen=True, slots=True)
class SeatContext:
    """The parts of one agent, for one match.

    concession: None when the model decides (offers="model"). dice: the seat's own; each node takes a child of them.
    thread: names the seat's conversation for the model server. privileged: it is shown the other seat's notes.
    runner: runs the seat's graph instead of the one that the negotiation's graph was built with; None for that one.
    caller: calls the seat's model; None without one. spent: what `ask` cost, until the message is recorded.
    """

    brief: Brief
    policy: Policy
    concession: Concession | None
    persona: Persona | None
    voice: Voice
    tracker: Tracker
    detector: EmotionReader
    dice: Dice
    thread: str = ""
    privileged: bool = False
    runner: Any = None
    caller: Caller | None = None
    spent: list[Mapping[str, float]] = field(default_factory=list)
    _latest: list[Any] = field(default_factory=lambda: [None, None, None], init=False, repr=False, compare=False)

    @property
    def has_model(self) -> bool:
        """Whether the seat plays with a model, so that a node can `ask` it."""
        return self.caller is not None

    def ask(self, prompt: str, dice: Dice, *, system: str = "") -> str:
        """What the seat's own model answers to `prompt`; its calls and tokens count as the message's.

        dice: decide the draw, such as `context.dice.child(view.index, "my_node")`. Raises AgentError without a model,
        BadReply for an empty or cut reply, ModelTimeout for a late one; ModelDown and ModelMissing stop the tournament.
        """
        if self.caller is None:
            raise AgentError(
                "a node asks the seat's model, and the seat plays without one (scripted); look at `context.has_model` "
                "first, or name a model, such as --model embedded:smollm2"
            )
        turns: list[ChatTurn] = [("system", system)] if system else []
        reply = self.caller.ask(Question([*turns, ("user", prompt)], int(dice.unit() * _SEEDS), f"{self.thread}/ask"))
        self.spent.append(reply.usage)
        return reply.text

    def view(self, state: SeatState) -> View:
        """What the seat may use at this point of its turn."""
        return self.view_of(state.lines, state.memory)

    def view_of(self, lines: tuple[Line, ...], memory: SeatMemory) -> View:
        """The same of these lines and this memory."""
        if self._latest[0] is not lines or self._latest[1] is not memory:  # most nodes of a turn see the same
            made = View(self.brief, lines, memory.readings, memory.shown, memory.mood or 0.0, memory.notes)
            self._latest[:] = lines, memory, made
        view: View = self._latest[2]
        return view


class NodeRuntime(Protocol):
    """What the nodes of a seat's turn use of LangGraph's Runtime."""

    @property
    def context(self) -> SeatContext:
        """The seat's context."""
        ...


@dataclass
class NegotiationState:
    """One negotiation: what both seats hear, each seat's private memory, the record, and how it ended.

    verdicts: the judge's, one for each message; () without a judge. traceback: of the exception that ended it.
    """

    lines: Annotated[tuple[Line, ...], extend] = ()
    creditor: SeatMemory = field(default_factory=SeatMemory)
    debtor: SeatMemory = field(default_factory=SeatMemory)
    messages: Annotated[tuple[Message, ...], extend] = ()
    usage: Annotated[tuple[Mapping[str, Any], ...], extend] = ()
    verdicts: Annotated[tuple[Verdict, ...], extend] = ()
    outcome: Outcome | None = None
    traceback: str = ""


GROWING: Final = frozenset({"lines", "messages", "usage", "verdicts"})  # the fields that `extend` reduces


class NegotiationUpdate(TypedDict, total=False):
    """What one message adds to a negotiation."""

    lines: tuple[Line, ...]
    creditor: SeatMemory
    debtor: SeatMemory
    messages: tuple[Message, ...]
    usage: tuple[Mapping[str, Any], ...]
    verdicts: tuple[Verdict, ...]
    outcome: Outcome
    traceback: str


Guard = Callable[[Callable[[], Mapping[str, Any]]], Mapping[str, Any]]


def unguarded(turn: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Run a turn without a deadline."""
    return turn()


@dataclass(frozen=True, slots=True)
class NegotiationContext:
    """What stays the same during one negotiation; `guard` runs each turn, and the judge, under the deadline.

    raises: an agent's exception is raised, and not recorded as how the negotiation ended.
    """

    referee: Referee
    creditor: SeatContext
    debtor: SeatContext
    guard: Guard = unguarded
    judge: Judge | None = None
    raises: bool = False

    def seat(self, seat: Seat) -> SeatContext:
        """The context of one seat."""
        return self.creditor if seat == "creditor" else self.debtor
