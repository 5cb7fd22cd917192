"""The terms of one bargaining game: its lattice of offers, the numbers of its actions, what a deal is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from poise.common.value import Value, dataclass_like
from poise.games.metrics import savings
from poise.games.moves import ACCEPT, FORFEIT, WALK, Move
from poise.games.rules import Rules
from poise.games.scenario import Scenario

ACCEPT_ACTION: Final = 0
WALK_ACTION: Final = 1
_FIRST_OFFER: Final = 2


@dataclass_like
class StandingOffer(Value, frozen=True):
    """An offer on the table and the index of the message that put it there."""

    value: int
    index: int

    def __deepcopy__(self, memo: dict[int, Any]) -> StandingOffer:
        return self  # OpenSpiel copies states deeply; what is frozen need not be


@dataclass(frozen=True, slots=True)
class Terms:
    """The parameters of one game, checked, and its lattice of offers."""

    creditor_target: int
    debtor_target: int
    offers: range
    rules: Rules
    plain: bool
    num_actions: int = field(init=False)

    def __post_init__(self) -> None:
        kinds = 1 if self.plain else 2
        object.__setattr__(self, "num_actions", _FIRST_OFFER + kinds * len(self.offers) + (not self.plain))

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> Terms:
        """Terms from OpenSpiel's parameters; Scenario and Rules refuse what cannot be, by name and with a remedy."""
        rule_names = ("tolerance", "max_messages", "discount", "grid", "deal_value")
        rules = Rules(**{name: given[name] for name in rule_names})
        bounds = given["low"], given["high"]
        scenario = Scenario("parameters", "debt", given["creditor_target"], given["debtor_target"], bounds=bounds)
        low, high = scenario.bounds
        return cls(
            scenario.creditor_target, scenario.debtor_target, range(low, high + 1, rules.grid), rules, given["plain"]
        )

    def action(self, move: Move) -> int | None:
        """The action number of `move`; None where this game has no such move."""
        match move.kind:
            case "offer" if type(move.value) is int and move.value in self.offers and not (move.firm and self.plain):
                place = (move.value - self.offers.start) // self.offers.step
                return _FIRST_OFFER + place + (len(self.offers) if move.firm else 0)
            case "accept":
                return ACCEPT_ACTION
            case "walk":
                return WALK_ACTION
            case "forfeit" if not self.plain:
                return self.num_actions - 1
        return None

    def move(self, action: int) -> Move:
        """The move of an action number in [0, num_actions)."""
        if action < _FIRST_OFFER:
            return WALK if action else ACCEPT
        offered = self.offered(action)
        return FORFEIT if offered is None else Move("offer", *offered)

    def offered(self, action: int) -> tuple[int, bool] | None:
        """The value that an action number from 2 on offers, and whether firmly; None for the forfeit."""
        firm, place = divmod(action - _FIRST_OFFER, len(self.offers))
        return None if firm > 1 else (self.offers[place], firm == 1)

    def settle(self, standing: int, new: int) -> int | None:
        """The deal value of an offer `new` against the other seat's `standing` one; None where they do not meet."""
        if abs(new - standing) > self.rules.tolerance:
            return None
        return new if self.rules.deal_value == "last" else (standing + new + 1) // 2

    def utilities(self, deal: StandingOffer) -> list[float]:
        """What (creditor, debtor) get from a deal at `deal.value` that stands since message `deal.index`."""
        share = savings(deal.value, self.creditor_target, self.debtor_target)
        worth = self.rules.discount**deal.index
        return [share * worth, (1 - share) * worth]
