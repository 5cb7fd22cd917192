"""The cost of game theory and ratings: python benchmarks/solving.py

Prints seconds (the best of a few runs) of solving the game between 60 creditors and 60 debtors, and of rating 50
players by 20,000 games, each beside a direct call of a library for the same: SciPy's linear program, OpenSpiel's
replicator dynamics and alpha-rank (on 20 x 20 agents, since 60 x 60 would take many minutes), scikit-learn's logistic
regression. It takes about half a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from poise.games.openspiel.pyspiel import algorithm
from poise.tournaments.game_theory.alpha_rank import alpha_rank
from poise.tournaments.game_theory.bimatrix import Bimatrix
from poise.tournaments.game_theory.solve import STEP, STEPS, replicator, zero_sum
from poise.tournaments.statistics.bradley_terry import Games, bradley_terry

PLAYERS, GAMES, SCENARIOS = 50, 20_000, 100
BUDGET = 0.5  # seconds, of the ratings


def field(size: int) -> Bimatrix:
    """A game between so many creditors and debtors, in which a pure equilibrium is unlikely."""
    rng = np.random.default_rng(1)
    creditor = rng.random((size, size))
    labels = (tuple(f"{seat}{place}" for place in range(size)) for seat in "cd")
    return Bimatrix(*labels, creditor, 1 - creditor)


def seconds(call: Callable[[], Any], repeats: int = 3) -> float:
    """Of the best of a few runs."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return min(found)


def bare_linprog(game: Bimatrix) -> None:
    """Both seats' linear programs alone."""
    from scipy.optimize import linprog

    size = len(game.creditors)
    for payoff in (game.creditor, game.debtor.T):
        linprog(
            [*[0] * size, -1],
            np.hstack([-payoff.T, np.ones((size, 1))]),
            np.zeros(size),
            [[*[1] * size, 0]],
            [1],
            [(0, None)] * size + [(None, None)],
        )


def bare_dynamics(game: Bimatrix) -> None:
    """OpenSpiel's steps alone."""
    grow = algorithm("egt.dynamics").replicator
    x = y = np.full(len(game.creditors), 1 / len(game.creditors))
    for _ in range(STEPS):
        dx, dy = grow(x, game.creditor @ y), grow(y, game.debtor.T @ x)
        x, y = x + STEP * dx, y + STEP * dy


def bare_alpha_rank(game: Bimatrix) -> None:
    """OpenSpiel's."""
    algorithm("egt.alpharank").compute([game.creditor, game.debtor], use_inf_alpha=True, inf_alpha_eps=1e-6)


def played() -> Games:
    """Games of 25 creditors and 25 debtors whose strengths are drawn."""
    rng = np.random.default_rng(2)
    half = PLAYERS // 2
    creditor, debtor = rng.integers(0, half, (2, GAMES))
    strength = rng.normal(0, 1, (2, half))
    chance = 1 / (1 + np.exp(strength[1][debtor] - strength[0][creditor]))
    labels = (tuple(f"{seat}{place}" for place in range(half)) for seat in "cd")
    won = (rng.random(GAMES) < chance).astype(np.float64)
    return Games(*labels, creditor, debtor, won, rng.integers(0, SCENARIOS, GAMES))


def bare_regression(games: Games) -> None:
    """The same likelihood by scikit-learn; without intervals."""
    from scipy.sparse import csr_array
    from sklearn.linear_model import LogisticRegression

    rows = np.arange(GAMES).repeat(2)
    columns = np.stack([games.creditor, games.debtor + PLAYERS // 2], axis=1).ravel()
    design = csr_array((np.tile([1.0, -1.0], GAMES), (rows, columns)))
    LogisticRegression(fit_intercept=False, max_iter=500).fit(design, games.result)


def told(what: str, ours: float, theirs: float) -> None:
    print(f"{what:42}  {ours:8.3f} s  {theirs:8.3f} s  {ours / theirs:6.2f}")


def main() -> None:
    large, small, games = field(60), field(20), played()
    print(f"{'':42}  {'Poise':>10}  {'bare call':>10}  ratio")
    told("mixed equilibrium, 60 x 60 (SciPy)", seconds(lambda: zero_sum(large)), seconds(lambda: bare_linprog(large)))
    told("replicator, 60 x 60 (OpenSpiel)", seconds(lambda: replicator(large)), seconds(lambda: bare_dynamics(large)))
    told("alpha-rank, 20 x 20 (OpenSpiel)", seconds(lambda: alpha_rank(small)), seconds(lambda: bare_alpha_rank(small)))
    print(f"{'alpha-rank, 60 x 60':42}  {seconds(lambda: alpha_rank(large), 1):8.3f} s")
    rated, fitted = seconds(lambda: bradley_terry(games)), seconds(lambda: bare_regression(games))
    told("ratings, 50 players, 20,000 games (sklearn)", rated, fitted)
    print(f"the ratings' budget is {BUDGET} s")


if __name__ == "__main__":
    main()
