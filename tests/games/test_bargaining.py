"""The OpenSpiel game: conformance, declared bounds, serialisation, and a readable golden play-through."""

import os

import numpy as np
import pyspiel
import pytest
from helpers.game_strategies import picks, rules, scenarios
from helpers.paths import GOLDEN
from hypothesis import given
from hypothesis import strategies as st

from poise.common.errors import ConfigError, IllegalMove, PoiseError
from poise.games.moves import ACCEPT, FORFEIT, WALK, Move, offer
from poise.games.openspiel import bargaining
from poise.games.openspiel.bargaining import BargainingGame
from poise.games.openspiel.variants import load_variant
from poise.games.rules import Rules
from poise.games.scenario import Scenario

GOLDEN = GOLDEN / "bargaining_playthrough.txt"
DEBT = Scenario("debt", "debt", 30, 120)
MEDICAL = Scenario("medical", "medical", 60, 20, bounds=(0, 100))


def play(game, numbers):
    """The states of one play, from the first on: each number picks one of the legal actions."""
    states = [game.new_initial_state()]
    for number in numbers:
        if states[-1].is_terminal():
            break
        legal = states[-1].legal_actions()
        states.append(states[-1].child(legal[number % len(legal)]))
    return states


def act(state, *words):
    for word in words:
        state.apply_action(state.string_to_action(word))
    return state


# --- OpenSpiel's own conformance test ---


@pytest.mark.parametrize(
    "game",
    [
        load_variant(DEBT, Rules()),
        load_variant(MEDICAL, Rules(tolerance=0, max_messages=2, discount=0.5, grid=7, deal_value="last")),
        load_variant(MEDICAL, Rules(tolerance=0, max_messages=6, discount=0.9, grid=20), plain=True),
        load_variant(Scenario("tiny", "debt", 0, 1, bounds=(0, 1)), Rules(max_messages=3, grid=5)),
    ],
    ids=str,
)
def test_passes_the_random_simulation_test(game):
    pyspiel.random_sim_test(game, num_sims=3, serialize=True, verbose=False)


def test_is_registered_once_with_its_parameters():
    first = pyspiel.load_game(bargaining.SHORT_NAME)
    bargaining.register_bargaining()
    again = pyspiel.load_game(bargaining.SHORT_NAME)
    assert pyspiel.registered_names().count(bargaining.SHORT_NAME) == 1
    assert type(first) is type(again) is BargainingGame
    assert set(first.get_parameters()) == {
        *("creditor_target", "debtor_target", "low", "high", "plain"),
        *("tolerance", "max_messages", "discount", "grid", "deal_value"),
    }


def test_a_foreign_game_under_the_same_name_is_refused(monkeypatch):
    monkeypatch.setattr(pyspiel, "load_game", lambda *_: object())
    with pytest.raises(PoiseError, match="took the name 'poise_bargaining'"):
        load_variant(Scenario("own", "debt", 31, 121), Rules(grid=3))


@given(scenarios(), rules(), st.booleans(), picks)
def test_serialises_at_every_state(case, rule, plain, numbers):
    game = load_variant(case, rule, plain=plain)
    for state in play(game, numbers):
        text = pyspiel.serialize_game_and_state(game, state)
        game_again, state_again = pyspiel.deserialize_game_and_state(text)
        assert str(game_again) == str(game)
        assert game_again.terms.offers == game.terms.offers
        assert str(state_again) == str(state)
        assert state_again.history() == state.history()
        assert state_again.returns() == pytest.approx(state.returns(), abs=1e-12)  # OpenSpiel writes 15 decimals


@given(scenarios(), rules(), picks)
def test_a_clone_goes_its_own_way(case, rule, numbers):
    state = play(load_variant(case, rule), numbers)[-1]
    before = str(state), state.history(), state.returns()
    clone = state.clone()
    assert (str(clone), clone.history(), clone.returns()) == before
    if not clone.is_terminal():
        clone.apply_action(clone.legal_actions()[-1])
    assert (str(state), state.history(), state.returns()) == before


# --- declared bounds ---


