"""Time to deal: after how many messages, with negotiations that ended otherwise as censored.

S(t), the chance that no deal stands after t messages, is Kaplan and Meier's product over messages t_i <= t,

    S(t) = prod (1 - d_i / n_i),    d_i deals at t_i, n_i negotiations open until then,

(Kaplan and Meier 1958, JASA 53:457). A negotiation that walked away or ran out of messages leaves the count at its last
message: it says only that there was no deal until then. So the quartiles are those of negotiations that continue;
where many walk away, look at the share of deals as well. A quartile that S never reaches is None.

SciPy's `ecdf` gives the same (a test compares); it is not used because importing its statistics takes a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poise.tournaments.process.columns import Columns

QUARTILES: Final = (0.25, 0.5, 0.75)


class Ended(NamedTuple):
    """One negotiation: its messages, and whether it was a deal."""

    messages: int
    deal: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """How many negotiations and deals; messages until a quarter, half and three quarters of negotiations are deals."""

    negotiations: int
    deals: int
    quartiles: tuple[int | None, int | None, int | None]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"talks": self.negotiations, "deals": self.deals, "quartiles": list(self.quartiles)}


def ended(columns: Columns) -> NDArray[np.int64]:
    """[N, 2], how long each negotiation was, and whether it ended in a deal (`Ended`)."""
    return np.stack([columns.lengths, ~np.isnan(columns.deal)], axis=1)


def timing(negotiations: Sequence[Ended] | NDArray[np.int64]) -> Timing:
    """The figures over negotiations."""
    told = np.array(negotiations, dtype=np.int64).reshape(-1, 2)
    first, middle, last = (time_to(told, share) for share in QUARTILES)
    return Timing(len(told), int(told[:, 1].sum()), (first, middle, last))


def time_to(negotiations: Sequence[Ended] | NDArray[np.int64], share: float) -> int | None:
    """The first number of messages after which S <= 1 - share; None where there is none."""
    messages, deal = np.array(negotiations, dtype=np.int64).reshape(-1, 2).T
    left, there = 1.0, len(messages)
    ends, deals = np.bincount(messages), np.bincount(messages, weights=deal)
    for when in np.flatnonzero(ends):
        left *= 1 - deals[when] / there
        if deals[when] and left <= 1 - share + 1e-12:
            return int(when)
        there -= ends[when]
    return None
