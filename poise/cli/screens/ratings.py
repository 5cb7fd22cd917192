"""The ratings of a tournament by any of the three methods, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poise.cli.screens.console import small_table
from poise.tournaments.statistics.bradley_terry import Rating
from poise.tournaments.statistics.online_ratings import OnlineRating
from poise.tournaments.statistics.ratings import Ratings


def ratings_view(ratings: Ratings) -> RenderableType:
    """A table for the terminal."""
    if not ratings.listed:
        return Text("no finished match to rate", style="yellow")
    fitted = [one for one in ratings.listed if isinstance(one, Rating)]
    online = [one for one in ratings.listed if isinstance(one, OnlineRating)]
    table = _fitted(fitted) if fitted else _online(online)
    return Group(table, Text(_note(ratings, len({one.group for one in fitted})), style="dim"))


def _fitted(listed: Sequence[Rating]) -> Table:
    table = small_table("agent", "seat", "strength", "95 %", "Elo scale", "matches", "ahead", "draws", "no deal")
    apart = len({one.group for one in listed}) > 1
    if apart:
        table.add_column("group", justify="right")
    for one in listed:
        cells = [f"{one.strength:+.2f}", f"{one.low:+.2f}\u2026{one.high:+.2f}", f"{one.elo:.0f}"]
        counts = [str(one.games), str(one.wins), str(one.draws), str(one.no_deals)] + (
            [str(one.group + 1)] if apart else []
        )
        table.add_row(Text(one.label), one.seat, *cells, *counts)
    return table


def _online(listed: Sequence[OnlineRating]) -> Table:
    spread = any(one.spread is not None for one in listed)
    table = small_table("agent", "seat", "rating", *(["sigma"] if spread else []), "matches")
    for one in listed:
        table.add_row(
            Text(one.label),
            one.seat,
            f"{one.value:.1f}",
            *([f"{one.spread:.1f}"] if one.spread is not None else []),
            str(one.games),
        )
    return table


def _note(ratings: Ratings, groups: int) -> str:
    words = {
        "bradley-terry": "Bradley and Terry, both seats in one fit: an agent is ahead where its utility is the larger, "
        "a match without a deal is lost by both. A difference of 1 is odds of e to 1.",
        "elo": "Elo, match by match in the schedule's order; a match without a deal is lost by both; no intervals.",
        "openskill": "OpenSkill (Plackett and Luce), match by match in the schedule's order; a match without a deal is "
        "lost by both; sigma is its uncertainty.",
    }
    apart = " Strengths of different groups, which never met, cannot be compared." if groups > 1 else ""
    return f"{ratings.games} matches. {words[ratings.method]}{apart}"
