"""Small networks as mappings of arrays: w0, b0, w1, ...; layer k computes ReLU(x w_k + b_k), the last without ReLU."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poise.common.errors import AgentError
from poise.common.seeds import Dice, child_seed

Array = NDArray[np.float64]
Network = Mapping[str, Array]
_SEED: Final = 1


def initial_network(inputs: int, hidden: int, outputs: int, seed: int = _SEED) -> dict[str, Array]:
    """Two hidden layers with He's initialisation (variance 2 / fan-in); the last layer is 0, so that Q is."""
    rng = Dice(child_seed(seed, "network")).rng()
    sizes = [inputs, hidden, hidden, outputs]
    network: dict[str, Array] = {}
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        last = layer == len(sizes) - 2
        drawn = rng.normal(0.0, np.sqrt(2.0 / fan_in), (fan_in, fan_out)).astype(np.float32)
        network[f"w{layer}"] = np.zeros((fan_in, fan_out)) if last else drawn.astype(np.float64)
        network[f"b{layer}"] = np.zeros(fan_out)
    return network


def checked_network(arrays: Mapping[str, Any], inputs: int, outputs: int) -> dict[str, Array]:
    """`arrays` as a network of so many inputs and outputs.

    Raises:
        AgentError: they do not fit together.
    """
    layers = len(arrays) // 2
    network = {
        name: np.asarray(arrays[name], np.float64)
        for k in range(layers)
        for name in (f"w{k}", f"b{k}")
        if name in arrays
    }
    width = inputs
    for layer in range(layers):
        weights, bias = network.get(f"w{layer}"), network.get(f"b{layer}")
        if weights is None or bias is None or weights.shape != (width, *bias.shape) or bias.ndim != 1:
            break
        width = len(bias)
    else:
        if layers and width == outputs and len(arrays) == 2 * layers:
            return network
    raise AgentError(f"these arrays are no network of {inputs} inputs and {outputs} outputs; train it again")


def q_values(network: Network, states: ArrayLike) -> Array:
    """Q(s, a): shape (states, actions) for states of shape (states, features)."""
    x = np.asarray(states, np.float64)
    layers = len(network) // 2
    for layer in range(layers):
        x = x @ network[f"w{layer}"] + network[f"b{layer}"]
        if layer < layers - 1:
            x = np.maximum(x, 0.0)
    return x