@given(scenarios(), rules(), st.booleans(), picks)
def test_play_stays_within_what_is_declared(case, rule, plain, numbers):
    game = load_variant(case, rule, plain=plain)
    for state in play(game, numbers):
        assert state.index == len(state.history()) <= game.max_game_length()
        assert all(game.min_utility() <= utility <= game.max_utility() for utility in state.returns())
        assert all(0 <= action < game.num_distinct_actions() for action in state.legal_actions())


@given(scenarios(), rules(), st.booleans())
def test_every_declared_bound_is_reached(case, rule, plain):
    game = load_variant(case, Rules(rule.tolerance, rule.max_messages, rule.discount, 1, rule.deal_value), plain=plain)
    for target, utilities in ((case.creditor_target, [1, 0]), (case.debtor_target, [0, 1])):
        state = act(game.new_initial_state(), f"offer {target}", "accept")
        assert state.returns() == utilities == [game.max_utility() * u for u in utilities]
    assert act(game.new_initial_state(), "walk").returns() == [game.min_utility()] * 2
    assert game.new_initial_state().legal_actions()[-1] == game.num_distinct_actions() - 1


def test_talks_last_as_long_as_declared_and_no_longer():
    game = load_variant(DEBT, Rules())
    state = game.new_initial_state()
    while not state.is_terminal():
        act(state, "forfeit")
    assert state.index == game.max_game_length() == 31
    assert state.ending == "timeout"
    with pytest.raises(IllegalMove, match="not legal now"):
        state.apply_action(1)


def test_an_offer_in_the_last_message_can_still_meet_a_standing_one():
    state = load_variant(DEBT, Rules(max_messages=2)).new_initial_state()
    assert act(state, "offer 60", "offer 65").ending == "deal"


@given(scenarios(), rules(), st.booleans())
def test_actions_and_moves_are_the_same_things(case, rule, plain):
    terms = load_variant(case, rule, plain=plain).terms
    made = [terms.move(action) for action in range(terms.num_actions)]
    assert [terms.action(move) for move in made] == list(range(terms.num_actions))
    assert made[:2] == [ACCEPT, WALK]
    assert (FORFEIT in made) == any(move.firm for move in made) == (not plain)


@given(scenarios(), rules(), st.booleans(), picks, st.integers(-3, 200))
def test_what_a_state_allows_is_what_it_lists(case, rule, plain, numbers, action):
    for state in play(load_variant(case, rule, plain=plain), numbers):
        assert state.allows(action) == (action in state.legal_actions())


def test_an_illegal_action_leaves_the_state_as_it_was():
    state = act(load_variant(DEBT, Rules()).new_initial_state(), "offer 30")
    for action in (-2, 10**6):  # -1 is OpenSpiel's own word for no action
        with pytest.raises(IllegalMove):
            state.apply_action(action)
    assert state.history() == [32]
    assert state.index == 1


# --- strings and tensors ---


@given(scenarios(), rules(), st.tuples(picks, picks))
def test_information_states_tell_histories_apart(case, rule, both):
    ends = [play(load_variant(case, rule), numbers)[-1] for numbers in both]
    same = ends[0].history() == ends[1].history()
    for player in (0, 1):
        assert same == (ends[0].information_state_string(player) == ends[1].information_state_string(player))
        assert same == np.array_equal(*(end.information_state_tensor(player) for end in ends))


@given(scenarios(), rules(), st.tuples(picks, picks), st.integers(0, 200))
def test_states_with_the_same_words_have_the_same_future(case, rule, both, action):
    one, two = (play(load_variant(case, rule), numbers)[-1] for numbers in both)
    if str(one) == str(two) and one.allows(action):
        assert str(one.child(action)) == str(two.child(action))
        assert one.observation_string(0) == two.observation_string(1)
        assert one.observation_tensor(0) == two.observation_tensor(0)


def test_the_observation_shows_the_table():
    state = act(load_variant(DEBT, Rules()).new_initial_state(), "offer 0", "firm offer 365")
    assert state.observation_string(0) == (
        "creditor to make message 3 of 31; creditor 0 (message 1), debtor 365 (message 2)"
    )
    assert state.observation_tensor(1) == pytest.approx([0, 1, 1, 0, 0, 0, 2 / 31, 1, 0, 0, 1, 1, 1 / 31])
    messages = np.reshape(state.information_state_tensor(0)[6:], (31, 6))
    assert messages[:3].tolist() == [[0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 1], [0] * 6]


