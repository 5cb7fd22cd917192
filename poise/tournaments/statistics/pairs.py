"""Which matches of two agents can be compared: the same scenario, the same seed, the same opponent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poise.games.moves import SEATS, Seat
from poise.tournaments.schedule import find_baseline
from poise.tournaments.storage.rows import Row


@dataclass(frozen=True)
class PairedMatches:
    """An agent's matches beside the baseline's: rows own[i] and other[i] are one pair."""

    label: str
    baseline: str
    own: NDArray[np.int64]
    other: NDArray[np.int64]


def find_pairs(rows: Sequence[Row], labels: Sequence[str], seat: Seat, wanted: str | None) -> list[PairedMatches]:
    """The pairs of each agent of `seat` that has any, in the order of `labels`; [] where there is no baseline.

    wanted: the baseline as the settings name it. Indices are into `rows`.
    """
    baseline = find_baseline(wanted, labels)
    if baseline is None:
        return []
    opponent = SEATS[1 - SEATS.index(seat)]
    places: dict[int, dict[tuple[int, int, int], int]] = {}
    for index, row in enumerate(rows):
        key = row.scenario, row.repeat, getattr(row, opponent)
        places.setdefault(getattr(row, seat), {})[key] = index
    base = places.get(labels.index(baseline), {})
    found = []
    for place, label in enumerate(labels):
        shared = sorted(places.get(place, {}).keys() & base.keys())
        if label != baseline and shared:
            own, other = (np.array([of[key] for key in shared], dtype=np.int64) for of in (places[place], base))
            found.append(PairedMatches(label, baseline, own, other))
    return found
