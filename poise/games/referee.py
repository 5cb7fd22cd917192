"""The referee: applies moves to the OpenSpiel game and says how the negotiation ended.

The game's state alone decides what is legal, when a deal stands and what each seat gets. This file turns moves into the
game's actions, and its answers into words for people.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass

from poise.common.errors import IllegalMove
from poise.common.words import with_unit
from poise.games.domains import domain_words
from poise.games.moves import SEATS, Move, MoveKind, Seat, other
from poise.games.openspiel.bargaining import BargainingState
from poise.games.openspiel.terms import ACCEPT_ACTION
from poise.games.openspiel.variants import load_variant
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Outcome


@dataclass(frozen=True, slots=True)
class Legal:
    """What a seat may do with the next message (values in the scenario's unit).

    low, high, step: the smallest and largest offer, and the step between offers; any offer can be firm.
    accept:          the value it would accept; None while the other seat has made no offer.
    """

    seat: Seat
    low: int
    high: int
    step: int
    accept: int | None
    unit: str

    @property
    def kinds(self) -> tuple[MoveKind, ...]:
        """The kinds of move that are legal."""
        return ("offer", "walk", "forfeit") if self.accept is None else ("offer", "accept", "walk", "forfeit")

    def __str__(self) -> str:
        steps = f" in steps of {self.step}" if self.step > 1 else ""
        accept = "" if self.accept is None else f", accept {with_unit(self.accept, self.unit)}"
        return (
            f"the {self.seat} may offer {self.low} to {with_unit(self.high, self.unit)}{steps}{accept}, walk or forfeit"
        )


class Referee:
    """Judges the negotiation of one scenario under `rules`.

    Every method takes the moves made so far and means the same whatever was asked before. The position they lead to is
    kept, so that going forward costs one move; any other history is replayed. One thread uses a referee at a time.

    Raises ConfigError for rules that are not whole numbers.
    """

    def __init__(self, scenario: Scenario, rules: Rules) -> None:
        self.scenario = scenario
        self.rules = rules
        self._game = load_variant(scenario, rules)
        self._moves: tuple[Move, ...] = ()
        self._state: BargainingState = self._game.new_initial_state()

    def judge(self, moves: Sequence[Move], move: Move) -> Outcome | None:
        """Apply `move` after `moves`; how the negotiation ended with it, or None while it goes on.

        Raises IllegalMove, in words for the user, and leaves everything as it was.
        """
        state = self._after(moves)
        self._apply(move)
        return self._outcome(state)

    def check(self, moves: Sequence[Move], move: Move) -> None:
        """Raise IllegalMove unless `move` can be made after `moves`; the text says what would be legal."""
        self._action(self._after(moves), move)

    def legal(self, moves: Sequence[Move]) -> Legal | None:
        """What can be done after `moves`; None when the negotiation is over."""
        state = self._after(moves)
        if state.is_terminal():
            return None
        offers, standing = state.terms.offers, state.standing[1 - state.current_player()]
        return Legal(
            seat=SEATS[state.current_player()],
            low=offers[0],
            high=offers[-1],
            step=offers.step,
            accept=standing.value if standing and state.allows(ACCEPT_ACTION) else None,
            unit=self.scenario.unit,
        )

    def outcome(self, moves: Sequence[Move]) -> Outcome | None:
        """How the negotiation ended with the last of `moves`; None while it goes on."""
        return self._outcome(self._after(moves))

    def _after(self, moves: Sequence[Move]) -> BargainingState:
        moves = tuple(moves)
        if moves != self._moves:
            if moves[: len(self._moves)] != self._moves:
                self._state, self._moves = self._game.new_initial_state(), ()
            for move in moves[len(self._moves) :]:
                self._apply(move)
        return self._state

    def _apply(self, move: Move) -> None:
        self._state.apply_action(self._action(self._state, move))
        self._moves = (*self._moves, move)

    def _action(self, state: BargainingState, move: object) -> int:
        action = state.terms.action(move) if isinstance(move, Move) else None
        if action is None or not state.allows(action):
            raise IllegalMove(self._refusal(state, move))
        return action

    def _refusal(self, state: BargainingState, move: object) -> str:
        """Why the game has refused `move`, and what to do instead."""
        if state.is_terminal():
            return f"the negotiation ended with message {state.index} ({state.ending}), so no move can follow"
        seat = SEATS[state.current_player()]
        if not isinstance(move, Move):
            return f"the {seat}'s move is {_show(move)}, not a Move; use offer(value), ACCEPT, WALK or FORFEIT"
        if move.kind == "accept":
            return f"the {seat} accepts, but the {other(seat)} has no offer standing; make an offer first"
        if move.kind == "offer":
            return f"the {seat} offers {self._off_the_lattice(state.terms.offers, move.value)}"
        return f"the {seat}'s move is of kind {_show(move.kind)}; it can be offer, accept, walk or forfeit"

    def _off_the_lattice(self, offers: range, value: object) -> str:
        low, high, unit = offers[0], offers[-1], self.scenario.unit
        if type(value) is not int:
            return f"{_show(value)}, which is not an integer; offer {low} to {with_unit(high, unit)}"
        if not low <= value <= high:
            nearest = f"{low} or more" if value < low else f"{high} or less"
            return f"{_show(value)}, outside {low} to {with_unit(high, unit)}; offer {nearest}"
        below = value - (value - low) % offers.step
        return f"{value}, between the steps of {offers.step} {unit} from {low}; offer {below} or {below + offers.step}"

    def _outcome(self, state: BargainingState) -> Outcome | None:
        if state.ending is None:
            return None
        creditor, debtor = state.returns()
        return Outcome(
            ending=state.ending,
            value=state.deal.value if state.deal else None,
            by=None if state.by is None else SEATS[state.by],
            reason=self._reason(state),
            utilities=(creditor, debtor),
        )

    def _reason(self, state: BargainingState) -> str:
        by = None if state.by is None else SEATS[state.by]
        if by and state.deal:
            accepted = f"{self._role(other(by))}'s offer of {self.scenario.amount(state.deal.value)}"
            return f"{_capital(self._role(by))} accepted {accepted}."
        if by:
            return f"{_capital(self._role(by))} walked away with message {state.index}."
        if state.deal is None:
            return f"No deal in {state.index} messages, the most that the rules allow."
        creditor, debtor = (offer.value for offer in state.standing if offer)
        deal = self.scenario.amount(state.deal.value)
        if self.rules.game:
            return f"The offers {creditor} and {debtor} are a deal at {deal} in the game {self.rules.game}."
        if creditor == debtor:
            return f"Both sides offered {deal}."
        return f"The offers {creditor} and {debtor} are within {self.rules.tolerance} of each other: a deal at {deal}."

    def _role(self, seat: Seat) -> str:
        """What the domain calls the side in `seat`: "the rescue team"."""
        return domain_words(self.scenario.domain).role(seat)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _show(value: object) -> str:
    """A refused value, short enough for a message; Python refuses to write out very long integers."""
    if type(value) is int:
        return str(value) if abs(value) < 10**18 else f"a number of {value.bit_length()} bits"
    return reprlib.repr(value)
