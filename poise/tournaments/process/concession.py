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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from poise.common.errors import BadInput
from poise.common.words import did_you_mean
from poise.games.moves import SEATS, Seat, other
from poise.games.transcript import Transcript
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


def stands(transcript: Transcript, seat: Seat) -> list[tuple[int, int]]:
    """(message index, offer) of `seat`, an acceptance as the offer accepted."""
    standing: dict[Seat, int] = {}
    found: list[tuple[int, int]] = []
    for message in transcript.messages:
        value = message.move.value
        if message.move.kind == "accept":
            value = standing.get(other(message.seat))
        if value is None:
            continue
        standing[message.seat] = value
        if message.seat == seat:
            found.append((message.index, value))
    return found


def first_offer(transcript: Transcript, seat: Seat) -> int | None:
    """What `seat` asked at first; None where it never offered."""
    return next(
        (one.move.value for one in transcript.messages if one.seat == seat and one.move.value is not None), None
    )


def curve(transcript: Transcript, seat: Seat, scale: Scale = "offers") -> Array | None:
    """The positions of `seat` at the moments of GRID; None where there is no curve (see the module)."""
    span = _span(transcript, seat, scale)
    steps = stands(transcript, seat)
    if span is None or not steps or first_offer(transcript, seat) is None:
        return None
    first, last = steps[0][0], transcript.messages[-1].index
    if last <= first:
        return None
    start, end = span
    later, points = iter(steps[1:]), []
    stand, following = steps[0][1], next(later, None)
    for moment in GRID:
        when = first + moment * (last - first) + 1e-9
        while following is not None and following[0] <= when:
            stand, following = following[1], next(later, None)
        points.append((stand - start) / (end - start))
    return np.array(points)


def _span(transcript: Transcript, seat: Seat, scale: Scale) -> tuple[float, float] | None:
    if scale == "targets":
        return transcript.scenario.target(seat), transcript.scenario.target(other(seat))
    mine, theirs = first_offer(transcript, seat), first_offer(transcript, other(seat))
    ahead = transcript.scenario.polarity * (1 if seat == "creditor" else -1)
    if mine is None or theirs is None or ahead * (theirs - mine) <= 0:
        return None
    return mine, theirs


def both_curves(transcript: Transcript, scale: Scale) -> tuple[Array | None, Array | None]:
    """The curves of creditor and debtor."""
    return curve(transcript, "creditor", scale), curve(transcript, "debtor", scale)


def mean_curves(group: Group, curves: Sequence[tuple[Array | None, Array | None]]) -> tuple[Curve, Curve]:
    """The mean curve of each seat over negotiations."""
    unknown, means = np.full(len(GRID), np.nan), []
    for number, seat in enumerate(SEATS):
        of_seat = [pair[number] for pair in curves]
        points = np.array([unknown if one is None else one for one in of_seat], dtype=np.float64)
        known = sum(one is not None for one in of_seat)
        means.append(Curve(seat, known, tuple(group.means(list(points.reshape(-1, len(GRID)).T)))))
    return means[0], means[1]
