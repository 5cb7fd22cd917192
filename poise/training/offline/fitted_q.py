"""Fitted-Q evaluation by torch; see `poise.training.offline.evaluation`.

Import it only once `require_torch` has passed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from poise.common.seeds import Dice, child_seed
from poise.training.data.dataset import Floats
from poise.training.offline.evaluation import Interval
from poise.training.offline.learner import Tensor, forward, initial_stack


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Settings of the fit.

    networks: how many, each with its own bootstrap weights. bounds: of what a negotiation can earn.
    """

    networks: int = 10
    hidden: int = 64
    steps: int = 1000
    batch: int = 256
    rate: float = 1e-3
    polyak: float = 0.01
    gamma: float = 1.0
    bounds: tuple[float, float] = (0.0, 1.0)
    seed: int = 0


@dataclass(frozen=True)
class Logged:
    """The data of the fit: N rows.

    states, following: [N, width]. actions: [N]. ahead: [N], what the policy to be judged shows in `following`.
    rewards, goes_on:  [N]. group: [N], whose rows share bootstrap weights.
    first:             rows that begin a negotiation. opening: what the policy shows in their states.
    """

    states: Floats
    following: Floats
    actions: NDArray[np.int64]
    ahead: NDArray[np.int64]
    rewards: Floats
    goes_on: Floats
    group: NDArray[np.int64]
    first: NDArray[np.int64]
    opening: NDArray[np.int64]


def fitted_q(logged: Logged, count: int, settings: FitSettings | None = None) -> Interval:
    """The value of the policy from the first states on; `count` is the number of actions."""
    settings = settings or FitSettings()
    rng = Dice(child_seed(settings.seed, "fitted q")).rng()
    tables = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in vars(logged).items()}
    groups = int(logged.group.max()) + 1
    weights = torch.from_numpy(rng.exponential(size=(settings.networks, groups)).astype(np.float32))
    weights[0] = 1.0  # the estimate itself
    sizes = [logged.states.shape[1], settings.hidden, settings.hidden, count]
    stack = initial_stack(settings.networks, sizes, child_seed(settings.seed, "fitted q"))
    _fit(stack, tables, weights, settings, rng)
    return _interval(stack, tables, weights, settings.bounds)


def _fit(
    stack: list[Tensor], tables: dict[str, Tensor], weights: Tensor, settings: FitSettings, rng: np.random.Generator
) -> None:
    slow = [each.detach().clone() for each in stack]
    adam = torch.optim.Adam(stack, lr=settings.rate, fused=True)
    for _ in range(settings.steps):
        rows = torch.from_numpy(rng.integers(len(tables["actions"]), size=settings.batch))
        row = {name: table.index_select(0, rows) for name, table in tables.items() if name not in ("first", "opening")}
        with torch.no_grad():
            onward = _at(forward(slow, row["following"]), row["ahead"])
            # Utilities are shares: the bounds keep errors of the networks about rare emotions from growing.
            aim = (row["rewards"] + settings.gamma * row["goes_on"] * onward).clamp(*settings.bounds)
        error = _at(forward(stack, row["states"]), row["actions"]) - aim
        adam.zero_grad(set_to_none=True)
        (weights[:, row["group"]] * error.square()).mean(1).sum().backward()
        adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(slow, stack, settings.polyak)


def _at(values: Tensor, actions: Tensor) -> Tensor:
    """Of values [networks, n, A], those of actions [n]."""
    return values.gather(2, actions.expand(len(values), 1, -1).transpose(1, 2)).squeeze(2)


def _interval(stack: list[Tensor], tables: dict[str, Tensor], weights: Tensor, bounds: tuple[float, float]) -> Interval:
    """The estimate, and 1.96 deviations of the other networks' around it, within what can be earned."""
    with torch.no_grad():
        values = _at(forward(stack, tables["states"][tables["first"]]), tables["opening"])
        shares = weights[:, tables["group"][tables["first"]]]
        found = ((values * shares).sum(1) / shares.sum(1)).numpy().astype(np.float64)
    spread = 1.96 * float(found[1:].std(ddof=1)) if len(found) > 2 else float("nan")
    return Interval(*np.clip([found[0], found[0] - spread, found[0] + spread], *bounds).tolist())
