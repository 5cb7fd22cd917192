"""De-escalation: how negative the debtor's detected emotion is, early against late.

With p the probabilities of the seven emotions (`poise.agents.emotions.EMOTIONS7`) in one message,

    negativity(p)   = p_sadness + p_anger + p_fear + p_disgust
    de_escalation   = mean negativity of the first third - mean negativity of the last third

over the n messages of the debtor, a third being ceil(n / 3) messages. With two messages these are the first and the
last; with fewer there is nothing to compare. The result lies in [-1, 1]; positive: the debtor is calmer at the end.
To compare a creditor with the vanilla one, take the difference of their values on the same scenario and seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from poise.agents.emotions.taxonomy import EMOTIONS7, NEGATIVE7
from poise.common.errors import BadInput
from poise.games.transcript import Reading

_NEGATIVE: Final = tuple(index for index, emotion in enumerate(EMOTIONS7) if emotion in NEGATIVE7)


def negativity(seven: Sequence[float]) -> float:
    """The probability that an emotion is negative: the sum over sadness, anger, fear and disgust, in [0, 1].

    Raises BadInput when `seven` does not hold one probability for each emotion of EMOTIONS7.
    """
    if len(seven) != len(EMOTIONS7):
        raise BadInput(f"{len(seven)} numbers where 7 are due, one for each emotion of EMOTIONS7")
    return sum(seven[index] for index in _NEGATIVE)


def de_escalation(readings: Sequence[Reading]) -> float | None:
    """How much calmer the debtor ended than it began; `readings` are the creditor's, in order (see the module's head).

    None for fewer than two readings.
    """
    levels = [negativity(reading.emotions) for reading in readings]
    if len(levels) < 2:
        return None
    third = -(-len(levels) // 3)
    return (sum(levels[:third]) - sum(levels[-third:])) / third
