"""Which cells of the payoff matrix changed from one run to another, and whether beyond chance.

A cell is a creditor against a debtor that play in both runs; where both play folders of worlds, it is a creditor in all
of its worlds. Its clusters, the independent samples, are scenarios, or worlds. Where both runs hold the same scenarios
(and worlds, by digest) and the same seed, matches are compared pair by pair: the interval is that of t over clusters
(see `poise.tournaments.statistics.bootstrap`), and p is that of the sign-flip test over them (Fisher 1935, The Design
of Experiments, section 21): under no change, a cluster's sum of differences is as likely to be d as -d. Where the runs
share none, the clusters' means are compared by Welch's t (Welch 1947, Biometrika 34:28).

p is then corrected over all cells by Holm's step-down procedure (Holm 1979, Scandinavian Journal of Statistics 6:65):
the chance that any cell is called changed where none is stays below 5 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poise.common.seeds import child_seed
from poise.tournaments.statistics.bootstrap import Estimate, Sums, estimate_all, holm
from poise.tournaments.storage.rows import Row
from poise.tournaments.storage.snapshot import Snapshot

LEVEL: Final = 0.05
FLIPS: Final = 9_999
MEASURES: Final[Mapping[str, str]] = {
    "creditor": "creditor's utility",
    "debtor": "debtor's utility",
    "success": "share of deals",
}
Array = NDArray[np.float64]
Key = tuple[str, str, int]  # the cluster, the scenario, whole, and which repeat of it
ALL: Final = ""  # the debtor of a cell that is over all worlds


@dataclass(frozen=True, slots=True)
class Change:
    """One cell: `difference` is the second run less the first.

    debtor:  ALL for all worlds. paired: pairs of matches that were compared; 0 where the runs share none.
    samples: independent ones, scenarios or worlds.
    p:       corrected over all cells; None where fewer than two samples leave it open.
    largest: positions (first run, second run) of the pair that differs most.
    """

    creditor: str
    debtor: str
    before: float
    after: float
    difference: Estimate
    paired: int
    samples: int
    p: float | None
    largest: tuple[int, int] | None

    @property
    def beyond_noise(self) -> bool:
        """Whether the cell changed by more than chance explains."""
        return self.p is not None and self.p < LEVEL


def changes(first: Snapshot, second: Snapshot, measure: str) -> list[Change]:
    """Every cell that was played in both runs, as entered in the first. measure: a key of MEASURES."""
    pooled = over_worlds(first, second)
    cells = [_cells(each, pooled=pooled) for each in (first, second)]
    seed = child_seed(int(first.header.config["seed"]), "changes", measure)
    shared = [name for name in cells[0] if name in cells[1]]
    found = [_change(name, cells[0][name], cells[1][name], measure, seed) for name in shared]
    corrected = holm([change.p for change in found])
    return [replace(change, p=p) for change, p in zip(found, corrected, strict=True)]


def over_worlds(first: Snapshot, second: Snapshot) -> bool:
    """Whether cells are over worlds: both runs have them as debtors."""
    return first.header.over_worlds and second.header.over_worlds


def _cells(snapshot: Snapshot, *, pooled: bool) -> dict[tuple[str, str], dict[Key, Row]]:
    """The matches of each cell, by what was played: the tournament's seed, world, scenario and the repeat."""
    seed = snapshot.header.config["seed"]
    told = [f"{seed} {sorted(scenario.to_dict().items())!r}" for scenario in snapshot.scenarios]
    worlds = [str(each["declared"]["settings"]["world"]["digest"]) for each in snapshot.header.debtors if pooled]
    cells: dict[tuple[str, str], dict[Key, Row]] = {}
    for row in snapshot.rows:
        name = snapshot.creditors[row.creditor], ALL if pooled else snapshot.debtors[row.debtor]
        case = told[row.scenario]
        cells.setdefault(name, {})[worlds[row.debtor] if pooled else case, case, row.repeat] = row
    return cells


def _value(row: Row, measure: str) -> float:
    if measure == "success":
        return float(row.ending == "deal")
    return row.creditor_utility if measure == "creditor" else row.debtor_utility


def _change(
    name: tuple[str, str], first: Mapping[Key, Row], second: Mapping[Key, Row], measure: str, seed: int
) -> Change:
    shared = [key for key in first if key in second]
    if not shared:
        means = [_cluster_means(rows, measure) for rows in (first, second)]
        difference, p = welch(*means)
        before, after = (float(values.mean()) for values in means)
        return Change(*name, before, after, difference, 0, min(map(len, means)), p, None)
    values = np.array([[_value(rows[key], measure) for rows in (first, second)] for key in shared])
    gained = values[:, 1] - values[:, 0]
    places = {cluster: place for place, cluster in enumerate(dict.fromkeys(key[0] for key in shared))}
    sums = Sums.of_pairs(np.array([places[key[0]] for key in shared]), gained, len(places))
    (estimate,) = estimate_all([sums], seed)
    assert estimate is not None  # noqa: S101 - for the type checker: there is at least one pair
    most = shared[int(np.abs(gained).argmax())]
    before, after = (float(value) for value in values.mean(axis=0))
    p = sign_flip(sums.total, seed) if len(places) > 1 else None
    largest = (first[most].position, second[most].position)
    return Change(*name, before, after, estimate, len(shared), len(places), p, largest)


def sign_flip(totals: Array, seed: int) -> float:
    """The p of no change, from each cluster's sum of differences: how often random signs reach its size."""
    rng = np.random.default_rng(seed)
    signs = rng.integers(0, 2, size=(FLIPS, len(totals)), dtype=np.int8) * 2.0 - 1.0
    reached = np.abs(signs @ totals) >= abs(totals.sum()) - 1e-9
    return float((1 + np.count_nonzero(reached)) / (1 + FLIPS))


def _cluster_means(rows: Mapping[Key, Row], measure: str) -> Array:
    by_cluster: dict[str, list[float]] = {}
    for (cluster, *_), row in rows.items():
        by_cluster.setdefault(cluster, []).append(_value(row, measure))
    return np.array([sum(values) / len(values) for values in by_cluster.values()])


def welch(first: Array, second: Array) -> tuple[Estimate, float | None]:
    """The difference of two means of shares with its 95 % interval, from -1 to 1, and p.

    Both are open for fewer than two values on a side.
    """
    from scipy import special

    gained = float(second.mean() - first.mean())
    if min(len(first), len(second)) < 2:
        return Estimate(gained, None, None), None
    parts = [float(each.var(ddof=1)) / len(each) for each in (first, second)]
    spread = sum(parts) ** 0.5
    if spread == 0:
        return Estimate(gained, gained, gained), 1.0 if gained == 0 else 0.0
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(each) - 1) for part, each in zip(parts, (first, second), strict=True)
    )
    half = float(special.stdtrit(freedom, 0.975)) * spread
    p: Any = 2 * special.stdtr(freedom, -abs(gained) / spread)
    return Estimate(gained, max(-1.0, gained - half), min(1.0, gained + half)), float(p)
