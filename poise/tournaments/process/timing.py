"""Time to deal: after how many messages, with talks that ended otherwise as censored.

S(t), the chance that no deal stands after t messages, is Kaplan and Meier's product over messages t_i <= t,

    S(t) = prod (1 - d_i / n_i),    d_i deals at t_i, n_i talks open until then,

(Kaplan and Meier 1958, JASA 53:457). A talk that walked away or ran out of messages leaves the count at its last
message: it says only that there was no deal until then. So the quartiles are those of talks that go on; where many walk
away, look at the share of deals as well. A quartile that S never reaches is None.

SciPy's `ecdf` gives the same (a test compares); it is not used because importing its statistics takes a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from poise.games.transcript import Transcript

QUARTILES: Final = (0.25, 0.5, 0.75)


class Ended(NamedTuple):
    """One talk: its messages, and whether it was a deal."""

    messages: int
    deal: bool


@dataclass(frozen=True, slots=True)
class Timing:
    """talks and deals that there were; messages until a quarter, half and three quarters of talks are deals."""

    talks: int
    deals: int
    quartiles: tuple[int | None, int | None, int | None]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"talks": self.talks, "deals": self.deals, "quartiles": list(self.quartiles)}


def ended(talk: Transcript) -> Ended:
    """How long one talk was, and whether it ended in a deal."""
    return Ended(len(talk.messages), talk.outcome.ending == "deal")


def timing(talks: Sequence[Ended]) -> Timing:
    """The figures over talks."""
    deals = sum(one.deal for one in talks)
    first, middle, last = (time_to(talks, share) for share in QUARTILES)
    return Timing(len(talks), deals, (first, middle, last))


def time_to(talks: Sequence[Ended], share: float) -> int | None:
    """The first number of messages after which S <= 1 - share; None where there is none."""
    left = 1.0
    for when in sorted({one.messages for one in talks if one.deal}):
        there = sum(one.messages >= when for one in talks)
        left *= 1 - sum(one.deal and one.messages == when for one in talks) / there
        if left <= 1 - share + 1e-12:
            return when
    return None
