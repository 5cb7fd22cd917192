"""OpenSpiel's players on the offers: legal, never worse for what they know, and right where theory tells."""

from itertools import pairwise

import pytest
from helpers.wordless import DICE, Says, bargain, seat_view
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.concessions import TimeDependent, named_concession, opening, position
from poise.agents.game_players import GAME_PLAYERS, game_player
from poise.agents.game_players.average_policy import AveragePolicy, average_policy, continued
from poise.agents.game_players.best_response import HABITS, BestResponse, believed
from poise.agents.game_players.lattice import Spot, lattice_state, placed_value, spot
from poise.agents.game_players.tree_search import TreeSearch
from poise.agents.policies.vanilla import Vanilla
from poise.agents.registry import find_agent
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.games.moves import ACCEPT, SEATS, offer
from poise.games.openspiel.theory import cfr, finite_share, nash_conv, solve
from poise.games.rules import Rules
from poise.games.scenario import Scenario

PLAYERS = [BestResponse(steps=6), TreeSearch(simulations=8), AveragePolicy(iterations=20)]
FOES = ["boulware", "linear", "conceder", "tit-for-tat"]


@st.composite
def cases(draw):
    """Scenarios of both polarities, at least 15 apart."""
    low, gap = draw(st.integers(5, 60)), draw(st.integers(15, 120))
    targets = (low, low + gap) if draw(st.booleans()) else (low + gap, low)
    return Scenario("drawn", "debt", *targets)


# --- what holds for all


@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: type(player).__name__)
@given(scenario=cases(), foe=st.sampled_from(FOES), seat=st.sampled_from(SEATS))
@settings(max_examples=8)
def test_in_either_seat_its_moves_are_legal_and_it_takes_nothing_back(player, scenario, foe, seat):
    pair = (player, named_concession(foe)) if seat == "creditor" else (named_concession(foe), player)
    outcome, moves = bargain(scenario, *pair)  # every move passes the referee
    assert outcome.ending in ("deal", "timeout")
    own = [move.value for move in moves[SEATS.index(seat) :: 2] if move.value is not None]
    ahead = scenario.polarity if seat == "creditor" else -scenario.polarity
    assert all(ahead * (later - sooner) >= 0 for sooner, later in pairwise(own))
    assert scenario.target(seat) not in own


@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: type(player).__name__)
def test_it_opens_beside_its_target_and_takes_what_is_better(player):
    scenario = Scenario("case", "debt", 12, 112)
    assert player.decide(seat_view(scenario, "creditor", []), DICE) == offer(13)
    assert player.decide(seat_view(scenario, "creditor", [offer(13), offer(10)]), DICE) == ACCEPT
    outcome, _ = bargain(scenario, player, Says(100))
    assert (outcome.ending, outcome.value) == ("deal", 100)  # in the last message at the latest


@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: type(player).__name__)
def test_the_same_dice_make_the_same_move(player):
    view = seat_view(Scenario("case", "debt", 12, 112), "creditor", [offer(13), offer(111), offer(13), offer(80)])
    assert player.decide(view, Dice(5)) == player.decide(view, Dice(5))


@given(scenario=cases(), seat=st.sampled_from(SEATS), share=st.floats(0, 1))
def test_places_on_the_lattice_are_rounded_in_the_seat_s_disfavour(scenario, seat, share):
    """The first offers are the lattice's ends; what lies between comes to stand at most one step further."""
    view = seat_view(scenario, "creditor", [])
    mine = opening(view.brief)
    theirs = opening(seat_view(scenario, "debtor", []).brief)
    between = mine + round(share * (theirs - mine))
    moves = [offer(mine), offer(theirs), offer(mine), offer(between)]
    at = position(seat_view(scenario, "creditor", moves))
    here = spot(seat_view(scenario, "creditor", moves), at, 10)
    assert here.mine == (0, 2)
    exact = 10 * abs(between - mine) / abs(theirs - mine)
    assert exact - 1e-6 <= here.theirs[0] < exact + 1
    assert placed_value(seat, placed_value(seat, here.theirs[0], 10), 10) == here.theirs[0]


def test_names_and_arguments():
    for name in GAME_PLAYERS:
        agent = find_agent(name, "creditor")
        assert isinstance(agent.make_policy(), Vanilla)
        assert agent.make_concession() == game_player(name)
    assert find_agent("mcts:50", "creditor").make_concession() == TreeSearch(simulations=50)
    for wrong in ("cfr:3", "best-response:x", "mcts:many", "mcts:1", "mcts:20000"):
        with pytest.raises(AgentError, match="say"):
            find_agent(wrong, "creditor")


# --- best response


