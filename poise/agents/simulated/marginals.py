"""What simulated debtors did, compared with the data that their world was fitted to: counts, quantiles and distances.

Everything is computed from transcripts. "Own" is how a debtor's shown emotion follows its last one, "reply" how it
follows the emotion that the debtor read in the creditor's words just before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from poise.agents.emotions.taxonomy import EMOTIONS7, TO_SEVEN
from poise.games.metrics import savings
from poise.games.transcript import Transcript

Matrix = npt.NDArray[np.float64]
LEVELS: Final = (0.1, 0.5, 0.9)
# What the side that wants a low number gets in human deals on CraigslistBargain at LEVELS: 1 less the price's place in
# the gap (0.74, 0.28, -0.26 at 90, 50 and 10 %), clipped to [0, 1] as savings are.
HUMAN_SAVINGS: Final = (0.26, 0.72, 1.0)


@dataclass(frozen=True, slots=True)
class Marginals:
    """Counts over many negotiations.

    own, reply: 7 x 7 (EMOTIONS7; row = before). shown: 7. states: 4 (STATES), messages made in each.
    savings: the creditor's, one for each deal. talks: how many there were.
    """

    own: Matrix
    reply: Matrix
    shown: Matrix
    savings: Sequence[float]
    talks: int

    def quantiles(self) -> tuple[float, ...]:
        """The creditor's savings over deals at LEVELS; nan without a deal."""
        if not self.savings:
            return (float("nan"),) * len(LEVELS)
        return tuple(float(each) for each in np.quantile(self.savings, LEVELS))


def measure_marginals(transcripts: Iterable[Transcript]) -> Marginals:
    """The marginals of the debtors in `transcripts`; messages without a direction are left out."""
    own, reply, shown = np.zeros((7, 7)), np.zeros((7, 7)), np.zeros(7)
    settled: list[float] = []
    talks = 0
    for talk in transcripts:
        talks += 1
        last: int | None = None
        for message in talk.messages:
            if message.seat != "debtor" or message.emotion is None:
                continue
            now = EMOTIONS7.index(TO_SEVEN[message.emotion])
            shown[now] += 1
            if last is not None:
                own[last, now] += 1
            if message.reading is not None:
                seven = message.reading.emotions
                reply[seven.index(max(seven)), now] += 1
            last = now
        if talk.outcome.value is not None:
            case = talk.scenario
            settled.append(savings(talk.outcome.value, case.creditor_target, case.debtor_target))
    return Marginals(own, reply, shown, settled, talks)


def variation(first: Sequence[float] | Matrix, second: Sequence[float] | Matrix) -> float:
    """The total variation distance of two distributions, in [0, 1]; they are normalised first."""
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return float(np.abs(one / one.sum() - two / two.sum()).sum() / 2)


def row_variation(counts: Matrix, reference: Matrix | Sequence[Sequence[float]]) -> float:
    """The total variation of the rows, averaged by how often each was seen; rows without a count say nothing."""
    weights = counts.sum(axis=1)
    rows = [
        variation(row, other) * weight for row, other, weight in zip(counts, reference, weights, strict=True) if weight
    ]
    return float(sum(rows) / weights.sum())


def stationary(matrix: Sequence[Sequence[float]] | Matrix) -> Matrix:
    """The stationary distribution of a stochastic matrix: pi P = pi, by solving the linear system."""
    moves = np.asarray(matrix, dtype=np.float64)
    size = len(moves)
    system = np.vstack([moves.T - np.eye(size), np.ones(size)])
    solution: Matrix = np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=None)[0]
    return solution
