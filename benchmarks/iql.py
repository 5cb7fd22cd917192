"""Gradient steps a second of `poise train iql`: python benchmarks/iql.py [--peer PYTHON] [--steps N] [--threads N]

In one run, on the same shapes (the extended state in, 2 x 256, 28 emotions, batches of 256, Adam): Poise's IQL; IQL as
a plain PyTorch loop of the same networks, each its own module with its own optimiser; and, with --peer, d3rlpy's
DiscreteCQL in a separate environment, whose interpreter is PYTHON:

    python -m venv /tmp/d3rlpy && /tmp/d3rlpy/bin/pip install d3rlpy==2.8.1

The three take turns, so that other load on the machine affects all of them. IQL trains four networks a step, CQL one.
"""

from __future__ import annotations

import argparse
import copy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from poise.agents.policies.learned.states import EXTENDED
from poise.training.offline.iql import Iql, advantage_weights, expectile_loss
from poise.training.offline.learner import threads
from poise.training.offline.problem import OfflineProblem, OfflineSettings

ACTIONS, HIDDEN, BATCH, ROWS, ROUNDS = 28, 256, 256, 40_000, 5


def problem() -> OfflineProblem:
    rng = np.random.default_rng(0)
    states, following = (rng.normal(size=(ROWS, EXTENDED)).astype(np.float32) for _ in range(2))
    return OfflineProblem(
        states,
        following,
        rng.integers(ACTIONS, size=ROWS),
        rng.normal(size=ROWS).astype(np.float32),
        (rng.random(ROWS) > 0.1).astype(np.float32),
        np.ones(ACTIONS, bool),
        1.0,
        np.arange(ROWS),
    )


def mlp(outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(EXTENDED, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs)
    )


class Plain:
    """IQL as one would first write it: a module and an optimiser each for V, the critics and pi."""

    def __init__(self, of: OfflineProblem) -> None:
        self.tables = [torch.from_numpy(each) for each in (of.states, of.following, of.actions, of.rewards, of.goes_on)]
        self.value, self.policy = mlp(1), mlp(ACTIONS)
        self.critics = [mlp(ACTIONS), mlp(ACTIONS)]
        self.slow = copy.deepcopy(self.critics)
        self.optimisers = [
            torch.optim.Adam(list(each), lr=3e-4)
            for each in (
                self.value.parameters(),
                [*self.critics[0].parameters(), *self.critics[1].parameters()],
                self.policy.parameters(),
            )
        ]

    def train(self, chunk: int, steps: int) -> None:
        rng = np.random.default_rng(chunk)
        for _ in range(steps):
            rows = torch.from_numpy(rng.integers(ROWS, size=BATCH))
            self._step(*(table[rows] for table in self.tables))

    def _step(self, states, following, actions, rewards, goes_on) -> None:
        places = actions.unsqueeze(1)
        with torch.no_grad():
            goal = torch.min(*(each(states).gather(1, places).squeeze(1) for each in self.slow))
        advantage = goal - self.value(states).squeeze(1)
        self._descend(0, expectile_loss(advantage, 0.7))
        with torch.no_grad():
            aim = rewards + 0.99 * goes_on * self.value(following).squeeze(1)
        errors = [(each(states).gather(1, places).squeeze(1) - aim).square().mean() for each in self.critics]
        self._descend(1, errors[0] + errors[1])
        weights = advantage_weights(advantage.detach(), 3.0, 100.0)
        likely = torch.log_softmax(self.policy(states), 1).gather(1, places).squeeze(1)
        self._descend(2, -(weights * likely).mean())
        with torch.no_grad():
            for slow, critic in zip(self.slow, self.critics, strict=True):
                for old, new in zip(slow.parameters(), critic.parameters(), strict=True):
                    old.mul_(0.995).add_(new, alpha=0.005)

    def _descend(self, place: int, loss) -> None:
        self.optimisers[place].zero_grad()
        loss.backward()
        self.optimisers[place].step()


def timed(train: Callable[[int, int], object], steps: int) -> float:
    began = time.perf_counter()
    train(0, steps)
    return steps / (time.perf_counter() - began)


def peer(python: Path, steps: int, count: int) -> float:
    script = Path(__file__).with_name("iql_peer.py")
    command = [str(python), str(script), str(steps), str(count), str(EXTENDED)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    of = problem()
    rivals = {"poise iql": Iql(of, OfflineSettings()).train, "plain PyTorch iql": Plain(of).train}
    found: dict[str, list[float]] = {}
    with threads(given.threads):
        for train in rivals.values():
            train(1, 20)
        for _ in range(ROUNDS):
            for name, train in rivals.items():
                found.setdefault(name, []).append(timed(train, given.steps))
            if given.peer:
                found.setdefault("d3rlpy DiscreteCQL", []).append(peer(given.peer, given.steps, given.threads))
    print(f"{given.threads} thread(s), {given.steps} steps a turn, {ROUNDS} turns; torch {torch.__version__}")
    for name, rates in found.items():
        print(
            f"{name:20s} median {np.median(rates):7.1f} steps/s, best {max(rates):7.1f}; "
            f"20,000 steps in {20_000 / np.median(rates):5.0f} s"
        )


if __name__ == "__main__":
    sys.exit(main())
