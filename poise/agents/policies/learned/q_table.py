"""Tabular Q-learning (C. Watkins & P. Dayan 1992, https://doi.org/10.1007/BF00992698).

    Q(s, a) <- Q(s, a) + alpha_n (r + gamma max_a' Q(s', a') - Q(s, a))

r is the reward of the step, s' the next state, and max Q is 0 after the last step. n counts the visits of (s, a):

    alpha_n = max(1 / n, alpha / (1 + n / 100))

The first few visits are averaged, then the rate is alpha, and in the long run it falls as 1/n, so that the sum of the
rates diverges and that of their squares does not: the conditions under which Q converges with probability 1.

An episode is taken in from its last step to its first, so that its result reaches the beginning at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from poise.common.errors import AgentError


class Transition(NamedTuple):
    """State, action, reward, and the state after it; None when that was the end."""

    state: int
    action: int
    reward: float
    following: int | None


@dataclass
class QTable:
    """Values and visits of the states met so far; any other state is worth 0.

    actions: how many there are. alpha, gamma: as in the module's head, each in [0, 1].
    """

    actions: int
    alpha: float = 0.1
    gamma: float = 0.9
    values: dict[int, list[float]] = field(default_factory=dict)
    visits: dict[int, list[int]] = field(default_factory=dict)

    def row(self, state: int) -> Sequence[float]:
        """Q(state, a) for each action a."""
        return self.values.get(state) or [0.0] * self.actions

    def learn(self, episode: Sequence[Transition]) -> None:
        """Take in the steps of one episode, given oldest first."""
        for step in reversed(episode):
            row = self.values.setdefault(step.state, [0.0] * self.actions)
            seen = self.visits.setdefault(step.state, [0] * self.actions)
            seen[step.action] += 1
            ahead = 0.0 if step.following is None else self.gamma * max(self.row(step.following))
            row[step.action] += self.rate(seen[step.action]) * (step.reward + ahead - row[step.action])

    def rate(self, visit: int) -> float:
        """The rate alpha_n of the visit number n, from 1."""
        return max(1.0 / visit, self.alpha / (1.0 + visit / 100.0))

    def memory(self) -> dict[str, Any]:
        """The states met, as JSON data."""
        return {str(state): [list(row), list(self.visits[state])] for state, row in sorted(self.values.items())}

    def restore(self, memory: Mapping[str, Any], states: int) -> None:
        """Go on from `memory`; there are `states` states in all.

        Raises:
            BadInput: it is not the memory of such a table.
        """
        values: dict[int, list[float]] = {}
        visits: dict[int, list[int]] = {}
        try:
            for key, (row, seen) in memory.items():
                values[int(key)], visits[int(key)] = [float(value) for value in row], [int(count) for count in seen]
        except (AttributeError, TypeError, ValueError):
            raise AgentError(_FOREIGN) from None
        for state, numbers in values.items():
            shaped = len(numbers) == len(visits[state]) == self.actions and 0 <= state < states
            if not (shaped and all(map(math.isfinite, numbers)) and min(visits[state]) >= 0):
                raise AgentError(_FOREIGN)
        self.values, self.visits = values, visits


_FOREIGN = "this is not the memory of such a Q-table; begin the series afresh"
