"""Policies from what training left behind: by engine, from JSON parameters and arrays.

evoemo, emodebt   an emotion chain
q-learning        a Q-table; plays the best known emotion and learns no more. With "epsilon" in its parameters it
                  explores at that rate and learns on, as it does while it is trained.
dqn               a network (the arrays); plays the emotion it values most. With "epsilon" it explores at that rate and
                  collects what happens, as it does while it is trained.
iql, bc, cql      a network (the arrays) learned from a fixed data set; see `poise.agents.policies.learned.offline`
memory            what any learner learned in a series, as `memory()` gave it: {"policy": NAME, "memory": {...},
                  "learning": whether it goes on learning}
policy            a policy that needs no training, by name: {"name": NAME}; to compare with
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.emotions.tracker import Tracker
from poise.agents.policies.chains import Chain
from poise.agents.policies.dqn import FEATURES, Collector, DeepQ
from poise.agents.policies.emodebt import EmoDebt
from poise.agents.policies.evoemo import EvoEmo
from poise.agents.policies.learned.network import checked_network
from poise.agents.policies.learned.offline import learned
from poise.agents.policies.q_learning import GREEDY, QLearning, QSettings
from poise.agents.protocols import Learner, Policy, View
from poise.common.errors import AgentError
from poise.common.seeds import Dice


class Settled:
    """A learner that has learned enough: it goes on choosing as it does now."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        tracker = getattr(policy, "tracker", None)
        if isinstance(tracker, Tracker):
            self.tracker = tracker

    def choose(self, view: View, dice: Dice) -> str | None:
        """The policy's own choice."""
        return self._policy.choose(view, dice)


def _evoemo(parameters: Mapping[str, Any], _arrays: Mapping[str, Any]) -> Policy:
    return EvoEmo(Chain.from_parameters(parameters))


def _emodebt(parameters: Mapping[str, Any], _arrays: Mapping[str, Any]) -> Policy:
    return EmoDebt(Chain.from_parameters(parameters))


def _q_learning(parameters: Mapping[str, Any], _arrays: Mapping[str, Any]) -> Policy:
    epsilon = parameters.get("epsilon")
    policy = QLearning(GREEDY if epsilon is None else QSettings(epsilon=float(epsilon), decay=1.0, least=0.0))
    policy.restore(parameters)
    return Settled(policy) if epsilon is None else policy


def _dqn(parameters: Mapping[str, Any], arrays: Mapping[str, Any]) -> Policy:
    network = checked_network(arrays, FEATURES, EMOTION_COUNT)
    epsilon = parameters.get("epsilon")
    return DeepQ(network) if epsilon is None else Collector(network, float(epsilon))


def _memory(parameters: Mapping[str, Any], _arrays: Mapping[str, Any]) -> Policy:
    policy = learner(str(parameters.get("policy")))
    policy.restore(parameters.get("memory", {}))
    if not isinstance(policy, Policy):
        raise AgentError(f"{parameters.get('policy')!r} learns but chooses nothing")
    return policy if parameters.get("learning") else Settled(policy)


def _by_name(parameters: Mapping[str, Any], _arrays: Mapping[str, Any]) -> Policy:
    return _named(str(parameters.get("name")))


def _named(name: str) -> Policy:
    from poise.agents.policies import POLICIES

    base, _, argument = name.partition(":")
    if base not in POLICIES:
        raise AgentError(f"no policy is called {base!r}; `poise agents list` shows them all")
    return POLICIES[base].make(argument)


def learner(name: str) -> Learner:
    """The policy of that name, fresh.

    Raises:
        AgentError: there is none, or it does not learn.
    """
    from poise.agents.policies import POLICIES

    policy = _named(name)
    if not isinstance(policy, Learner):
        learners = [each for each, named in POLICIES.items() if each != "fixed" and isinstance(named.make(""), Learner)]
        raise AgentError(f"{name} learns nothing from a series; these do: {', '.join(learners)}")
    return policy


ENGINES: Final[Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Policy]]] = MappingProxyType(
    {
        "evoemo": _evoemo,
        "emodebt": _emodebt,
        "q-learning": _q_learning,
        "dqn": _dqn,
        "iql": learned,
        "bc": learned,
        "cql": learned,
        "memory": _memory,
        "policy": _by_name,
    }
)


def trained_policy(engine: str, parameters: Mapping[str, Any], arrays: Mapping[str, Any]) -> Policy:
    """The policy that `parameters` and `arrays` of `engine` stand for.

    Raises:
        BadInput: there is no such engine, or they are not its own.
    """
    if engine not in ENGINES:
        raise AgentError(f"no engine is called {engine!r}; this Poise plays {', '.join(ENGINES)}")
    return ENGINES[engine](parameters, arrays)
