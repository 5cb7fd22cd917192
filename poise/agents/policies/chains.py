"""Emotion chains: the next emotion is drawn from a row of a 7 x 7 matrix. EvoEmo and EmoDebt search for such matrices.

    P[i, j]   probability of showing emotion j next; rows and columns in the order of EMOTIONS7, each row sums to 1
    i         the emotion shown last, neutral before the first message (rows = "own", as published), or the emotion
              read in the debtor's last message, the likeliest of seven (rows = "heard", ours)
    tau_t     temperature at this seat's own message number t = 1, 2, ...: max(0.1, start (1 - decay)^t)

    next emotion j with probability proportional to P[i, j]^(1 / tau_t)

With start 1 and decay 0 the row is used as it is. A chain of own emotions never looks at the debtor: whatever it gains,
it gains by what it shows on average. Rows by what was heard make a policy that reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from poise.agents.emotions.parameters import EMOTION_COUNT, checked_table
from poise.agents.emotions.tables import Table
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies.eq_negotiator import INDEX, NEUTRAL, likeliest
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice

Rows = Literal["own", "heard"]
# The order of the tables in the releases of EmoDebt and EvoEmo: happy, surprising, angry, sad, disgust, fear, neutral.
RELEASED_ORDER: Final = ("joy", "surprise", "anger", "sadness", "disgust", "fear", "neutral")
COOLEST: Final = 0.1
PLAIN: Final = (1.0, 0.0)


def from_released_order(table: Sequence[Sequence[float]]) -> Table:
    """A released 7 x 7 table with rows and columns put into the order of EMOTIONS7."""
    places = [RELEASED_ORDER.index(emotion) for emotion in EMOTIONS7]
    return tuple(tuple(table[row][column] for column in places) for row in places)


@dataclass(frozen=True, slots=True)
class Chain:
    """One emotion chain, as in the module's head.

    matrix:      P, 7 rows of 7, each summing to 1.
    temperature: (start, decay), start > 0 and decay in [0, 1).
    """

    matrix: Table
    temperature: tuple[float, float] = PLAIN
    rows: Rows = "own"

    def __post_init__(self) -> None:
        checked_table(self.matrix, "matrix", EMOTION_COUNT, EMOTION_COUNT)
        for row in self.matrix:
            if abs(sum(row) - 1.0) > 1e-9:
                raise AgentError(f"a row of the matrix sums to {sum(row)!r}; divide it by its sum")
        start, decay = self.temperature
        if not (0 < start < float("inf") and 0 <= decay < 1):
            raise AgentError(f"temperature {self.temperature}: it starts above 0 and decays by a share in [0, 1)")
        if self.rows not in get_args(Rows):
            raise AgentError(f"rows {self.rows!r}: they are chosen by the emotion 'own' or 'heard'")

    def at(self, message: int) -> float:
        """tau_t for this seat's own message number `message`, from 1."""
        start, decay = self.temperature
        return max(COOLEST, start * (1 - decay) ** message)

    def parameters(self) -> dict[str, Any]:
        """JSON data; `from_parameters` reads it back."""
        return {
            "matrix": [list(row) for row in self.matrix],
            "temperature": list(self.temperature),
            "rows": self.rows,
        }

    @classmethod
    def from_parameters(cls, data: Mapping[str, Any]) -> Chain:
        """A chain from JSON data.

        Raises:
            BadInput: it is not the data of a chain.
        """
        matrix = checked_table(data.get("matrix"), "matrix", EMOTION_COUNT, EMOTION_COUNT)
        try:
            start, decay = (float(value) for value in data.get("temperature", PLAIN))
        except (TypeError, ValueError):
            raise AgentError(f"temperature {data.get('temperature')!r} is not two numbers, (start, decay)") from None
        return cls(matrix, (start, decay), cast("Rows", data.get("rows", "own")))


def sharpened(row: Sequence[float], temperature: float) -> list[float]:
    """Weights proportional to row^(1 / temperature), the largest 1, so that nothing under- or overflows."""
    top, power = max(row), 1.0 / temperature
    return [(value / top) ** power for value in row]


def situation(view: View) -> tuple[int, int]:
    """(own emotion shown last, emotion heard last) as indices in EMOTIONS7; neutral where there is none yet."""
    own = INDEX[view.shown[-1] if view.shown else None]
    return own, likeliest(view.readings[-1].emotions) if view.readings else NEUTRAL


class EmotionChain:
    """Plays a chain; see the module's head. It learns nothing while it plays."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._plain = chain.temperature == PLAIN

    def choose(self, view: View, dice: Dice) -> str:
        """One draw, one of the seven."""
        own, heard = situation(view)
        weights: Sequence[float] = self.chain.matrix[own if self.chain.rows == "own" else heard]
        if not self._plain:
            weights = sharpened(weights, self.chain.at(len(view.shown) + 1))
        return EMOTIONS7[dice.weighted(weights)]
