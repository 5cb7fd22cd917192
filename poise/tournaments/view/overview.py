"""The overview of one tournament, for the selected matches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from poise.tournaments.charts.game import game_figures
from poise.tournaments.charts.outcomes import ending_bar, endings, histograms
from poise.tournaments.charts.ratings import rated
from poise.tournaments.charts.small import axis, cells, roles
from poise.tournaments.statistics.bootstrap import FEW
from poise.tournaments.statistics.doubts import doubts
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.view.downloads import TABLES
from poise.tournaments.view.matches import MatchFilter, options


def overview(snapshot: Snapshot, choice: MatchFilter, baseline: str = "") -> dict[str, Any]:
    """The values of the template. baseline: any agent that played; "" for the one that the tournament was run with."""
    compared = snapshot.against(baseline or None)
    return {
        "header": snapshot.header,
        "tables": TABLES,
        "options": options(snapshot),
        "agents": list(dict.fromkeys([*snapshot.creditors, *snapshot.debtors])),
        "usual": snapshot.baseline("creditor") or snapshot.baseline("debtor"),
        "baseline": baseline,
        "doubts": doubts(snapshot),
        **snapshot.derived(("overview", choice, baseline), lambda: _figures(compared, choice)),
    }


def _figures(whole: Snapshot, choice: MatchFilter) -> Mapping[str, Any]:
    snapshot = replace(whole, rows=choice.pick(whole))
    standings, rows = make_standings(snapshot), snapshot.rows
    whole_fields = not (choice.creditor or choice.debtor)  # ratings and the game cover all the agents
    return {
        "standings": standings,
        "axis": axis,
        "few": FEW,
        "cells": [line for line in cells(standings) if choice.creditor in ("", snapshot.creditors[line[0].creditor])],
        "roles": roles(snapshot.scenarios),
        "chosen": len(rows),
        "ends": [(one, ending_bar(one)) for one in endings(snapshot)],
        "histograms": histograms(rows),
        "rated": rated(snapshot) if whole_fields else [],
        "game": game_figures(standings, rows) if whole_fields and rows else None,
    }
