"""All process figures of a tournament: each creditor against each debtor, each creditor pooled, and all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from poise.common.errors import BadInput
from poise.games.moves import Seat
from poise.games.transcript import Transcript, Usage
from poise.tournaments.process.anchoring import Anchor, Anchoring, anchor, anchoring
from poise.tournaments.process.bargains import Bargains, Distances, bargains, distances
from poise.tournaments.process.calibration import CLASSES, Calibration, Forecasts, Of, calibration, forecasts
from poise.tournaments.process.concession import Curve, Scale, as_scale, both_curves, mean_curves
from poise.tournaments.process.group import Group
from poise.tournaments.process.speech import SpeechCounts, SpeechMeasures, count_speech, speech
from poise.tournaments.process.timing import Ended, Timing, ended, timing
from poise.tournaments.process.transitions import Counts, EmotionTransitions, Kind, count, transitions
from poise.tournaments.statistics.bootstrap import Array
from poise.tournaments.storage.rows import Row, from_json
from poise.tournaments.storage.store import Store

VERSION: Final = 1


class Traces(NamedTuple):
    """What is kept of one talk."""

    curves: tuple[Array | None, Array | None]
    anchor: Anchor | None
    ended: Ended
    counts: Counts
    forecasts: dict[Of, Forecasts]
    spoken: SpeechCounts
    distances: Distances | None


class MeasuredMatch(NamedTuple):
    """Where a talk belongs: its agents and its scenario, by index."""

    creditor: int
    debtor: int
    scenario: int


@dataclass(frozen=True, eq=False)
class Measures:
    """The figures of one group of talks; `creditor` and `debtor` are None where all are pooled.

    curves, anchoring: of creditor and debtor. calibration: None where nothing can be held against anything.
    """

    creditor: str | None
    debtor: str | None
    talks: int
    curves: tuple[Curve, Curve]
    anchoring: tuple[Anchoring, Anchoring]
    timing: Timing
    transitions: dict[tuple[Seat, Kind], EmotionTransitions]
    calibration: dict[Of, Calibration | None]
    speech: SpeechMeasures
    bargains: Bargains

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        chains: dict[str, dict[str, Any]] = {}
        for (seat, kind), one in self.transitions.items():
            chains.setdefault(seat, {})[kind] = one.to_dict()
        return {
            "creditor": self.creditor,
            "debtor": self.debtor,
            "talks": self.talks,
            "concession": {one.seat: one.to_dict() for one in self.curves},
            "anchoring": {one.seat: one.to_dict() for one in self.anchoring},
            "timing": self.timing.to_dict(),
            "transitions": chains,
            "calibration": {of: None if one is None else one.to_dict() for of, one in self.calibration.items()},
            "speech": self.speech.to_dict(),
            "bargains": self.bargains.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class Process:
    """The process figures of a tournament.

    pooled:  over everything. creditors: each against all its debtors. pairs: each against each, if they were asked for.
    failed:  talks that failed, which no figure counts. scale: of the concession curves.
    """

    name: str
    scale: Scale
    talks: int
    scenarios: int
    failed: int
    pooled: Measures
    creditors: tuple[Measures, ...]
    pairs: tuple[Measures, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, versioned."""
        return {
            "version": VERSION,
            "name": self.name,
            "scale": self.scale,
            "talks": self.talks,
            "scenarios": self.scenarios,
            "failed": self.failed,
            "pooled": self.pooled.to_dict(),
            "creditors": [one.to_dict() for one in self.creditors],
            "pairs": [one.to_dict() for one in self.pairs],
        }

    def _repr_html_(self) -> str:
        """For notebooks."""
        from poise.tournaments.process.tables import html

        return html(self)


def trace(talk: Transcript, usage: Usage, scale: Scale = "offers") -> Traces:
    """What is kept of one talk."""
    return Traces(
        both_curves(talk, scale),
        anchor(talk),
        ended(talk),
        count(talk),
        forecasts(talk),
        count_speech(talk, usage),
        distances(talk),
    )


