"""All process figures of a tournament: each creditor against each debtor, each creditor pooled, and all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from poise.common.errors import BadInput
from poise.common.plain_tables import PlainTable, Tabular
from poise.common.words import visible
from poise.tournaments.process.columns import negotiation_from
from poise.tournaments.process.concession import Scale, as_scale
from poise.tournaments.process.group import Group
from poise.tournaments.process.measures import Measures, Traces, joined_traces, measures, traces_of
from poise.tournaments.process.tables import process_tables
from poise.tournaments.statistics.bootstrap import FEW
from poise.tournaments.storage.rows import Row, usage_from
from poise.tournaments.storage.snapshot import Documents, Snapshot, spread_evenly
from poise.tournaments.storage.store import Store

VERSION: Final = 1
_AT_ONCE: Final = 500  # matches whose messages are in memory


@dataclass(frozen=True, eq=False, repr=False)
class Process(Tabular):
    """The process figures of a tournament.

    pooled:  over everything. creditors: each against all its debtors. pairs: each against each, if they were asked for.
    failed:  negotiations that failed, which no figure counts. scale: of the concession curves.
    worlds:  that were met, where the debtors are a folder of them: intervals are then over worlds; else 0. Those of
             pairs are over scenarios.
    """

    name: str
    scale: Scale
    negotiations: int
    scenarios: int
    failed: int
    pooled: Measures
    creditors: tuple[Measures, ...]
    pairs: tuple[Measures, ...]
    worlds: int = 0

    @property
    def unit(self) -> Literal["world", "scenario"]:
        """What intervals are over."""
        return "world" if self.worlds else "scenario"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, versioned."""
        return {
            "version": VERSION,
            "name": self.name,
            "scale": self.scale,
            "talks": self.negotiations,
            "scenarios": self.scenarios,
            "unit": self.unit,
            **({"worlds": self.worlds} if self.worlds else {}),
            "failed": self.failed,
            "pooled": self.pooled.to_dict(),
            "creditors": [one.to_dict() for one in self.creditors],
            "pairs": [one.to_dict() for one in self.pairs],
        }

    def tables(self, *, pairs: bool = False) -> list[PlainTable]:
        """Every topic as a table: a line for all, for each creditor, and with `pairs` for each pair."""
        creditors = self.creditors if len(self.creditors) > 1 else ()
        return process_tables((self.pooled, *creditors, *(self.pairs if pairs else ())), self.scale)

    @property
    def footnote(self) -> str:
        """What has to be known to read the tables."""
        failed = f" {self.failed} negotiations failed and are left out." if self.failed else ""
        few = (self.worlds or self.scenarios) < FEW
        narrow = f" With fewer than {FEW} {self.unit}s the intervals are too narrow." if few else ""
        in_worlds = f" in {self.worlds} worlds" if self.worlds else ""
        return (
            f"{self.negotiations:,} negotiations{in_worlds} on {self.scenarios} scenarios.{failed} After the means: "
            f"95 % intervals, by bootstrap over {self.unit}s.{narrow} What each figure means: docs/process.md."
        )

    def __repr__(self) -> str:
        return f"<Process of {visible(self.name)}: {self.negotiations} negotiations on {self.scenarios} scenarios>"


def measure_process(
    folder: Path | str, scale: str = "offers", *, pairs: bool = True, most: int | None = None
) -> Process:
    """The process figures of the tournament in `folder`, from its transcripts; also while it runs.

    pairs: whether to measure each creditor against each debtor, too. most: only so many matches, spread evenly over the
    schedule.

    Raises:
        BadInput: there is no such scale, or every finished match failed, or none is finished.
    """
    with Store.read(folder) as store:
        return process_of(store.snapshot(), store.documents, as_scale(scale), pairs=pairs, most=most)


def process_of(
    snapshot: Snapshot, documents: Documents, scale: Scale = "offers", *, pairs: bool = True, most: int | None = None
) -> Process:
    """As `measure_process`, of a snapshot and the documents of its matches."""
    played = [row for row in snapshot.rows if row.ending != "failed"]
    rows = spread_evenly(played, most)
    if not rows:
        raise BadInput("no match is finished that did not fail, so there is nothing to measure; play one first")
    table = _Table(snapshot, rows, documents, scale)
    return Process(
        name=snapshot.name,
        scale=scale,
        negotiations=len(rows),
        scenarios=len({row.scenario for row in rows}),
        failed=len(snapshot.rows) - len(played),
        pooled=table.measures(range(len(rows))),
        creditors=tuple(table.by("creditor")),
        pairs=tuple(table.by("creditor", "debtor")) if pairs else (),
        worlds=len({row.debtor for row in rows}) if snapshot.header.over_worlds else 0,
    )


class _Table:
    """All measured matches, to be grouped."""

    def __init__(self, snapshot: Snapshot, rows: Sequence[Row], documents: Documents, scale: Scale) -> None:
        self.labels = {"creditor": snapshot.creditors, "debtor": snapshot.debtors}
        self.rows = rows
        self.traces = joined_traces(list(_traces(snapshot, rows, documents, scale)))
        self.seed = snapshot.seed
        self.scenario = np.array([row.scenario for row in rows], dtype=np.int64)
        self.cluster = np.array([snapshot.cluster(row) for row in rows], dtype=np.int64)

    def by(self, *sides: str) -> Iterator[Measures]:
        """The figures of each agent of a side, or each pair, in the order of entry; those who played."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, row in enumerate(self.rows):
            groups.setdefault(tuple(getattr(row, side) for side in sides), []).append(number)
        for key in sorted(groups):
            named = {side: self.labels[side][agent] for side, agent in zip(sides, key, strict=True)}
            yield self.measures(groups[key], named.get("creditor"), named.get("debtor"))

    def measures(self, chosen: Sequence[int], creditor: str | None = None, debtor: str | None = None) -> Measures:
        """The figures of some of the matches."""
        clusters = self.cluster if debtor is None else self.scenario
        numbers = np.array(chosen)
        group = Group(clusters[numbers], int(clusters.max()) + 1, self.seed)
        traces = self.traces if len(numbers) == len(self.rows) else self.traces.of(numbers)
        return measures(traces, group, creditor, debtor)


def _traces(snapshot: Snapshot, rows: Sequence[Row], documents: Documents, scale: Scale) -> Iterator[Traces]:
    """What is kept of the matches, a lot at a time, since their documents would fill the memory."""
    read = iter(documents([row.position for row in rows]))
    for start in range(0, len(rows), _AT_ONCE):
        lot = rows[start : start + _AT_ONCE]
        negotiations, usages = [], []
        for position, transcript, spent in islice(read, len(lot)):
            negotiations.append(negotiation_from(position, transcript))
            usages.append(usage_from(position, spent))
        yield traces_of(negotiations, [snapshot.scenarios[row.scenario] for row in lot], lot, usages, scale)
