"""Ratings of the agents as the report and the viewer show them."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from poise.games.moves import Seat
from poise.tournaments.charts.small import forest
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.bradley_terry import Rating, ratings_of
from poise.tournaments.storage.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Rated:
    """One seat's ratings, the strongest first, each with its picture; all pictures have one axis."""

    seat: Seat
    ratings: tuple[tuple[Rating, Markup], ...]


def rated(snapshot: Snapshot) -> list[Rated]:
    """Bradley and Terry's ratings, in one fit, of the seats whose agents are rivals; [] without a match."""
    if not snapshot.rows:
        return []
    found = ratings_of(snapshot)
    reach = max([0.5, *(max(abs(one.low), abs(one.high)) for one in found)])
    sides = []
    for seat in snapshot.rivals:
        own = sorted((one for one in found if one.seat == seat), key=lambda one: -one.strength)
        drawn = [(one, forest(Estimate(one.strength, one.low, one.high), -reach, reach, seat)) for one in own]
        sides.append(Rated(seat, tuple(drawn)))
    return sides
