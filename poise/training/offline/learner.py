"""Gradient steps of learning from a fixed data set, by torch: what IQL, CQL, cloning and evaluation have in common.

Networks of one shape are kept in a stack, so that a layer of all of them is one batched product and Adam one fused
step: twin critics, value and policy cost what their arithmetic costs and little more. Batches come from one table.
Import it only once `require_torch` has passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, ClassVar, Final

import numpy as np
import torch
from numpy.typing import NDArray

from poise.agents.policies.learned.network import Array
from poise.common.seeds import Dice, child_seed
from poise.training.offline.problem import OfflineProblem, OfflineSettings

Tensor = Any  # torch.Tensor; torch's types stay out of the check
NEVER: Final = -1e9  # the logit of an emotion that the data do not hold


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Set torch's number of threads, and restore it afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def initial_stack(count: int, sizes: Sequence[int], seed: int) -> list[Tensor]:
    """`count` networks of layers `sizes`, w0 [count, in, out], b0 [count, 1, out], w1, ...; last layers near 0.

    Weights are uniform in +-1 / sqrt(fan-in), as torch's own, the last layer's a hundredth of that.
    """
    generator = torch.Generator().manual_seed(seed % (1 << 63))
    found = []
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        bound = fan_in**-0.5 * (0.01 if layer == len(sizes) - 2 else 1.0)
        weights = torch.empty(count, fan_in, fan_out).uniform_(-bound, bound, generator=generator)
        found += [weights.requires_grad_(), torch.zeros(count, 1, fan_out).requires_grad_()]
    return found


def forward(stack: Sequence[Tensor], x: Tensor) -> Tensor:
    """Outputs [count, n, out] of every network of `stack` for the inputs x, [n, in]."""
    x = x.expand(len(stack[0]), *x.shape)
    last = len(stack) - 2
    for layer in range(0, len(stack), 2):
        x = torch.baddbmm(stack[layer + 1], x, stack[layer])
        if layer < last:
            x = x.relu_()
    return x


def network_slice(stack: Sequence[Tensor], first: int, end: int) -> list[Tensor]:
    """Networks `first` to `end` - 1 of `stack`."""
    return [each[first:end] for each in stack]


def network_of(stack: Sequence[Tensor], place: int) -> dict[str, Array]:
    """One network of `stack` as `poise.agents.policies.learned.network` plays it."""
    found = {}
    for number in range(len(stack) // 2):
        found[f"w{number}"] = stack[2 * number][place].detach().cpu().numpy().astype(np.float64)
        found[f"b{number}"] = stack[2 * number + 1][place, 0].detach().cpu().numpy().astype(np.float64)
    return found


class TransitionBatch:
    """Rows of a problem: states and following [n, width], actions, rewards and goes_on [n]."""

    def __init__(self, rows: Tensor, actions: Tensor, width: int) -> None:
        self.states, self.following = rows[:, :width], rows[:, width : 2 * width]
        self.rewards, self.goes_on = rows[:, 2 * width], rows[:, 2 * width + 1]
        self.actions = actions

    def chosen(self, values: Tensor) -> Tensor:
        """Of values [count, n, A], those of the actions: [count, n]."""
        places = self.actions.expand(len(values), 1, -1).transpose(1, 2)
        return values.gather(2, places).squeeze(2)


class OfflineLearner:
    """Takes gradient steps on a stack of networks; a subclass has the losses.

    networks: how many there are. losses: their names, in the order of `_losses`. device: cpu or cuda; memory and the
    policy are arrays of NumPy on either, so that a training begun on one can be resumed on the other.
    """

    networks: ClassVar[int] = 1
    targets: ClassVar[tuple[int, int] | None] = None  # which networks have a slow copy
    losses: ClassVar[tuple[str, ...]] = ()

    def __init__(self, problem: OfflineProblem, settings: OfflineSettings, device: str = "cpu") -> None:
        self.settings = settings
        self._device = device
        columns = [problem.states, problem.following, problem.rewards[:, None], problem.goes_on[:, None]]
        self._table = torch.from_numpy(np.concatenate(columns, axis=1, dtype=np.float32)).to(device)
        self._actions = torch.from_numpy(problem.actions).to(device)
        self._width = problem.width
        self.barred = torch.from_numpy(np.where(problem.mask, 0.0, NEVER).astype(np.float32)).to(device)
        sizes = [problem.width, settings.hidden, settings.hidden, len(problem.mask)]
        first = initial_stack(self.networks, sizes, child_seed(settings.seed, "networks", settings.method))
        self.stack = [each.detach().to(device).requires_grad_() for each in first]
        self.slow = [each.detach().clone() for each in network_slice(self.stack, *self.targets)] if self.targets else []
        self._adam = torch.optim.Adam(self.stack, lr=settings.rate, fused=True)

    def train(self, chunk: int, steps: int) -> list[float]:
        """Take the `steps` steps of a chunk; the mean of each loss. The chunk's number decides the rows."""
        rng = Dice(child_seed(self.settings.seed, "batches", chunk)).rng()
        drawn = torch.from_numpy(rng.integers(len(self._table), size=(steps, self.settings.batch))).to(self._device)
        total = torch.zeros(len(self.losses), device=self._device)
        for rows in drawn:
            total += self._step(rows)
        return list((total / steps).tolist())

    def _step(self, rows: Tensor) -> Tensor:
        batch = TransitionBatch(self._table.index_select(0, rows), self._actions.index_select(0, rows), self._width)
        losses = self._losses(batch)
        self._adam.zero_grad(set_to_none=True)
        torch.autograd.backward(losses)
        self._adam.step()
        if self.targets:
            with torch.no_grad():
                torch._foreach_lerp_(self.slow, network_slice(self.stack, *self.targets), self.settings.polyak)
        return torch.stack([each.detach() for each in losses])

    def _losses(self, batch: TransitionBatch) -> list[Tensor]:
        raise NotImplementedError

    def policy(self) -> dict[str, Array]:
        """The network to play with; emotions that the data do not hold are masked."""
        network = network_of(self.stack, self.networks - 1)
        last = f"b{len(self.stack) // 2 - 1}"
        network[last] = network[last] + self.barred.cpu().numpy().astype(np.float64)
        return network

    def memory(self) -> dict[str, NDArray[Any]]:
        """Networks and Adam's moments, as arrays."""
        found = {f"slow{place}": each.cpu().numpy() for place, each in enumerate(self.slow)}
        for place, each in enumerate(self.stack):
            found[f"stack{place}"] = each.detach().cpu().numpy()
            for key, value in self._adam.state.get(each, {}).items():
                found[f"adam_{key}{place}"] = value.cpu().numpy()
        return found

    def restore(self, memory: Mapping[str, NDArray[Any]]) -> None:
        """Continue from `memory`."""
        with torch.no_grad():
            for place, each in enumerate(self.slow):
                each.copy_(torch.from_numpy(memory[f"slow{place}"]))
            for place, each in enumerate(self.stack):
                each.copy_(torch.from_numpy(memory[f"stack{place}"]))
                names = ("step", "exp_avg", "exp_avg_sq")
                state = {name: memory.get(f"adam_{name}{place}") for name in names}
                if state["step"] is not None:
                    tensors = {name: torch.tensor(value, device=self._device) for name, value in state.items()}
                    self._adam.state[each] = tensors
