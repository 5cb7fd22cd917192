"""Process figures as lines of one long table, for data frames and files.

A line is one figure of one group of negotiations: creditor and debtor (None: all of them), topic, seat (None where the
figure belongs to neither), figure, at (the moment of a curve, the emotion before and after, the number of a bin, or
None), n (negotiations, deals, pairs or forecasts that it rests on), mean, low and high (its 95 % interval; None where
it has none).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.games.moves import SEATS
from poise.tournaments.process.calibration import Calibration
from poise.tournaments.process.concession import GRID
from poise.tournaments.process.measure import Process
from poise.tournaments.process.measures import Measures
from poise.tournaments.process.transitions import EmotionTransitions
from poise.tournaments.statistics.bootstrap import Estimate


class ProcessLine(NamedTuple):
    """One figure (see the module)."""

    creditor: str | None
    debtor: str | None
    topic: str
    seat: str | None
    figure: str
    at: str | None
    n: int
    mean: float | None
    low: float | None
    high: float | None


LINE: Final = ProcessLine._fields
_Part = tuple[str, str | None, str, str | None, int, Estimate | float | None]


def lines(process: Process) -> Iterator[ProcessLine]:
    """Every figure: of all negotiations, of each creditor, of each pair."""
    for one in (process.pooled, *process.creditors, *process.pairs):
        for topic, seat, figure, at, n, value in _parts(one):
            ends = (value.mean, value.low, value.high) if isinstance(value, Estimate) else (value, None, None)
            yield ProcessLine(one.creditor, one.debtor, topic, seat, figure, at, n, *ends)


def _parts(one: Measures) -> Iterator[_Part]:
    for curve in one.curves:
        for moment, point in zip(GRID, curve.points, strict=True):
            yield "concession", curve.seat, "conceded", f"{moment:.1f}", curve.negotiations, point
    for told in one.anchoring:
        for figure in ("opening", "held", "slope", "correlation"):
            yield "anchoring", told.seat, figure, None, told.deals, getattr(told, figure)
    for share, when in zip(("25 %", "50 %", "75 %"), one.timing.quartiles, strict=True):
        yield "timing", None, "messages", share, one.timing.negotiations, when
    for each in one.transitions.values():
        yield from _chain(each)
    for forecast in one.calibration.values():
        yield from _calibrated(forecast)
    yield from _speech(one)
    for figure in ("equilibrium", "nash", "frontier"):
        yield "bargains", None, figure, None, one.bargains.deals, getattr(one.bargains, figure)


def _chain(one: EmotionTransitions) -> Iterator[_Part]:
    topic = f"transitions, {one.kind}"
    yield topic, one.seat, "distance", None, one.pairs, one.distance
    yield topic, one.seat, "chance", None, one.pairs, one.chance
    for before, row, shares in zip(EMOTIONS7, one.counts, one.shares(), strict=True):
        for place, after in enumerate(EMOTIONS7):
            yield topic, one.seat, "share", f"{before} to {after}", int(row[place]), shares[place] if shares else None


def _calibrated(one: Calibration | None) -> Iterator[_Part]:
    if one is None:
        return
    topic = f"calibration, {one.of}"
    for figure in ("hits", "brier", "base", "ece"):
        yield topic, None, figure, None, one.forecasts, getattr(one, figure)
    for number, each in enumerate(one.bins):
        yield topic, None, "confidence", str(number), each.forecasts, each.confidence
        yield topic, None, "so", str(number), each.forecasts, each.hits


def _speech(one: Measures) -> Iterator[_Part]:
    told, negotiations = one.speech, one.negotiations
    yield "speech", "creditor", "violations per 100 messages", None, negotiations, told.violations
    yield "speech", "debtor", "promises", None, negotiations, float(told.promises)
    yield "speech", "debtor", "promises kept", None, negotiations, told.kept
    yield "speech", "creditor", "de-escalation", None, negotiations, told.calmer
    for seat in SEATS:
        for name, rate in told.troubles[seat].items():
            yield "speech", seat, f"{name} per 100 messages", None, negotiations, rate
        for name, cost in told.costs[seat].items():
            yield "cost", seat, f"{name} per message", None, negotiations, cost
    yield "cost", None, "seconds per message", None, negotiations, told.seconds
