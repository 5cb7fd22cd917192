"""Pairs of matches of two agents that can be compared: the same scenario, seed and opponent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poise.games.moves import SEATS, Seat
from poise.tournaments.storage.rows import Row


@dataclass(frozen=True)
class PairedMatches:
    """An agent's matches beside the baseline's: rows own[i] and other[i] are one pair."""

    label: str
    baseline: str
    own: NDArray[np.int64]
    other: NDArray[np.int64]


def find_pairs(
    rows: Sequence[Row], labels: Sequence[str], seat: Seat, compared: Iterable[tuple[str, str]]
) -> list[PairedMatches]:
    """The pairs of matches of each (agent, baseline) in `compared` that has any. Indices are into `rows`.

    labels: of the seat, in the order of the rows' indices.
    """
    if not rows:
        return []
    opponent = SEATS[1 - SEATS.index(seat)]
    played = np.array([(row.scenario, row.repeat, getattr(row, opponent)) for row in rows], dtype=np.int64)
    keys = np.ravel_multi_index(tuple(played.T), tuple(played.max(axis=0) + 1))
    agents = np.array([getattr(row, seat) for row in rows], dtype=np.int64)
    matches = {label: np.flatnonzero(agents == place) for place, label in enumerate(labels)}
    found = []
    for label, baseline in compared:
        own, other = matches[label], matches[baseline]
        _, at, beside = np.intersect1d(keys[own], keys[other], return_indices=True)
        if at.size:
            found.append(PairedMatches(label, baseline, own[at], other[beside]))
    return found


def with_baseline(labels: Sequence[str], baseline: str | None) -> list[tuple[str, str]]:
    """Every other agent and the baseline; [] where there is none."""
    return [(label, baseline) for label in labels if label != baseline] if baseline is not None else []
