"""The bench on which agents are tried: scenarios, opponents, and what went wrong in a match."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final, TypeVar

from langgraph.graph import END, START

from poise.agents.agent import Agent
from poise.agents.protocols import Speech, View
from poise.agents.registry import find_agent
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.games.moves import FORFEIT, SEATS, Move, Seat, offer, other
from poise.games.scenario import Scenario
from poise.games.transcript import Transcript
from poise.graphs import decide, empty_seat_graph, feel
from poise.graphs.deadline import guard
from poise.graphs.pairing import Pairing, Played, PlaySettings
from poise.graphs.state import SeatState, Turn

T = TypeVar("T")

SEED: Final = 20_250_401
SCENARIOS: Final = (
    Scenario("longer", "debt", 12, 112, context={"Reason for delay": "a customer went bankrupt"}),
    Scenario("close", "debt", 20, 41, context={"Reason for delay": "a late delivery"}),
    Scenario("shorter", "medical", 90, 30, context={"Operation": "a hip replacement"}),
)
OPPONENTS: Final[Mapping[Seat, tuple[str, ...]]] = {"creditor": ("vanilla", "simulated"), "debtor": ("vanilla",)}


def find_in_either_seat(spec: str) -> Agent:
    """The agent that `spec` names, in whichever seat it plays; the creditor's where both have one."""
    try:
        return find_agent(spec, "creditor")
    except AgentError as as_creditor:
        try:
            return find_agent(spec, "debtor")
        except AgentError:
            raise as_creditor from as_creditor.__cause__


@dataclass
class Bench:
    """Plays the agent under test; `opponents` are names of the other seat's agents.

    draws:    it is declared to draw at random.
    openings: a transcript of each scenario against each opponent. tracebacks: of those that failed, by index.
    changed:  methods of its parts that changed their input.
    trouble:  why it could not be played at all.
    """

    agent: Agent
    settings: PlaySettings
    scenarios: Sequence[Scenario] = SCENARIOS
    opponents: Sequence[str] = ()
    draws: bool = False
    openings: list[Transcript] = field(default_factory=list)
    tracebacks: dict[int, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    trouble: BaseException | None = None

    @property
    def theirs(self) -> Seat:
        """The other side's seat."""
        return other(self.agent.seat)

    def pairing(self, opponent: Agent, agent: Agent | None = None) -> Pairing:
        """The agent, or another version of it, against `opponent`."""
        by_seat = {self.agent.seat: agent or self.agent, self.theirs: opponent}
        return Pairing(by_seat[SEATS[0]], by_seat[SEATS[1]], self.settings)

    def pairings(self, agent: Agent | None = None) -> Iterator[Pairing]:
        """The agent against each opponent."""
        names = self.opponents or OPPONENTS[self.agent.seat]
        return (self.pairing(find_agent(name, self.theirs), agent) for name in names)

    def play_all(self, agent: Agent | None = None) -> Iterator[Played]:
        """Play every scenario against every opponent, and the first against one that makes no offer."""
        for pairing in self.pairings(agent):
            for scenario in self.scenarios:
                yield pairing.play(scenario, SEED)
        yield self.pairing(silent(self), agent).play(self.scenarios[0], SEED)

    def own(self, transcript: Transcript) -> Iterator[int]:
        """The indices of the agent's own messages."""
        return (message.index for message in transcript.messages if message.seat == self.agent.seat)


# --- opponents that are known exactly


@dataclass(frozen=True)
class _Insister:
    move: Move
    notes: Mapping[str, Any]
    aside: Callable[[], object]

    def note(self, _view: View, _dice: Dice) -> Mapping[str, Any]:
        return self.notes

    def choose(self, _view: View, _dice: Dice) -> str | None:
        return None

    def decide(self, view: View, _dice: Dice) -> Move:
        if view.index < 2:
            self.aside()
        return self.move

    def speak(self, state: SeatState) -> Turn:  # noqa: ARG002 - a name that LangGraph asks for
        text = "I name no number." if self.move.value is None else f"I say {self.move.value}."
        return {"speech": Speech(text, self.move)}

    def graph(self) -> Any:
        graph = empty_seat_graph()
        graph.add_node("feel", feel)
        graph.add_node("decide", decide)
        graph.add_node("speak", self.speak)
        for step in ((START, "feel"), ("feel", "decide"), ("decide", "speak"), ("speak", END)):
            graph.add_edge(*step)
        return graph


def insister(
    bench: Bench,
    scenario: Scenario,
    share: float = 0.5,
    notes: Mapping[str, Any] = MappingProxyType({}),
    aside: Callable[[], object] = lambda: None,
) -> Agent:
    """An opponent that always insists on one number in the same words, whatever its target and the seed.

    share: where the number is on the way from the agent's target in `scenario` (0) to the other side's (1).
    notes: its private notes. aside: called once a match, before its first message.
    """
    own, theirs = scenario.target(bench.agent.seat), scenario.target(bench.theirs)
    low, grid = scenario.bounds[0], bench.settings.rules.grid
    value = low + (round(own + share * (theirs - own)) - low) // grid * grid
    return _agent(bench, _Insister(offer(value, firm=True), dict(notes), aside))


def silent(bench: Bench) -> Agent:
    """An opponent that never makes an offer, so that only the agent's own can stand."""
    return _agent(bench, _Insister(FORFEIT, {}, lambda: None))


def _agent(bench: Bench, part: _Insister) -> Agent:
    return Agent("insister", bench.theirs, lambda: part, lambda: part, model="scripted", make_graph=part.graph)


# --- watching whether an agent's parts change their input

_METHODS: Final = ("note", "choose", "decide", "learn", "memory", "restore")


def watched(agent: Agent, changed: list[str], seconds: float) -> Agent:
    """The agent with its policy and concession watched: `changed` records the methods that change their input.

    Learning is stopped after `seconds` (wall-clock), like a message.
    """
    return replace(
        agent,
        make_policy=lambda: _watched(agent.make_policy(), changed, seconds),
        make_concession=lambda: _watched(agent.make_concession(), changed, seconds),
    )


def _watched(part: Any, changed: list[str], seconds: float) -> Any:
    methods = {name: getattr(part, name) for name in _METHODS if callable(getattr(part, name, None))}
    made = {name: _unchanging(name, method, changed) for name, method in methods.items()}
    if learn := made.get("learn"):
        made["learn"] = lambda *given: within(seconds, lambda: learn(*given))
    if hasattr(part, "tracker"):
        made["tracker"] = part.tracker
    return SimpleNamespace(**made)


def _unchanging(name: str, method: Callable[..., Any], changed: list[str]) -> Callable[..., Any]:
    def call(*given: Any) -> Any:
        before = repr(given[:1])  # the view, or the memory to restore
        result = method(*given)
        if repr(given[:1]) != before:
            changed.append(name)
        return result

    return call


def within(seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`; raises DeadlineExceeded when it takes longer (wall-clock)."""
    result: Mapping[str, T] = guard(seconds, math.inf, calls_model=False)(lambda: {"": work()})
    return result[""]
