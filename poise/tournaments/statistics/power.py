"""How many scenarios and matches are needed to detect a difference between two agents.

Two agents play the same scenarios with the same seeds. The difference of a pair's utilities is

    D_sk = delta + b_s + e_sk,    Var b_s = between ** 2,    Var e_sk = within ** 2,

with k = 1..K pairs on each of S scenarios (an opponent each, or a repeat). Its mean varies by (between ** 2 + within **
2 / K) / S, and the t test over the scenarios' means has the power of the noncentral t with S - 1 degrees of freedom
(Cohen 1988, Statistical Power Analysis, chapter 2). More pairs a scenario reduce only the variance within scenarios;
only more scenarios reduce that between them.

Variances are estimated from finished matches by the analysis of variance for one random factor, also where scenarios
have different numbers of pairs (Searle, Casella and McCulloch 1992, Variance Components, section 3.6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poise.common.errors import BadInput, StoreError
from poise.games.moves import SEATS, Seat
from poise.tournaments.statistics.pairs import find_pairs, with_baseline
from poise.tournaments.storage.snapshot import Snapshot

VERSION: Final = 1
MOST: Final = 1_000_000  # scenarios beyond which a search ends
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of a pair's difference in utility: between scenarios, and within one.

    within is None where every scenario has one pair: then `between` holds both.
    """

    between: float
    within: float | None

    def of_scenario(self, pairs: int) -> float:
        """The standard deviation of a scenario's mean over so many pairs."""
        return math.sqrt(self.between**2 + (self.within or 0.0) ** 2 / pairs)


@dataclass(frozen=True, slots=True)
class PowerPlan:
    """The difference to detect, and how surely.

    difference:  in utility, to be detected. pairs: of matches on each scenario.
    power:       the chance to find it. level: the chance to find one where there is none.
    comparisons: made at a time; the level is shared among them (Bonferroni, which is Holm's first step).
    """

    difference: float = 0.05
    pairs: int = 1
    power: float = 0.8
    level: float = 0.05
    comparisons: int = 1

    def __post_init__(self) -> None:
        if not 0 < abs(self.difference) <= 1:
            raise BadInput(f"difference {self.difference}: must be above 0 and at most 1; try 0.05")
        if self.pairs < 1 or self.comparisons < 1:
            raise BadInput(f"{self.pairs} pairs a scenario and {self.comparisons} comparisons; each is at least 1")
        if not 0 < self.level < self.power < 1:
            raise BadInput(f"level {self.level} and power {self.power}: 0 < level < power < 1; usual are 0.05 and 0.8")


def power_of(plan: PowerPlan, spread: Spread, scenarios: int) -> float:
    """The chance that the test over so many scenarios finds the plan's difference; 0 with fewer than two."""
    from scipy import special

    if scenarios < 2:
        return 0.0
    deviation = spread.of_scenario(plan.pairs)
    if deviation == 0:
        return 1.0
    shift = min(abs(plan.difference) / deviation * math.sqrt(scenarios), 37.0)  # beyond, power is 1 in doubles
    bound = special.stdtrit(scenarios - 1, 1 - plan.level / plan.comparisons / 2)
    inside, wrong = (np.nan_to_num(special.nctdtr(scenarios - 1, shift, side)) for side in (bound, -bound))
    return float(min(1.0, 1 - inside + wrong))  # SciPy gives nan where a tail is too small for it: 0


def scenarios_needed(plan: PowerPlan, spread: Spread) -> int | None:
    """The fewest scenarios that give the plan's power; None beyond a million."""
    low, high = 1, 2
    while power_of(plan, spread, high) < plan.power:
        low, high = high, 2 * high
        if low > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(plan, spread, middle) >= plan.power else (middle, high)
    return high


def detectable(plan: PowerPlan, spread: Spread, scenarios: int) -> float | None:
    """The smallest difference that so many scenarios find with the plan's power; None where even 1 is not found."""
    low, high = 0.0, 1.0
    if power_of(replace(plan, difference=high), spread, scenarios) < plan.power:
        return None
    for _ in range(40):
        middle = (low + high) / 2
        found = power_of(replace(plan, difference=middle), spread, scenarios) >= plan.power
        low, high = (low, middle) if found else (middle, high)
    return high


