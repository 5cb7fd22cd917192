"""Two engines of artifacts that hold a policy by its name.

memory   what any learner learned in a series, as `memory()` gave it: {"policy": NAME, "memory": {...}, "learning":
         whether it continues to learn}
policy   a policy that needs no training, to compare with: {"name": NAME}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poise.agents.emotions.tracker import Tracker
from poise.agents.policies import make_policy, policies, restores
from poise.agents.protocols import Learner, Policy, View
from poise.common.errors import AgentError
from poise.common.seeds import Dice


class Settled:
    """A learner that has learned enough: it keeps choosing as it does now."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        tracker = getattr(policy, "tracker", None)
        if isinstance(tracker, Tracker):
            self.tracker = tracker

    def choose(self, view: View, dice: Dice) -> str | None:
        """The policy's own choice."""
        return self._policy.choose(view, dice)


def learner(name: str) -> Learner:
    """The policy of that name, fresh.

    Raises:
        AgentError: there is none, or it does not learn.
    """
    policy = make_policy(name)
    if not isinstance(policy, Learner):
        learners = [each.name for each in policies().values() if isinstance(each.make(each.example), Learner)]
        raise AgentError(f"{name} learns nothing from a series; these do: {', '.join(learners)}")
    return policy


@restores("memory")
def _from_memory(parameters: Mapping[str, Any], _arrays: Mapping[str, Any]) -> Policy:
    policy = learner(str(parameters.get("policy")))
    policy.restore(parameters.get("memory", {}))
    if not isinstance(policy, Policy):
        raise AgentError(f"{parameters.get('policy')!r} learns but chooses nothing")
    return policy if parameters.get("learning") else Settled(policy)


@restores("policy")
def _from_name(parameters: Mapping[str, Any], _arrays: Mapping[str, Any]) -> Policy:
    return make_policy(str(parameters.get("name")))
