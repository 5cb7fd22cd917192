"""Ratings and the game between the two fields, as the overview shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from poise.tournaments.charts.game import game_figures
from poise.tournaments.charts.ratings import rated
from poise.tournaments.statistics.results import Standings
from poise.tournaments.storage.rows import Row
from poise.tournaments.view.choice import MatchFilter
from poise.tournaments.view.library import Snapshot


def science(snapshot: Snapshot, standings: Standings, rows: Sequence[Row], choice: MatchFilter) -> dict[str, Any]:
    """What the template needs; both are of whole fields, and left out where agents are filtered."""
    if choice.creditor or choice.debtor:
        return {"rated": [], "game": None}
    return {
        "rated": rated(rows, snapshot.creditors, snapshot.debtors),
        "game": game_figures(standings, rows) if rows else None,
    }
