"""Concession curves: how far each seat has come, over the negotiation.

An offer x of a seat lies at

    p(x) = (x - start) / (end - start),

`start` and `end` being the seat's own first offer and the other seat's (`scale="offers"`), or the seat's own target and
the other's (`scale="targets"`). By first offers, 0 is where the seat began and 1 what the other side asked at first;
below 0 the seat has taken back more than it gave. Accepting takes the other side's standing offer as the seat's own.

Time runs from 0, the seat's first offer, to 1, the negotiation's last message, and is linear in messages; between its
messages a seat stays where it is (Faratin, Sierra and Jennings 1998 plot concessions over such a clock). There is no
curve for a seat that never offered or whose first offer was the last message, nor by first offers where the two leave
no gap to close.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from poise.common.errors import BadInput
from poise.common.words import did_you_mean
from poise.games.moves import SEATS, Seat
from poise.tournaments.process.columns import Columns
from poise.tournaments.process.group import Group
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.ratio import Array

Scale = Literal["offers", "targets"]
SCALES: Final[tuple[Scale, ...]] = ("offers", "targets")
GRID: Final = tuple(step / 10 for step in range(11))


def as_scale(name: str) -> Scale:
    """The scale of that name. BadInput where there is none."""
    for scale in SCALES:
        if scale == name:
            return scale
    raise BadInput(f"scale {name!r} does not exist; {did_you_mean(name, SCALES)}there are {' and '.join(SCALES)}")


@dataclass(frozen=True, slots=True)
class Curve:
    """The mean curve of one seat: a point for each moment of GRID; None without a curve.

    negotiations: how many had one.
    """

    seat: Seat
    negotiations: int
    points: tuple[Estimate | None, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        points = [None if point is None else point.to_dict() for point in self.points]
        return {"talks": self.negotiations, "time": list(GRID), "points": points}


def _standing(columns: Columns) -> Array:
    """[N, T, 2], where both seats stand after each message, an acceptance as the offer accepted; nan for nowhere."""
    count, most = len(columns.deal), int(columns.lengths.max(initial=0))
    place = np.arange(len(columns.seat)) - columns.begins[columns.owner]
    value, accepts = np.full((count, most), np.nan), np.zeros((count, most), np.bool_)
    seat = np.zeros((count, most), np.int8)
    for table, of in ((value, columns.value), (accepts, columns.accepts), (seat, columns.seat)):
        table[columns.owner, place] = of
    each, now = np.arange(count), np.full((count, 2), np.nan)
    found = np.empty((count, most, 2))
    for at in range(most):
        taken = np.where(accepts[:, at], now[each, 1 - seat[:, at]], value[:, at])
        known = np.flatnonzero(~np.isnan(taken))
        now[known, seat[known, at]] = taken[known]
        found[:, at] = now
    return found


def position_curves(columns: Columns, scale: Scale = "offers") -> Array:
    """[N, 2, GRID], the positions of creditor and debtor at the moments of GRID; nan for no curve (see the module)."""
    offers = columns.first_offers
    start, end = columns.targets, columns.targets[:, ::-1]
    drawn = ~np.isnan(offers)
    if scale == "offers":
        start, end = offers, offers[:, ::-1]
        ahead = np.sign(columns.targets[:, ::-1] - columns.targets)
        with np.errstate(invalid="ignore"):
            drawn = drawn & (ahead * (end - start) > 0)
    standing = _standing(columns)
    there = ~np.isnan(standing)
    first, last = there.argmax(axis=1), (columns.lengths - 1)[:, None]
    drawn = drawn & (last > first)
    when = first[..., None] + np.array(GRID) * (last - first)[..., None] + 1e-9
    found = np.full(when.shape, np.nan)
    which, seat = np.nonzero(drawn)
    stand = standing[which[:, None], when[which, seat].astype(np.int64), seat[:, None]]
    begun, ended = start[which, seat, None], end[which, seat, None]
    found[which, seat] = (stand - begun) / (ended - begun)
    return found


def mean_curves(group: Group, curves: Array) -> tuple[Curve, Curve]:
    """The mean curve of each seat over negotiations; `curves` as `position_curves` gives them."""
    creditor, debtor = (
        Curve(seat, int((~np.isnan(points[:, 0])).sum()), tuple(group.means(list(points.T))))
        for seat, points in zip(SEATS, np.moveaxis(curves, 1, 0), strict=True)
    )
    return creditor, debtor
