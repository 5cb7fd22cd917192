"""Deep Q-learning without the gradients: the network's outputs, the replay memory, the targets, and the rounds.

    target   y = r + gamma Q'(s', argmax_a Q(s', a)), and y = r after the last step; Q' is the target network
    loss     Huber loss of Q(s, a) - y, mean over a batch of uniform draws from the replay memory

Gradients are torch's, in `poise.training.online.deep_q_torch`; everything else is NumPy and runs without
torch.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from poise.agents.policies.learned.network import Array, Network, q_values
from poise.common.seeds import Dice, child_seed
from poise.training.online.trainers import PlayedEpisode, Trial


@dataclass(frozen=True)
class ReplayBatch:
    """Steps: states (n, features), actions, rewards, states after them, whether the negotiation went on (n each)."""

    states: Array
    actions: NDArray[np.int64]
    rewards: Array
    following: Array
    goes_on: Array


def targets(batch: ReplayBatch, online: Network, frozen: Network, gamma: float) -> Array:
    """The target y of each step, shape (n); the module's head has the equation."""
    best = q_values(online, batch.following).argmax(axis=1)
    ahead = q_values(frozen, batch.following)[np.arange(len(best)), best]
    aims: Array = batch.rewards + gamma * batch.goes_on * ahead
    return aims


class Replay:
    """The last `capacity` steps."""

    def __init__(self, features: int, capacity: int) -> None:
        self.capacity = capacity
        self.added = 0
        # A row is state, action, reward, state after it, whether the negotiation went on.
        self._features = features
        self._rows = np.zeros((capacity, 2 * features + 3), np.float32)

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, steps: Sequence[Sequence[Any]]) -> None:
        """Add steps [state, action, reward, state after it or None]; the oldest are dropped."""
        nothing = (0.0,) * self._features
        for state, action, reward, following in steps:
            after = nothing if following is None else following
            self._rows[self.added % self.capacity] = (*state, action, reward, *after, following is not None)
            self.added += 1

    def draw(self, count: int, rng: np.random.Generator) -> ReplayBatch:
        """`count` steps, uniform and with replacement."""
        rows = self._rows[rng.integers(len(self), size=count)].astype(np.float64)
        n = self._features
        return ReplayBatch(
            rows[:, :n], rows[:, n].astype(np.int64), rows[:, n + 1], rows[:, n + 2 : 2 * n + 2], rows[:, 2 * n + 2]
        )

    def memory(self) -> dict[str, Any]:
        """The steps, as JSON data."""
        return {"added": self.added, "rows": packed(self._rows[: len(self)])}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        self.added = memory["added"]
        self._rows[: len(self)] = unpacked(memory["rows"])


def packed(array: NDArray[Any]) -> dict[str, Any]:
    """An array as JSON data, to the last bit."""
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"type": str(array.dtype), "shape": list(array.shape), "data": data}


def unpacked(data: Mapping[str, Any]) -> NDArray[Any]:
    """The array of `packed`."""
    return np.frombuffer(base64.b64decode(data["data"]), data["type"]).reshape(data["shape"]).copy()


class Stepper(Protocol):
    """Gradient steps on a network that it holds."""

    def network(self) -> dict[str, Array]:
        """The current network."""
        ...

    def step(self, batch: ReplayBatch, aims: Array) -> float:
        """One step towards Q(s, a) = aims; the loss before it."""
        ...

    def state(self) -> dict[str, Any]:
        """The network and the optimiser's state, as JSON data."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`."""
        ...


@dataclass(frozen=True, slots=True)
class DeepQSettings:
    """The numbers of training.

    batch:     steps of a gradient step. every: steps played for one gradient step.
    renew:     gradient steps after which the target network is renewed.
    least:     exploration falls evenly from 1 to this over the first `explore` of the rounds.
    """

    gamma: float = 0.95
    rate: float = 1e-3
    batch: int = 64
    every: int = 2
    renew: int = 200
    capacity: int = 20_000
    least: float = 0.05
    explore: float = 0.6


@dataclass
class DeepQTrainer:
    """Deep Q-learning in rounds: play with the current network, keep the steps, take gradient steps."""

    rounds: int
    features: int
    begin: Callable[[], Stepper]
    seed: int = 0
    settings: DeepQSettings = field(default_factory=DeepQSettings)
    done: int = 0

    def __post_init__(self) -> None:
        self._stepper = self.begin()
        self._frozen = self._stepper.network()
        self._replay = Replay(self.features, self.settings.capacity)
        self._taken = 0

    @property
    def learns(self) -> bool:
        """The policy collects steps, in order."""
        return True

    @property
    def epsilon(self) -> float:
        """The probability of a random emotion in the next round."""
        least, span = self.settings.least, self.settings.explore * self.rounds
        return max(least, 1.0 - (1.0 - least) * self.done / span)

    def ask(self) -> list[Trial]:
        """The network, to explore with."""
        return [Trial("dqn", {"epsilon": self.epsilon}, self._stepper.network())]

    def tell(self, played: Sequence[PlayedEpisode]) -> None:
        """Keep the steps that were played, and learn."""
        self._replay.add((played[0].memory or {})["steps"])
        rng = Dice(child_seed(self.seed, "deep-q", self.done)).rng()
        self.done += 1
        due = self._replay.added // self.settings.every
        while self._taken < due and len(self._replay):
            batch = self._replay.draw(self.settings.batch, rng)
            self._stepper.step(batch, targets(batch, self._stepper.network(), self._frozen, self.settings.gamma))
            self._taken += 1
            if self._taken % self.settings.renew == 0:
                self._frozen = self._stepper.network()

    def best(self) -> Trial:
        """The network, for greedy play."""
        return Trial("dqn", {}, self._stepper.network())

    def memory(self) -> dict[str, Any]:
        """The state of the training, as JSON data."""
        return {
            "done": self.done,
            "taken": self._taken,
            "stepper": self._stepper.state(),
            "frozen": {name: packed(array) for name, array in self._frozen.items()},
            "replay": self._replay.memory(),
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        self.done, self._taken = memory["done"], memory["taken"]
        self._stepper.restore(memory["stepper"])
        self._frozen = {name: unpacked(array) for name, array in memory["frozen"].items()}
        self._replay.restore(memory["replay"])
