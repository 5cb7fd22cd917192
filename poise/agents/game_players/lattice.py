"""The game that OpenSpiel's players play: one small lattice for every scenario.

    0   this seat's own opening, the possible offer next to its target
    K   the other side's first offer, which is taken for its target: the other's real target is never known
    x   a deal at x is worth 1 - x / K to this seat and x / K to the other, times the discount of the rules

What is solved once therefore serves every scenario. The opening is made before the other has spoken; it is always 0.
What the game knows nothing of is added: no offer is taken back, and what is at least as good as the offer due is
accepted. Nobody walks away: a deal is worth no less than none.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

from poise.agents.concessions import ConcessionPosition, position, reply
from poise.agents.protocols import View
from poise.common.seeds import Dice
from poise.games.moves import ACCEPT, FORFEIT, Move, Seat, other
from poise.games.openspiel.terms import ACCEPT_ACTION, WALK_ACTION, StandingOffer
from poise.games.rules import Rules
from poise.games.scenario import Scenario


class Spot(NamedTuple):
    """Where a seat stands on the lattice, counted from its own opening.

    message:      the index of the message about to be made.
    mine, theirs: the standing offers, None for none; with the index of the message that made each.
    """

    message: int
    mine: tuple[int, int] | None
    theirs: tuple[int, int]


def spot(view: View, at: ConcessionPosition, steps: int) -> Spot:
    """The position of `view` on a lattice of `steps` steps, rounded in this seat's disfavour; `at.way` > 0."""
    placed: dict[Seat, tuple[int, int]] = {}
    for index, line in enumerate(view.lines):
        if line.move.value is not None:
            share = at.ahead * (line.move.value - at.start) / at.way * steps
            placed[line.seat] = min(steps, max(0, math.ceil(share - 1e-9))), index
    return Spot(view.index, placed.get(view.brief.seat), placed[other(view.brief.seat)])


@lru_cache(maxsize=16)
def lattice_game(steps: int, rules: Rules) -> Any:
    """The game of a lattice; the creditor wants 0, the debtor `steps`. Only lengths and the discount are the rules'."""
    from poise.games.openspiel.variants import load_variant

    case = Scenario("lattice", "debt", 0, steps, bounds=(0, steps))
    return load_variant(case, Rules(tolerance=0, max_messages=rules.max_messages, discount=rules.discount), plain=True)


def lattice_state(steps: int, rules: Rules, seat: Seat, here: Spot) -> Any:
    """The game's state for `seat` standing `here`."""
    state = lattice_game(steps, rules).new_initial_state()
    state.index = here.message
    own = StandingOffer(placed_value(seat, here.mine[0], steps), here.mine[1]) if here.mine else None
    theirs = StandingOffer(placed_value(seat, here.theirs[0], steps), here.theirs[1])
    state.standing = (own, theirs) if seat == "creditor" else (theirs, own)
    return state


def placed_value(seat: Seat, place: int, steps: int) -> int:
    """An offer of the game from a place counted from the seat's own opening, and back."""
    return place if seat == "creditor" else steps - place


class LatticePlayer:
    """What the three share; `steps` is K."""

    steps: int

    def decide(self, view: View, dice: Dice) -> Move:
        """The offer that the game advises, or acceptance."""
        at = position(view)
        if at is None:
            return FORFEIT
        if at.theirs is None or not at.way:
            return reply(view.brief, at, at.conceded)
        action = self.act(view, spot(view, at, self.steps), dice)
        if action == ACCEPT_ACTION or view.index + 1 == view.brief.rules.max_messages:
            return ACCEPT  # nothing can follow the last message but a deal
        place = 0 if action == WALK_ACTION else placed_value(view.brief.seat, action - 2, self.steps)
        return reply(view.brief, at, max(place / self.steps * at.way, at.conceded))

    def act(self, view: View, here: Spot, dice: Dice) -> int:
        """An action of the lattice game: 0 accepts, 1 walks, and 2 + v offers v."""
        raise NotImplementedError
