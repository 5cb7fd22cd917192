"""Utilities by creditor, world and match, read from stored matches, and statistics of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.simulated import World, load_world
from poise.agents.simulated.files import world_files
from poise.tournaments.statistics.bootstrap import Estimate, Sums, Tested, examine_all, holm
from poise.tournaments.storage.store import Store


class Judged:
    """One tournament's creditors, and their utilities, shape (creditors, worlds, matches).

    names: the page's names of creditors, by label; others keep their label, without argument or concession.
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

    def means(self, names: Sequence[str]) -> np.ndarray:
        """Mean utilities, shape (names, worlds)."""
        return np.stack([self.of(name).mean(axis=1) for name in names])

    def difference(self, name: str, than: str) -> np.ndarray:
        """Match by match, shape (worlds, matches)."""
        return self.of(name) - self.of(than)

    def gain(self, name: str, than: str) -> np.ndarray:
        """The mean paired difference in each world."""
        found: np.ndarray = self.difference(name, than).mean(axis=1)
        return found


def verdicts(difference: np.ndarray) -> tuple[int, int, int]:
    """In how many worlds a difference between matches is above zero, open or below zero, by t over matches at 5 %."""
    means, matches = difference.mean(axis=1), difference.shape[1]
    reach = stats.t.ppf(0.975, matches - 1) * difference.std(axis=1, ddof=1) / np.sqrt(matches)
    above, below = int((means > reach).sum()), int((means < -reach).sum())
    return above, len(means) - above - below, below


def chance(difference: np.ndarray) -> float:
    """The part of the variance of a world's mean difference that is due to chance."""
    return float((difference.var(axis=1, ddof=1) / difference.shape[1]).mean())


def over_worlds(values: np.ndarray) -> Estimate:
    """The mean over worlds of a difference, with its t interval, as in the standings."""
    return _tested(values).estimate


def beyond_chance(gains: Sequence[np.ndarray]) -> list[bool]:
    """Which of several gains, by world, are above zero by t over worlds at 5 %, corrected for all (Holm)."""
    corrected = holm([_tested(each).p for each in gains])
    return [p is not None and p < 0.05 and each.mean() > 0 for p, each in zip(corrected, gains, strict=True)]


def _tested(values: np.ndarray) -> Tested:
    (found,) = examine_all([Sums.of_pairs(np.arange(len(values)), values, len(values))], seed=0, draws=1)
    if found is None:
        raise SystemExit("there is no world to judge in")
    return found


@dataclass(frozen=True)
class Stability:
    """Kendall's tau between rankings, one from each half of the matches.

    same: of one world. other: of two worlds, in both ways. All as lists, for their means and a picture.
    """

    same: np.ndarray
    other: np.ndarray


def stability(judged: Judged, names: Sequence[str]) -> Stability:
    """How similar rankings of `names` are within a world and between two; from halves, so that the noise is equal."""
    halves = np.stack([judged.of(name) for name in names])
    first, second = halves[:, :, ::2].mean(axis=2), halves[:, :, 1::2].mean(axis=2)
    worlds = first.shape[1]
    tau = [[stats.kendalltau(first[:, a], second[:, b]).statistic for b in range(worlds)] for a in range(worlds)]
    pairs = list(combinations(range(worlds), 2))
    other = [tau[a][b] for a, b in pairs] + [tau[b][a] for a, b in pairs]
    return Stability(np.array([tau[a][a] for a in range(worlds)]), np.array(other))


def conformity(judged: Judged, names: Sequence[str]) -> np.ndarray:
    """Each world's tau with the mean ranking of all others."""
    means = judged.means(names)
    others = (means.sum(axis=1, keepdims=True) - means) / max(1, means.shape[1] - 1)
    return np.array([stats.kendalltau(one, rest).statistic for one, rest in zip(means.T, others.T, strict=True)])


def turned(world: World, base: World) -> np.ndarray:
    """By emotion read, the share of the reactions' total size whose sign differs from `base`, shape (7,)."""
    ours, theirs = (np.array([kind.pulls for kind in each.dispositions]) for each in (world, base))
    sizes: np.ndarray = np.where(ours * theirs < 0, np.abs(ours), 0.0).sum(axis=(0, 1)) / np.abs(ours).sum()
    return sizes


def parameters(folder: Path, like: str) -> dict[str, np.ndarray]:
    """The parameters that differ among the worlds, each of shape (worlds,)."""
    base, worlds = load_world(like), [load_world(file) for file in world_files(folder)]
    signs = np.array([turned(world, base) for world in worlds]).T
    found = {f"signs turned, {emotion}": row for emotion, row in zip(EMOTIONS7, signs, strict=True)} | {
        "pace, median": np.array([world.pace.median for world in worlds]),
        "pace, spread": np.array([world.pace.spread for world in worlds]),
        "reciprocity r": np.array([world.answers.reciprocity for world in worlds]),
        "hazard h": np.array([world.answers.hazard for world in worlds]),
        "patience m": np.array([world.answers.patience for world in worlds]),
    }
    return {name: values for name, values in found.items() if np.ptp(values) > 0}


@dataclass(frozen=True)
class Regression:
    """Ordinary least squares on standardised parameters: the change for one standard deviation, its 95 % margin, R2.

    adjusted: R2 minus what as many parameters explain by chance.
    """

    slopes: np.ndarray
    reach: np.ndarray
    r2: float
    adjusted: float


def regress(target: np.ndarray, given: np.ndarray) -> Regression | None:
    """None if there are too few worlds for so many parameters, or nothing varies. given: shape (worlds, width)."""
    count, width = given.shape
    free = count - width - 1
    if free < 3 or not target.std():
        return None
    design = np.column_stack([np.ones(count), (given - given.mean(axis=0)) / given.std(axis=0)])
    inverse = np.linalg.inv(design.T @ design)
    slopes = inverse @ design.T @ target
    left = float(((target - design @ slopes) ** 2).sum())
    r2 = 1 - left / float(((target - target.mean()) ** 2).sum())
    reach = stats.t.ppf(0.975, free) * np.sqrt(np.diag(inverse) * left / free)
    return Regression(slopes[1:], reach[1:], r2, 1 - (1 - r2) * (count - 1) / free)
