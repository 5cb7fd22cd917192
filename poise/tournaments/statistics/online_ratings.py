"""Ratings that are updated match by match, as alternatives to `bradley_terry`: Elo and OpenSkill.

Both depend on the order of the matches, which is the schedule's. They suit agents that change while they play; for a
finished tournament, the single fit of Bradley and Terry is the better estimate, and the only one with tested intervals.

A match without a deal is lost by both sides, as there. Where there is any, "no deal" is a third player of every match:
last where there is a deal, first, with the two sides behind it as equals, where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from poise.common.errors import ConfigError
from poise.games.moves import Seat
from poise.tournaments.statistics.bradley_terry import Games

if TYPE_CHECKING:
    from collections.abc import Iterator

START: Final = 1500.0
STEP: Final = 32.0
_SCALE: Final = 400.0
_Agent = tuple[Seat, int]
_NONE: Final[_Agent] = ("creditor", -1)  # no deal, the third player


@dataclass(frozen=True, slots=True)
class OnlineRating:
    """One agent in one seat. value: its rating; spread: OpenSkill's sigma, None for Elo, which has none."""

    label: str
    seat: Seat
    value: float
    spread: float | None
    games: int


def elo(games: Games, step: float = STEP) -> list[OnlineRating]:
    """Elo's ratings (1978, The Rating of Chessplayers): each game moves both sides by step * (result - expected).

    They start at 1500, and the two sides' ratings move apart by the same amount. With a third player (see the module)
    a match is three games, each of half a step; two without a deal, which says nothing of who of the sides is better.
    """
    values = dict.fromkeys([*_agents(games), _NONE], START)
    third = bool(np.isnan(games.result).any())
    for creditor, debtor, result in _played(games):
        for first, second, score in _pairs(creditor, debtor, result, third=third):
            expected = 1 / (1 + 10 ** ((values[second] - values[first]) / _SCALE))
            moved = step * (0.5 if third else 1.0) * (score - expected)
            values[first] += moved
            values[second] -= moved
    del values[_NONE]
    return _ranked(games, {agent: (value, None) for agent, value in values.items()})


def _pairs(creditor: _Agent, debtor: _Agent, result: float, *, third: bool) -> list[tuple[_Agent, _Agent, float]]:
    deal = not np.isnan(result)
    aside = [(side, _NONE, float(deal)) for side in (creditor, debtor)] if third else []
    return [(creditor, debtor, result), *aside] if deal else aside


def openskill(games: Games) -> list[OnlineRating]:
    """OpenSkill's Plackett-Luce model (Weng and Lin 2011, JMLR 12:267), by the library of that name.

    Raises:
        ConfigError: the library is not installed.
    """
    try:
        from openskill.models import PlackettLuce
    except ImportError:
        raise ConfigError("OpenSkill ratings need its library: pip install 'poise[analysis]'") from None
    model: Any = PlackettLuce()
    found = {agent: model.rating() for agent in [*_agents(games), _NONE]}
    third = bool(np.isnan(games.result).any())
    for creditor, debtor, result in _played(games):
        scores = [0.0, 0.0, 1.0] if np.isnan(result) else [1 + result, 2 - result, 0.0]
        playing = [creditor, debtor, _NONE] if third else [creditor, debtor]
        rated = model.rate([[found[one]] for one in playing], scores=scores[: len(playing)])
        found |= {one: after for one, (after,) in zip(playing, rated, strict=True)}
    del found[_NONE]
    return _ranked(games, {agent: (float(one.mu), float(one.sigma)) for agent, one in found.items()})


def _agents(games: Games) -> list[_Agent]:
    creditors: list[_Agent] = [("creditor", int(place)) for place in sorted(set(games.creditor.tolist()))]
    return creditors + [("debtor", int(place)) for place in sorted(set(games.debtor.tolist()))]


def _played(games: Games) -> Iterator[tuple[_Agent, _Agent, float]]:
    columns: Iterable[tuple[int, int, float]] = zip(
        games.creditor.tolist(), games.debtor.tolist(), games.result.tolist(), strict=True
    )
    for creditor, debtor, result in columns:
        yield ("creditor", creditor), ("debtor", debtor), result


def _ranked(games: Games, values: dict[_Agent, tuple[float, float | None]]) -> list[OnlineRating]:
    labels = {"creditor": games.creditors, "debtor": games.debtors}
    places = {"creditor": games.creditor, "debtor": games.debtor}
    found = [
        OnlineRating(labels[seat][place], seat, value, spread, int((places[seat] == place).sum()))
        for (seat, place), (value, spread) in values.items()
    ]
    return sorted(found, key=lambda one: (-one.value, one.seat, one.label))
