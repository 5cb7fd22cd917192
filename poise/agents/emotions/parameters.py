"""The parameters of the tracker's hidden-state model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from operator import add
from typing import Any, Final

from poise.agents.emotions.tables import (
    CHARACTER,
    FITTED_CHARACTER,
    FITTED_INITIAL,
    FITTED_MIX,
    FITTED_TRANSITION,
    INITIAL,
    MIRROR,
    STATES,
    TRANSITION,
    WEIGHTS,
    Row,
    Table,
)
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.errors import BadInput

STATE_COUNT: Final = len(STATES)
EMOTION_COUNT: Final = len(EMOTIONS7)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The hidden-state model; every row is a distribution.

    initial:    P(s) before the first message, 4.
    transition: T[r, s], 4 x 4.
    mirror:     E[c, d], 7 x 7.
    character:  R[s, d], 4 x 7.
    mix:        how much of the emission is mirror, the rest being character; in [0, 1].
    emission:   B[s][c][d] = mix E[c, d] + (1 - mix) R[s, d], 4 x 7 x 7; follows from the others.
    """

    initial: Row = INITIAL
    transition: Table = TRANSITION
    mirror: Table = MIRROR
    character: Table = CHARACTER
    mix: float = 0.3
    emission: tuple[Table, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, table, rows, columns in (
            ("initial", (self.initial,), 1, STATE_COUNT),
            ("transition", self.transition, STATE_COUNT, STATE_COUNT),
            ("mirror", self.mirror, EMOTION_COUNT, EMOTION_COUNT),
            ("character", self.character, STATE_COUNT, EMOTION_COUNT),
        ):
            checked_table(table, name, rows, columns)
            for row in table:
                if abs(sum(row) - 1.0) > 1e-9:
                    raise BadInput(f"a row of {name!r} sums to {sum(row)!r}; divide it by its sum")
        if not 0.0 <= self.mix <= 1.0:
            raise BadInput(f"mix {self.mix!r} is outside 0 to 1; the default is 0.3")
        mirrored = [[self.mix * value for value in row] for row in self.mirror]
        own = [[(1.0 - self.mix) * value for value in row] for row in self.character]
        emission = tuple([tuple([tuple(map(add, row, state)) for row in mirrored]) for state in own])
        object.__setattr__(self, "emission", emission)

    def released_likelihood(self) -> tuple[Table, ...]:
        """B[s][c][d] = w[s, c] E[c, d], as released: no distribution over d, and the same in d for every state."""
        return tuple(
            tuple(tuple(suits * value for value in row) for suits, row in zip(state, self.mirror, strict=True))
            for state in WEIGHTS
        )


def checked_table(data: Any, name: str, rows: int, columns: int) -> Table:
    """`data` as `rows` rows of `columns` finite numbers that are not negative.

    Raises:
        BadInput: it is anything else; `name` says what it was for.
    """
    try:
        table = tuple(tuple(map(float, row)) for row in data)
    except (TypeError, ValueError):
        table = ()
    shaped = len(table) == rows and all(len(row) == columns for row in table)
    if not (shaped and all(0.0 <= value < math.inf for row in table for value in row)):
        raise BadInput(f"{name!r} must be {rows} rows of {columns} finite numbers, none negative")
    return table


PUBLISHED: Final = Parameters()
FITTED: Final = Parameters(FITTED_INITIAL, FITTED_TRANSITION, MIRROR, FITTED_CHARACTER, FITTED_MIX)
