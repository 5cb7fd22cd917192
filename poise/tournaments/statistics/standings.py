"""Who won, from the rows of finished matches alone.

Where the debtors are a folder of worlds, the creditors' figures are over worlds instead of scenarios, so that they
generalise to worlds that were not played. A debtor is one world, and its own figures stay over scenarios.

All figures are of one seat: a creditor's utility is what the creditors' side got. Means come with 95 % intervals by the
studentised bootstrap over scenarios (see `bootstrap`), success rates with Wilson's at an effective sample size (see
`wilson`), differences with t over scenarios. Violations per 100 messages and the share of promises kept are ratios of
sums, so that long negotiations count more. Agents are compared with a baseline pair by pair: on the same scenario,
with the same seed, against the same opponent; p-values are corrected for all comparisons of a seat (Holm). Every
agent is also compared with every other; there, all pairs of a seat share the correction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np

from poise.games.moves import SEATS, Seat
from poise.tournaments.statistics.bootstrap import DRAWS, Estimate, Sums, Tested, estimate_all, examine_all, holm
from poise.tournaments.statistics.doubts import doubts
from poise.tournaments.statistics.pairs import PairedMatches, find_pairs, with_baseline
from poise.tournaments.statistics.results import Cell, Difference, SeatStanding, Standings
from poise.tournaments.statistics.wilson import success
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.storage.store import read_snapshot

_SHARE: Final = (0.0, 1.0)
_GAIN: Final = (-1.0, 1.0)  # a difference of shares


def read_standings(folder: Path | str, draws: int = DRAWS, *, baseline: str | None = None) -> Standings:
    """The standings of the tournament in `folder` so far; also while it runs.

    baseline: any agent that played; default: the one that the tournament was run with. Raises ConfigError for another.
    """
    return make_standings(read_snapshot(folder).against(baseline), draws)


def make_standings(snapshot: Snapshot, draws: int = DRAWS) -> Standings:
    """Standings from rows in any order; the draws of the bootstrap come from the tournament's seed."""
    table = _Table(snapshot)
    standings = [one for seat in SEATS for one in _of_seat(table, seat, snapshot.seed, draws)]
    differences, pairwise = [], []
    for seat in SEATS:
        ranked = [one.label for one in standings if one.seat == seat]
        differences += _differences(table, seat, with_baseline(snapshot.labels(seat), snapshot.baseline(seat)))
        if seat in snapshot.rivals:
            pairwise += _differences(table, seat, combinations(ranked, 2))
    domains = {scenario.domain for scenario in snapshot.scenarios}
    return Standings(
        name=snapshot.name,
        total=snapshot.header.total,
        finished=len(table.rows),
        scenarios=len({row.scenario for row in table.rows}),
        seed=snapshot.seed,
        model=str(snapshot.header.config["model"]),
        standings=tuple(standings),
        differences=tuple(differences),
        pairwise=tuple(pairwise),
        matrix=_matrix(table),
        domain=domains.pop() if len(domains) == 1 else "",
        doubts=doubts(snapshot),
        worlds=len({row.debtor for row in table.rows}) if snapshot.header.over_worlds else 0,
    )


class _Table:
    """The rows as columns."""

    def __init__(self, snapshot: Snapshot) -> None:
        rows = sorted(snapshot.rows, key=lambda row: row.position)
        self.labels = {seat: snapshot.labels(seat) for seat in SEATS}
        self.files = snapshot.files
        self.rows = rows
        own = np.array([snapshot.cluster(row) for row in rows], dtype=np.int64)
        self.clusters = {"creditor": own, "debtor": self.column("scenario", np.int64)}
        self.agent = {seat: self.column(seat, np.int64) for seat in SEATS}
        self.deal = np.array([row.ending == "deal" for row in rows], dtype=np.float64)
        self.utility = {seat: self.column(f"{seat}_utility") for seat in SEATS}

    def column(self, name: str, kind: Any = np.float64) -> Any:
        return np.array([getattr(row, name) for row in self.rows], dtype=kind)

    def differences(self, values: Any, seat: Seat, pairs: PairedMatches) -> Sums:
        """`values` in an agent's rows less those in the baseline's, where both are known."""
        gained = values[pairs.own] - values[pairs.other]
        known = ~np.isnan(gained)
        return Sums.of_pairs(self.clusters[seat][pairs.own][known], gained[known], self.count(seat))

    def count(self, seat: Seat) -> int:
        """One more than the largest index of a cluster."""
        return int(self.clusters[seat].max()) + 1 if self.rows else 1

    def success(self, seat: Seat, where: Any) -> Estimate:
        own = self.sums(self.deal, seat, where)
        return success(own.total, own.number)

    def sums(
        self, values: Any, seat: Seat, where: Any, of: Any = None, within: tuple[float, float] = (0.0, np.inf)
    ) -> Sums:
        clusters, rate = self.clusters[seat][where], None if of is None else of[where]
        return Sums(clusters, values[where], self.count(seat), rate, within)


def _of_seat(table: _Table, seat: Seat, seed: int, draws: int) -> list[SeatStanding]:
    """The standings of one seat; agents without a finished match are left out."""
    present = [place for place in range(len(table.labels[seat])) if (table.agent[seat] == place).any()]
    means = _means(table, seat)
    sums = [mean(table.agent[seat] == place) for place in present for mean in means.values()]
    estimates = iter(estimate_all(sums, seed, draws))
    found = [_standing(table, seat, place, {name: next(estimates) for name in means}) for place in present]
    return sorted(found, key=lambda one: (-one.utility.mean, one.label))