def spread_of(
    differences: Array, scenarios: NDArray[np.int64], opponents: NDArray[np.int64] | None = None
) -> Spread | None:
    """The variance components of differences[i] on scenario scenarios[i]; None with fewer than two scenarios.

    opponents: of each difference. They are the same on every scenario, so the differences between them are not
    chance and are subtracted first.
    """
    met = 1
    if opponents is not None:
        _, whom = np.unique(opponents, return_inverse=True)
        met = int(whom.max()) + 1
        differences = differences - (np.bincount(whom, weights=differences) / np.bincount(whom))[whom]
    _, place, number = np.unique(scenarios, return_inverse=True, return_counts=True)
    count, size = len(number), len(differences)
    if count < 2:
        return None
    means = np.bincount(place, weights=differences) / number
    mean_square = float((number * (means - differences.mean()) ** 2).sum() / (count - 1))
    left = size - count - (met - 1)
    if left < 1:
        return Spread(math.sqrt(mean_square), None)
    inside = float(((differences - means[place]) ** 2).sum() / left)
    typical = (size - (number**2).sum() / size) / (count - 1)
    return Spread(math.sqrt(max(0.0, (mean_square - inside) / typical)), math.sqrt(inside))


@dataclass(frozen=True, slots=True)
class Needed:
    """What one comparison needs.

    observed, spread, scenarios: of the finished matches; where the debtors are a folder of worlds, these stand for
    scenarios. pairs: on each scenario, of the plan. needed: scenarios; matches: of both agents together.
    detectable: the smallest difference that the scenarios played find with the plan's power.
    """

    label: str
    baseline: str
    seat: Seat
    observed: float
    spread: Spread | None
    scenarios: int
    pairs: int
    needed: int | None
    matches: int | None
    detectable: float | None


def matches_needed(snapshot: Snapshot, plan: PowerPlan, per_scenario: int | None = None) -> list[Needed]:
    """What each comparison with the baseline needs, by the variances of the finished matches.

    per_scenario: pairs on each scenario; default: as many as were played.

    Raises:
        StoreError: there is nothing to compare.
    """
    comparisons = [one for seat in snapshot.rivals for one in _of_seat(snapshot, seat, plan, per_scenario)]
    if not comparisons:
        raise StoreError(
            f"{snapshot.name} has no agent to compare with its baseline; play one with it, or leave DIR out and state "
            "variances with --between"
        )
    return comparisons


def _of_seat(snapshot: Snapshot, seat: Seat, plan: PowerPlan, per_scenario: int | None) -> list[Needed]:
    rows, labels = snapshot.rows, snapshot.labels(seat)
    opponent = np.array([getattr(row, SEATS[1 - SEATS.index(seat)]) for row in rows], dtype=np.int64)
    utility = np.array([getattr(row, f"{seat}_utility") for row in rows], dtype=np.float64)
    scenario = np.array([snapshot.cluster(row) for row in rows], dtype=np.int64)
    found = []
    for pairs in find_pairs(rows, labels, seat, with_baseline(labels, snapshot.baseline(seat))):
        gained, where = utility[pairs.own] - utility[pairs.other], scenario[pairs.own]
        spread, played = spread_of(gained, where, opponent[pairs.own]), len(np.unique(where))
        own = replace(plan, pairs=per_scenario or max(1, round(len(gained) / played)))
        needed = scenarios_needed(own, spread) if spread else None
        found.append(
            Needed(
                label=pairs.label,
                baseline=pairs.baseline,
                seat=seat,
                observed=float(gained.mean()),
                spread=spread,
                scenarios=played,
                pairs=own.pairs,
                needed=needed,
                matches=2 * needed * own.pairs if needed else None,
                detectable=detectable(own, spread, played) if spread else None,
            )
        )
    return found


def power_data(plan: PowerPlan, found: Sequence[Needed]) -> dict[str, Any]:
    """Plain data, versioned."""
    return {
        "version": VERSION,
        "plan": {name: getattr(plan, name) for name in PowerPlan.__slots__},
        "comparisons": [
            {name: _plain(getattr(one, name)) for name in Needed.__slots__} for one in found
        ],
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return {"between": value.between, "within": value.within} if isinstance(value, Spread) else value


def assumed_plain(plan: PowerPlan, spread: Spread) -> dict[str, Any]:
    """What the plan needs by assumed variances, as plain data."""
    needed = scenarios_needed(plan, spread)
    return {
        "version": VERSION,
        "plan": {name: getattr(plan, name) for name in PowerPlan.__slots__},
        "spread": _plain(spread),
        "needed": needed,
        "matches": 2 * needed * plan.pairs if needed else None,
    }
