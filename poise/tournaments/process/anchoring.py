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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poise.games.moves import SEATS, Seat
from poise.games.transcript import Transcript
from poise.tournaments.process.concession import first_offer
from poise.tournaments.process.group import ANY, Group, column
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.ratio import Array

LEAST: Final = 0.05


class Anchor(NamedTuple):
    """One deal: both seats' first shares, the creditor's final share, and what it held of the way (None: no gap)."""

    creditor: float
    debtor: float
    final: float
    held: float | None


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


def anchor(transcript: Transcript) -> Anchor | None:
    """What one negotiation says of anchoring; None without a deal or where a seat never offered."""
    deal, openings = transcript.outcome.value, [first_offer(transcript, seat) for seat in SEATS]
    creditor, debtor = openings
    if transcript.outcome.ending != "deal" or deal is None or creditor is None or debtor is None:
        return None
    case = transcript.scenario
    gap = case.debtor_target - case.creditor_target

    def share(value: int) -> float:
        return (case.debtor_target - value) / gap

    apart = case.polarity * (debtor - creditor) > 0
    held = (debtor - deal) / (debtor - creditor) if apart else None
    return Anchor(share(creditor), 1 - share(debtor), share(deal), held)


def anchoring(group: Group, anchors: Sequence[Anchor | None]) -> tuple[Anchoring, Anchoring]:
    """The figures of creditor and debtor."""
    there = [place for place, one in enumerate(anchors) if one is not None]
    deals = [one for one in anchors if one is not None]
    among = Group(group.cluster[there], group.count, group.seed)
    creditor, debtor = (_of_seat(among, deals, seat) for seat in SEATS)
    return creditor, debtor


def _of_seat(group: Group, deals: Sequence[Anchor], seat: Seat) -> Anchoring:
    first = column([getattr(one, seat) for one in deals])
    final, held = column([one.final for one in deals]), column([one.held for one in deals])
    if seat == "debtor":
        final, held = 1 - final, 1 - held
    opening, kept = group.means([first, held], ANY)
    line, correlation = slope(group.cluster, first, final), None
    if line is not None:
        correlation = float(np.corrcoef(first, final)[0, 1]) if np.ptp(final) > 0 else 0.0
    return Anchoring(seat, len(deals), opening, kept, line, correlation)


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
