"""The average policy of counterfactual regret minimisation, by OpenSpiel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from poise.agents.game_players.lattice import LatticePlayer, Spot, lattice_game, lattice_state
from poise.agents.protocols import View
from poise.common.seeds import Dice
from poise.games.moves import SEATS, Seat
from poise.games.openspiel.terms import ACCEPT_ACTION, WALK_ACTION
from poise.games.rules import Rules

ITERATIONS: Final = 100


@dataclass(frozen=True)
class AveragePolicy(LatticePlayer):
    """The average policy of counterfactual regret minimisation (Zinkevich et al. 2007), drawn from at each message.

    CFR walks the whole tree of histories, so it looks `ahead` messages ahead and no further, from each position that
    is met, on `steps` steps: usually nothing, half and everything. After each message the negotiation fails with chance
    1 - `patience`, which is a discount (Binmore, Rubinstein & Wolinsky 1986, https://doi.org/10.2307/2555382): without
    it, whoever makes the last offer gets everything, and an equilibrium player on the other side takes the first offer
    there is. With the usual numbers two proposals are left to it, and its share is 1 - 0.5 (Stahl 1972): the half.
    """

    steps: int = 2
    ahead: int = 3
    patience: float = 0.5
    iterations: int = ITERATIONS

    def act(self, view: View, here: Spot, dice: Dice) -> int:
        """One draw from the average policy; walking away is left out."""
        rules = Rules(max_messages=2 + self.ahead, discount=self.patience * view.brief.rules.discount)
        mine = None if here.mine is None else here.mine[0]
        mix = average_policy(self.steps, rules, view.brief.seat, mine, here.theirs[0], self.iterations)
        weights = [0.0 if action == WALK_ACTION else chance for action, chance in mix.items()]
        return list(mix)[dice.weighted(weights)] if sum(weights) > 0 else ACCEPT_ACTION


class Continued:
    """A game that begins where `state` stands, for OpenSpiel's Python algorithms."""

    def __init__(self, game: Any, state: Any) -> None:
        self._game = game
        self._state = state

    def new_initial_state(self) -> Any:
        """A copy of the position."""
        return self._state.clone()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._game, name)


def continued(steps: int, rules: Rules, seat: Seat, mine: int | None, theirs: int) -> Continued:
    """The game from where `seat` is to move, with those standing offers (lattice, from its own opening).

    The messages that made them are the first of the game; the debtor has one more left where it has made no offer.
    """
    message = SEATS.index(seat) + (0 if mine is None else 2)
    here = Spot(message, None if mine is None else (mine, message - 2), (theirs, message - 1))
    return Continued(lattice_game(steps, rules), lattice_state(steps, rules, seat, here))


@lru_cache(maxsize=512)
def average_policy(  # noqa: PLR0913, PLR0917 - one position
    steps: int, rules: Rules, seat: Seat, mine: int | None, theirs: int, iterations: int
) -> Mapping[int, float]:
    """The mix of actions of CFR's average policy in that position, with the position as the root of the tree."""
    from poise.games.openspiel.theory import cfr

    game = continued(steps, rules, seat, mine, theirs)
    return cfr(game, iterations)(game.new_initial_state())
