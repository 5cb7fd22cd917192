"""What the overview of one tournament shows, of the matches that were chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poise.tournaments.charts.small import axis, cells, roles
from poise.tournaments.statistics.bootstrap import FEW
from poise.tournaments.statistics.results import Standings
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.view.charts import bars, ending_bar
from poise.tournaments.view.choice import MatchFilter, options
from poise.tournaments.view.library import Snapshot, ViewedRun
from poise.tournaments.view.outcomes import endings, gap_shares, lengths
from poise.tournaments.view.science import science


def overview(run: ViewedRun, snapshot: Snapshot, choice: MatchFilter) -> dict[str, Any]:
    """The values of the template."""
    return {
        "header": snapshot.header,
        "options": options(snapshot),
        **snapshot.derived(("overview", choice), lambda: _figures(run, snapshot, choice)),
    }


def _figures(run: ViewedRun, snapshot: Snapshot, choice: MatchFilter) -> Mapping[str, Any]:
    rows = choice.pick(snapshot)
    standings = standings_of(run, snapshot, choice)
    return {
        "standings": standings,
        "axis": axis,
        "few": FEW,
        "cells": [line for line in cells(standings) if choice.creditor in ("", snapshot.creditors[line[0].creditor])],
        "roles": roles(snapshot.scenarios),
        "chosen": len(rows),
        "ends": [(one, ending_bar(one)) for one in endings(snapshot, rows)],
        "histograms": _histograms(rows),
        **science(snapshot, standings, rows, choice),
    }


def standings_of(run: ViewedRun, snapshot: Snapshot, choice: MatchFilter) -> Standings:
    """The standings over the chosen matches."""
    return make_standings(snapshot.header, choice.pick(snapshot), run.name)


def _histograms(rows: Any) -> list[tuple[str, Any]]:
    share, length = gap_shares(rows), lengths(rows)
    ends = ("0: the debtor's target", "1: the creditor's target")
    return [
        ("Where deals settle", bars(share, "The creditor's share of the gap over deals", ends)),
        ("How long talks take", bars(length, "Messages of a match", ("1", f"{length.high - 0.5:.0f} messages"))),
    ]
