"""How emotions follow each other at the table, beside how they do between people.

Creditors are counted by what they showed (the emotion they meant, as one of seven), debtors by what the creditor read
in their words (the likeliest of the seven). Two kinds of pairs are counted for each:

    own    from a seat's message to its next one.
    reply  from the other seat's message to the seat's answer.

A pair of which either end is unknown (no direction, not read) is left out. The human tables are those of the shipped
world (`poise.agents.simulated`, from MELD and DailyDialog): P(next | own last) and P(next | the other's last).

    distance  total variation 1/2 sum |p - q| between a row and the human row, averaged over rows by how often each was
              seen; 0 alike, 1 nothing in common.
    chance    the distance that as many human pairs from the same rows would show on average, by chance alone: with
              X ~ Binomial(n, p), E|X - n p| = 2 m C(n, m) p^m (1 - p)^(n - m + 1), m = floor(n p) + 1 (de Moivre 1730).
              A distance near it means no difference.

Small talk is not a yardstick for negotiating debts; the distance says how far off, not how bad.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.simulated import load_world
from poise.agents.simulated.marginals import row_variation
from poise.games.moves import SEATS, Seat
from poise.tournaments.process.columns import NONE, Columns, Owner
from poise.tournaments.statistics.ratio import Array

Counts = NDArray[np.int64]
Kind = Literal["own", "reply"]
KINDS: Final[tuple[Kind, ...]] = ("own", "reply")


class Pairs(NamedTuple):
    """P pairs: the place of each among (seats, kinds, 7, 7), and its negotiation, both [P]."""

    cells: NDArray[np.uint8]
    owner: Owner


@dataclass(frozen=True, eq=False)
class EmotionTransitions:
    """Counts of one seat, 7 x 7 in the order of EMOTIONS7, rows from, and their distance to people (see the module)."""

    seat: Seat
    kind: Kind
    counts: Counts

    @property
    def pairs(self) -> int:
        """How many there were."""
        return int(self.counts.sum())

    @property
    def distance(self) -> float | None:
        """To the human table; None without a pair."""
        return row_variation(self.counts.astype(np.float64), human(self.kind)) if self.pairs else None

    @property
    def chance(self) -> float | None:
        """What chance alone would make of so many human pairs; None without a pair."""
        return chance(self.counts.sum(axis=1), human(self.kind)) if self.pairs else None

    def shares(self) -> list[list[float] | None]:
        """Each row's shares; None for a row that was never seen."""
        return [(row / row.sum()).tolist() if row.sum() else None for row in self.counts]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"pairs": self.pairs, "distance": self.distance, "chance": self.chance, "counts": self.counts.tolist()}


@cache
def human(kind: Kind) -> Array:
    """P(emotion | emotion before) between people, 7 x 7."""
    table: Array = np.array(getattr(load_world().dynamics, kind), dtype=np.float64)
    return np.asarray(table / table.sum(axis=1, keepdims=True), dtype=np.float64)


def emotions(columns: Columns) -> NDArray[np.int64]:
    """[M], the emotion of each message of EMOTIONS7: shown by the creditor, read in the debtor's words; else NONE."""
    found = np.where(columns.seat == 0, columns.emotion, NONE).astype(np.int64)
    said = columns.answered[~np.isnan(columns.read[columns.answered + 1, 0])]
    found[said] = columns.read[said + 1].argmax(axis=1)
    return found


def pairs(columns: Columns) -> Pairs:
    """The pairs of all negotiations."""
    emotion, owner, seat = emotions(columns), columns.owner, columns.seat
    found: list[tuple[NDArray[np.int64], Owner]] = []
    for kind in KINDS:
        for place in range(len(SEATS)):
            after = np.flatnonzero(seat == place)
            before, after = (after[:-1], after[1:]) if kind == "own" else (after[after > 0] - 1, after[after > 0])
            kept = (owner[before] == owner[after]) & (emotion[before] != NONE) & (emotion[after] != NONE)
            if kind == "reply":
                kept &= seat[before] != seat[after]
            before, after = before[kept], after[kept]
            cell = ((place * len(KINDS) + KINDS.index(kind)) * 7 + emotion[before]) * 7 + emotion[after]
            found.append((cell, owner[after]))
    cells, owners = (np.concatenate(each) for each in zip(*found, strict=True))
    return Pairs(cells.astype(np.uint8), owners)


def transitions(cells: NDArray[np.uint8]) -> dict[tuple[Seat, Kind], EmotionTransitions]:
    """All four tables over pairs, each by its cell."""
    shape = len(SEATS), len(KINDS), len(EMOTIONS7), len(EMOTIONS7)
    total = np.bincount(cells, minlength=math.prod(shape)).reshape(shape)
    return {
        (seat, kind): EmotionTransitions(seat, kind, total[place, which])
        for place, seat in enumerate(SEATS)
        for which, kind in enumerate(KINDS)
    }


def chance(seen: NDArray[np.int64], table: Array) -> float:
    """The mean distance of `seen` draws from each row of `table` to that row (see the module)."""
    spread = 0.0  # n / 2 times E|X / n - p|, over all cells
    for n, row in zip(seen.tolist(), table.tolist(), strict=True):
        for share in row:
            m = math.floor(n * share) + 1
            spread += m * (1 - share) * _binomial(m, n, share)
    return spread / int(seen.sum())


def _binomial(m: int, n: int, share: float) -> float:
    """P(X = m), m above n times `share`, of n draws that count with probability `share` each."""
    if not 0 < share < 1 or m > n:
        return 0.0
    ways = math.lgamma(n + 1) - math.lgamma(m + 1) - math.lgamma(n - m + 1)
    return math.exp(ways + m * math.log(share) + (n - m) * math.log1p(-share))
