"""A policy learned from a fixed data set: IQL, behaviour cloning or discrete CQL, played by NumPy alone.

Paper: EmoDistill (https://arxiv.org/abs/2605.26785); the learning is in `poise.training.offline.iql` and
`poise.training.offline.baselines`, what a state is in `poise.agents.policies.learned.states`.

    emotion = argmax_a f(s)_a over the 28, f the policy's logits (iql, bc) or Q-values (cql)

Emotions that the data did not hold have a value that is never the largest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.policies import restores
from poise.agents.policies.learned.network import Network, checked_network, q_values
from poise.agents.policies.learned.states import BUILDERS, STATES, input_width, network_input
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice


class Learned:
    """Shows the emotion that its network rates highest.

    state, faithful: what its network sees, see `poise.agents.policies.learned.states`.
    """

    def __init__(self, network: Network, state: str = "extended", *, faithful: bool = False) -> None:
        self._network = network
        self._state = state
        self._faithful = faithful

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - nothing is left to chance
        """The emotion for the message about to be made, one of the 28."""
        state = np.asarray([BUILDERS[self._state](view)], np.float32)
        inputs = network_input(state, self._state, faithful=self._faithful)
        return EMOTIONS28[int(q_values(self._network, inputs)[0].argmax())]


@restores("iql", "bc", "cql")
def learned(parameters: Mapping[str, Any], arrays: Mapping[str, Any]) -> Learned:
    """The policy of an artifact.

    Raises:
        AgentError: its parameters and arrays do not fit together.
    """
    state, faithful = parameters.get("state"), parameters.get("faithful", False)
    if state not in STATES or not isinstance(faithful, bool):
        raise AgentError(f"state {state!r} is not one of {', '.join(STATES)}; train it again")
    network = checked_network(arrays, input_width(state, faithful=faithful), len(EMOTIONS28))
    return Learned(network, state, faithful=faithful)
