"""Ratings by role: how strong each creditor and each debtor is, from who came out ahead of whom.

Bradley and Terry (1952, Biometrika 39:324) with one strength for each agent in each seat, all in one fit:

    P(creditor i is ahead of debtor j, given a deal) = 1 / (1 + exp(-(a_i - b_j)))

An agent is ahead in a match if its utility is larger; equal utilities count as half a win for each side. A match
without a deal is lost by both: it is a third outcome, by Luce's choice rule (1959, Individual Choice Behavior), with
one strength t for the whole tournament:

    P(creditor ahead), P(debtor ahead), P(no deal)  are proportional to  exp(a_i), exp(b_j), exp(t).

So an agent's strength depends on the share of all its matches in which it is ahead. If matches without a deal were
draws, an agent that never makes a deal would be rated like one that wins half of its matches; if they were left out, an
agent could gain by walking away from every deal that it does not win. If every match ended in a deal, there is no t,
and the formula is Bradley and Terry's. Strengths are log-odds with mean 0 over all agents: a difference of 1 means odds
of e to 1.

So that an undefeated agent has a finite strength, each agent (and no deal) also has one drawn game against an opponent
of strength 0 (a penalty like that of Firth 1993, Biometrika 80:27, but easier to interpret). It also connects groups of
agents that never met, directly or through others; strengths from different groups are not comparable (`Rating.group`).

Intervals are 95 %. Matches on one scenario are not independent samples, so scenarios are the clusters of the
robust variance H^-1 (sum_s g_s g_s') H^-1 (Liang and Zeger 1986, Biometrika 73:13), times S/(S-1), with t quantiles of
S-1 degrees of freedom. With fewer than `FEW_CLUSTERS` scenarios such intervals are too narrow, and the model's own
variance H^-1 is used.

Differs from the reference: Bradley and Terry have no third outcome, no draws, no roles and no penalty.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poise.common.errors import BadInput
from poise.games.moves import Seat
from poise.tournaments.storage.snapshot import Snapshot

Array = NDArray[np.float64]
ELO_SCALE: Final = 400 / float(np.log(10))  # a strength times this is on the Elo scale
FEW_CLUSTERS: Final = 10
_STEPS: Final = 100
_CLOSE: Final = 1e-10


@dataclass(frozen=True, slots=True)
class Rating:
    """One agent in one seat.

    strength:  log-odds, mean 0 over all agents; low, high: its 95 % interval. elo: 1500 + 400 / ln 10 * strength.
    games, wins, draws, no_deals: its matches; group: agents with the same number can be compared.
    """

    label: str
    seat: Seat
    strength: float
    low: float
    high: float
    games: int
    wins: int
    draws: int
    no_deals: int
    group: int

    @property
    def elo(self) -> float:
        """The strength on the Elo scale, where 400 points are odds of ten to one."""
        return 1500 + ELO_SCALE * self.strength


@dataclass(frozen=True)
class Games:
    """Games as columns of equal length, one entry per game.

    creditor, debtor: indices into `creditors` and `debtors`. result: 1 if the creditor was ahead, 0 if the debtor was,
    0.5 if neither, NaN without a deal. cluster: the index of the scenario, or of the world; games of one cluster are
    not independent.
    """

    creditors: tuple[str, ...]
    debtors: tuple[str, ...]
    creditor: NDArray[np.int64]
    debtor: NDArray[np.int64]
    result: Array
    cluster: NDArray[np.int64]

    @property
    def outcomes(self) -> Array:
        """The scores of the creditor, the debtor and no deal in each game, shape (games, 3); each row sums to 1."""
        none = np.isnan(self.result)
        ahead = np.where(none, 0.0, self.result)
        return np.stack([ahead, np.where(none, 0.0, 1 - ahead), none.astype(np.float64)], axis=1)


def games_of(snapshot: Snapshot) -> Games:
    """The finished matches as games; a failed match counts as one without a deal, as in the standings."""
    kept = snapshot.rows
    gaps = [row.creditor_utility - row.debtor_utility if row.ending == "deal" else np.nan for row in kept]
    return Games(
        tuple(snapshot.creditors),
        tuple(snapshot.debtors),
        np.array([row.creditor for row in kept], dtype=np.int64),
        np.array([row.debtor for row in kept], dtype=np.int64),
        (np.sign(np.array(gaps, dtype=np.float64)) + 1) / 2,
        np.array([snapshot.cluster(row) for row in kept], dtype=np.int64),
    )


def ratings_of(snapshot: Snapshot) -> list[Rating]:
    """The ratings of a tournament's agents, in one fit; worlds take part in it and are not listed."""
    return [one for one in bradley_terry(games_of(snapshot)) if one.seat in snapshot.rivals]


