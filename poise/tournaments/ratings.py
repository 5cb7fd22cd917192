"""Ratings by role: how strong each creditor and each debtor is, from who came out ahead of whom.

Bradley and Terry (1952, Biometrika 39:324) with one strength for each agent in each seat, all in one fit:

    P(creditor i is ahead of debtor j) = 1 / (1 + exp(-(a_i - b_j)))

An agent is ahead in a match when its utility is the larger; equal utilities, as without a deal, are a draw, and a draw
is half a win to either side. Strengths are log-odds with mean 0 over all agents: a difference of 1 is odds of e to 1.

So that an undefeated agent has a finite strength, each agent also has one drawn game against an opponent of strength 0
(a penalty as in Firth 1993, Biometrika 80:27, chosen for its plain meaning). It also ties together groups of agents
that never met, directly or through others; between such groups strengths are not comparable (`Rating.group`).

Intervals are 95 %. Matches on one scenario share its case and are no independent samples, so they are clusters of the
robust variance H^-1 (sum_s g_s g_s') H^-1 (Liang and Zeger 1986, Biometrika 73:13), times S/(S-1), with t quantiles of
S-1 degrees of freedom. Below `FEW_CLUSTERS` scenarios that is too narrow, and the model's own variance H^-1 is taken.

Differs from the reference: Bradley and Terry have no draws, no roles and no penalty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from poise.games.errors import BadInput
from poise.games.moves import Seat
from poise.tournaments.records import Row

Array = NDArray[np.float64]
ELO_SCALE: Final = 400 / float(np.log(10))  # a strength times this is on the scale of chess
FEW_CLUSTERS: Final = 10
_STEPS: Final = 100
_CLOSE: Final = 1e-10


@dataclass(frozen=True, slots=True)
class Rating:
    """One agent in one seat.

    strength:  log-odds, mean 0 over all agents; low, high: its 95 % interval. elo: 1500 + 400 / ln 10 * strength.
    games, wins, draws: what it rests on; group: agents with the same number can be compared.
    """

    label: str
    seat: Seat
    strength: float
    low: float
    high: float
    games: int
    wins: int
    draws: int
    group: int

    @property
    def elo(self) -> float:
        """The strength on the scale of chess, where 400 points are odds of ten to one."""
        return 1500 + ELO_SCALE * self.strength


@dataclass(frozen=True)
class Games:
    """Games as columns of equal length, one entry a game.

    creditor, debtor: places in `creditors` and `debtors`. result: 1 where the creditor was ahead, 0 where the debtor
    was, 0.5 for a draw. cluster: the scenario's place; games of one cluster are not independent.
    """

    creditors: tuple[str, ...]
    debtors: tuple[str, ...]
    creditor: NDArray[np.int64]
    debtor: NDArray[np.int64]
    result: Array
    cluster: NDArray[np.int64]


def games_of(rows: Iterable[Row], creditors: Sequence[str], debtors: Sequence[str]) -> Games:
    """The games that finished matches were; failed ones, which nobody won, are left out."""
    kept = [row for row in rows if row.ending != "failed"]
    ahead = [np.sign(row.creditor_utility - row.debtor_utility) for row in kept]
    return Games(
        tuple(creditors),
        tuple(debtors),
        np.array([row.creditor for row in kept], dtype=np.int64),
        np.array([row.debtor for row in kept], dtype=np.int64),
        (np.array(ahead, dtype=np.float64) + 1) / 2,
        np.array([row.scenario for row in kept], dtype=np.int64),
    )


def bradley_terry(games: Games) -> list[Rating]:
    """The ratings of all agents with a game, the strongest first (equal ones by seat and name).

    Raises:
        BadInput: a result is no number in [0, 1].
    """
    if not games.result.size:
        return []
    if not np.all((games.result >= 0) & (games.result <= 1)):
        worst = games.result[~((games.result >= 0) & (games.result <= 1))][0]
        raise BadInput(f"result {worst} is not in [0, 1]; 1 is a win of the creditor, 0 of the debtor, 0.5 a draw")
    fit = _Fit(games)
    strengths = fit.strengths()
    spread = fit.spread(strengths)
    strengths = strengths - strengths[fit.played].mean()
    groups = _groups(games)
    ratings = [
        Rating(label, seat, float(strengths[place]), *_interval(strengths[place], spread[place]),
               *fit.record(place), groups[place])
        for place, (label, seat) in enumerate(fit.agents)
        if fit.played[place]
    ]  # fmt: skip
    return sorted(ratings, key=lambda one: (-round(one.strength, 9), one.seat, one.label))


class _Fit:
    """Newton's method on the penalised likelihood; agents are the creditors, then the debtors."""

    def __init__(self, games: Games) -> None:
        creditors, debtors = len(games.creditors), len(games.debtors)
        seats: tuple[Seat, Seat] = ("creditor", "debtor")
        self.agents = [(label, seats[0]) for label in games.creditors] + [(label, seats[1]) for label in games.debtors]
        self.games = games
        pair = games.creditor * debtors + games.debtor
        shape = creditors, debtors
        self.number = np.bincount(pair, minlength=creditors * debtors).reshape(shape).astype(np.float64)
        self.won = np.bincount(pair, weights=games.result, minlength=creditors * debtors).reshape(shape)
        self.played = np.concatenate([self.number.sum(axis=1), self.number.sum(axis=0)]) > 0

    def strengths(self) -> Array:
        """Where the gradient of the penalised log-likelihood is 0; it is concave, so there is one such point."""
        theta = np.zeros(len(self.agents))
        for _ in range(_STEPS):
            step = np.linalg.solve(self._curvature(theta), self._gradient(theta))
            theta = theta + step * min(1.0, 4.0 / max(1e-12, float(np.abs(step).max())))
            if np.abs(step).max() < _CLOSE:
                break
        return theta

    def _chances(self, theta: Array) -> Array:
        creditors = len(self.games.creditors)
        return _logistic(theta[:creditors, None] - theta[None, creditors:])

    def _gradient(self, theta: Array) -> Array:
        left = self.won - self.number * self._chances(theta)
        return np.concatenate([left.sum(axis=1), -left.sum(axis=0)]) + 0.5 - _logistic(theta)

    def _curvature(self, theta: Array) -> Array:
        chances = self._chances(theta)
        weight = self.number * chances * (1 - chances)
        alone = _logistic(theta)
        creditors = len(self.games.creditors)
        matrix = np.diag(np.concatenate([weight.sum(axis=1), weight.sum(axis=0)]) + alone * (1 - alone))
        matrix[:creditors, creditors:] = -weight
        matrix[creditors:, :creditors] = -weight.T
        return matrix

    def spread(self, theta: Array) -> Array:
        """Half the width of each interval, of the strength less the mean strength."""
        from scipy import special

        inverse = np.linalg.inv(self._curvature(theta))
        clusters, place = np.unique(self.games.cluster, return_inverse=True)
        count = len(clusters)
        if count < FEW_CLUSTERS:
            variance, quantile = inverse, float(special.ndtri(0.975))
        else:
            scores = self._scores(theta, place, count)
            variance = inverse @ (scores.T @ scores) @ inverse * count / (count - 1)
            quantile = float(special.stdtrit(count - 1, 0.975))
        centre = np.eye(len(theta)) - self.played / self.played.sum()
        half: Array = quantile * np.sqrt(np.maximum(0.0, np.einsum("ij,jk,ik->i", centre, variance, centre)))
        return half

    def _scores(self, theta: Array, place: NDArray[np.int64], count: int) -> Array:
        """The gradient of each cluster's games, shape (clusters, agents)."""
        games, agents = self.games, len(theta)
        opponent = games.debtor + len(games.creditors)
        left = games.result - _logistic(theta[games.creditor] - theta[opponent])
        cells = np.concatenate([place * agents + games.creditor, place * agents + opponent])
        sums = np.bincount(cells, weights=np.concatenate([left, -left]), minlength=count * agents)
        return sums.reshape(count, agents).astype(np.float64)

    def record(self, place: int) -> tuple[int, int, int]:
        """Games, wins and draws of an agent."""
        creditors = len(self.games.creditors)
        own = self.games.creditor == place if place < creditors else self.games.debtor == place - creditors
        results = self.games.result[own]
        won = results > 0.5 if place < creditors else results < 0.5
        return int(own.sum()), int(won.sum()), int((results == 0.5).sum())


def _logistic(value: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -500, 500))), dtype=np.float64)


def _interval(strength: float, spread: float) -> tuple[float, float]:
    return float(strength - spread), float(strength + spread)


def _groups(games: Games) -> dict[int, int]:
    """By agent, the number of its group: agents that met, directly or through others; the largest group is 0."""
    graph = nx.Graph()
    offset = len(games.creditors)
    graph.add_edges_from(zip(games.creditor.tolist(), (games.debtor + offset).tolist(), strict=True))
    parts = sorted(nx.connected_components(graph), key=lambda part: (-len(part), min(part)))
    return {agent: number for number, part in enumerate(parts) for agent in part}
