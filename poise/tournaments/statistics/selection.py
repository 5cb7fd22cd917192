"""Two sources of chance that an interval over scenarios or worlds leaves out: the choice of the best, and training.

**The best of several.** An agent's figure in the same matches that chose it as the best is too high (winner's curse).
`best_apart` halves the scenarios, takes the agent that is best on one half, and judges it on the other, both ways; each
scenario is judged by a choice in which it had no part. Where one agent wins both halves, the two results are
correlated, so their errors are added as if they always were, and the interval is t's with the scenarios of one half.
The figure is what choosing by half of the data earns, and so is slightly pessimistic about choosing by all of them.

**Several trainings.** Policies trained alike from k seeds and judged on the same n scenarios make a table of utilities.
Its mean varies with both (crossed random effects; Scheffe 1959, The Analysis of Variance, chapter 8):

    var = (MS_seed + MS_scenario - MS_rest) / (k n),     MS: mean squares of rows, of columns, and of what is left

The interval is t's with Satterthwaite's (1946) degrees of freedom, at least min(k, n) - 1 of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poise.common.errors import BadInput
from poise.common.seeds import Dice, child_seed
from poise.games.moves import SEATS, Seat
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.storage.snapshot import Snapshot


def best_apart(utilities: ArrayLike, seed: int = 0) -> Estimate:
    """The utility of the best of several agents, chosen on half of the scenarios and judged on the other, both ways.

    utilities: shape (agents, scenarios), in [0, 1]. seed: of the halves.

    Raises:
        BadInput: there is no agent, or there are fewer than 4 scenarios.
    """
    table = _checked(utilities, "agents", 1, 4)
    order = Dice(child_seed(seed, "halves")).rng().permutation(table.shape[1])
    means, errors = [], []
    for chosen_on, judged_on in ((order[::2], order[1::2]), (order[1::2], order[::2])):
        judged = table[table[:, chosen_on].mean(axis=1).argmax(), judged_on]
        means.append(judged.mean())
        errors.append(judged.std(ddof=1) / np.sqrt(len(judged)))
    weights = np.array([len(order) // 2, len(order) - len(order) // 2]) / len(order)
    return _estimate(float(weights @ means), float(weights @ errors), len(order) // 2 - 1)


def over_trainings(utilities: ArrayLike, within: tuple[float, float] = (0.0, 1.0)) -> Estimate:
    """The mean utility of policies trained alike, for new seeds of training and new scenarios.

    utilities: shape (seeds, scenarios). within: where they can lie; -1 to 1 for what is gained over somebody.

    Raises:
        BadInput: there are fewer than 2 seeds or 2 scenarios.
    """
    table = _checked(utilities, "seeds", 2, 2)
    seeds, scenarios = table.shape
    mean, by_seed, by_scenario = table.mean(), table.mean(axis=1), table.mean(axis=0)
    rest = table - by_seed[:, None] - by_scenario[None, :] + mean
    squares = (
        (scenarios * ((by_seed - mean) ** 2).sum() / (seeds - 1), 1, seeds - 1),
        (seeds * ((by_scenario - mean) ** 2).sum() / (scenarios - 1), 1, scenarios - 1),
        ((rest**2).sum() / ((seeds - 1) * (scenarios - 1)), -1, (seeds - 1) * (scenarios - 1)),
    )
    # Where the rest is the largest, rows and columns differ by chance alone, and it is all the variance.
    total = max(sum(sign * square for square, sign, _ in squares), *(square for square, _, _ in squares))
    spread = sum(square**2 / free for square, _, free in squares)
    free = max(min(seeds, scenarios) - 1.0, total**2 / spread) if spread else 1.0
    return _estimate(float(mean), float(np.sqrt(total / table.size)), free, within)


def _estimate(mean: float, error: float, free: float, within: tuple[float, float] = (0.0, 1.0)) -> Estimate:
    """A mean with t's interval, as far as that can lie."""
    from scipy.stats import t

    reach = float(t.ppf(0.975, free)) * error
    return Estimate(mean, max(within[0], mean - reach), min(within[1], mean + reach))


def utilities_of(snapshot: Snapshot, seat: Seat = "creditor") -> NDArray[np.float64]:
    """Mean utilities of a seat's agents, in the order of its labels, by scenario (or world, where debtors are worlds).

    Scenarios on which not every agent has finished a match are left out. Shape (agents, scenarios).
    """
    place = SEATS.index(seat)
    size = len(snapshot.labels(seat)), max((snapshot.cluster(row) for row in snapshot.rows), default=-1) + 1
    total, number = np.zeros(size), np.zeros(size)
    for row in snapshot.rows:
        cell = (row.creditor, row.debtor)[place], snapshot.cluster(row)
        total[cell] += getattr(row, f"{seat}_utility")
        number[cell] += 1
    whole = (number > 0).all(axis=0)
    return total[:, whole] / number[:, whole]


def _checked(utilities: ArrayLike, rows: str, least: int, scenarios: int) -> NDArray[np.float64]:
    table = np.asarray(utilities, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] < least or table.shape[1] < scenarios or not np.isfinite(table).all():
        raise BadInput(
            f"utilities have shape {table.shape}; at least {least} {rows} and {scenarios} scenarios of finite numbers "
            "are due"
        )
    return table