def bradley_terry(games: Games) -> list[Rating]:
    """The ratings of all agents with a game, the strongest first (equal ones by seat and name).

    Raises:
        BadInput: a result is outside [0, 1].
    """
    if not games.result.size:
        return []
    wrong = games.result[(games.result < 0) | (games.result > 1)]
    if wrong.size:
        raise BadInput(
            f"result {wrong[0]} is not in [0, 1]; 1 is a win of the creditor, 0 of the debtor, 0.5 a draw, NaN no deal"
        )
    fit = _Fit(games)
    found = fit.strengths()
    spread = fit.spread(found)
    strengths = found[: len(fit.agents)]
    strengths = strengths - strengths[fit.played].mean()
    groups = _groups(games)
    ratings = [
        Rating(label, seat, float(strengths[place]), float(strengths[place] - spread[place]),
               float(strengths[place] + spread[place]), *fit.record(place), groups[place])
        for place, (label, seat) in enumerate(fit.agents)
        if fit.played[place]
    ]  # fmt: skip
    return sorted(ratings, key=lambda one: (-round(one.strength, 9), one.seat, one.label))


class _Fit:
    """Newton's method on the penalised likelihood, over the creditors, the debtors and, if it occurred, no deal."""

    def __init__(self, games: Games) -> None:
        creditors, debtors = len(games.creditors), len(games.debtors)
        seats: tuple[Seat, Seat] = ("creditor", "debtor")
        self.agents = [(label, seats[0]) for label in games.creditors] + [(label, seats[1]) for label in games.debtors]
        self.games = games
        self.outcomes = games.outcomes
        pair = games.creditor * debtors + games.debtor
        self.number = np.bincount(pair, minlength=creditors * debtors).reshape(creditors, debtors).astype(np.float64)
        self.came = [
            np.bincount(pair, weights=each, minlength=creditors * debtors).reshape(creditors, debtors)
            for each in self.outcomes.T
        ]
        self.played = np.concatenate([self.number.sum(axis=1), self.number.sum(axis=0)]) > 0
        self.third = bool(self.outcomes[:, 2].any())

    def strengths(self) -> Array:
        """The zero of the gradient of the penalised log-likelihood; it is concave, so there is only one."""
        theta = np.zeros(len(self.agents) + self.third)
        for _ in range(_STEPS):
            step = np.linalg.solve(self._curvature(theta), self._gradient(theta))
            theta = theta + step * min(1.0, 4.0 / max(1e-12, float(np.abs(step).max())))
            if np.abs(step).max() < _CLOSE:
                break
        return theta

    def _chances(self, theta: Array) -> tuple[Array, Array, Array]:
        """The probabilities of creditor ahead, debtor ahead and no deal; shape (creditors, debtors) each."""
        creditors, agents = len(self.games.creditors), len(self.agents)
        shape = self.number.shape
        a, b = np.broadcast_to(theta[:creditors, None], shape), np.broadcast_to(theta[None, creditors:agents], shape)
        t = np.full(shape, theta[agents] if self.third else -np.inf)
        powers = np.exp(np.stack([a, b, t]) - np.maximum(np.maximum(a, b), t))
        first, second, third = powers / powers.sum(axis=0)
        return first, second, third

    def _gradient(self, theta: Array) -> Array:
        ahead, behind, none = (
            came - self.number * chance for came, chance in zip(self.came, self._chances(theta), strict=True)
        )
        third = [none.sum()] if self.third else []
        return np.concatenate([ahead.sum(axis=1), behind.sum(axis=0), third]) + 0.5 - _logistic(theta)

    def _curvature(self, theta: Array) -> Array:
        """The sum over pairs of n (diag(P) - P P'), plus the penalty's term."""
        number, (first, second, third) = self.number, self._chances(theta)
        creditors, agents = len(self.games.creditors), len(self.agents)
        own = [(number * first * (1 - first)).sum(axis=1), (number * second * (1 - second)).sum(axis=0)]
        alone = _logistic(theta)
        matrix = np.zeros((len(theta), len(theta)))
        matrix[:creditors, creditors:agents] = -number * first * second
        if self.third:
            own.append(np.array([(number * third * (1 - third)).sum()]))
            matrix[:creditors, agents] = -(number * first * third).sum(axis=1)
            matrix[creditors:agents, agents] = -(number * second * third).sum(axis=0)
        return np.asarray(matrix + matrix.T + np.diag(np.concatenate(own) + alone * (1 - alone)), dtype=np.float64)

    def spread(self, theta: Array) -> Array:
        """Half the width of the interval of each agent's strength minus the mean strength."""
        inverse = np.linalg.inv(self._curvature(theta))
        clusters, place = np.unique(self.games.cluster, return_inverse=True)
        count = len(clusters)
        if count < FEW_CLUSTERS:
            variance, quantile = inverse, NormalDist().inv_cdf(0.975)
        else:
            from scipy import special

            scores = self._scores(theta, place, count)
            variance = inverse @ (scores.T @ scores) @ inverse * count / (count - 1)
            quantile = float(special.stdtrit(count - 1, 0.975))
        agents = len(self.agents)
        centre = np.eye(agents) - self.played / self.played.sum()
        half: Array = quantile * np.sqrt(
            np.maximum(0.0, np.einsum("ij,jk,ik->i", centre, variance[:agents, :agents], centre))
        )
        return half

    def _scores(self, theta: Array, place: NDArray[np.int64], count: int) -> Array:
        """The gradient of each cluster's games, shape (clusters, parameters)."""
        games, size = self.games, len(theta)
        chances = np.stack([each[games.creditor, games.debtor] for each in self._chances(theta)], axis=1)
        left = self.outcomes - chances
        none = np.full_like(games.creditor, len(self.agents))
        whose = [games.creditor, games.debtor + len(games.creditors), none][: 2 + self.third]
        cells = np.concatenate([place * size + each for each in whose])
        sums = np.bincount(cells, weights=left[:, : len(whose)].T.ravel(), minlength=count * size)
        return sums.reshape(count, size).astype(np.float64)

    def record(self, place: int) -> tuple[int, int, int, int]:
        """Games, wins, draws and matches without a deal of an agent."""
        creditors = len(self.games.creditors)
        own = self.games.creditor == place if place < creditors else self.games.debtor == place - creditors
        results = self.games.result[own]
        won = results > 0.5 if place < creditors else results < 0.5
        return int(own.sum()), int(won.sum()), int((results == 0.5).sum()), int(np.isnan(results).sum())


def _logistic(value: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -500, 500))), dtype=np.float64)


def _groups(games: Games) -> dict[int, int]:
    """The group of each agent: agents that met, directly or through others, share one; the largest group is 0."""
    offset = len(games.creditors)
    parts: list[set[int]] = []
    for pair in set(zip(games.creditor.tolist(), (games.debtor + offset).tolist(), strict=True)):
        apart = [part for part in parts if part.isdisjoint(pair)]
        parts = [*apart, set(pair).union(*(part for part in parts if not part.isdisjoint(pair)))]
    parts.sort(key=lambda part: (-len(part), min(part)))
    return {agent: number for number, part in enumerate(parts) for agent in part}
