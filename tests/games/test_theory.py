"""The game against bargaining theory, and OpenSpiel's algorithms on it."""

import pyspiel
import pytest
from helpers.game_strategies import rules, scenarios
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.common.errors import BadInput
from poise.games.openspiel.pyspiel import algorithm
from poise.games.openspiel.theory import cfr, endless_share, finite_share, lattice_error, nash_bargain, nash_conv, solve
from poise.games.openspiel.variants import load_variant
from poise.games.rules import Rules
from poise.games.scenario import Scenario

UP = Scenario("up", "debt", 0, 16, bounds=(0, 16))
DOWN = Scenario("down", "medical", 16, 0, bounds=(0, 16))
SMALL = Scenario("small", "debt", 0, 2, bounds=(0, 2))


def alternating(case, discount, messages):
    """The start of alternating offers with discounting over the integers of `case`."""
    rule = Rules(tolerance=0, max_messages=messages, discount=discount)
    return load_variant(case, rule, plain=True).new_initial_state()


def uniform(state):
    legal = state.legal_actions()
    return dict.fromkeys(legal, 1 / len(legal))


# --- closed forms ---


@given(st.floats(0.01, 1), st.integers(2, 40))
def test_the_finite_share_obeys_stahls_recursion(discount, proposals):
    # Stahl 1972: the responder must be given what it would get as the next proposer, one period later.
    assert finite_share(discount, 1) == pytest.approx(1)
    assert finite_share(discount, proposals) == pytest.approx(1 - discount * finite_share(discount, proposals - 1))


@given(st.floats(0.01, 0.99), st.integers(1, 200))
def test_the_finite_share_tends_to_rubinsteins(discount, proposals):
    # Rubinstein 1982, section 3: 1 / (1 + d) for equal discount factors. The distance is d^n / (1 + d).
    distance = abs(finite_share(discount, proposals) - endless_share(discount))
    assert distance == pytest.approx(discount**proposals / (1 + discount), abs=1e-12)


def test_patient_players_end_at_nashs_bargain():
    # Binmore, Rubinstein & Wolinsky 1986 (RAND J. Econ. 17:176-188): the shares tend to Nash's as d tends to 1.
    assert nash_bargain(30, 120) == 75
    assert 120 - endless_share(1 - 1e-9) * (120 - 30) == pytest.approx(nash_bargain(30, 120), abs=1e-6)


@given(scenarios(), st.floats(0, 0.5), st.floats(0, 0.5))
def test_nashs_bargain_has_the_greatest_product_of_gains(case, creditor, debtor):
    def product(value):
        share = (case.debtor_target - value) / (case.debtor_target - case.creditor_target)
        return (share - creditor) * (1 - share - debtor)

    best = nash_bargain(case.creditor_target, case.debtor_target, (creditor, debtor))
    low, high = sorted((case.creditor_target, case.debtor_target))
    assert low <= best <= high
    assert all(product(best) >= product(low + k * (high - low) / 50) - 1e-12 for k in range(51))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: finite_share(0, 3), "discount 0 is outside"),
        (lambda: finite_share(0.5, 0), "0 proposals"),
        (lambda: endless_share(1), "settles nothing"),
        (lambda: nash_bargain(0, 1, (0.6, 0.5)), "leave nothing to gain"),
    ],
)
def test_the_impossible_is_refused(call, words):
    with pytest.raises(BadInput, match=words):
        call()


# --- the game against the closed forms ---


@pytest.mark.parametrize("case", [UP, DOWN], ids=["debtor wants more", "creditor wants more"])
@pytest.mark.parametrize("messages", [2, 3, 4, 5, 6])
def test_backward_induction_gives_stahls_share_exactly_where_the_lattice_holds_it(case, messages):
    # With d = 1/2 the shares of up to 5 proposals are multiples of 1/16, the lattice's step. An offer in the last
    # message cannot be answered, so n = messages - 1. Stahl 1972; Rubinstein 1982.
    start = alternating(case, 0.5, messages)
    solution = solve(start)
    share = finite_share(0.5, messages - 1)
    assert solution.values == (share, 1 - share)
    opening = case.debtor_target - share * (case.debtor_target - case.creditor_target)
    assert solution.line == (start.string_to_action(f"offer {opening:.0f}"), 0)  # agreed at once, as in both papers


@pytest.mark.parametrize("case", [UP, DOWN], ids=["debtor wants more", "creditor wants more"])
@pytest.mark.parametrize("discount", [0.3, 0.8, 0.95])
@pytest.mark.parametrize("messages", [3, 4, 5])
def test_backward_induction_gives_stahls_share_within_the_lattices_error(case, discount, messages):
    creditor, debtor = solve(alternating(case, discount, messages)).values
    error = lattice_error(discount, messages - 1, 1 / 16)
    assert 0 < error < 0.2
    assert creditor == pytest.approx(finite_share(discount, messages - 1), abs=error)
    assert creditor + debtor <= 1 + 1e-12  # less where a proposer waits because a step is more than the wait costs


