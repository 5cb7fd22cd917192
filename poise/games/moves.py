"""What a seat can do with one message."""

from __future__ import annotations

from typing import Final, Literal

from poise.common.errors import BadInput
from poise.common.value import Value, dataclass_like

Seat = Literal["creditor", "debtor"]
SEATS: Final[tuple[Seat, Seat]] = ("creditor", "debtor")
MoveKind = Literal["offer", "accept", "walk", "forfeit"]


def other(seat: Seat) -> Seat:
    """The seat across the table."""
    return "debtor" if seat == "creditor" else "creditor"


@dataclass_like
class Move(Value, frozen=True):
    """One message's move.

    `offer` puts `value` (an integer in the scenario's unit) on the table; `firm` adds an explicit refusal of the
    other side's standing offer, so that two offers within the tolerance are not a deal by themselves. `accept`
    takes the other side's standing offer. `walk` ends the negotiation. `forfeit` is a message without a usable move:
    the standing offers stay as they are.
    """

    kind: MoveKind
    value: int | None = None
    firm: bool = False

    def __post_init__(self) -> None:
        if (self.kind == "offer") != (self.value is not None):
            raise BadInput(
                f"a move of kind {self.kind!r} with value {self.value!r}: only an offer has a value, and it must"
            )
        if self.firm and self.kind != "offer":
            raise BadInput(f"a firm {self.kind}: only an offer can be firm")


ACCEPT: Final = Move("accept")
WALK: Final = Move("walk")
FORFEIT: Final = Move("forfeit")


def offer(value: int, *, firm: bool = False) -> Move:
    """The move that offers `value`."""
    return Move("offer", value, firm)
