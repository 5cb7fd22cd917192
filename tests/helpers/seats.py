"""Small things that several tests need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poise.agents.agent import Agent
from poise.agents.protocols import Request, Speech, View
from poise.agents.registry import find_agent
from poise.common.seeds import Dice
from poise.games.moves import Move, Seat
from poise.games.scenario import Scenario

CREDITORS = (
    "vanilla",
    "random",
    "fixed:anger",
    "eq-negotiator",
    "eq-negotiator-faithful",
    "eq-negotiator-v1",
    "eq-negotiator-v1-faithful",
    "wsls",
    "lookup",
    "emodebt",
    "evoemo",
    "q-learning",
    "emomas",
    "matrix-game:dominance",
    "dqn",
    "best-response",
    "mcts",
    "cfr",
    "oracle",
)
DEBTORS = (
    "vanilla",
    "angry",
    "sad",
    "fear",
    "disgust",
    "threatening",
    "cheating",
    "victim",
    "stonewalling",
    "pressure",
    "simulated",
)


def case(creditor_target: int = 12, debtor_target: int = 112, **more: Any) -> Scenario:
    return Scenario("case", "debt", creditor_target, debtor_target, **more)


def pair(creditor: str = "vanilla", debtor: str = "vanilla") -> tuple[Agent, Agent]:
    return find_agent(creditor, "creditor"), find_agent(debtor, "debtor")


@dataclass
class Plain:
    """A policy and a concession whose every answer is given beforehand."""

    emotion: str | None = None
    moves: list[Move] = field(default_factory=list)

    def choose(self, view: View, dice: Dice) -> str | None:
        return self.emotion

    def decide(self, view: View, dice: Dice) -> Move:
        own = sum(line.seat == view.brief.seat for line in view.lines)
        return self.moves[min(own, len(self.moves) - 1)]


def plain_agent(seat: Seat, *moves: Move, emotion: str | None = None) -> Agent:
    part = Plain(emotion, list(moves))
    return Agent("plain", seat, make_policy=lambda: part, make_concession=lambda: part)


@dataclass
class Recorder:
    """A voice that keeps every request it was given."""

    requests: list[Request] = field(default_factory=list)
    usage: Mapping[str, float] = field(default_factory=dict)

    def speak(self, request: Request, dice: Dice) -> Speech:
        self.requests.append(request)
        assert request.move is not None
        return Speech(f"{request.move.kind} {request.move.value}", request.move, usage=self.usage)
