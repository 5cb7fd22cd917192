"""Payoffs of a tournament as a game of two seats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poise.common.errors import BadInput
from poise.games.moves import SEATS, Seat
from poise.tournaments.statistics.results import Standings

TIE: Final = 1e-9


Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bimatrix:
    """Mean utilities, shape (creditors, debtors): of the creditor and of the debtor, all finite."""

    creditors: tuple[str, ...]
    debtors: tuple[str, ...]
    creditor: Array
    debtor: Array

    def __post_init__(self) -> None:
        shape = len(self.creditors), len(self.debtors)
        for name in SEATS:
            found = getattr(self, name)
            if found.shape != shape or not shape[0] or not shape[1] or not np.all(np.isfinite(found)):
                raise BadInput(f"the {name}s' utilities have shape {found.shape}; finite ones of shape {shape} are due")

    def labels(self, seat: Seat) -> tuple[str, ...]:
        """The agents of a seat."""
        return self.creditors if seat == "creditor" else self.debtors

    def payoff(self, seat: Seat) -> Array:
        """The seat's utilities, its own agents in rows."""
        return self.creditor if seat == "creditor" else self.debtor.T


def bimatrix(standings: Standings) -> Bimatrix:
    """The game that a tournament's matrix is.

    Raises:
        BadInput: a pair has no finished match, or the debtors are a sample of worlds.
    """
    if standings.worlds:
        raise BadInput(
            f"the debtors are {standings.worlds} worlds, a sample that nobody chooses from, so that there is no game "
            "between two fields; play debtors that are rivals, such as --debtor angry --debtor sad"
        )
    empty = [cell for row in standings.matrix for cell in row if not cell.matches]
    if empty:
        raise BadInput(
            f"{len(empty)} pairs have no finished match ({empty[0].creditor} against {empty[0].debtor}, ...); finish "
            "the tournament with: poise tournament resume DIR"
        )
    utilities = [
        np.array([[getattr(cell, f"{seat}_utility") for cell in row] for row in standings.matrix], dtype=np.float64)
        for seat in SEATS
    ]
    labels = tuple(row[0].creditor for row in standings.matrix), tuple(cell.debtor for cell in standings.matrix[0])
    return Bimatrix(*labels, *utilities)
