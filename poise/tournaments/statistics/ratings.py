"""Ratings of the agents of a tournament; worlds are played against, and not rated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from poise.common.errors import BadInput
from poise.common.plain_tables import PlainTable, Tabular
from poise.common.words import did_you_mean, visible
from poise.tournaments.statistics.bradley_terry import Games, Rating, bradley_terry, games_of
from poise.tournaments.statistics.online_ratings import OnlineRating, elo, openskill
from poise.tournaments.storage.snapshot import Snapshot

VERSION: Final = 2  # 2: a match without a deal is lost by both, and counted apart


METHODS: Final[Mapping[str, Callable[[Games], Sequence[Rating | OnlineRating]]]] = {
    "bradley-terry": bradley_terry,
    "elo": elo,
    "openskill": openskill,
}


@dataclass(frozen=True, slots=True, repr=False)
class Ratings(Tabular):
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
            "ratings": [
                {name: getattr(one, name) for name in one.__slots__}
                | ({"elo": one.elo} if isinstance(one, Rating) else {})
                for one in self.listed
            ],
        }

    def tables(self) -> list[PlainTable]:
        """One table."""
        plain = self.to_dict()["ratings"]
        heads = list(plain[0]) if plain else ["label"]
        rows = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in one.values()] for one in plain]
        return [PlainTable(f"{self.name}: {self.method}", heads, rows)]

    @property
    def footnote(self) -> str:
        """What it rests on."""
        return f"{self.games} matches"

    def __repr__(self) -> str:
        return f"<Ratings of {visible(self.name)}: {self.method}, {len(self.listed)} agents, {self.games} matches>"


def rate_tournament(snapshot: Snapshot, method: str = "bradley-terry") -> Ratings:
    """The ratings of the agents by the tournament's finished matches.

    Raises:
        BadInput: there is no such method. ConfigError: its library is not installed.
    """
    if method not in METHODS:
        raise BadInput(
            f"method {method!r} does not exist; {did_you_mean(method, METHODS)}there are {', '.join(METHODS)}"
        )
    games = games_of(snapshot)
    listed = tuple(one for one in METHODS[method](games) if one.seat in snapshot.rivals)
    return Ratings(snapshot.name, method, len(games.result), listed)
