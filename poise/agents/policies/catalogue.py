"""The published engines and the baselines that learn, by name: how each is made, and a sentence about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from poise.agents.policies import emomas, wsls
from poise.agents.policies.dqn import DeepQ
from poise.agents.policies.emodebt import EmoDebt
from poise.agents.policies.eq_negotiator_v1 import EqNegotiatorV1
from poise.agents.policies.evoemo import EvoEmo
from poise.agents.policies.q_learning import QLearning
from poise.agents.protocols import Policy
from poise.common.errors import AgentError

Make = Callable[[str], Policy]


def without_argument(name: str, make: Callable[[], Policy]) -> Make:
    """The maker of a policy whose name takes nothing after a colon."""

    def made(argument: str) -> Policy:
        if argument:
            raise AgentError(f"{name}:{argument}: {name} takes nothing after a colon; say just {name}")
        return make()

    return made


def _entries() -> dict[str, tuple[Make, str]]:
    plain: dict[str, tuple[Callable[[], Policy], str]] = {
        "eq-negotiator-v1": (
            EqNegotiatorV1,
            "answers by the payoff table, and looks one reaction ahead while the debtor stays negative (corrected)",
        ),
        "eq-negotiator-v1-faithful": (
            partial(EqNegotiatorV1, faithful=True),
            "EQ-Negotiator v1 as published, which mirrors a negative debtor and stays angry",
        ),
        "emodebt": (
            EmoDebt,
            "draws each emotion by the one before, from EmoDebt's prior; `poise train bayes` tunes it",
        ),
        "evoemo": (
            EvoEmo,
            "draws each emotion by the one before, from EvoEmo's start; `poise train evolve` evolves it",
        ),
        "q-learning": (
            QLearning,
            "learns by trial what to show (tabular Q-learning); `poise train q` trains it before",
        ),
        "dqn": (
            DeepQ,
            "a network that values each emotion (deep Q-learning); guesses until `poise train dqn` trained it",
        ),
    }
    return {name: (without_argument(name, make), summary) for name, (make, summary) in plain.items()}


ENGINES: Final[Mapping[str, tuple[Make, str]]] = MappingProxyType(
    {
        **_entries(),
        "emomas": (
            emomas.make_emomas,
            "three advisers, trusted by how they did in each context; emomas:MODEL_URI has a model judge coherence",
        ),
        "wsls": (
            wsls.make_wsls,
            "win-stay, lose-shift on what the last emotion brought; wsls:ASPIRATION, 2 unless said",
        ),
    }
)
