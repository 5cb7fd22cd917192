"""Which negotiations a figure is over, and what is averaged over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poise.tournaments.statistics.bootstrap import Estimate, Sums, estimate_in_blocks
from poise.tournaments.statistics.ratio import Array

ANY: Final = (-np.inf, np.inf)
SHARE: Final = (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Group:
    """Some negotiations of a tournament.

    cluster: each negotiation's scenario, or its world, as an index. count: of clusters in the tournament. seed: of
    the draws.

    Means and rates come with 95 % intervals by the studentised bootstrap over clusters, as standings do
    (`poise.tournaments.statistics.bootstrap`), of 1,000 draws.
    """

    cluster: NDArray[np.int64]
    count: int
    seed: int = 0

    def means(self, columns: Sequence[Array] | Array, within: tuple[float, float] = ANY) -> list[Estimate | None]:
        """The mean of each column, one value per negotiation, nan where it has none; None where all are nan."""
        known = [~np.isnan(column) for column in columns]
        sums = [
            Sums(self.cluster[there], column[there], self.count, within=within)
            for column, there in zip(columns, known, strict=True)
        ]
        return estimate_in_blocks(sums, self.seed)

    def rates(
        self, pairs: Sequence[tuple[Array, Array]], within: tuple[float, float] = (0.0, np.inf)
    ) -> list[Estimate | None]:
        """For each (amounts, units), one of each per negotiation: the amounts' sum over that of the units."""
        sums = [Sums(self.cluster, amount, self.count, of, within) for amount, of in pairs]
        return estimate_in_blocks(sums, self.seed)
