"""How long evolution dwells on each pair of agents where those that do better take over (alpha-rank).

Omidshafiei et al. 2019, Scientific Reports 9:9937. One seat at a time, a mutant meets the other seat's agent and takes
over its own seat's population of m with the chance

    rho = (1 - exp(-alpha gain)) / (1 - exp(-m alpha gain)),        1 / m where gain = 0,

gain being what it gets more than the agent there. alpha says how strong selection is: at 0 all agents last equally
long, and as it grows the weaker ones vanish. `alpha_rank` is the limit, `alpha_sweep` the way there.

Differs from the reference: the stationary distribution is solved state by state without subtractions (Grassmann, Taksar
and Heyman 1985, Operations Research 33:1107), so that it is exact to rounding at any noise, where eigenvectors fail
below about 1e-8 or many pairs. Chances below `LEAST` count as that, so that every pair can be left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from poise.common.errors import BadInput

if TYPE_CHECKING:
    from poise.tournaments.game_theory.bimatrix import Bimatrix
from poise.tournaments.game_theory.bimatrix import TIE

Array = NDArray[np.float64]
LEAST: Final = 1e-30
POPULATION: Final = 50
SWEEP: Final = (0.01, 100.0)  # of alpha, in 1 / utility
_BLOCK: Final = 64
_WORK: Final = 1_500_000_000  # pairs cubed, summed over points: about a second


def alpha_rank(game: Bimatrix, noise: float = 1e-6) -> Array:
    """How long evolution dwells on each pair, shape (creditors, debtors), summing to 1.

    One seat at a time tries another agent and keeps it where it does better; equal ones are kept half the time
    (the limit of strong selection). With `noise` it also tries what does worse, so that there is one answer; as it goes
    to 0 only the sinks of that chain are left.

    The same chain as OpenSpiel's `alpharank.compute(use_inf_alpha=True, inf_alpha_eps=noise)`, which a test compares.
    """
    if not 0 < noise <= 0.5:
        raise BadInput(f"noise {noise} is outside (0, 0.5]; 1e-6 tells who does better and little else")
    return _ranked(game, lambda gain: np.where(np.abs(gain) <= TIE, 0.5, np.where(gain > 0, 1 - noise, noise)))


def alpha_rank_at(game: Bimatrix, alpha: float, population: int = POPULATION) -> Array:
    """The same where selection is of strength `alpha` (see the module) in populations of so many.

    The same chain as OpenSpiel's `alpharank.compute(m=population, alpha=alpha)`, which a test compares.
    """
    if not alpha >= 0 or not np.isfinite(alpha) or population < 2:
        raise BadInput(f"alpha {alpha} in populations of {population}; alpha is 0 or more, a population 2 or more")
    return _ranked(game, lambda gain: _fixation(alpha * gain, population))


def alpha_sweep(game: Bimatrix, points: int = 25) -> list[tuple[float, Array]]:
    """(alpha, shape (creditors, debtors)) over `SWEEP`, evenly in log alpha; fewer points where pairs are many."""
    pairs = game.creditor.size
    points = int(min(points, max(5, _WORK // pairs**3)))
    return [(float(alpha), alpha_rank_at(game, float(alpha))) for alpha in np.geomspace(*SWEEP, points)]


def _fixation(strength: Array, population: int) -> Array:
    """The chance that a mutant takes over, of alpha times its gain, computed so that nothing overflows.

    With u = |strength|, it is (1 - e^-u) / (1 - e^-mu) for a gain, and e^-(m-1)u times that for a loss.
    """
    size = np.abs(strength)
    with np.errstate(invalid="ignore", divide="ignore"):
        better = np.expm1(-size) / np.expm1(-population * size)
    chance = np.where(strength < 0, better * np.exp(-(population - 1) * size), better)
    return np.maximum(np.where(size < 1e-14, 1 / population, chance), LEAST)


def _ranked(game: Bimatrix, kept: Callable[[Array], Array]) -> Array:
    return _stationary(_chain(game, kept)).reshape(game.creditor.shape)


def _chain(game: Bimatrix, kept: Callable[[Array], Array]) -> Array:
    """The chance of each step between pairs, shape (pairs, pairs), rows from; what is left to stay is not in it.

    kept: of gains, the chance that the agent who gains so much replaces the other.
    """
    creditors, debtors = game.creditor.shape
    eta = 1 / max(1, creditors + debtors - 2)
    steps = np.zeros((creditors, debtors, creditors, debtors))
    for j in range(debtors):
        steps[:, j, :, j] += eta * kept(_gains(game.creditor[:, j]))
    for i in range(creditors):
        steps[i, :, i, :] += eta * kept(_gains(game.debtor[i]))
    size = creditors * debtors
    flat = steps.reshape(size, size)
    np.fill_diagonal(flat, 0.0)
    return flat


def _gains(utilities: Array) -> Array:
    """What the agent in the column gets more than the one in the row."""
    return np.asarray(utilities[None, :] - utilities[:, None], dtype=np.float64)


def _stationary(steps: Array) -> Array:
    """The stationary distribution of an irreducible chain, diagonal ignored (Grassmann, Taksar and Heyman 1985).

    States are taken out from the last to the second, a block at a time, so that most of the work is matrix products.
    """
    left, end = steps.copy(), len(steps)
    while end > 1:
        begin = max(1, end - _BLOCK)
        for last in range(end - 1, begin - 1, -1):
            left[:last, last] /= left[last, :last].sum()
            left[begin:last, :last] += np.outer(left[begin:last, last], left[last, :last])
            left[:begin, begin:last] += np.outer(left[:begin, last], left[last, begin:last])
        left[:begin, :begin] += left[:begin, begin:end] @ left[begin:end, :begin]
        end = begin
    share = np.ones(len(steps))
    for place in range(1, len(steps)):
        share[place] = share[:place] @ left[:place, place]
    return np.asarray(share / share.sum(), dtype=np.float64)
