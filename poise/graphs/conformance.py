"""The checks every agent must pass, built in or a user's own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from poise.agents.registry import Agent, find_agent
from poise.agents.types import View
from poise.games.errors import PoiseError
from poise.games.moves import Move, Seat, offer, other
from poise.games.referee import Referee
from poise.games.scenario import Scenario
from poise.games.seeds import Dice
from poise.games.transcript import Transcript
from poise.graphs.pairing import Pairing, PlaySettings

_SECONDS_A_MESSAGE = 5.0
_SEED = 20_250_401
_CASES = (
    Scenario("longer", "debt", 12, 112, context={"Reason for delay": "a customer went bankrupt"}),
    Scenario("close", "debt", 20, 41, context={"Reason for delay": "a late delivery"}),
    Scenario("shorter", "medical", 90, 30, context={"Operation": "a hip replacement"}),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was asked, whether it holds, and what was seen."""

    name: str
    ok: bool
    detail: str = ""


class _Broken(PoiseError):
    """A check does not hold."""


def check_agent(agent: Agent, settings: PlaySettings | None = None) -> list[Check]:
    """Play `agent` against a plain opponent and check what it does; every check is made, whatever fails before it.

    Without settings it is played without a model, so an agent whose model decides the number (offers="model") needs
    `settings` with one.
    """
    bench = _Bench(agent, settings or PlaySettings(message_seconds=_SECONDS_A_MESSAGE, match_seconds=60.0))
    checks: list[tuple[str, Callable[[_Bench], None]]] = [
        ("plays whole negotiations", _plays),
        ("makes legal moves and never takes its own offer", _legal),
        ("same seed, same play", _repeats),
        ("transcripts survive JSON", _survives_json),
        ("does not know the other side's target", _isolated),
        ("what it learned survives JSON", _remembers),
        (f"answers within {_SECONDS_A_MESSAGE:g} s a message", _quick),
    ]
    return [_run(name, check, bench) for name, check in checks]


def _run(name: str, check: Callable[[_Bench], None], bench: _Bench) -> Check:
    try:
        check(bench)
    except Exception as error:  # noqa: BLE001 - a check reports whatever the agent does wrong
        text = str(error) if isinstance(error, _Broken) else f"{type(error).__name__}: {error}"
        return Check(name, ok=False, detail=text)
    return Check(name, ok=True)


class _Bench:
    """Plays the agent under test against the plain opponent of the other seat."""

    def __init__(self, agent: Agent, settings: PlaySettings) -> None:
        self.agent = agent
        self.settings = settings

    def pairing(self, opponent: Agent | None = None) -> Pairing:
        opponent = opponent or find_agent("vanilla", other(self.agent.seat))
        pair = (self.agent, opponent) if self.agent.seat == "creditor" else (opponent, self.agent)
        return Pairing(*pair, self.settings)

    def play(self, scenario: Scenario, seed: int = _SEED) -> Transcript:
        return self.pairing().play(scenario, seed).transcript

    def own(self, transcript: Transcript) -> Iterator[int]:
        """The indices of the agent's own messages."""
        return (message.index for message in transcript.messages if message.seat == self.agent.seat)


def _plays(bench: _Bench) -> None:
    for case in _CASES:
        outcome = bench.play(case).outcome
        if outcome.ending == "failed":
            raise _Broken(f"case {case.id!r}: {outcome.reason}")


def _legal(bench: _Bench) -> None:
    for case in _CASES:
        transcript = bench.play(case)
        referee = Referee(case, bench.settings.rules)
        moves = [message.move for message in transcript.messages]
        for index in bench.own(transcript):
            referee.check(moves[:index], moves[index])


def _repeats(bench: _Bench) -> None:
    for case in _CASES:
        if bench.play(case) != bench.play(case):
            raise _Broken(f"case {case.id!r}: two plays with seed {_SEED} differ; draw from `dice`, not from elsewhere")


def _survives_json(bench: _Bench) -> None:
    transcript = bench.play(_CASES[0])
    if Transcript.from_dict(json.loads(json.dumps(transcript.to_dict()))) != transcript:
        raise _Broken("a transcript read back from JSON differs; put only JSON data into settings and notes")


def _isolated(bench: _Bench) -> None:
    """Against an opponent that does not act on its own target, changing that target must change nothing."""
    case = _CASES[0]
    hidden = "debtor_target" if bench.agent.seat == "creditor" else "creditor_target"
    changed = Scenario.from_dict({**case.to_dict(), hidden: case.target(other(bench.agent.seat)) + 1})
    first, second = (bench.pairing(_metronome(other(bench.agent.seat))).play(each, _SEED) for each in (case, changed))
    if first.transcript.messages != second.transcript.messages:
        raise _Broken(f"its messages change with the other side's {hidden}")


class _SameOffer:
    """Offers one number, whatever its target; lets the policy show nothing."""

    def decide(self, _view: View, _dice: Dice) -> Move:
        return offer(60)

    def choose(self, _view: View, _dice: Dice) -> str | None:
        return None


def _metronome(seat: Seat) -> Agent:
    return Agent("metronome", seat, make_policy=_SameOffer, make_concession=_SameOffer, model="scripted")


def _remembers(bench: _Bench) -> None:
    if not bench.agent.learns:
        return
    first, second = bench.pairing(), bench.pairing()
    memory = [first.play(case, _SEED) for case in _CASES][-1].memory
    second.restore(json.loads(json.dumps(memory)))
    after = [pairing.play(_CASES[0], _SEED + 1) for pairing in (first, second)]
    if after[0].transcript != after[1].transcript or after[0].memory != after[1].memory:
        raise _Broken("after restore(memory()) it plays differently; put all that it learned into memory()")


def _quick(bench: _Bench) -> None:
    began = time.perf_counter()
    transcript = bench.play(_CASES[0])
    each = (time.perf_counter() - began) / max(1, len(transcript.messages))
    if each > _SECONDS_A_MESSAGE:
        raise _Broken(f"{each:.1f} s a message")


__all__ = ["Check", "check_agent"]
