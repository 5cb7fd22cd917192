"""Random changes to 7 x 7 matrices that keep every row a distribution."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.emotions.tables import Row, Table, stochastic

if TYPE_CHECKING:
    import numpy as np


def redrawn(row: Row, rng: np.random.Generator) -> Row:
    """A row ~ Dirichlet(10 row + 0.1): near `row`, and every entry possible."""
    drawn = rng.dirichlet([10.0 * value + 0.1 for value in row]).tolist()
    return stochastic([drawn])[0]


def scattered(matrix: Table, rng: np.random.Generator) -> Table:
    """A matrix with every row redrawn."""
    return tuple(redrawn(row, rng) for row in matrix)


def crossed(first: Table, second: Table, rng: np.random.Generator) -> Table:
    """Each row from either matrix."""
    return tuple(pair[int(rng.integers(2))] for pair in zip(first, second, strict=True))


def blended(matrix: Table, observed: Table, keep: float) -> Table:
    """The mix keep * matrix + (1 - keep) * observed, `keep` in [0, 1]."""
    return stochastic(
        [keep * old + (1.0 - keep) * new for old, new in zip(*rows, strict=True)]
        for rows in zip(matrix, observed, strict=True)
    )


def estimated(transitions: Iterable[tuple[int, int]]) -> Table | None:
    """The maximum-likelihood matrix of observed (row, column) pairs, max(0.1, 5 / N) added to each count.

    None when nothing was observed.
    """
    counts: list[list[float]] = [[0.0] * EMOTION_COUNT for _ in range(EMOTION_COUNT)]
    total = 0
    for row, column in transitions:
        counts[row][column] += 1.0
        total += 1
    if not total:
        return None
    smoothing = max(0.1, 5.0 / total)
    return stochastic([value + smoothing for value in row] for row in counts)