@pytest.mark.parametrize("messages", [3, 4])
def test_without_discounting_the_last_proposer_takes_it_all(messages):
    assert solve(alternating(UP, 1.0, messages)).values == ((1, 0) if messages % 2 == 0 else (0, 1))


def test_long_talks_come_near_rubinsteins_share():
    values = solve(alternating(UP, 0.5, 11)).values
    assert finite_share(0.5, 10) == pytest.approx(endless_share(0.5), abs=0.001)
    assert values[0] == pytest.approx(2 / 3, abs=lattice_error(0.5, 10, 1 / 16) + 0.001)
    assert abs(values[0] - 2 / 3) < 1 / 16  # in fact within one step


@given(st.floats(0.05, 1), st.integers(1, 12), st.integers(1, 40))
def test_the_lattices_error_bounds_the_recursion_on_the_lattice(discount, proposals, steps):
    # Independent of the game: w_n = 1 - (d w_(n-1) rounded up to the lattice), the worst a lattice does to a proposer.
    worst = 1.0
    for _ in range(proposals - 1):
        worst = 1 - -(-discount * worst * steps // 1) / steps
    assert abs(worst - finite_share(discount, proposals)) <= lattice_error(discount, proposals, 1 / steps) + 1e-9


# --- equilibria and best responses, by OpenSpiel's own algorithms ---

GAMES = [
    load_variant(SMALL, Rules(tolerance=0, max_messages=3, discount=0.5), plain=True),
    load_variant(SMALL, Rules(tolerance=1, max_messages=3, discount=0.5)),
    load_variant(Scenario("down", "medical", 2, 0, bounds=(0, 2)), Rules(tolerance=0, max_messages=4), plain=True),
]


@pytest.mark.parametrize("game", GAMES, ids=str)
def test_backward_induction_is_an_equilibrium_to_openspiel(game):
    # A subgame-perfect equilibrium is a Nash equilibrium (Selten 1965), so nobody gains by deviating.
    assert nash_conv(game, solve(game.new_initial_state()).strategy) == pytest.approx(0, abs=1e-12)
    assert nash_conv(game, uniform) > 0.1


@pytest.mark.parametrize("game", GAMES, ids=str)
@pytest.mark.parametrize("player", [0, 1])
def test_best_responses_agree_with_openspiel(game, player):
    start = game.new_initial_state()
    mine = solve(start, given={1 - player: uniform}).values[player]
    policy = algorithm("policy").UniformRandomPolicy(game)
    theirs = algorithm("algorithms.best_response").BestResponsePolicy(game, player, policy).value(start)
    assert mine == pytest.approx(theirs)


def test_openspiels_compiled_algorithms_run_on_the_game():
    game = GAMES[0]
    assert pyspiel.nash_conv(game, pyspiel.UniformRandomPolicy(game)) == pytest.approx(nash_conv(game, uniform))
    solver = pyspiel.CFRSolver(game)
    for _ in range(30):
        solver.evaluate_and_update_policy()
    assert pyspiel.nash_conv(game, solver.average_policy()) < 0.1


def test_regret_minimisation_comes_to_the_subgame_perfect_value():
    game = GAMES[0]
    few, many = cfr(game, 5), cfr(game, 100)
    assert nash_conv(game, many) < nash_conv(game, few) < nash_conv(game, uniform)
    start = game.new_initial_state()
    values = solve(start, given={0: many, 1: many}, key=lambda state: state.history_str()).values
    assert values == pytest.approx(solve(start).values, abs=0.02)


# --- the solver itself ---


@settings(max_examples=15)
@given(scenarios(most=7), rules(), st.booleans())
def test_solving_by_position_equals_solving_by_history(case, rule, plain):
    # The words of a state are enough: nothing of the history beyond them matters. Three messages keep trees small.
    start = load_variant(
        case, Rules(rule.tolerance, 3, rule.discount, 2, rule.deal_value), plain=plain
    ).new_initial_state()
    assert solve(start).values == pytest.approx(solve(start, key=lambda state: state.history_str()).values)


@settings(max_examples=25)
@given(scenarios(most=9), rules())
def test_following_the_solutions_line_gives_its_values(case, rule):
    state = load_variant(case, Rules(rule.tolerance, 4, rule.discount, 3, rule.deal_value)).new_initial_state()
    solution = solve(state)
    for action in solution.line:
        assert solution.strategy(state) == {action: 1.0}
        state.apply_action(action)
    assert state.is_terminal()
    assert tuple(state.returns()) == solution.values


def test_the_line_stops_where_a_given_strategy_mixes():
    start = alternating(SMALL, 0.5, 3)
    assert len(solve(start, given={1: uniform}).line) == 1
    assert solve(start, given={0: uniform}).line == ()
