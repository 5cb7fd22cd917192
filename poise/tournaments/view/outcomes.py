"""How matches ended, and at what: the counts behind the overview's figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from poise.games.moves import SEATS, Seat
from poise.tournaments.storage.rows import Row
from poise.tournaments.view.choice import ENDINGS
from poise.tournaments.view.library import Snapshot

BINS: Final = 20


@dataclass(frozen=True, slots=True)
class Ends:
    """How one agent's matches ended: (ending, matches) in the order of ENDINGS, none left out."""

    label: str
    seat: Seat
    matches: int
    counts: tuple[tuple[str, int], ...]


def endings(snapshot: Snapshot, rows: Sequence[Row]) -> list[Ends]:
    """Every agent with a match among `rows`, creditors first, as entered."""
    found: dict[tuple[Seat, int], dict[str, int]] = {}
    for row in rows:
        for seat, place in (("creditor", row.creditor), ("debtor", row.debtor)):
            counts = found.setdefault((seat, place), dict.fromkeys(ENDINGS, 0))  # type: ignore[arg-type]  # two seats
            counts[row.ending] = counts.get(row.ending, 0) + 1
    labels = {"creditor": snapshot.creditors, "debtor": snapshot.debtors}
    listed = sorted(found.items(), key=lambda item: (SEATS.index(item[0][0]), item[0][1]))
    return [
        Ends(labels[seat][place], seat, sum(counts.values()), tuple(counts.items())) for (seat, place), counts in listed
    ]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in bins of equal width from `low` to `high`; what lies outside is in the bin next to it."""

    low: float
    high: float
    counts: tuple[int, ...]
    mean: float | None


def histogram(values: Sequence[float], low: float, high: float, bins: int = BINS) -> Histogram:
    """How `values` lie between `low` and `high` (low < high)."""
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, max(0, int((value - low) / (high - low) * bins)))] += 1
    return Histogram(low, high, tuple(counts), sum(values) / len(values) if values else None)


def gap_shares(rows: Sequence[Row]) -> Histogram:
    """The creditor's share of the gap, over deals."""
    return histogram([row.creditor_savings for row in rows if row.creditor_savings is not None], 0.0, 1.0)


def lengths(rows: Sequence[Row]) -> Histogram:
    """Messages of a match."""
    longest = max((row.rounds for row in rows), default=1)
    return histogram([row.rounds for row in rows], 0.5, longest + 0.5, min(longest, 40) or 1)
