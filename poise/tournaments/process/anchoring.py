"""Anchoring: what a seat's first offer has to do with where the negotiation settled.

Over deals, with s(x) the seat's share of the gap between the targets at x (1 at its own target; not clipped, so that a
first offer beyond the target is above 1):

    slope        of s(deal) on s(first offer), by least squares: what asking for one share more went with.
    correlation  Pearson's, of the same two.
    held         (deal - other's first offer) / (own first offer - other's), the share of the way between both first
                 offers that the other side had to come: 1 where the deal is the seat's first offer. Both seats' add
                 up to 1. Left out where the first offers leave no gap between them.

The slope's 95 % interval is the jackknife's over scenarios (each left out in turn; Efron and Stein 1981,
Ann. Statist. 9:586) with t quantiles of S - 1 degrees of freedom, S scenarios. There is no slope where openings hardly
differ (standard deviation below `LEAST`), as with agents that all open beside their target. A slope over scenarios is
not a proof that the opening caused it: hard scenarios may have both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poise.games.moves import SEATS, Seat
from poise.tournaments.process.columns import Columns
from poise.tournaments.process.group import ANY, Group
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.ratio import Array

LEAST: Final = 0.05


@dataclass(frozen=True, slots=True)
class Anchoring:
    """One seat's figures over `deals` (see the module); None where they cannot be told."""

    seat: Seat
    deals: int
    opening: Estimate | None
    held: Estimate | None
    slope: Estimate | None
    correlation: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        told = {name: getattr(self, name) for name in ("opening", "held", "slope")}
        plain = {name: None if one is None else one.to_dict() for name, one in told.items()}
        return {"deals": self.deals, **plain, "correlation": self.correlation}


def anchors(columns: Columns) -> Array:
    """[N, 4], of each deal both seats' first shares, the creditor's final share, and what it held of the way.

    A row of nan without a deal or where a seat never offered; the last is nan where the first offers leave no gap.
    """
    creditor, debtor = columns.first_offers.T
    target, others = columns.targets.T
    gap = others - target
    with np.errstate(invalid="ignore", divide="ignore"):
        held = np.where(np.sign(gap) * (debtor - creditor) > 0, (debtor - columns.deal) / (debtor - creditor), np.nan)
    found = np.stack(
        [(others - creditor) / gap, 1 - (others - debtor) / gap, (others - columns.deal) / gap, held], axis=1
    )
    found[np.isnan(found[:, :3]).any(axis=1)] = np.nan
    return found


def anchoring(group: Group, anchors: Array) -> tuple[Anchoring, Anchoring]:
    """The figures of creditor and debtor; `anchors` as `anchors` gives them."""
    there = np.flatnonzero(~np.isnan(anchors[:, 0]))
    among = Group(group.cluster[there], group.count, group.seed)
    creditor, debtor = (_of_seat(among, anchors[there], place) for place in range(len(SEATS)))
    return creditor, debtor


def _of_seat(group: Group, deals: Array, place: int) -> Anchoring:
    first, final, held = deals[:, place], deals[:, 2], deals[:, 3]
    if place:
        final, held = 1 - final, 1 - held
    opening, kept = group.means([first, held], ANY)
    line, correlation = slope(group.cluster, first, final), None
    if line is not None:
        correlation = float(np.corrcoef(first, final)[0, 1]) if np.ptp(final) > 0 else 0.0
    return Anchoring(SEATS[place], len(deals), opening, kept, line, correlation)


def slope(cluster: NDArray[np.int64], x: Array, y: Array) -> Estimate | None:
    """The least-squares slope of y on x with its interval over clusters; None where x hardly varies."""
    if len(x) < 3 or np.std(x) < LEAST:
        return None
    from scipy import special

    x, y = x - x.mean(), y - y.mean()  # for rounding; the slope does not move
    sums = np.stack([np.bincount(cluster, weights=of) for of in (np.ones_like(x), x, y, x * y, x * x)])
    sums = sums[:, sums[0] > 0]
    found, clusters = _slope(sums.sum(axis=1)), sums.shape[1]
    without = _slope(sums.sum(axis=1)[:, None] - sums)
    if clusters < 3 or not np.all(np.isfinite(without)):
        return Estimate(float(found), None, None)
    spread = float(np.sqrt((clusters - 1) / clusters * ((without - without.mean()) ** 2).sum()))
    reach = spread * float(special.stdtrit(clusters - 1, 0.975))
    return Estimate(float(found), float(found) - reach, float(found) + reach)


def _slope(sums: Array) -> Array:
    """From n, sum x, sum y, sum xy, sum xx; nan where x does not vary."""
    n, x, y, xy, xx = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = xx - x * x / n
        return np.asarray(np.where(spread > 1e-9, (xy - x * y / n) / spread, np.nan))
