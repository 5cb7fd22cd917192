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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poise.agents.emotions.tables import STATES
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.tournaments.process.columns import NONE, Columns, Owner
from poise.tournaments.process.group import Group
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.ratio import Array

Of = Literal["states", "emotions"]
CLASSES: Final[dict[Of, tuple[str, ...]]] = {"states": STATES, "emotions": EMOTIONS7}
BINS: Final = 10


class Scores(NamedTuple):
    """F forecasts; each column is [F].

    confidence: the probability of the likeliest class. hits: whether it was so. truth: the class that was so.
    brier: sum_k (p_k - 1(y = k))^2. owner: the negotiation that it belongs to.
    """

    confidence: Array
    hits: NDArray[np.bool_]
    truth: NDArray[np.uint8]
    brier: Array
    owner: Owner


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


def forecasts(columns: Columns) -> dict[Of, Scores]:
    """What the creditor thought of each of the debtor's messages that it answered, against what was so."""
    owner, said = columns.owner, columns.answered
    of: dict[Of, tuple[Array, NDArray[np.int8]]] = {
        "states": (columns.belief, columns.state),
        "emotions": (columns.read, columns.emotion),
    }
    found = {}
    for name, (chances, truth) in of.items():
        kept = said[(truth[said] != NONE) & ~np.isnan(chances[said + 1, 0])]
        found[name] = scores(chances[kept + 1], truth[kept], owner[kept])
    return found


def scores(chances: ArrayLike, truth: ArrayLike, owner: Owner | None = None) -> Scores:
    """The scores of forecasts: the probabilities of the classes, [F, K], and the class that was so, [F].

    owner: the negotiation of each; left out where all are of one.
    """
    given, so = np.asarray(chances, np.float64), np.asarray(truth, np.uint8)
    brier = np.zeros(len(so))
    for column in (given * given).T:
        brier += column
    brier = brier - 2 * given[np.arange(len(so)), so] + 1
    owner = np.zeros(len(so), np.int32) if owner is None else owner
    return Scores(given.max(axis=1), given.argmax(axis=1) == so, so, brier, owner)


def calibration(group: Group, of: Of, told: Scores) -> Calibration | None:
    """The figures over the negotiations of `group`, which `told` numbers; None without a forecast."""
    if not len(told.truth):
        return None
    count = len(group.cluster)
    score, number = (
        np.bincount(told.owner, each, count).astype(np.float64) for each in (told.brier, np.ones_like(told.brier))
    )
    (brier,) = group.rates([(score, number)], (0.0, 2.0))
    assert brier is not None  # noqa: S101 - for the type checker: there are forecasts
    bins = reliability(told)
    shares = np.bincount(told.truth, minlength=len(CLASSES[of])) / len(told.truth)
    return Calibration(
        of=of,
        forecasts=len(told.truth),
        hits=sum(one.hits * one.forecasts for one in bins) / len(told.truth),
        brier=brier,
        base=float(1 - (shares**2).sum()),
        ece=expected_error(bins),
        bins=bins,
    )


def reliability(told: Scores) -> tuple[Bin, ...]:
    """The bins that are not empty, by confidence."""
    place = np.minimum((told.confidence * BINS).astype(np.int64), BINS - 1)
    found = []
    for number in np.unique(place):
        inside = place == number
        found.append(Bin(int(inside.sum()), float(told.confidence[inside].mean()), float(told.hits[inside].mean())))
    return tuple(found)


def expected_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error of `bins`."""
    total = sum(one.forecasts for one in bins)
    return sum(one.forecasts / total * abs(one.confidence - one.hits) for one in bins)
