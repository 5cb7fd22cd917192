"""Losses of the words, as pure functions.

    SFT     -log p(reply | prompt), a mean over the tokens of the replies
    JPO     rho = exp(mean_t(log p_theta - log p_ref))
            loss = -min(rho A, clip(rho, 0.8, 1.2) A) + 0.04 mean_t(exp(D) - D - 1),  D = log p_ref - log p_theta
            A = clip((r - mean_s) / std_s, -10, 10) within the scenario s (EmoDistill, arXiv 2605.26785)
    DPO     -log sigmoid(beta (d_w - d_l)),  d = log p_theta(reply | prompt) - log p_ref(reply | prompt)
            w the better reply, l the worse one to the same prompt (Rafailov et al. 2023, eq. 7)

The KL term is the K3 estimator (Schulman, "Approximating KL Divergence", 2020): never negative, 0 where both agree.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poise.common.errors import ConfigError
from poise.training.libraries import require_torch

ADVANTAGE_LIMIT: Final = 10.0
CLIP: Final = 0.2


def sequence_ratio(logps: Any, reference: Any) -> Any:
    """rho, how much likelier a reply has become, per token (scalar).

    logps, reference: [T], log-probabilities of the reply's tokens now and in the snapshot.
    """
    return (logps - reference).mean().exp()


def policy_loss(ratio: Any, advantage: float, clip: float = CLIP) -> Any:
    """PPO's clipped loss of one reply (Schulman et al. 2017, eq. 7)."""
    clipped = ratio.clamp(1 - clip, 1 + clip)
    return -require_torch().minimum(ratio * advantage, clipped * advantage)


def k3(logps: Any, reference: Any) -> Any:
    """The K3 estimate of KL(theta || reference) over a reply's tokens (scalar, >= 0)."""
    difference = reference - logps
    return (difference.exp() - difference - 1).mean()


def jpo_loss(logps: Any, reference: Any, advantage: float, kappa: float, kl: float) -> Any:
    """JPO's loss of one reply (scalar).

    kappa: weight of the policy term where the advantage is negative; 1 is JPO, 0 learns from good replies only. The KL
        term stays in either case. kl: weight of that term.
    """
    weight = kappa if advantage < 0 else 1.0
    return weight * policy_loss(sequence_ratio(logps, reference), advantage) + kl * k3(logps, reference)


def implicit_reward(logps: Any, reference: Any, beta: float) -> Any:
    """DPO's implicit reward of a reply: beta log(p_theta / p_ref) of the whole reply (scalar).

    logps, reference: [T], log-probabilities of the reply's tokens now and in the snapshot.
    """
    return beta * (logps - reference).sum()


def dpo_loss(better: Any, worse: Any) -> Any:
    """DPO's loss of one preference from the implicit rewards of its two replies (scalar, > 0; log 2 where equal)."""
    return -require_torch().nn.functional.logsigmoid(better - worse)


def advantages(scores: Sequence[float | None], groups: Sequence[Hashable]) -> NDArray[np.float64]:
    """[N], each score less its group's mean, in the group's standard deviations.

    scores: [N]. groups: [N], what is compared with what: the scenario of each. The standard deviation is the
    population's; a group whose scores are all equal gets 0.

    Raises:
        ConfigError: a score is missing or not finite; or no group has two different scores.
    """
    values = np.array([np.nan if score is None else score for score in scores], dtype=np.float64)
    if not len(values):
        raise ConfigError("there is no reply to learn from; give data with scored replies")
    if missing := int((~np.isfinite(values)).sum()):
        raise ConfigError(f"{missing} of {len(values)} replies have no score; score them first: `poise train score`")
    found = np.zeros(len(values))
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    for rows in members.values():
        own = values[rows]
        if np.ptp(own) > 0:
            found[rows] = (own - own.mean()) / own.std()
    if not found.any():
        raise ConfigError(
            f"the {len(values)} scores are equal within each of {len(members)} groups, so that no reply is better than "
            "another; sample several replies to each prompt (`poise train sample`), or use another judge"
        )
    return np.clip(found, -ADVANTAGE_LIMIT, ADVANTAGE_LIMIT)
