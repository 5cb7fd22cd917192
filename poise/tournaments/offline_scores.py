"""What a network would earn in the world of a data set: its offline evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from poise.agents.learning.dataset import Transitions
from poise.agents.learning.network import Network, q_values
from poise.agents.learning.offline import OfflineSettings
from poise.agents.learning.offline_evaluation import scores
from poise.agents.learning.states import network_input


def evaluate(data: Transitions, network: Network, settings: OfflineSettings) -> dict[str, Any]:
    """What `network` would earn in the world of `data`, see `poise.agents.learning.offline_evaluation`."""
    from poise.agents.learning.fitted_q import FitSettings, Logged, fitted_q
    from poise.agents.learning.offline_torch import threads

    states, following = (
        network_input(each, settings.state, faithful=settings.faithful)
        for each in (
            (data.state, data.next_state) if settings.state == "published" else (data.extended, data.next_extended)
        )
    )
    logits = q_values(network, states)
    first = np.flatnonzero(data.step == 0)
    logged = Logged(
        states=states,
        following=following,
        actions=data.action,
        ahead=q_values(network, following).argmax(axis=1),
        rewards=data.rewards["utility"],
        goes_on=(~data.done).astype(np.float32),
        group=np.unique(data.scenario[data.episode], return_inverse=True)[1].astype(np.int64),
        first=first,
        opening=logits[first].argmax(axis=1),
    )
    with threads(settings.threads):
        fitted = fitted_q(logged, logits.shape[1], FitSettings(seed=settings.seed))
    return scores(data, logits, fitted, settings.seed)