def _means(table: _Table, seat: Seat) -> dict[str, Callable[[Any], Sums]]:
    """The statistics of one agent of `seat`, by name, each a function of the indices of its rows."""
    savings, calmer = table.column(f"{seat}_savings"), table.column("de_escalation")
    rounds, promises = table.column("rounds"), table.column("debtor_promises")
    kept = promises - table.column("debtor_broken")
    spoken = np.ceil(rounds / 2)  # the creditor speaks first
    shared: dict[str, Callable[[Any], Sums]] = {
        "utility": lambda own: table.sums(table.utility[seat], seat, own, within=_SHARE),
        "savings": lambda own: table.sums(savings, seat, own & (table.deal > 0), within=_SHARE),
        "rounds": lambda own: table.sums(rounds, seat, own),
        "de_escalation": lambda own: table.sums(calmer, seat, own & ~np.isnan(calmer), within=_GAIN),
    }
    if seat == "debtor":
        return shared | {"promises_kept": lambda own: table.sums(kept, seat, own, promises, _SHARE)}
    collection, broken = table.column("collection"), 100 * table.column("creditor_violations")
    return shared | {
        "collection": lambda own: table.sums(collection, seat, own, within=_SHARE),
        "violation_rate": lambda own: table.sums(broken, seat, own, spoken),
    }


def _standing(table: _Table, seat: Seat, place: int, estimates: Mapping[str, Estimate | None]) -> SeatStanding:
    mine = table.agent[seat] == place
    own = [row for row, agent in zip(table.rows, table.agent[seat], strict=True) if agent == place]
    deals = sum(row.ending == "deal" for row in own)

    def total(name: str) -> int:
        return sum(getattr(row, name, 0) for row in own)

    return SeatStanding(
        label=table.labels[seat][place],
        file=table.files.get((seat, table.labels[seat][place]), ""),
        seat=seat,
        matches=len(own),
        deals=deals,
        utility=_there(estimates["utility"]),
        success=table.success(seat, mine),
        savings=estimates["savings"],
        rounds=_there(estimates["rounds"]),
        collection=estimates.get("collection"),
        failures=sum(row.ending == "failed" and row.by in (seat, None) for row in own),
        forfeits=total(f"{seat}_forfeits"),
        repairs=total(f"{seat}_repairs"),
        reasks=total(f"{seat}_reasks"),
        violations=total(f"{seat}_violations"),
        violation_rate=estimates.get("violation_rate"),
        promises=total(f"{seat}_promises"),
        broken=total(f"{seat}_broken"),
        promises_kept=estimates.get("promises_kept"),
        de_escalation=estimates["de_escalation"],
        failed=sum(row.ending == "failed" for row in own),
    )


def _there(estimate: Estimate | None) -> Estimate:
    assert estimate is not None  # noqa: S101 - for the type checker: every agent here has a match
    return estimate


def _differences(table: _Table, seat: Seat, compared: Iterable[tuple[str, str]]) -> list[Difference]:
    """Each (agent, baseline) that has matches to compare; p is corrected over all of them."""
    measures = table.utility[seat], table.deal, table.column("de_escalation")
    found = find_pairs(table.rows, table.labels[seat], seat, compared)
    sums = [table.differences(values, seat, pairs) for pairs in found for values in measures]
    tested = iter(examine_all(sums, seed=0, draws=1))  # the intervals of pairs are t's, without draws
    each = [(next(tested), next(tested), next(tested)) for _ in found]
    adjusted = holm([utility.p if utility else None for utility, _, _ in each])
    return [_difference(seat, pairs, of, p) for pairs, of, p in zip(found, each, adjusted, strict=True)]


def _difference(
    seat: Seat, pairs: PairedMatches, tested: tuple[Tested | None, Tested | None, Tested | None], p_holm: float | None
) -> Difference:
    utility, success, calmer = tested
    assert utility is not None  # noqa: S101 - for the type checker: there are pairs
    assert success is not None  # noqa: S101
    return Difference(
        label=pairs.label,
        baseline=pairs.baseline,
        seat=seat,
        pairs=len(pairs.own),
        utility=utility.estimate,
        success=success.estimate,
        de_escalation=calmer.estimate if calmer else None,
        p=utility.p,
        p_holm=p_holm,
        effect=utility.effect,
    )


def _matrix(table: _Table) -> tuple[tuple[Cell, ...], ...]:
    creditors, debtors = table.labels["creditor"], table.labels["debtor"]
    shape = len(creditors), len(debtors)
    flat = table.agent["creditor"] * shape[1] + table.agent["debtor"]
    size = shape[0] * shape[1]
    number = np.bincount(flat, minlength=size)
    sums = [
        np.bincount(flat, weights=values, minlength=size)
        for values in (table.utility["creditor"], table.utility["debtor"], table.deal)
    ]

    def cell(creditor: int, debtor: int) -> Cell:
        place = creditor * shape[1] + debtor
        matches = int(number[place])
        means = [float(one[place] / matches) if matches else None for one in sums]
        return Cell(creditors[creditor], debtors[debtor], matches, *means)

    return tuple(tuple(cell(creditor, debtor) for debtor in range(shape[1])) for creditor in range(shape[0]))