def measure_process(
    folder: Path | str, scale: str = "offers", *, pairs: bool = True, most: int | None = None
) -> Process:
    """The process figures of the tournament in `folder`, from its transcripts; also while it runs.

    pairs: whether to tell each creditor against each debtor, too. most: only so many talks, spread over the schedule.

    Raises:
        BadInput: there is no such scale, or no finished match that did not fail.
    """
    with Store.read(folder) as store:
        return of_store(store, Path(folder).resolve().name, as_scale(scale), pairs=pairs, most=most)


def of_store(
    store: Store, name: str, scale: Scale = "offers", *, pairs: bool = True, most: int | None = None
) -> Process:
    """As `measure_process`, of an open store."""
    header, rows = store.header(), store.rows()
    played = [row for row in rows if row.ending != "failed"]
    chosen = spread(played, most)
    if not chosen:
        raise BadInput("no match is finished that did not fail, so there is nothing to measure; play one first")
    places = [MeasuredMatch(row.creditor, row.debtor, row.scenario) for row in chosen]
    traces = [trace(*documents, scale) for documents in _documents(store, None if len(chosen) == len(rows) else chosen)]
    labels = [[str(one["label"]) for one in side] for side in (header.creditors, header.debtors)]
    table = _Table(labels[0], labels[1], places, traces, int(header.config["seed"]))
    return Process(
        name=str(header.config.get("name") or name),
        scale=scale,
        talks=len(chosen),
        scenarios=len({row.scenario for row in chosen}),
        failed=len(rows) - len(played),
        pooled=table.measures(range(len(chosen))),
        creditors=tuple(table.by("creditor")),
        pairs=tuple(table.by("creditor", "debtor")) if pairs else (),
    )


def spread(rows: Sequence[Row], most: int | None) -> list[Row]:
    """At most `most` of `rows`, evenly spread, in order."""
    if most is None or len(rows) <= most:
        return list(rows)
    return [rows[place * len(rows) // most] for place in range(most)]


def _documents(store: Store, rows: Sequence[Row] | None) -> Iterable[tuple[Transcript, Usage]]:
    positions = None if rows is None else [row.position for row in rows]
    for position, talk, usage in store.documents(positions):
        told = from_json(talk, f"the transcript of match {position}")
        yield Transcript.from_dict(told), Usage(**from_json(usage, f"the usage of match {position}"))


class _Table:
    """All talks, to be grouped."""

    def __init__(
        self, creditors: list[str], debtors: list[str], places: list[MeasuredMatch], traces: list[Traces], seed: int
    ) -> None:
        self.labels = {"creditor": creditors, "debtor": debtors}
        self.places = places
        self.traces = traces
        self.seed = seed
        self.scenario = np.array([one.scenario for one in places], dtype=np.int64)
        self.count = int(self.scenario.max()) + 1

    def by(self, *sides: str) -> Iterable[Measures]:
        """The figures of each agent of a side, or each pair, in the order of entry; those who played."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, place in enumerate(self.places):
            groups.setdefault(tuple(getattr(place, side) for side in sides), []).append(number)
        for key in sorted(groups):
            named = {side: self.labels[side][place] for side, place in zip(sides, key, strict=True)}
            yield self.measures(groups[key], named.get("creditor"), named.get("debtor"))

    def measures(self, chosen: Sequence[int], creditor: str | None = None, debtor: str | None = None) -> Measures:
        """The figures of some of the talks."""
        return measures([self.traces[number] for number in chosen], self._group(chosen), creditor, debtor)

    def _group(self, chosen: Sequence[int]) -> Group:
        return Group(self.scenario[list(chosen)], self.count, self.seed)


def measures(
    traces: Sequence[Traces], group: Group, creditor: str | None = None, debtor: str | None = None
) -> Measures:
    """All figures of a group of talks, whose scenarios `group` tells."""
    return Measures(
        creditor=creditor,
        debtor=debtor,
        talks=len(traces),
        curves=mean_curves(group, [one.curves for one in traces]),
        anchoring=anchoring(group, [one.anchor for one in traces]),
        timing=timing([one.ended for one in traces]),
        transitions=transitions([one.counts for one in traces]),
        calibration={of: calibration(group, of, [one.forecasts[of] for one in traces]) for of in CLASSES},
        speech=speech(group, [one.spoken for one in traces]),
        bargains=bargains(group, [one.distances for one in traces]),
    )
