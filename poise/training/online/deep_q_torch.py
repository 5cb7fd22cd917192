"""Gradient steps of deep Q-learning, by torch (Adam, Kingma & Ba 2015)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from poise.agents.policies.learned.network import Array, Network
from poise.training.libraries import require_torch
from poise.training.online.deep_q import ReplayBatch, packed, unpacked


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """These networks are small, and sums then come in one order on every machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class TorchStepper:
    """A `Stepper` with torch's Adam and Huber loss, in single precision on `device`."""

    def __init__(self, network: Network, rate: float, device: str = "cpu") -> None:
        self._torch = require_torch()
        self._device = device
        self._parameters = {name: self._torch.nn.Parameter(self._floats(array)) for name, array in network.items()}
        self._adam = self._torch.optim.Adam(list(self._parameters.values()), lr=rate)

    def network(self) -> dict[str, Array]:
        """The current network."""
        return {name: each.detach().cpu().numpy().astype(np.float64) for name, each in self._parameters.items()}

    def step(self, batch: ReplayBatch, aims: Array) -> float:
        """One step towards Q(s, a) = aims; the loss before it."""
        torch = self._torch
        with _one_thread(torch):
            values = self._forward(self._floats(batch.states))
            actions = torch.tensor(batch.actions, device=self._device)
            chosen = values.gather(1, actions.unsqueeze(1)).squeeze(1)
            loss = torch.nn.functional.smooth_l1_loss(chosen, self._floats(aims))
            self._adam.zero_grad()
            loss.backward()
            self._adam.step()
        return float(loss.detach())

    def _floats(self, array: Any) -> Any:
        return self._torch.tensor(array, dtype=self._torch.float32, device=self._device)

    def _forward(self, x: Any) -> Any:
        layers = len(self._parameters) // 2
        for layer in range(layers):
            x = x @ self._parameters[f"w{layer}"] + self._parameters[f"b{layer}"]
            if layer < layers - 1:
                x = self._torch.relu(x)
        return x

    def state(self) -> dict[str, Any]:
        """The network and Adam's moments, as JSON data."""
        found: dict[str, Any] = {"network": {}, "moments": {}, "steps": 0}
        for name, each in self._parameters.items():
            found["network"][name] = packed(each.detach().cpu().numpy())
            moments = self._adam.state.get(each)
            if moments:
                found["steps"] = int(moments["step"])
                found["moments"][name] = [packed(moments[key].cpu().numpy()) for key in ("exp_avg", "exp_avg_sq")]
        return found

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`."""
        torch = self._torch
        for name, each in self._parameters.items():
            each.data = self._floats(unpacked(state["network"][name]))
            if name in state["moments"]:
                first, second = (self._floats(unpacked(data)) for data in state["moments"][name])
                step = torch.tensor(float(state["steps"]))
                self._adam.state[each] = {"step": step, "exp_avg": first, "exp_avg_sq": second}
