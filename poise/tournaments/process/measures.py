"""What is kept of one negotiation, and all figures of a group of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from poise.games.moves import Seat
from poise.games.transcript import Transcript, Usage
from poise.tournaments.process.anchoring import Anchor, Anchoring, anchor, anchoring
from poise.tournaments.process.bargains import Bargains, Distances, bargains, distances
from poise.tournaments.process.calibration import CLASSES, Calibration, Of, Scores, calibration, forecasts
from poise.tournaments.process.concession import Curve, Scale, both_curves, mean_curves
from poise.tournaments.process.group import Group
from poise.tournaments.process.speech import SpeechCounts, SpeechMeasures, count_speech, speech
from poise.tournaments.process.timing import Ended, Timing, ended, timing
from poise.tournaments.process.transitions import EmotionTransitions, Kind, count, transitions
from poise.tournaments.statistics.ratio import Array


class Traces(NamedTuple):
    """What is kept of one negotiation."""

    curves: tuple[Array | None, Array | None]
    anchor: Anchor | None
    ended: Ended
    counts: bytes
    forecasts: dict[Of, Scores]
    spoken: SpeechCounts
    distances: Distances | None


def traces_of(
    transcript: Transcript,
    usage: Usage,
    scale: Scale = "offers",
    known: tuple[int, int, int, float | None] | None = None,
) -> Traces:
    """What is kept of one negotiation; `known` is as in `count_speech`."""
    return Traces(
        both_curves(transcript, scale),
        anchor(transcript),
        ended(transcript),
        count(transcript),
        forecasts(transcript),
        count_speech(transcript, usage, known),
        distances(transcript),
    )


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


def measures(
    traces: Sequence[Traces], group: Group, creditor: str | None = None, debtor: str | None = None
) -> Measures:
    """All figures of a group of negotiations, whose scenarios `group` tells."""
    return Measures(
        creditor=creditor,
        debtor=debtor,
        negotiations=len(traces),
        curves=mean_curves(group, [one.curves for one in traces]),
        anchoring=anchoring(group, [one.anchor for one in traces]),
        timing=timing([one.ended for one in traces]),
        transitions=transitions([one.counts for one in traces]),
        calibration={of: calibration(group, of, [one.forecasts[of] for one in traces]) for of in CLASSES},
        speech=speech(group, [one.spoken for one in traces]),
        bargains=bargains(group, [one.distances for one in traces]),
    )
