"""The rules of one negotiation, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from poise.common.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Rules:
    """How a negotiation runs and what a deal is worth.

    tolerance:    two standing offers at most this far apart are a deal (scenario units), unless the later one is firm.
    max_messages: the negotiation ends without a deal after this many messages (the papers' 31: indices 0 to 30).
    discount:     utilities are multiplied by discount**index of the offer that became the deal; 1 is no discount.
    grid:         step between possible offers, in the scenario's unit.
    deal_value:   what two offers within the tolerance settle at: their rounded midpoint (EmoMAS, EmoDistill) or the
                  last number said (EQ-Negotiator v2). An accepted offer settles at that offer.
    game:         a custom game (see `poise.games.openspiel.variants`); "" for Poise's.
    """

    tolerance: int = 5
    max_messages: int = 31
    discount: float = 1.0
    grid: int = 1
    deal_value: Literal["midpoint", "last"] = "midpoint"
    game: str = ""

    def __post_init__(self) -> None:
        if self.tolerance < 0:
            raise ConfigError(f"tolerance {self.tolerance} is negative; use 0 or more (the papers use 5)")
        if not 2 <= self.max_messages <= 1000:
            raise ConfigError(f"max_messages {self.max_messages} is outside 2 to 1000; the papers use 31")
        if not 0 < self.discount <= 1:
            raise ConfigError(f"discount {self.discount} is outside (0, 1]; use 1 for no discount")
        if self.grid < 1:
            raise ConfigError(f"grid {self.grid} is below 1; use 1 for every integer")
        if self.deal_value not in ("midpoint", "last"):
            raise ConfigError(f"deal_value {self.deal_value!r} is neither 'midpoint' nor 'last'")
        if not isinstance(self.game, str):
            raise ConfigError(f"game {self.game!r} is not a text; write a name or file.py:ClassName")

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON data; `game` only where it is not Poise's own."""
        return {name: value for name, value in asdict(self).items() if name != "game" or value}
