"""What is kept of one negotiation, and all figures of a group of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from poise.games.moves import Seat
from poise.games.scenario import Scenario
from poise.games.transcript import Usage
from poise.tournaments.process.anchoring import Anchoring, anchoring, anchors
from poise.tournaments.process.bargains import Bargains, bargains, distance_table
from poise.tournaments.process.calibration import CLASSES, Calibration, Of, Scores, calibration, forecasts
from poise.tournaments.process.columns import NONE, Negotiation, columns_of
from poise.tournaments.process.concession import Curve, Scale, mean_curves, position_curves
from poise.tournaments.process.group import Group
from poise.tournaments.process.speech import SpeechCounts, SpeechMeasures, count_speech, speech
from poise.tournaments.process.timing import Timing, ended, timing
from poise.tournaments.process.transitions import EmotionTransitions, Kind, Pairs, pairs, transitions
from poise.tournaments.statistics.ratio import Array
from poise.tournaments.storage.rows import Row

T = TypeVar("T", Pairs, Scores)  # each line of which a negotiation owns
Table = TypeVar("Table", Pairs, Scores, SpeechCounts)


class Traces(NamedTuple):
    """What is kept of N negotiations; arrays as the function of the same topic gives them."""

    curves: Array
    anchors: Array
    ended: NDArray[np.int64]
    pairs: Pairs
    forecasts: dict[Of, Scores]
    spoken: SpeechCounts
    distances: Array

    def of(self, chosen: NDArray[np.int64]) -> Traces:
        """The same of some of the negotiations, in the order of `chosen`."""
        place = np.full(len(self.curves), NONE, dtype=np.int32)
        place[chosen] = np.arange(len(chosen))

        def owned(table: T) -> T:
            """The lines of `table` that belong to one of them."""
            there = place[table.owner] != NONE
            *columns, owner = (column[there] for column in table)
            return type(table)._make([*columns, place[owner]])

        return Traces(
            self.curves[chosen],
            self.anchors[chosen],
            self.ended[chosen],
            owned(self.pairs),
            {of: owned(each) for of, each in self.forecasts.items()},
            SpeechCounts._make(column[chosen] for column in self.spoken),
            self.distances[chosen],
        )


def traces_of(
    negotiations: Sequence[Negotiation],
    scenarios: Sequence[Scenario],
    rows: Sequence[Row],
    usages: Sequence[Usage],
    scale: Scale = "offers",
) -> Traces:
    """What is kept of negotiations, by the scenario, the row and the usage of each."""
    columns = columns_of(negotiations, scenarios)
    return Traces(
        position_curves(columns, scale),
        anchors(columns),
        ended(columns),
        pairs(columns),
        forecasts(columns),
        count_speech(rows, usages),
        distance_table(negotiations),
    )


def joined_traces(parts: Sequence[Traces]) -> Traces:
    """The traces of several lots of negotiations as one."""
    begins = np.cumsum([0, *(len(part.curves) for part in parts)], dtype=np.int32)

    def owned(tables: Sequence[T]) -> T:
        moved = [table._replace(owner=table.owner + begin) for table, begin in zip(tables, begins, strict=False)]
        return _stacked(moved)

    return Traces(
        np.concatenate([part.curves for part in parts]),
        np.concatenate([part.anchors for part in parts]),
        np.concatenate([part.ended for part in parts]),
        owned([part.pairs for part in parts]),
        {of: owned([part.forecasts[of] for part in parts]) for of in CLASSES},
        _stacked([part.spoken for part in parts]),
        np.concatenate([part.distances for part in parts]),
    )


def _stacked(tables: Sequence[Table]) -> Table:
    return type(tables[0])._make(map(np.concatenate, zip(*tables, strict=True)))


@dataclass(frozen=True, eq=False)
class Measures:
    """The figures of one group of negotiations; `creditor` and `debtor` are None where all are pooled.

    curves, anchoring: of creditor and debtor. calibration: None where nothing can be held against anything.
    """

    creditor: str | None
    debtor: str | None
    negotiations: int
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
            "talks": self.negotiations,
            "concession": {one.seat: one.to_dict() for one in self.curves},
            "anchoring": {one.seat: one.to_dict() for one in self.anchoring},
            "timing": self.timing.to_dict(),
            "transitions": chains,
            "calibration": {of: None if one is None else one.to_dict() for of, one in self.calibration.items()},
            "speech": self.speech.to_dict(),
            "bargains": self.bargains.to_dict(),
        }


def measures(traces: Traces, group: Group, creditor: str | None = None, debtor: str | None = None) -> Measures:
    """All figures of a group of negotiations, whose scenarios `group` tells."""
    return Measures(
        creditor=creditor,
        debtor=debtor,
        negotiations=len(traces.curves),
        curves=mean_curves(group, traces.curves),
        anchoring=anchoring(group, traces.anchors),
        timing=timing(traces.ended),
        transitions=transitions(traces.pairs.cells),
        calibration={of: calibration(group, of, traces.forecasts[of]) for of in CLASSES},
        speech=speech(group, traces.spoken),
        bargains=bargains(group, traces.distances),
    )
