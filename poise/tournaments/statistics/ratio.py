"""The standard error of a ratio of sums over scenarios, such as a mean over matches that scenarios share.

With t_s the sum over the matches of scenario s and n_s their number (or whatever else the mean is taken over), the
mean is m = sum_s t_s / sum_s n_s. Its linearised standard error (Cochran 1977, section 6.3) is, with residuals
r_s = t_s - m n_s and S scenarios,

    e^2 = S / (S - 1) * sum_s r_s^2 / (sum_s n_s)^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RatioError:
    """A ratio of sums and its error; the residuals have the shape (scenarios, ...), the other fields the rest of it.

    scenarios: how many count, S. widening: S / (S - 1), and 2 for fewer than two scenarios, where `error` means
    nothing. mean: 0 where no scenario counts.
    """

    scenarios: NDArray[np.int64]
    mean: Array
    residuals: Array
    widening: Array
    error: Array


def ratio_error(total: Array, number: Array) -> RatioError:
    """The ratio of the sums of `total` and `number` over scenarios, both of shape (scenarios, ...)."""
    everything = np.maximum(number.sum(axis=0), 1e-300)
    mean = np.asarray(total.sum(axis=0) / everything)
    residuals = total - mean * number
    rounding = 1e-12 * (np.abs(total) + np.abs(mean) * number)
    residuals[np.abs(residuals) <= rounding] = 0.0  # rounding is not spread
    scenarios = np.asarray(np.count_nonzero(number, axis=0))
    divisor = np.maximum(scenarios, 2)
    widening = divisor / (divisor - 1)
    error = np.asarray(np.sqrt(widening * (residuals**2).sum(axis=0)) / everything)
    return RatioError(scenarios, mean, residuals, widening, error)
