"""The ratings of a tournament by any of the three methods, as plain data and for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poise.games.errors import BadInput
from poise.tournaments.ratings import Games, Rating, bradley_terry, games_of
from poise.tournaments.ratings_online import OnlineRating, elo, openskill
from poise.tournaments.render import small_table
from poise.tournaments.store import Store

VERSION: Final = 2  # 2: a match without a deal is lost by both, and counted apart
METHODS: Final[Mapping[str, Callable[[Games], Sequence[Rating | OnlineRating]]]] = {
    "bradley-terry": bradley_terry,
    "elo": elo,
    "openskill": openskill,
}


@dataclass(frozen=True, slots=True)
class Ratings:
    """The ratings of a tournament's agents, the strongest first. games: the matches they rest on."""

    name: str
    method: str
    games: int
    listed: tuple[Rating | OnlineRating, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, versioned."""
        return {
            "version": VERSION,
            "name": self.name,
            "method": self.method,
            "games": self.games,
            "ratings": [{name: getattr(one, name) for name in _fields(one)} for one in self.listed],
        }

    def _repr_html_(self) -> str:
        """For notebooks."""
        from poise.tournaments.notebook import ratings_html

        return ratings_html(self)


def _fields(one: Rating | OnlineRating) -> tuple[str, ...]:
    return (*one.__slots__, "elo") if isinstance(one, Rating) else tuple(one.__slots__)


def rate_tournament(folder: Path | str, method: str = "bradley-terry") -> Ratings:
    """The ratings of the finished matches in `folder`.

    Raises:
        BadInput: there is no such method. ConfigError: its library is not installed.
    """
    if method not in METHODS:
        raise BadInput(f"method {method!r}; there are {', '.join(METHODS)}")
    with Store.read(folder) as store:
        header, rows = store.header(), store.rows()
    creditors, debtors = ([str(one["label"]) for one in side] for side in (header.creditors, header.debtors))
    games = games_of(rows, creditors, debtors)
    name = str(header.config.get("name") or Path(folder).resolve().name)
    return Ratings(name, method, len(games.result), tuple(METHODS[method](games)))


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
