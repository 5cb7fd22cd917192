"""A tournament without the rooms to the left: pairings that play by a formula, and may misbehave on purpose."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from poise.agents.registry import find_agent
from poise.common.errors import ModelDown
from poise.common.seeds import Dice
from poise.games.moves import ACCEPT, offer
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Message, Outcome, Transcript, Usage
from poise.tournaments.config import TournamentConfig, make_config
from poise.tournaments.schedule import Entrant, Schedule, build_schedule

HANGS_UNTIL = threading.Event()


def scenarios(count: int) -> list[Scenario]:
    return [Scenario(f"case-{n}", "debt", 10 + n % 7, 90 + n % 11) for n in range(count)]


def config(creditors: int = 2, debtors: int = 2, **fields: Any) -> TournamentConfig:
    names = {"creditors": [f"c{n}" for n in range(creditors)], "debtors": [f"d{n}" for n in range(debtors)]}
    return make_config({**names, **fields})


@dataclass(frozen=True)
class Called:
    """A policy that is not another's."""

    label: str

    def choose(self, view, dice):
        return None


def entrants(
    settings: TournamentConfig, learners: tuple[str, ...] = (), own_code: bool = False
) -> tuple[list[Entrant], list[Entrant]]:
    def enter(label: str, seat: Any) -> Entrant:
        declared = {"name": label, "seat": seat, "model": settings.model, "offers": "policy"}
        agent = replace(find_agent("vanilla", seat), make_policy=lambda: Called(label))
        return Entrant(label, seat, declared, label in learners, own_code, agent=agent)

    return [enter(x, "creditor") for x in settings.creditors], [enter(x, "debtor") for x in settings.debtors]


def schedule(
    settings: TournamentConfig, cases: int = 3, learners: tuple[str, ...] = (), own_code: bool = False
) -> Schedule:
    return build_schedule(settings, *entrants(settings, learners, own_code), scenarios(cases))


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, by the match's seed: raise, kill the process, hang, or lose the model's server.

    error:   what is raised. once: a file that, when it exists, means that it already happened (deadly trouble only).
    orphans: a file that gets the ids of processes left behind by those killed; whoever reads it must end them.
    """

    raises: tuple[int, ...] = ()
    kills: tuple[int, ...] = ()
    hangs: tuple[int, ...] = ()
    down: tuple[int, ...] = ()
    error: type[BaseException] = ValueError
    once: Path | None = None
    orphans: Path | None = None


@dataclass
class Played:
    transcript: Transcript
    usage: Usage
    memory: dict[str, Any] | None


class Pairing:
    """Deals at a value drawn from the match's seed; a learner adds up what it saw, so that order and loss show."""

    def __init__(self, plan: Schedule, pair: int, seconds: float, trouble: Trouble) -> None:
        self.creditor, self.debtor = plan.pair(pair)
        self.learns = plan.learns(pair)
        self.seen = 0.0
        self.seconds = seconds
        self.trouble = trouble

    def restore(self, memory: Any) -> None:
        self.seen = memory["seen"] if memory else 0.0

    def play(self, scenario: Scenario, seed: int) -> Played:
        self._misbehave(seed)
        if self.seconds:
            time.sleep(self.seconds)
        dice = Dice(seed, f"{self.creditor.label}/{self.debtor.label}")
        value = scenario.creditor_target + int(dice.unit() * scenario.gap)
        share = (scenario.debtor_target - value) / (scenario.debtor_target - scenario.creditor_target)
        self.seen = self.seen * 0.9 + share if self.learns else 0.0
        deal = dice.unit() < 0.8
        outcome = Outcome("deal", value, "debtor", "", (share, 1 - share)) if deal else Outcome("timeout")
        messages = (
            Message(0, "creditor", f"I could take {value} days; so far I saw {self.seen!r}.", offer(value), "joy"),
            Message(1, "debtor", "Fine." if deal else "No.", ACCEPT if deal else offer(scenario.debtor_target)),
        )
        transcript = Transcript(
            scenario, self.creditor.declared, self.debtor.declared, seed, asdict(Rules()), messages, outcome
        )
        return Played(transcript, Usage(seconds=max(self.seconds, 1e-4)), {"seen": self.seen} if self.learns else None)

    def _misbehave(self, seed: int) -> None:
        trouble = self.trouble
        if seed in trouble.raises:
            raise trouble.error("math domain error")
        if seed in trouble.down:
            raise ModelDown("the server at 127.0.0.1:1 does not answer; start it")
        deadly = seed in trouble.kills or seed in trouble.hangs
        if not deadly or (trouble.once and trouble.once.exists()):
            return
        if trouble.once:
            trouble.once.touch()
        if trouble.orphans:
            _leave_a_process(trouble.orphans)
        if seed in trouble.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        HANGS_UNTIL.wait()  # a thread, which cannot be stopped, until the test ends; a process is killed before


def _leave_a_process(ids: Path) -> None:
    """A child of this worker, which holds the worker's pipe open after its death."""
    if child := os.fork():
        with ids.open("a") as file:
            file.write(f"{child}\n")
        return
    while True:
        signal.pause()


@dataclass(frozen=True)
class OpenFake:
    """Opens fake pairings; plain data, so that a spawned process can have it."""

    plan: Schedule
    seconds: float = 0.0
    trouble: Trouble = Trouble()

    def __call__(self, pair: int) -> Pairing:
        return Pairing(self.plan, pair, self.seconds, self.trouble)
