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
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, SEVEN_INDEX
from poise.agents.simulated import load_world
from poise.agents.simulated.marginals import row_variation
from poise.games.moves import SEATS, Seat
from poise.games.transcript import Transcript
from poise.tournaments.statistics.ratio import Array

Counts = NDArray[np.int64]
Kind = Literal["own", "reply"]
KINDS: Final[tuple[Kind, ...]] = ("own", "reply")
_SEVEN: Final = dict(zip(EMOTIONS28, SEVEN_INDEX, strict=True))


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


def emotions(transcript: Transcript) -> list[int | None]:
    """The emotion of each message as an index of EMOTIONS7: shown by the creditor, read in the debtor's words."""
    found: list[int | None] = []
    for place, message in enumerate(transcript.messages):
        if message.seat == "creditor":
            found.append(None if message.emotion is None else _SEVEN[message.emotion])
            continue
        after = transcript.messages[place + 1] if place + 1 < len(transcript.messages) else None
        seven = after.reading.emotions if after and after.seat == "creditor" and after.reading else None
        found.append(seven.index(max(seven)) if seven else None)
    return found


def count(transcript: Transcript) -> bytes:
    """The pairs of one negotiation, a byte each: its place among (seats, kinds, 7, 7)."""
    pairs = bytearray()
    lasts: dict[Seat, int | None] = {}  # the emotion of each seat's last message
    before: Seat | None = None
    for message, emotion in zip(transcript.messages, emotions(transcript), strict=True):
        seat = message.seat
        for kind, last in enumerate((lasts.get(seat), lasts.get(before) if before and before != seat else None)):
            if last is not None and emotion is not None:
                pairs.append(((SEATS.index(seat) * len(KINDS) + kind) * 7 + last) * 7 + emotion)
        lasts[seat], before = emotion, seat
    return bytes(pairs)


def transitions(counts: Sequence[bytes]) -> dict[tuple[Seat, Kind], EmotionTransitions]:
    """All four tables over negotiations."""
    shape = len(SEATS), len(KINDS), len(EMOTIONS7), len(EMOTIONS7)
    pairs = np.frombuffer(b"".join(counts), dtype=np.uint8)
    total = np.bincount(pairs, minlength=math.prod(shape)).reshape(shape)
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
