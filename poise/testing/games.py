"""The checks that a game must pass to be the referee: OpenSpiel's contract, and Poise's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

from poise.common.errors import DeadlineExceeded
from poise.common.seeds import Dice
from poise.games.moves import SEATS
from poise.games.openspiel import pyspiel as openspiel
from poise.games.openspiel.bargaining import BargainingGame, BargainingState
from poise.games.openspiel.variants import find_game, load_variant, name_of
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.testing.bench import SEED, within
from poise.testing.checks import Broken, Check, Hopeless, make_checks

_PLAYS: Final = 20
_TABLES: Final = (
    (Scenario("debt", "debt", 30, 120), Rules(max_messages=8)),
    (Scenario("medical", "medical", 60, 20, bounds=(0, 100)), Rules(max_messages=5, grid=10, discount=0.9)),
    (Scenario("narrow", "debt", 20, 41, bounds=(15, 45)), Rules(max_messages=6, deal_value="last", tolerance=2)),
)


def check_game(
    game: str | type[BargainingState] = "",
    tables: Sequence[tuple[Scenario, Rules]] = _TABLES,
    *,
    seconds: float = 30.0,
) -> list[Check]:
    """Play the game at random and check that OpenSpiel, the referee and the agents can rely on it.

    game:    as `Rules.game` and `--game` take it (`file.py:ClassName`), a class under `@game`, or "" for Poise's own.
    tables:  the scenarios and rules to try it with; each rule's `game` is replaced.
    seconds: wall-clock time that the first plays may take together.

    A game that does not end, or hangs, fails that check, and the rest are left out. Raises ConfigError where there is
    no such game.
    """
    name = game if isinstance(game, str) else name_of(game, game.__name__)
    if name:
        find_game(name)
    subject = [_Table(scenario, replace(rules, game=name)) for scenario, rules in tables]
    return make_checks([("ends as declared", lambda tables: _ends(tables, seconds)), *_CHECKS], subject)


@dataclass(frozen=True)
class _Table:
    """A scenario under rules, its game, and random plays."""

    scenario: Scenario
    rules: Rules

    @property
    def game(self) -> BargainingGame:
        return load_variant(self.scenario, self.rules)

    def plays(self, count: int = _PLAYS) -> Iterator[list[BargainingState]]:
        """The positions of random plays, from the opening to the end or as long as the game may last."""
        return (self.play(Dice(SEED, f"{self.scenario.id}/{number}")) for number in range(count))

    def play(self, dice: Dice) -> list[BargainingState]:
        states = [self.game.new_initial_state()]
        while not states[-1].is_terminal() and len(states) <= 2 * self.rules.max_messages:
            states.append(states[-1].child(self._pick(states[-1], dice)))
        return states

    def _pick(self, state: BargainingState, dice: Dice) -> int:
        """A random legal action; one in four is close to the other side's offer, so that there are deals, too."""
        legal = state.legal_actions()
        theirs = state.standing[1 - state.index % 2]
        moves = [(action, state.terms.move(action)) for action in legal] if theirs else []
        near = [
            action
            for action, move in moves
            if theirs
            and move.value is not None
            and not move.firm
            and abs(move.value - theirs.value) <= self.rules.tolerance + 1
        ]
        chosen: int = dice.pick(near if near and dice.unit() < 0.25 else legal)
        return chosen


Tables = Sequence[_Table]


def _simulates(tables: Tables) -> None:
    for table in tables:
        try:
            openspiel.simulate(table.game, 3)
        except Exception as error:
            # OpenSpiel appends the whole position
            raise Broken(str(error).partition("Serialized state")[0].strip()) from error


def _legal(tables: Tables) -> None:
    for table in tables:
        for state in (state for states in table.plays() for state in states):
            legal = [] if state.is_terminal() else state.legal_actions()
            if legal != sorted(set(legal)) or not set(legal) <= set(range(table.game.num_distinct_actions())):
                raise Broken(f"legal actions {legal} are not different numbers in order, from 0 up")
            if not legal and not state.is_terminal():
                raise Broken(f"nothing is legal, and the negotiation goes on ({state})")
            allowed = [action for action in range(table.game.num_distinct_actions()) if state.allows(action)]
            if allowed != legal:
                raise Broken(f"allows() disagrees with legal_actions() ({state}); override both or neither")


