"""Scores of decisions against labels, and the thresholds with the best scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]


def f1_by_class(said: Flags, true: Flags) -> Floats:
    """F1 of each column, 2 TP / (2 TP + FP + FN); 0 where no row is predicted or true.

    said, true: shape (rows, classes).
    """
    both = (said & true).sum(axis=0)
    either = said.sum(axis=0) + true.sum(axis=0)
    return np.asarray(2 * both / np.maximum(either, 1))


def macro_f1(said: Flags, true: Flags) -> float:
    """The mean of the classes' F1."""
    return float(f1_by_class(said, true).mean())


def detector_reliability(confidence: Floats, right: Flags, bins: int = 15) -> list[tuple[int, float, float]]:
    """Rows, mean confidence and share that is right, for each of the equally wide bins that holds any row.

    confidence: probability of what was said, in [0, 1], shape (rows,). right: whether it is true, shape (rows,).
    """
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    inside = [place == number for number in range(bins)]
    return [(int(m.sum()), float(confidence[m].mean()), float(right[m].mean())) for m in inside if m.any()]


def calibration_error(confidence: Floats, right: Flags, bins: int = 15) -> float:
    """Expected calibration error, sum over bins of (share of rows) |right - confidence| (Guo et al. 2017, eq. 3).

    https://arxiv.org/abs/1706.04599; the arguments are those of `detector_reliability`.
    """
    found = detector_reliability(confidence, right, bins)
    return sum(rows * abs(share - sure) for rows, sure, share in found) / max(len(confidence), 1)


def best_thresholds(scores: Floats, true: Flags) -> Floats:
    """For each class the threshold with the best F1 when `score > threshold` says yes, shape (classes,).

    Only thresholds between two different scores are tried, so that equal scores are decided alike; a class that
    never occurs gets its highest score, and so is never predicted.
    """
    return np.array([_best_threshold(scores[:, column], true[:, column]) for column in range(scores.shape[1])])


def _best_threshold(scores: Floats, true: Flags) -> float:
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float64)
    hits = np.cumsum(true[order])
    if hits[-1] == 0:
        return float(ranked[0])
    said = np.arange(1, len(ranked) + 1)
    f1 = 2 * hits / (said + hits[-1])
    below = np.append(ranked[1:], ranked[-1] - 1)
    best = int(np.where(ranked > below, f1, -1).argmax())
    return float((ranked[best] + below[best]) / 2)


def halves(rows: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Two random halves of the row numbers."""
    order = rng.permutation(rows)
    return order[::2], order[1::2]


def cross_fitted(
    fit: Callable[[NDArray[np.intp]], Callable[[NDArray[np.intp]], Flags]], true: Flags, rng: np.random.Generator
) -> Flags:
    """Decisions on all rows, each half decided by the fit on the other half.

    fit: takes the row numbers to fit on; gives a function from row numbers to decisions.
    """
    one, two = halves(len(true), rng)
    said = np.zeros_like(true)
    said[one], said[two] = fit(two)(one), fit(one)(two)
    return said
