"""What the stored matches say: utilities by creditor, world and match, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats

from poise.agents.simulated import World, load_world
from poise.agents.simulated.files import world_files
from poise.tournaments.statistics.bootstrap import Estimate, Sums, estimate_all
from poise.tournaments.storage.store import Store

OPEN = Estimate(np.nan, None, None)


class Judged:
    """One tournament's creditors, and their utilities, shape (creditors, worlds, matches).

    names: what creditors are called on the page, by their labels; others keep theirs, without argument or concession.
    """

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        with Store.read(folder) as store:
            header, rows, scenarios = store.header(), list(store.rows()), len(store.scenarios())
        labels = [str(one["label"]) for one in header.creditors]
        worlds, matches = len(header.debtors), header.total // len(labels) // len(header.debtors)
        self.utility = np.full((len(labels), worlds, matches), np.nan)
        for row in rows:
            self.utility[row.creditor, row.debtor, row.repeat * scenarios + row.scenario] = row.creditor_utility
        self.failed = sum(row.ending == "failed" for row in rows)
        self.names: dict[str, int] = {}
        for place, label in enumerate(labels):
            plain = label if label in names else label.partition(",")[0]
            self.names[names.get(plain, "oracle" if plain.startswith("oracle:") else plain)] = place

    def of(self, name: str) -> np.ndarray:
        """One creditor's utilities, shape (worlds, matches)."""
        found: np.ndarray = self.utility[self.names[name]]
        return found

    def gain(self, name: str, than: str) -> np.ndarray:
        """The mean paired difference in each world."""
        found: np.ndarray = (self.of(name) - self.of(than)).mean(axis=1)
        return found

    def verdicts(self, name: str, than: str) -> tuple[int, int, int]:
        """In how many worlds the difference is above zero, open and below zero, by t over matches at 5 %."""
        gains = self.of(name) - self.of(than)
        error = gains.std(axis=1, ddof=1) / np.sqrt(gains.shape[1])
        reach = stats.t.ppf(0.975, gains.shape[1] - 1) * error
        above, below = int((gains.mean(axis=1) > reach).sum()), int((gains.mean(axis=1) < -reach).sum())
        return above, len(gains) - above - below, below

    def noise(self, name: str, than: str) -> float:
        """The variance of a world's mean difference that is chance alone."""
        gains = self.of(name) - self.of(than)
        return float((gains.var(axis=1, ddof=1) / gains.shape[1]).mean())


def over_worlds(values: np.ndarray) -> Estimate:
    """The mean over worlds with its t interval, as in the standings."""
    places = np.arange(len(values))
    return estimate_all([Sums.of_pairs(places, values, len(values))], seed=0)[0] or OPEN


@dataclass(frozen=True)
class Stability:
    """Kendall's tau between rankings, one from each half of the matches.

    same: of one world. other: of two worlds, in both ways. All as lists, for their means and a picture.
    """

    same: np.ndarray
    other: np.ndarray


def stability(judged: Judged, names: Sequence[str]) -> Stability:
    """How alike rankings of `names` are in one world and in two; halves, so that both have the same noise."""
    halves = np.stack([judged.of(name) for name in names])
    first, second = halves[:, :, ::2].mean(axis=2), halves[:, :, 1::2].mean(axis=2)
    worlds = first.shape[1]
    tau = [[stats.kendalltau(first[:, a], second[:, b]).statistic for b in range(worlds)] for a in range(worlds)]
    pairs = list(combinations(range(worlds), 2))
    other = [tau[a][b] for a, b in pairs] + [tau[b][a] for a, b in pairs]
    return Stability(np.array([tau[a][a] for a in range(worlds)]), np.array(other))


def conformity(judged: Judged, names: Sequence[str]) -> np.ndarray:
    """Each world's tau with the mean ranking of all others."""
    means = np.stack([judged.of(name).mean(axis=1) for name in names])
    others = (means.sum(axis=1, keepdims=True) - means) / max(1, means.shape[1] - 1)
    return np.array([stats.kendalltau(one, rest).statistic for one, rest in zip(means.T, others.T, strict=True)])


def turned(world: World, base: World) -> float:
    """The share of the reactions' size whose sign is not that of the world it was drawn like."""
    ours, theirs = (np.array([kind.pulls for kind in each.dispositions]) for each in (world, base))
    return float(np.abs(ours)[ours * theirs < 0].sum() / np.abs(ours).sum())


PARAMETERS = {
    "signs turned (share of all pull)": turned,
    "pace, median": lambda world, _: world.pace.median,
    "pace, spread": lambda world, _: world.pace.spread,
    "reciprocity r": lambda world, _: world.answers.reciprocity,
    "hazard h": lambda world, _: world.answers.hazard,
    "patience m": lambda world, _: world.answers.patience,
}


def parameters(folder: Path, like: str) -> np.ndarray:
    """The worlds' parameters, shape (worlds, len(PARAMETERS))."""
    base = load_world(like)
    return np.array([[read(load_world(file), base) for read in PARAMETERS.values()] for file in world_files(folder)])


@dataclass(frozen=True)
class Regression:
    """Ordinary least squares on standardised parameters: the change for one standard deviation, its 95 % reach, R2.

    adjusted: R2 less what as many parameters explain by chance.
    """

    slopes: np.ndarray
    reach: np.ndarray
    r2: float
    adjusted: float


def regress(target: np.ndarray, given: np.ndarray) -> Regression | None:
    """None where there are too few worlds for so many parameters, or nothing varies."""
    count, width = given.shape
    spread = given.std(axis=0)
    free = count - width - 1
    if free < 3 or not spread.all() or not target.std():
        return None
    design = np.column_stack([np.ones(count), (given - given.mean(axis=0)) / spread])
    inverse = np.linalg.inv(design.T @ design)
    slopes = inverse @ design.T @ target
    left = float(((target - design @ slopes) ** 2).sum())
    r2 = 1 - left / float(((target - target.mean()) ** 2).sum())
    reach = stats.t.ppf(0.975, free) * np.sqrt(np.diag(inverse) * left / free)
    return Regression(slopes[1:], reach[1:], r2, 1 - (1 - r2) * (count - 1) / free)