def _ends(tables: Tables, seconds: float) -> None:
    def play_all() -> None:
        for table in tables:
            longest = table.game.max_game_length()
            for states in table.plays():
                if not states[-1].is_terminal() or len(states) - 1 > longest:
                    raise Hopeless(f"after {len(states) - 1} messages the negotiation goes on; it may last {longest}")

    try:
        within(seconds, play_all)
    except DeadlineExceeded:
        raise Hopeless(f"it hangs: {_PLAYS} plays are not over within {seconds:g} s; look for a loop") from None


def _pays(tables: Tables) -> None:
    for table in tables:
        least, most = table.game.min_utility(), table.game.max_utility()
        for state in (state for states in table.plays() for state in states):
            paid = list(state.returns())
            if len(paid) != 2 or not all(math.isfinite(each) and least <= each <= most for each in paid):
                raise Broken(f"{state.ending or 'a position'} pays {paid}; each seat gets from {least:g} to {most:g}")
            if state.deal is None and any(paid):
                raise Broken(f"it pays {paid} without a deal; that must pay 0 to both")


def _clones(tables: Tables) -> None:
    for table in tables:
        for states in table.plays(5):
            for state in states[:-1]:
                before = _observed(state)
                clone = state.clone()
                if _observed(clone) != before:
                    raise Broken(f"the clone of {before} is {_observed(clone)}")
                clone.apply_action(clone.legal_actions()[-1])
                if _observed(state) != before:
                    raise Broken("a move on the clone changes the position; keep lists and dictionaries out of `self`")


def _observed(state: BargainingState) -> tuple[Any, ...]:
    return str(state), state.history(), list(state.returns()), repr(vars(state))


def _reads_back(tables: Tables) -> None:
    for table in tables:
        for state in table.play(Dice(SEED, table.scenario.id)):
            if _observed(again := openspiel.read_back(table.game, state))[:3] != _observed(state)[:3]:
                raise Broken(f"{state} comes back from text as {again}")


def _repeats(tables: Tables) -> None:
    for table in tables:
        for states in table.plays():
            again = table.game.new_initial_state()
            for action in states[-1].history():
                again.apply_action(action)
            if _observed(again) != _observed(states[-1]):
                raise Broken(f"the same moves led to {states[-1]}, and then to {again}; what happens is for the moves")


def _hides(tables: Tables) -> None:
    """While it lasts, a negotiation must look the same to a seat whatever the other side's target is."""
    for table, player, change in product(tables, range(2), (1, -1)):
        scenario, hidden = table.scenario, f"{SEATS[1 - player]}_target"
        changed = replace(table, scenario=replace(scenario, **{hidden: getattr(scenario, hidden) + change}))
        for states in table.plays(5):
            _look_the_same(states, changed, player)


def _look_the_same(states: list[BargainingState], changed: _Table, player: int) -> None:
    seat, other = SEATS[player], changed.game.new_initial_state()
    for state, action in zip(states[:-1], states[-1].history(), strict=True):
        for look in ("information_state_string", "information_state_tensor", "observation_string", "legal_actions"):
            if getattr(state, look)(player) != getattr(other, look)(player):
                raise Broken(f"{look} shows the {seat} the other side's target")
        if other.is_terminal() or not other.allows(action):
            raise Broken(f"what is legal, or ends the negotiation, shows the {seat} the other side's target")
        other.apply_action(action)


def _refereed(tables: Tables) -> None:
    for table in tables:
        referee = Referee(table.scenario, table.rules)
        for states in table.plays():
            moves = [table.game.terms.move(action) for action in states[-1].history()]
            for state in states[:-1]:
                _as_said(state, referee.legal(moves[: state.index]))
            outcome = referee.outcome(moves)
            if outcome is None or list(outcome.utilities) != list(states[-1].returns()):
                raise Broken(f"the referee pays {outcome and outcome.utilities}, and the game {states[-1].returns()}")


def _as_said(state: BargainingState, legal: Any) -> None:
    """The moves that the referee offers a seat must be legal."""
    moves = [state.terms.move(action) for action in state.legal_actions()]
    offers = {move.value for move in moves if move.kind == "offer"}
    if {move.kind for move in moves} != set(legal.kinds) or offers != {*range(legal.low, legal.high + 1, legal.step)}:
        raise Broken(f"not all that seats are told is legal ({legal}); a custom game must not change the moves")


_CHECKS: Final[tuple[tuple[str, Callable[[Tables], None]], ...]] = (
    ("legal actions and allows() agree", _legal),
    ("pays as declared", _pays),
    ("a clone is independent", _clones),
    ("positions survive as text", _reads_back),
    ("same moves, same end", _repeats),
    ("hides the other side's target", _hides),
    ("the moves that the referee offers are legal", _refereed),
    ("OpenSpiel's own simulation passes", _simulates),
)
