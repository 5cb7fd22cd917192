"""Each check of a game catches what it is there to catch, and nothing else does."""

from __future__ import annotations

import itertools

import pytest

from poise.common.errors import ConfigError
from poise.games.openspiel import variants
from poise.games.openspiel.bargaining import BargainingState
from poise.games.openspiel.variants import game
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.testing import assert_game, check_game

TABLES = [
    (Scenario("debt", "debt", 30, 120, bounds=(0, 150)), Rules(max_messages=6, grid=10)),
    (Scenario("medical", "medical", 60, 20, bounds=(0, 100)), Rules(max_messages=4, grid=20, tolerance=10)),
]


@pytest.fixture(autouse=True)
def _own_names():
    before = dict(variants._registered())
    yield
    variants._registered().clear()
    variants._registered().update(before)


def failures(state, **more):
    return {check.name: check.detail for check in check_game(state, TABLES, **more) if not check.ok}


class Endless(BargainingState):
    def _apply_action(self, action):
        super()._apply_action(action)
        if self.ending == "timeout":
            self.ending = None


class Lenient(BargainingState):
    """Would accept an offer that was never made."""

    def allows(self, action):
        return super().allows(action) or (action == 0 and not self.is_terminal())


class Generous(BargainingState):
    def worth(self, deal):
        return [1.5, -0.5]


class Consoling(BargainingState):
    """Pays those who found no deal."""

    def returns(self):
        return [0.1, 0.1] if self.is_terminal() and self.deal is None else super().returns()


class Uncopied(list):
    def __deepcopy__(self, memo):
        return self


class Gossiping(BargainingState):
    """All copies of a position write into one list."""

    def __init__(self, game):
        super().__init__(game)
        self.said = Uncopied()

    def _apply_action(self, action):
        super()._apply_action(action)
        self.said.append(action)


class Unwritten:
    """A number that is lost when it is written out."""

    def __init__(self, number=0):
        self.number = number

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return Unwritten, ()

    def __repr__(self):
        return f"said {self.number}"


class Lossy(BargainingState):
    def __init__(self, game):
        super().__init__(game)
        self.said = Unwritten()

    def _apply_action(self, action):
        super()._apply_action(action)
        self.said = Unwritten(self.said.number + 1)

    def __str__(self):
        return f"{super().__str__()}, {self.said}"


class Moody(BargainingState):
    """Differs from one play to the next."""

    born = itertools.count()

    def __init__(self, game):
        super().__init__(game)
        self.luck = next(Moody.born)


class Talkative(BargainingState):
    def __str__(self):
        return f"{super().__str__()}; the debtor hopes for {self.terms.debtor_target}"


class Leaking(BargainingState):
    """Ends the talks at the debtor's target: whoever sees that they go on knows what it is not."""

    def _apply_action(self, action):
        super()._apply_action(action)
        if self.ending is None and self.standing[0] and self.standing[0].value > self.terms.debtor_target:
            self.ending = "timeout"


class Captive(BargainingState):
    """Nobody may walk away, and nobody is told."""

    def _legal_actions(self, player):
        return [action for action in super()._legal_actions(player) if action != 1]

    def allows(self, action):
        return super().allows(action) and action != 1


class Mumbling(BargainingState):
    def _action_to_string(self, player, action):
        return "something"


class Looping(BargainingState):
    def settle(self, standing, new):
        while True:
            pass


BAD = [
    ("ends as declared", Endless, "the negotiation goes on; it may last 6"),
    ("ends as declared", Looping, "not over within 0.5 s; look for a loop"),
    ("legal actions and allows() agree", Lenient, "override both or neither"),
    ("pays as declared", Generous, "deal pays [1.5, -0.5]; each seat gets from 0 to 1"),
    ("pays as declared", Consoling, "[0.1, 0.1] without a deal"),
    ("a clone is independent", Gossiping, "a move on the clone changes the position"),
    ("positions survive as text", Lossy, "comes back from text as"),
    ("same moves, same end", Moody, "the same moves led to"),
    ("hides the other side's target", Talkative, "shows the creditor the other side's target"),
    ("hides the other side's target", Leaking, "shows the creditor the other side's target"),
    ("the moves that the referee offers are legal", Captive, "a custom game must not change the moves"),
    ("OpenSpiel's own simulation passes", Mumbling, "Duplicate action string 'something'"),
]


@pytest.mark.parametrize(("check", "state", "words"), BAD, ids=[f"{bad[1].__name__}" for bad in BAD])
def test_each_check_catches_what_it_is_there_for(check, state, words, capfd):  # OpenSpiel prints what it refuses
    game(state.__name__.lower())(state)
    found = failures(state, seconds=0.5 if state is Looping else 30)
    assert list(found) == [check]
    assert words in found[check]


def test_no_check_goes_without_a_game_that_fails_it():
    assert [check.name for check in check_game("", TABLES)] == list(dict.fromkeys(bad[0] for bad in BAD))


def test_what_is_no_game_is_refused_and_not_checked():
    with pytest.raises(ConfigError, match="Endless is not a game; put @game"):
        check_game(Endless)
    with pytest.raises(ConfigError, match="no game is called 'nothing'"):
        check_game("nothing")


def test_a_game_of_ones_own_passes_where_it_keeps_to_the_rules():
    @game("last-said")
    class LastSaid(BargainingState):
        def settle(self, standing, new):
            return None if super().settle(standing, new) is None else new

    assert_game(LastSaid, TABLES)
    game("generous")(Generous)
    with pytest.raises(AssertionError, match="1 of 9 checks do not hold\n  pays as declared: deal pays"):
        assert_game(Generous, TABLES)
