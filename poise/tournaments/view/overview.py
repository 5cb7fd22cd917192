"""What the overview of one tournament shows, of the matches that were chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from poise.games.moves import SEATS, Seat
from poise.tournaments.charts.game import game_figures
from poise.tournaments.charts.ratings import rated
from poise.tournaments.charts.small import axis, cells, roles
from poise.tournaments.statistics.bootstrap import FEW
from poise.tournaments.statistics.doubts import doubts
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.rows import Row
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.view.charts import Ends, Histogram, bars, ending_bar
from poise.tournaments.view.matches import ENDINGS, MatchFilter, options

BINS: Final = 20


def overview(snapshot: Snapshot, choice: MatchFilter) -> dict[str, Any]:
    """The values of the template."""
    return {
        "header": snapshot.header,
        "options": options(snapshot),
        "doubts": doubts(snapshot),
        **snapshot.derived(("overview", choice), lambda: _figures(snapshot, choice)),
    }


def _figures(whole: Snapshot, choice: MatchFilter) -> Mapping[str, Any]:
    snapshot = replace(whole, rows=choice.pick(whole))
    standings, rows = make_standings(snapshot), snapshot.rows
    whole_fields = not (choice.creditor or choice.debtor)  # ratings and the game are of all the agents
    return {
        "standings": standings,
        "axis": axis,
        "few": FEW,
        "cells": [line for line in cells(standings) if choice.creditor in ("", snapshot.creditors[line[0].creditor])],
        "roles": roles(snapshot.scenarios),
        "chosen": len(rows),
        "ends": [(one, ending_bar(one)) for one in endings(snapshot)],
        "histograms": _histograms(rows),
        "rated": rated(snapshot) if whole_fields else [],
        "game": game_figures(standings, rows) if whole_fields and rows else None,
    }


def _histograms(rows: Any) -> list[tuple[str, Any]]:
    share, length = gap_shares(rows), lengths(rows)
    ends = ("0: the debtor's target", "1: the creditor's target")
    return [
        ("Where deals settle", bars(share, "The creditor's share of the gap over deals", ends)),
        ("How long negotiations take", bars(length, "Messages of a match", ("1", f"{length.high - 0.5:.0f} messages"))),
    ]


def endings(snapshot: Snapshot) -> list[Ends]:
    """Every agent with a finished match, creditors first, as entered."""
    found: dict[tuple[Seat, int], dict[str, int]] = {}
    for row in snapshot.rows:
        for seat, place in (("creditor", row.creditor), ("debtor", row.debtor)):
            counts = found.setdefault((seat, place), dict.fromkeys(ENDINGS, 0))  # type: ignore[arg-type]  # two seats
            counts[row.ending] = counts.get(row.ending, 0) + 1
    listed = sorted(found.items(), key=lambda item: (SEATS.index(item[0][0]), item[0][1]))
    return [
        Ends(snapshot.labels(seat)[place], seat, sum(counts.values()), tuple(counts.items()))
        for (seat, place), counts in listed
    ]


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
