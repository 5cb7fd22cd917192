"""Policies: which emotion to show next. One file a system; `POLICIES` finds them by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28
from poise.agents.policies.catalogue import ENGINES, without_argument
from poise.agents.policies.emodebt import EmoDebt
from poise.agents.policies.eq_negotiator import EqNegotiator
from poise.agents.policies.eq_negotiator_faithful import FaithfulEqNegotiator
from poise.agents.policies.eq_negotiator_v1 import EqNegotiatorV1
from poise.agents.policies.evoemo import EvoEmo
from poise.agents.policies.fixed import Fixed
from poise.agents.policies.oracle import Oracle
from poise.agents.policies.random import Random
from poise.agents.policies.vanilla import Vanilla
from poise.agents.policies.wsls import WinStayLoseShift
from poise.agents.protocols import Policy
from poise.common.errors import AgentError

__all__ = [
    "POLICIES",
    "EmoDebt",
    "EqNegotiator",
    "EqNegotiatorV1",
    "EvoEmo",
    "FaithfulEqNegotiator",
    "Fixed",
    "NamedPolicy",
    "Oracle",
    "Random",
    "Vanilla",
    "WinStayLoseShift",
]


@dataclass(frozen=True, slots=True)
class NamedPolicy:
    """A policy that can be asked for by name.

    make:    a fresh policy from what stands after the colon of the name, "" for nothing; AgentError if it is refused.
    summary: one sentence for `poise agents list`.
    privileged: it is shown the other seat's notes (see `poise.agents.agent.Agent`).
    """

    make: Callable[[str], Policy]
    summary: str
    privileged: bool = False


def _random(argument: str) -> Policy:
    emotions = {"": EMOTIONS28, "28": EMOTIONS28, "7": EMOTIONS7}.get(argument)
    if emotions is None:
        raise AgentError(f"random:{argument}: say random or random:28 for all 28 emotions, random:7 for the seven")
    return Random(emotions)


def _fixed(argument: str) -> Policy:
    if not argument:
        raise AgentError(f"fixed needs an emotion: fixed:EMOTION with one of {', '.join(EMOTIONS28)}")
    return Fixed(argument)


POLICIES: Final[Mapping[str, NamedPolicy]] = MappingProxyType(
    {
        "vanilla": NamedPolicy(
            without_argument("vanilla", Vanilla), "no emotion direction: the voice keeps its own tone"
        ),
        "oracle": NamedPolicy(
            Oracle,
            "cheats: sees the hidden state of a simulated debtor (oracle:FILE for that world) and plans; a yardstick",
            privileged=True,
        ),
        "random": NamedPolicy(_random, "a random emotion in every message, of the 28 (random:7 of the seven)"),
        "fixed": NamedPolicy(_fixed, "the same emotion in every message: fixed:EMOTION, any of the 28"),
        "eq-negotiator": NamedPolicy(
            without_argument("eq-negotiator", EqNegotiator),
            "tracks the debtor's hidden state, plays win-stay-lose-shift, learns as it goes (EQ-Negotiator, corrected)",
        ),
        "eq-negotiator-faithful": NamedPolicy(
            without_argument("eq-negotiator-faithful", FaithfulEqNegotiator),
            "EQ-Negotiator v2 exactly as released, whose belief never sees the debtor's emotion",
        ),
        **{name: NamedPolicy(make, summary) for name, (make, summary) in ENGINES.items()},
    }
)
