"""The best response to how the other side seems to concede."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from poise.agents.concessions import TimeDependent, position
from poise.agents.game_players.lattice import LatticePlayer, Spot, lattice_game, lattice_state, placed_value
from poise.agents.protocols import View
from poise.common.seeds import Dice
from poise.games.moves import SEATS, Seat, other
from poise.games.rules import Rules


class Habit(NamedTuple):
    """How the other side is taken to concede: by the clock, see `poise.agents.concessions.TimeDependent`."""

    beta: float
    reach: float


_LINEAR: Final = Habit(beta=1.0, reach=0.65)
_OTHERS: Final = tuple(Habit(beta, reach) for beta in (0.25, 1.0, 4.0) for reach in (0.35, 0.65, 1.0))
# The first is believed until the other's offers say otherwise.
HABITS: Final = (_LINEAR, *(habit for habit in _OTHERS if habit != _LINEAR))


@dataclass(frozen=True)
class BestResponse(LatticePlayer):
    """The best response to the habit that fits the other's offers best, by backward induction.

    The other is taken to concede by the clock with one of HABITS, whatever this seat does, and to accept what is at
    least as good as its own next offer. Of the habits the one with the least squared error over its offers so far is
    believed; the response is `poise.games.openspiel.theory.solve`, from the present position each time.
    """

    steps: int = 20

    def act(self, view: View, here: Spot, dice: Dice) -> int:  # noqa: ARG002 - nothing is left to chance
        """The first action of the best response."""
        brief, at = view.brief, position(view)
        assert at is not None  # noqa: S101 - for the type checker: decide() saw to it
        offers = [at.ahead * (value - at.start) / at.way for value in view.offers(other(brief.seat))]
        habit = believed(tuple(offers), brief.rules, other(brief.seat))
        state = lattice_state(self.steps, brief.rules, brief.seat, here)
        mix = _response(self.steps, brief.rules, brief.seat, habit)(state)
        return int(max(mix, key=lambda action: (mix[action], -action)))


def believed(offers: tuple[float, ...], rules: Rules, seat: Seat) -> Habit:
    """The habit that fits `seat`'s offers best; of equals the first.

    offers: as shares of the way from this side's opening (0) to the other's first offer (1), oldest first.
    """

    def error(habit: Habit) -> float:
        return sum((value - _habitual(habit, rules, seat, turn)) ** 2 for turn, value in enumerate(offers))

    return min(HABITS, key=error)


def _habitual(habit: Habit, rules: Rules, seat: Seat, turn: int) -> float:
    """Where a seat of that habit stands at its own message number `turn`, from 0, as in `believed`."""
    last = (rules.max_messages - 1 - SEATS.index(seat)) // 2
    share = min(1.0, turn / last) if last > 0 else 1.0
    return 1.0 - habit.reach * TimeDependent(habit.beta, habit.reach).fraction(share)


@lru_cache(maxsize=64)
def _response(steps: int, rules: Rules, seat: Seat, habit: Habit) -> Any:
    """The best response to a habit, as a strategy that remembers what it worked out."""
    from poise.games.openspiel.theory import solve

    foe: Seat = other(seat)

    def play(state: Any) -> Mapping[int, float]:
        place = math.ceil(steps * _habitual(habit, rules, foe, state.index // 2) - 1e-9)
        due, standing = placed_value(seat, place, steps), state.standing[SEATS.index(seat)]
        better = standing is not None and placed_value(seat, standing.value, steps) >= place
        return {0 if better else due + 2: 1.0}

    return solve(lattice_game(steps, rules).new_initial_state(), given={SEATS.index(foe): play}).strategy
