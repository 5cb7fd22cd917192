"""Who won, from the rows of finished matches alone.

All figures are of one seat: a creditor's utility is what the creditors' side got. Means come with 95 % intervals by the
bootstrap over scenarios (see `stats`), success rates with Wilson's. Agents are compared with a baseline pair by pair:
on the same scenario, with the same seed, against the same opponent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from poise.games.metrics import wilson
from poise.games.moves import SEATS, Seat
from poise.tournaments.figures import Cell, Difference, Standing, Standings
from poise.tournaments.records import Row
from poise.tournaments.schedule import find_baseline
from poise.tournaments.stats import DRAWS, Estimate, Sums, estimate_all
from poise.tournaments.store import Header, Store

_COUNTS: Final = ("forfeits", "repairs", "reasks")


def read_standings(folder: Path | str, draws: int = DRAWS) -> Standings:
    """The standings of the tournament in `folder`, as far as it is; also while it runs."""
    with Store.read(folder) as store:
        return make_standings(store.header(), store.rows(), Path(folder).resolve().name, draws)


def make_standings(header: Header, rows: Sequence[Row], name: str = "", draws: int = DRAWS) -> Standings:
    """Standings from rows in any order; the draws of the bootstrap come from the tournament's seed."""
    config = header.config
    labels: dict[Seat, list[str]] = {"creditor": _labels(header.creditors), "debtor": _labels(header.debtors)}
    table = _Table(sorted(rows, key=lambda row: row.position), labels)
    seed = int(config["seed"])
    standings = [one for seat in SEATS for one in _of_seat(table, seat, seed, draws)]
    return Standings(
        name=str(config.get("name") or name),
        total=header.total,
        finished=len(rows),
        scenarios=len({row.scenario for row in rows}),
        seed=seed,
        model=str(config["model"]),
        standings=tuple(standings),
        differences=tuple(
            one for seat in SEATS for one in _differences(table, seat, config.get("baseline"), seed, draws)
        ),
        matrix=_matrix(table),
    )


def _labels(entrants: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(entrant["label"]) for entrant in entrants]


class _Table:
    """The rows as columns."""

    def __init__(self, rows: Sequence[Row], labels: Mapping[Seat, list[str]]) -> None:
        self.labels = labels
        self.rows = rows
        self.scenario = self.column("scenario", np.int64)
        self.count = int(self.scenario.max()) + 1 if rows else 1
        self.agent = {seat: self.column(seat, np.int64) for seat in SEATS}
        self.deal = np.array([row.ending == "deal" for row in rows], dtype=np.float64)
        self.utility = {seat: self.column(f"{seat}_utility") for seat in SEATS}

    def column(self, name: str, kind: Any = np.float64) -> Any:
        return np.array([getattr(row, name) for row in self.rows], dtype=kind)

    def sums(self, values: Any, where: Any) -> Sums:
        return Sums(self.scenario[where], values[where], self.count)


def _of_seat(table: _Table, seat: Seat, seed: int, draws: int) -> list[Standing]:
    """The standings of one seat; agents without a finished match are left out."""
    present = [place for place in range(len(table.labels[seat])) if (table.agent[seat] == place).any()]
    savings = np.nan_to_num(table.column(f"{seat}_savings"))
    rounds, collection = table.column("rounds"), table.column("collection")
    sums: list[Sums] = []
    for place in present:
        own = table.agent[seat] == place
        sums += [
            table.sums(table.utility[seat], own),
            table.sums(savings, own & (table.deal > 0)),
            table.sums(rounds, own),
            table.sums(collection, own),
        ]
    estimates = estimate_all(sums, seed, draws)
    found = [_standing(table, seat, place, estimates[4 * turn : 4 * turn + 4]) for turn, place in enumerate(present)]
    return sorted(found, key=lambda one: (-one.utility.mean, one.label))


def _standing(table: _Table, seat: Seat, place: int, estimates: Sequence[Estimate | None]) -> Standing:
    own = [row for row, agent in zip(table.rows, table.agent[seat], strict=True) if agent == place]
    utility, savings, rounds, collection = estimates
    deals = sum(row.ending == "deal" for row in own)
    counts = {name: sum(getattr(row, f"{seat}_{name}") for row in own) for name in _COUNTS}
    return Standing(
        label=table.labels[seat][place],
        seat=seat,
        matches=len(own),
        deals=deals,
        utility=_there(utility),
        success=Estimate(deals / len(own), *wilson(deals, len(own))),
        savings=savings,
        rounds=_there(rounds),
        collection=collection if seat == "creditor" else None,
        failures=sum(row.ending == "failed" and row.by in (seat, None) for row in own),
        **counts,
    )


def _there(estimate: Estimate | None) -> Estimate:
    assert estimate is not None  # noqa: S101 - for the type checker: every agent here has a match
    return estimate


def _differences(table: _Table, seat: Seat, wanted: str | None, seed: int, draws: int) -> list[Difference]:
    labels = table.labels[seat]
    baseline = find_baseline(wanted, labels)
    if baseline is None:
        return []
    opponent = SEATS[1 - SEATS.index(seat)]
    places: dict[int, dict[tuple[int, int, int], int]] = {}
    for index, row in enumerate(table.rows):
        key = row.scenario, row.repeat, getattr(row, opponent)
        places.setdefault(getattr(row, seat), {})[key] = index
    base = places.get(labels.index(baseline), {})
    kept: list[tuple[str, int]] = []
    sums: list[Sums] = []
    for place, label in enumerate(labels):
        shared = sorted(places.get(place, {}).keys() & base.keys())
        if label == baseline or not shared:
            continue
        own, other = (np.array([of[key] for key in shared]) for of in (places[place], base))
        kept.append((label, len(shared)))
        for values in (table.utility[seat], table.deal):
            sums.append(Sums(table.scenario[own], values[own] - values[other], table.count))  # noqa: PERF401 - two a turn
    estimates = [_there(one) for one in estimate_all(sums, seed, draws)]
    return [
        Difference(label, baseline, seat, pairs, estimates[2 * turn], estimates[2 * turn + 1])
        for turn, (label, pairs) in enumerate(kept)
    ]


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