def test_observer_parameters_are_refused():
    with pytest.raises(ConfigError, match="has none"):
        load_variant(DEBT, Rules()).make_py_observer(None, {"colour": 1})


# --- what the game cannot hold is refused before OpenSpiel sees it ---


def test_the_largest_scenario_can_be_played():
    state = load_variant(Scenario("large", "debt", 10**6, 0), Rules()).new_initial_state()
    state.apply_action(state.terms.action(FORFEIT))
    assert state.allows(state.terms.action(offer(10**6, firm=True)))


@pytest.mark.parametrize("field", ["tolerance", "max_messages", "grid"])
def test_rules_of_the_wrong_type_are_refused(field):
    with pytest.raises(ConfigError, match=f"{field} 2.5 is not a whole number"):
        load_variant(DEBT, Rules(**{field: 2.5}))


def test_huge_rules_mean_what_they_say():
    state = load_variant(DEBT, Rules(tolerance=10**15, grid=10**15)).new_initial_state()
    assert list(state.terms.offers) == [0]
    assert load_variant(DEBT, Rules(discount=1)).terms.rules.discount == 1  # an integer here, a double in OpenSpiel


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"creditor_target": 120}, "both targets are 120"),
        ({"low": 31}, "do not hold both targets"),
        ({"grid": 0}, "grid 0 is below 1"),
        ({"deal_value": "first"}, "neither 'midpoint' nor 'last'"),
    ],
)
def test_bad_parameters_are_refused_in_words(parameters, words):
    with pytest.raises(PoiseError, match=words):
        pyspiel.load_game(bargaining.SHORT_NAME, parameters)


def test_games_are_kept_by_their_parameters():
    assert load_variant(DEBT, Rules()) is load_variant(Scenario("other", "debt", 30, 120), Rules())
    assert load_variant(DEBT, Rules()) is not load_variant(DEBT, Rules(), plain=True)


def test_plain_games_have_no_such_moves():
    terms = load_variant(DEBT, Rules(), plain=True).terms
    assert terms.action(FORFEIT) is None
    assert terms.action(offer(60, firm=True)) is None
    assert terms.action(Move("bribe")) is None


# --- the golden play-through: POISE_GOLDEN=write pytest tests/games/test_bargaining.py writes it anew ---

TALKS = {
    "debt, an acceptance": (
        load_variant(DEBT, Rules(max_messages=8, discount=0.95, grid=5)),
        ("offer 40", "offer 150", "forfeit", "firm offer 100", "offer 70", "accept"),
    ),
    "debt, two offers meet after a firm one did not": (
        load_variant(DEBT, Rules(grid=5)),
        ("offer 70", "firm offer 75", "offer 70"),
    ),
    "medical, the creditor wants more; the last offer counts": (
        load_variant(MEDICAL, Rules(tolerance=10, max_messages=6, grid=10, deal_value="last")),
        ("offer 60", "offer 20", "offer 50", "offer 40"),
    ),
    "medical, somebody walks": (load_variant(MEDICAL, Rules(grid=10)), ("offer 60", "walk")),
    "no firm offers, no forfeits, and no deal": (
        load_variant(MEDICAL, Rules(tolerance=0, max_messages=3, grid=20), plain=True),
        ("offer 60", "offer 20", "offer 60"),
    ),
}


def playthrough():
    lines = []
    for title, (game, words) in TALKS.items():
        lines += [f"# {title}", str(game), f"actions: {game.num_distinct_actions()}", ""]
        state = game.new_initial_state()
        for word in words:
            legal = [state.action_to_string(action) for action in state.legal_actions()]
            lines += [str(state), f"  legal: {legal[0]}, {legal[1]}, {legal[2]} ... {legal[-1]} ({len(legal)})"]
            lines += [f"  {word}"]
            act(state, word)
        lines += [str(state), "", ""]
    return "\n".join(lines).rstrip() + "\n"


def test_the_golden_playthrough():
    if os.environ.get("POISE_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(playthrough(), encoding="utf-8")
    assert playthrough() == GOLDEN.read_text(encoding="utf-8")
