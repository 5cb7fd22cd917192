"""The channel between the two sides: how often an emotion is taken for another.

With noise n and a matrix K without a diagonal, an emotion c arrives as c' with probability

    C(c'|c) = (1 - n) 1(c'=c) + n K(c'|c)

in both directions. With probability n the debtor does not hear the p that its detector read but, for certain, one
emotion drawn from sum_c p(c) K(.|c); and of the emotion that it would show, its words show one drawn from K. The
debtor's notes keep what it took a message for; a message's emotion is the one that its words show. The mean of what is
heard is p C.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

from poise.agents.emotions.tables import Row, Table
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.seeds import Dice

CERTAIN: Final[Table] = tuple(tuple(float(one == other) for other in EMOTIONS7) for one in EMOTIONS7)


@dataclass(frozen=True, slots=True)
class Channel:
    """noise: n, in [0, 1]. taken: K, 7 x 7, each row what that emotion is taken for when it is misread."""

    noise: float = 0.0
    taken: Table = CERTAIN

    def misread(self, seven: Sequence[float], dice: Dice) -> int | None:
        """What a message read as `seven` is taken for; None where it is read right. Without noise nothing is drawn."""
        if not self.noise or dice.unit() >= self.noise:
            return None
        return dice.weighted(self._mistaken(seven))

    def mean(self, seven: Sequence[float]) -> Row:
        """What is heard on average in a message read as `seven`, p C."""
        if not self.noise:
            return tuple(seven)
        return tuple(
            (1 - self.noise) * share + self.noise * wrong
            for share, wrong in zip(seven, self._mistaken(seven), strict=True)
        )

    def _mistaken(self, seven: Sequence[float]) -> list[float]:
        return [sum(map(mul, seven, column)) for column in zip(*self.taken, strict=True)]
