"""Off-policy estimates of what a policy would earn: fitted-Q evaluation and importance sampling.

Both estimate the mean utility of a negotiation (gamma 1), so that policies trained on any reward can be compared.

    fitted Q    Q(s, a) <- r + Q'(s', pi(s')) by regression on the data, pi the greedy policy that will be played; the
                estimate is the mean of Q(s_0, pi(s_0)). A stack of networks is fitted at once, each with its own
                bootstrap weights over scenarios (exponential, of mean 1), so that the interval holds what fitting adds.
                H. Le, C. Voloshin and Y. Yue 2019 (https://arxiv.org/abs/1903.08738).
    importance  sum_t sum_i w_it r_it / sum_i w_it, with w_it = prod_{k <= t} pi(a_k|s_k) / mu(a_k|s_k), weighted and by
                decision (D. Precup, R. Sutton and S. Singh 2000); a finished negotiation keeps its last weight. mu must
                be known. pi is the softmax of the network, not the policy that is played: the greedy policy hardly ever
                agrees with ten random emotions in a row. The interval is the bootstrap's over scenarios.

Neither leaves [0, 1], where utilities lie. Fitted Q is only as accurate as its network, and extrapolates where data are
thin; importance sampling is right in the limit but noisy, as its effective sample size (sum w)^2 / sum w^2 says.
Neither replaces matches.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poise.agents.policies.learned.network import Array
from poise.common.seeds import Dice, child_seed
from poise.training.data.dataset import Transitions

BOOTSTRAPS: Final = 1000
_LARGEST: Final = 1e12  # weights are products; beyond this they are noise anyway


class Interval(NamedTuple):
    """An estimate, with the bounds of its 95 % interval."""

    mean: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """JSON data."""
        return {name: float(value) for name, value in self._asdict().items()}


def softmax(logits: Array) -> Array:
    """Probabilities along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: Array = raised / raised.sum(axis=-1, keepdims=True)
    return found


def importance(data: Transitions, chosen: Array, seed: int = 0) -> dict[str, Any] | None:
    """The weighted per-decision estimate of a policy that shows the data's emotions with probabilities `chosen`, [N].

    None where the data's policy is unknown.
    """
    if not np.isfinite(data.propensity).all():
        return None
    ratios = chosen / data.propensity
    weights, rewards = _by_step(data, ratios), _by_step(data, data.rewards["utility"], fill=0.0)
    sums = _by_scenario(data, [weights * rewards, weights])
    draws = _draws(len(sums[0]), seed)
    estimates = [_weighted(*(np.tensordot(draw, each, 1) for each in sums)) for draw in draws]
    last = weights[:, -1]
    size = float(last.sum() ** 2 / max(1e-300, (last**2).sum()))
    mean = _weighted(*(each.sum(0) for each in sums))
    # Weighted step by step, means can add up to more than a negotiation can earn.
    found = np.clip([mean, *np.percentile(estimates, [2.5, 97.5])], 0.0, 1.0)
    return {**Interval(*found).to_dict(), "effective_talks": size}


def _weighted(gained: Array, weights: Array) -> float:
    """The sum over steps of the weighted means; arrays [T]."""
    return float((gained / np.maximum(weights, 1e-300)).sum())


def _by_step(data: Transitions, values: NDArray[Any], fill: float | None = None) -> Array:
    """[M, T]: values by step, with `fill` after a negotiation's end; without it, products so far, the last one kept."""
    steps = np.ones((len(data.utility), int(data.step.max()) + 1))
    if fill is not None:
        steps *= fill
    steps[data.episode, data.step] = values
    found: Array = steps if fill is not None else np.minimum(np.cumprod(steps, axis=1), _LARGEST)
    return found


def _by_scenario(data: Transitions, values: list[Array]) -> list[Array]:
    """[S, T] each: sums over the negotiations of a scenario."""
    _, place = np.unique(data.scenario, return_inverse=True)
    count = int(place.max()) + 1
    found = []
    for each in values:
        sums = np.zeros((count, each.shape[1]))
        np.add.at(sums, place, each)
        found.append(sums)
    return found


def _draws(count: int, seed: int) -> Array:
    """[BOOTSTRAPS, count]: how often each scenario is drawn."""
    rng = Dice(child_seed(seed, "bootstrap")).rng()
    return rng.multinomial(count, np.full(count, 1 / count), size=BOOTSTRAPS).astype(np.float64)


def observed(data: Transitions, seed: int = 0) -> Interval:
    """What the data's policy earned."""
    ones = np.ones((len(data.utility), 1))
    gained, talks = _by_scenario(data, [ones * data.utility[:, None], ones])
    draws = _draws(len(gained), seed)
    means = (draws @ gained[:, 0]) / np.maximum(1.0, draws @ talks[:, 0])
    return Interval(float(data.utility.mean()), *map(float, np.percentile(means, [2.5, 97.5])))


def offline_scores(data: Transitions, logits: Array, fitted: Interval, seed: int) -> dict[str, Any]:
    """All estimates for a network whose outputs on the data's states are `logits`, [N, A].

    fitted: what fitted-Q evaluation found.
    """
    rows = np.arange(len(data))
    soft = softmax(logits)[rows, data.action]
    return {
        "of": "mean utility of a talk in the world of the data",
        "talks": len(data.utility),
        "data": observed(data, seed).to_dict(),
        "fitted_q": fitted.to_dict(),
        "importance": importance(data, soft, seed),
        "agreement": float((logits.argmax(axis=1) == data.action).mean()),
    }
