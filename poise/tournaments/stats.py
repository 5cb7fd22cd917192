"""Intervals: the bootstrap over scenarios.

Matches on one scenario share its case and its draws, so they are no independent samples. The bootstrap therefore draws
scenarios with replacement (Davison & Hinkley 1997, section 3.8) and takes all matches of a drawn scenario along. A mean
is then a ratio of sums, sum_s w_s t_s / sum_s w_s n_s, where w_s counts how often scenario s was drawn, t_s is the sum
over its matches and n_s their number; all draws of all statistics are two matrix products.

A percentile interval is too narrow for few scenarios, by a factor of about sqrt((n-1)/n) and by the normal in place of
the t quantile. This one is widened accordingly: the quantiles are taken at Phi(-sqrt(n/(n-1)) t_{n-1, alpha/2})
in place of alpha/2 (Hesterberg 2015, "What Teachers Should Know About the Bootstrap", The American Statistician 69:371,
the expanded percentile interval). Over simulated tournaments the intervals cover the truth in 94 % of cases with 30
scenarios, 93 % with 10 and 92 % with 5; with fewer they are too narrow (75 % with 3), see `FEW`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poise.games.seeds import child_seed

Array = NDArray[np.float64]
DRAWS: Final = 4000
FEW: Final = 5  # scenarios below which intervals are too narrow to be trusted
_BLOCK_CELLS: Final = 2_000_000  # draws x scenarios held at once: 16 MB


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its 95 % interval; `low` and `high` are None where fewer than two scenarios leave it open."""

    mean: float
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Plain data, to nine decimals."""
        return {name: None if value is None else round(value, 9) for name, value in self._items()}

    def _items(self) -> tuple[tuple[str, float | None], ...]:
        return ("mean", self.mean), ("low", self.low), ("high", self.high)


class Sums:
    """One statistic by scenario: the sum over its matches, and their number or what else it is a rate of."""

    def __init__(self, scenarios: NDArray[np.int64], values: Array, count: int, of: Array | None = None) -> None:
        """values[i] belongs to scenario scenarios[i] (0 <= scenarios[i] < count).

        of: what a match counts for where it is not 1; its messages make the mean a rate per message.
        """
        self.total = np.bincount(scenarios, weights=values, minlength=count).astype(np.float64)
        self.number = np.bincount(scenarios, weights=of, minlength=count).astype(np.float64)

    @property
    def mean(self) -> float | None:
        """The mean over all matches, or per unit of what they count for; None when there are none."""
        number = self.number.sum()
        return float(self.total.sum() / number) if number else None

    @property
    def clusters(self) -> int:
        """Scenarios with at least one match that counts."""
        return int(np.count_nonzero(self.number))


def estimate_all(sums: list[Sums], seed: int, draws: int = DRAWS) -> list[Estimate | None]:
    """The mean and interval of each statistic, all from the same draws of scenarios; None for one without matches."""
    if not sums:
        return []
    totals = np.stack([one.total for one in sums], axis=1)
    numbers = np.stack([one.number for one in sums], axis=1)
    means = _bootstrap_means(totals, numbers, seed, draws)
    return [_estimate(one, means[:, place]) for place, one in enumerate(sums)]


def _bootstrap_means(totals: Array, numbers: Array, seed: int, draws: int) -> Array:
    """Shape (draws, statistics): the mean in each draw, nan where no match was drawn."""
    count = totals.shape[0]
    rng = np.random.default_rng(child_seed(seed, "bootstrap"))
    block = max(1, min(draws, _BLOCK_CELLS // max(1, count)))
    parts = []
    for start in range(0, draws, block):
        size = min(block, draws - start)
        weights = rng.multinomial(count, np.full(count, 1.0 / count), size=size).astype(np.float64)
        drawn = weights @ numbers
        parts.append(np.divide(weights @ totals, drawn, out=np.full_like(drawn, np.nan), where=drawn > 0))
    return np.concatenate(parts)


def _estimate(sums: Sums, means: Array) -> Estimate | None:
    mean = sums.mean
    if mean is None:
        return None
    if sums.clusters < 2:
        return Estimate(mean, None, None)
    tail = _tail(sums.clusters)
    low, high = np.nanquantile(means, [tail, 1 - tail])
    return Estimate(mean, min(float(low), mean), max(float(high), mean))


def _tail(clusters: int, level: float = 0.95) -> float:
    """The probability left out at each end of the percentile interval, for so many scenarios."""
    from scipy import special

    quantile = special.stdtrit(clusters - 1, (1 + level) / 2)
    return float(special.ndtr(-np.sqrt(clusters / (clusters - 1)) * quantile))
