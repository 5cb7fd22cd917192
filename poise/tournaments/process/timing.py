"""Time to deal: after how many messages, with negotiations that ended otherwise as censored.

S(t), the chance that no deal stands after t messages, is Kaplan and Meier's product over messages t_i <= t,

    S(t) = prod (1 - d_i / n_i),    d_i deals at t_i, n_i negotiations open until then,

(Kaplan and Meier 1958, JASA 53:457). A negotiation that walked away or ran out of messages leaves the count at its last
message: it says only that there was no deal until then. So the quartiles are those of negotiations that continue;
where many walk away, look at the share of deals as well. A quartile that S never reaches is None.

SciPy's `ecdf` gives the same (a test compares); it is not used because importing its statistics takes a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from poise.games.transcript import Transcript

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


def ended(transcript: Transcript) -> Ended:
    """How long one negotiation was, and whether it ended in a deal."""
    return Ended(len(transcript.messages), transcript.outcome.ending == "deal")


def timing(negotiations: Sequence[Ended]) -> Timing:
    """The figures over negotiations."""
    deals = sum(one.deal for one in negotiations)
    first, middle, last = (time_to(negotiations, share) for share in QUARTILES)
    return Timing(len(negotiations), deals, (first, middle, last))


def time_to(negotiations: Sequence[Ended], share: float) -> int | None:
    """The first number of messages after which S <= 1 - share; None where there is none."""
    left, there = 1.0, len(negotiations)
    numbers = Counter(negotiations)
    for when in sorted({one.messages for one in numbers}):
        deals = numbers[Ended(when, True)]
        left *= 1 - deals / there
        if deals and left <= 1 - share + 1e-12:
            return when
        there -= deals + numbers[Ended(when, False)]
    return None
