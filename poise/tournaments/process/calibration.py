"""Calibration: whether what a creditor believed was as likely as it believed.

Two forecasts are held against what was so:

    states    the tracker's belief over the four hidden states, after the debtor's message, against the state that the
              debtor was in when it wrote it. Only simulated debtors have one (`notes["state"]`).
    emotions  the detector's probabilities of the seven emotions against the emotion that the debtor meant to show.

With p_k the probability of class k and y the class that was so:

    Brier       mean of sum_k (p_k - 1(y = k))^2, 0 to 2 (Brier 1950, Monthly Weather Review 78:1); its 95 % interval is
                over scenarios. base: the score of who knows how often each class occurs (f_k) and nothing else,
                1 - sum_k f_k^2.
    confidence  c = max_k p_k, and hit where that class was so; in ten equal bins of c, how many forecasts, their mean
                confidence and their share of hits. `bins` leaves out empty ones.
    ECE         sum over bins of (share of forecasts) |confidence - hits| (Guo et al. 2017, ICML, arXiv:1706.04599).
                0 for forecasts that are as sure as they may be; with few forecasts chance alone keeps it above.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from poise.agents.emotions.tables import STATES
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, SEVEN_INDEX
from poise.games.transcript import Transcript
from poise.tournaments.process.group import Group
from poise.tournaments.statistics.bootstrap import Estimate

Of = Literal["states", "emotions"]
CLASSES: Final[dict[Of, tuple[str, ...]]] = {"states": STATES, "emotions": EMOTIONS7}
BINS: Final = 10
_SEVEN: Final = dict(zip(EMOTIONS28, SEVEN_INDEX, strict=True))


class Scores(NamedTuple):
    """The forecasts of one negotiation, n of them; packed, since a tournament has many.

    confidence: the probability of the likeliest class, n float64. hits: whether it was so, n bytes. truth: the class
    that was so, n bytes. brier: the sum over forecasts of sum_k (p_k - 1(y = k))^2.
    """

    confidence: bytes
    hits: bytes
    truth: bytes
    brier: float


_NO_FORECASTS: Final = Scores(b"", b"", b"", 0.0)


@dataclass(frozen=True, slots=True)
class Bin:
    """Forecasts whose confidence lies in one tenth: their number, mean confidence and share of hits."""

    forecasts: int
    confidence: float
    hits: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How good forecasts were (see the module)."""

    of: Of
    forecasts: int
    hits: float
    brier: Estimate
    base: float
    ece: float
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        bins = [{name: getattr(one, name) for name in one.__slots__} for one in self.bins]
        plain = {name: getattr(self, name) for name in ("forecasts", "hits", "base", "ece")}
        return {**plain, "brier": self.brier.to_dict(), "bins": bins}


def forecasts(transcript: Transcript) -> dict[Of, Scores]:
    """What the creditor thought of each of the debtor's messages that it answered, against what was so."""
    beliefs: list[tuple[Sequence[float], int]] = []
    read: list[tuple[Sequence[float], int]] = []
    for said, answer in pairwise(transcript.messages):
        if said.seat != "debtor" or answer.seat != "creditor" or answer.reading is None:
            continue
        if (state := said.notes.get("state")) in STATES:
            beliefs.append((answer.reading.belief, STATES.index(state)))
        if said.emotion is not None:
            read.append((answer.reading.emotions, _SEVEN[said.emotion]))
    return {"states": scores(beliefs), "emotions": scores(read)}


def scores(given: Sequence[tuple[Sequence[float], int]]) -> Scores:
    """The scores of forecasts, each the probabilities of the classes and the class that was so."""
    if not given:
        return _NO_FORECASTS
    confidence, hits, brier = array("d"), bytearray(), 0.0
    for chances, truth in given:
        most = max(chances)
        confidence.append(most)
        hits.append(chances.index(most) == truth)
        brier += sum(map(mul, chances, chances)) - 2 * chances[truth] + 1
    return Scores(confidence.tobytes(), bytes(hits), bytes(truth for _, truth in given), brier)


def calibration(group: Group, of: Of, negotiations: Sequence[Scores]) -> Calibration | None:
    """The figures over negotiations; None without a forecast."""
    number = np.array([len(one.truth) for one in negotiations], dtype=np.float64)
    if not number.any():
        return None
    (brier,) = group.rates([(np.array([one.brier for one in negotiations]), number)], (0.0, 2.0))
    assert brier is not None  # noqa: S101 - for the type checker: there are forecasts
    bins = reliability(negotiations)
    truth = np.frombuffer(b"".join(one.truth for one in negotiations), dtype=np.uint8)
    shares = np.bincount(truth, minlength=len(CLASSES[of])) / len(truth)
    return Calibration(
        of=of,
        forecasts=len(truth),
        hits=sum(one.hits * one.forecasts for one in bins) / len(truth),
        brier=brier,
        base=float(1 - (shares**2).sum()),
        ece=expected_error(bins),
        bins=bins,
    )


def reliability(negotiations: Sequence[Scores]) -> tuple[Bin, ...]:
    """The bins that are not empty, by confidence."""
    confidence = np.frombuffer(b"".join(one.confidence for one in negotiations))
    hit = np.frombuffer(b"".join(one.hits for one in negotiations), dtype=np.bool_)
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    found = []
    for number in np.unique(place):
        inside = place == number
        found.append(Bin(int(inside.sum()), float(confidence[inside].mean()), float(hit[inside].mean())))
    return tuple(found)


def expected_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error of `bins`."""
    total = sum(one.forecasts for one in bins)
    return sum(one.forecasts / total * abs(one.confidence - one.hits) for one in bins)