@pytest.mark.parametrize("habit", HABITS, ids=str)
def test_against_a_habit_it_gets_all_that_the_habit_gives(habit):
    """Without a discount the best response to a clock is to wait: it gets the whole reach, but for rounding."""
    scenario = Scenario("case", "debt", 12, 113)
    debtor = TimeDependent(habit.beta, habit.reach)
    outcome, _ = bargain(scenario, BestResponse(), debtor)
    assert outcome.utilities[0] >= habit.reach - 0.03
    for rival in FOES:
        assert outcome.utilities[0] >= bargain(scenario, named_concession(rival), debtor)[0].utilities[0] - 0.03


@pytest.mark.parametrize("discount", [0.99, 0.95, 0.9])
def test_with_a_discount_it_stops_waiting_at_the_best_time(discount):
    """Accepting the linear debtor's turn t is worth discount^(2t+1) reach F(t); the best t is found by enumeration."""
    rules, habit = Rules(discount=discount), HABITS[0]
    schedule = [habit.reach * TimeDependent(habit.beta, habit.reach).fraction(turn / 14) for turn in range(15)]
    best = max(discount ** (2 * turn + 1) * share for turn, share in enumerate(schedule))
    scenario = Scenario("case", "debt", 12, 213, bounds=(0, 365))
    outcome, _ = bargain(scenario, BestResponse(), TimeDependent(habit.beta, habit.reach), rules)
    assert outcome.utilities[0] == pytest.approx(best, abs=0.02)


@given(st.sampled_from(HABITS), st.integers(1, 15))
def test_it_believes_the_habit_it_sees(habit, seen):
    rules, clock = Rules(), TimeDependent(habit.beta, habit.reach)
    offers = tuple(1 - habit.reach * clock.fraction(turn / 14) for turn in range(seen))
    found = believed(offers, rules, "debtor")
    shown = [1 - found.reach * TimeDependent(found.beta, found.reach).fraction(turn / 14) for turn in range(seen)]
    assert shown == pytest.approx(offers)
    if seen > 3:
        assert found == habit


def test_before_anything_is_seen_the_usual_is_believed():
    assert believed((1.0,), Rules(), "debtor") == HABITS[0]


# --- tree search


@pytest.mark.parametrize("steps", [2, 4])
def test_whoever_makes_the_last_offer_asks_for_all_but_what_breaks_the_tie(steps):
    """Message 30 of 31 is the debtor's, and the creditor can only take it or leave it: v_1 = 1 (Stahl 1972).

    Left with nothing either way the creditor may as well refuse, so one step is given away.
    """
    state = lattice_state(steps, Rules(), "debtor", Spot(29, (0, 27), (steps, 28)))
    assert solve(state).values == pytest.approx((1 - finite_share(1.0, 1), 1.0))
    scenario = Scenario("case", "debt", 12, 112)
    moves = [offer(13), offer(111)] * 14 + [offer(14)]
    found = TreeSearch(steps, simulations=200).decide(seat_view(scenario, "debtor", moves), Dice(1))
    assert found.value in (111, 111 - 98 // steps)


def test_a_good_offer_late_is_taken():
    scenario = Scenario("case", "debt", 12, 112)
    moves = [offer(13), offer(111)] * 13 + [offer(13), offer(30)]
    assert TreeSearch(simulations=200).decide(seat_view(scenario, "creditor", moves), Dice(1)) == ACCEPT


# --- the average policy


SMALL = Rules(max_messages=5, discount=0.5)


def test_the_average_policy_is_nearly_an_equilibrium():
    """Average regret falls (Zinkevich et al. 2007, theorem 2); after 100 iterations nobody gains a hundredth."""
    game = continued(2, SMALL, "creditor", 0, 2)
    gains = [nash_conv(game, cfr(game, iterations)) for iterations in (5, 100)]
    assert gains[1] < 0.01 < gains[0]


@pytest.mark.parametrize(("seat", "mine"), [("creditor", 0), ("debtor", 0), ("debtor", None)])
def test_it_takes_the_half_and_offers_it(seat, mine):
    """The proposer's share with two proposals left is 1 - d = 1/2 (Stahl 1972); with three it is 3/4, and 1/2 fits."""
    assert finite_share(0.5, 2) == 0.5
    half, everything = (average_policy(2, SMALL, seat, mine, theirs, 100) for theirs in (1, 2))
    assert half[0] > 0.9
    assert everything[3] > 0.9  # action 2 + v offers v, and v = 1 is the half


@given(st.sampled_from(SEATS), st.sampled_from([None, 0, 1, 2]), st.integers(0, 2))
@settings(max_examples=20)
def test_every_position_has_a_mix(seat, mine, theirs):
    if seat == "creditor" and mine is None:  # its opening is made without asking
        return
    mix = average_policy(2, SMALL, seat, mine, theirs, 2)
    assert sum(mix.values()) == pytest.approx(1.0)
    assert min(mix.values()) >= 0.0


@pytest.mark.parametrize("foe", FOES)
def test_against_plain_concessions_it_gets_about_half(foe):
    outcome, _ = bargain(Scenario("case", "debt", 12, 112), AveragePolicy(), named_concession(foe))
    assert 0.4 < outcome.utilities[0] < 0.6
