"""Tabular Q-learning: it finds the values of small problems, and sees of the talks what it should."""

import json
import math
from collections import Counter
from itertools import pairwise

import pytest
from helpers.emotion_strategies import BRIEF, DICE, EVEN, a_view, heard_view, one_hot, series, talk, views
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.emotions.tracker import Tracker
from poise.agents.policies.game_theory import any_best_reply
from poise.agents.policies.learned.q_table import QTable, Transition
from poise.agents.policies.q_learning import GREEDY, STATES, QLearning, QSettings, q_state, q_transitions
from poise.agents.policies.situations import EARLY, LATE, MIDDLE, Situation, choices, now
from poise.agents.protocols import Brief, Line, View
from poise.common.errors import BadInput
from poise.common.seeds import Dice
from poise.games.moves import FORFEIT, offer
from poise.games.rules import Rules
from poise.games.transcript import Reading

# --- the table


def play(table, dice, steps):
    """Episodes of a small problem, explored at random: state 0, then 1, then the end."""
    for _ in range(steps):
        first = dice.pick([0, 1])
        if first == 1:
            table.learn([Transition(0, 1, 0.3, None)])
            continue
        second = dice.pick([0, 1])
        table.learn([Transition(0, 0, 0.0, 1), Transition(1, second, float(second == 0), None)])
    return table


def test_values_of_a_small_problem():
    """From 0 one may take 0.3 or go on to 1, where 1 or nothing is to be had, so Q(0, on) = gamma (Bellman)."""
    table = play(QTable(2), Dice(1), 400)
    assert table.row(1) == [1.0, 0.0]
    assert table.row(0) == pytest.approx([0.9, 0.3], abs=1e-4)


def test_rewards_by_chance_are_averaged():
    """Arms that pay 1 with probability 0.2 and 0.8; after n = 5,000 pulls each the mean is known within 4 errors."""
    table, dice = QTable(2), Dice(2)
    for _ in range(5000):
        for arm, chance in enumerate((0.2, 0.8)):
            table.learn([Transition(0, arm, float(dice.unit() < chance), None)])
    for value, chance in zip(table.row(0), (0.2, 0.8), strict=True):
        # alpha / (1 + n / 100) tends to 10 / n: the last tenth or so of the pulls counts, hence the factor.
        assert abs(value - chance) < 4 * math.sqrt(10 * chance * (1 - chance) / 5000)


def test_the_rates_meet_the_conditions_of_convergence():
    """The sum of the rates grows without end, that of their squares does not (Watkins & Dayan 1992)."""
    table = QTable(1)
    rates = [table.rate(n) for n in range(1, 40_001)]
    assert rates[:3] == [1.0, 1 / 2, 1 / 3]
    assert all(later <= sooner for sooner, later in pairwise(rates))
    halves = [(sum(rates[:n]), sum(rate**2 for rate in rates[:n])) for n in (10_000, 20_000, 40_000)]
    for (sooner, square), (later, squares) in pairwise(halves):
        assert later - sooner > 6.5  # 10 ln 2 for each doubling
        assert squares - square < 0.02


def test_a_result_reaches_the_beginning_at_once():
    table = QTable(1)
    table.learn([Transition(0, 0, 0.0, 1), Transition(1, 0, 0.0, 2), Transition(2, 0, 1.0, None)])
    assert [table.row(state)[0] for state in range(3)] == pytest.approx([0.81, 0.9, 1.0])


# --- what it sees


@given(view=views)
def test_what_is_seen_when_choosing_is_what_is_learned_from(view):
    """The situation before each message is the one that the finished talks show for it."""
    made = choices(view)
    assert len(made) == len(view.shown)
    for number, choice in enumerate(made):
        before = View(view.brief, view.lines[: 2 * number], view.readings[:number], view.shown[:number])
        assert now(before) == choice.situation
    if made:
        assert now(view).own == made[-1].shown


def test_phases_and_gaps_of_the_paper():
    assert [Situation(0, 0, n, False).phase for n in (1, 3, 4, 8, 9, 16)] == [EARLY, EARLY, MIDDLE, MIDDLE, LATE, LATE]
    year = Brief("creditor", 10, "debt", "days", 1, (0, 365), {}, Rules())

    def gap(*moves):
        lines = tuple(Line("debtor" if place % 2 else "creditor", "", move) for place, move in enumerate(moves))
        return now(View(year, lines, (Reading(one_hot("joy"), "joy", EVEN),), ("joy",))).large_gap

    assert gap(offer(20))
    assert not gap(offer(20), offer(40))
    assert gap(offer(20), offer(41))
    assert gap(offer(20), FORFEIT)
    assert not gap(offer(20), offer(40), FORFEIT)


@given(own=st.integers(0, 6), message=st.integers(1, 16), large=st.booleans())
def test_states_are_numbered_without_gap_or_overlap(own, message, large):
    assert 0 <= q_state(Situation(own, 6, message, large)) < STATES
    every = {q_state(Situation(own, h, n, g)) for h in range(7) for n in (1, 4, 9) for g in (False, True)}
    assert every == set(range(STATES))


def test_only_the_last_step_is_rewarded():
    steps = q_transitions(heard_view(("joy", "anger"), ("fear", "joy")), 0.7)
    assert [step.reward for step in steps] == [0.0, 0.7]
    assert [EMOTIONS7[step.action] for step in steps] == ["joy", "anger"]
    assert steps[0].following == steps[1].state
    assert steps[1].following is None


# --- the policy


def test_an_empty_table_guesses_and_ties_are_broken_evenly():
    counts = Counter(QLearning(GREEDY).choose(View(BRIEF), Dice(3, str(number))) for number in range(2100))
    assert set(counts) == set(EMOTIONS7)
    assert max(abs(count - 300) for count in counts.values()) < 4 * math.sqrt(300)
    assert any_best_reply([1.0, 3.0, 2.0], DICE) == 1


def test_exploration_follows_its_schedule():
    usual = QSettings()
    assert usual.exploration(0) == 0.3
    assert usual.exploration(100) == pytest.approx(0.3 * 0.995**100)
    assert usual.exploration(1000) == 0.1


@pytest.mark.parametrize("wanted", ["joy", "sadness"])
def test_it_learns_what_pays_against_a_simple_debtor(wanted):
    """Talks end well as far as `wanted` was shown in them; after 400 of them it shows it."""
    policy = QLearning()
    policy.tracker = Tracker()
    for number in range(400):
        view, _ = talk(policy, [one_hot("neutral")] * 3, number)
        share = view.shown.count(wanted) / len(view.shown)
        policy.learn(view, share, share > 0)
    trained = QLearning(GREEDY)
    trained.restore(json.loads(json.dumps(policy.memory())))
    shown = [
        trained.choose(a_view(("joy",) * n, [Reading(one_hot("neutral"), "neutral", EVEN)] * n), DICE)
        for n in (0, 1, 2)
    ]
    assert shown == [wanted] * 3


@given(past=series, seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_memory_through_json_is_the_whole_of_it(past, seed):
    one, two = QLearning(), QLearning()
    one.tracker = Tracker()
    for number, (evidence, utility, deal) in enumerate(past):
        one.learn(talk(one, evidence, number)[0], utility, deal)
    two.restore(json.loads(json.dumps(one.memory())))
    assert one.memory() == two.memory()
    view = heard_view(("joy",), ("anger",))
    assert one.choose(view, Dice(seed)) == two.choose(view, Dice(seed))


@pytest.mark.parametrize(
    "memory",
    [
        {},
        {"talks": -1, "table": {}},
        {"talks": 1, "table": {"0": [[1.0] * 6, [1] * 6]}},
        {"talks": 1, "table": {"42": [[1.0] * 7, [1] * 7]}},
        {"talks": 1, "table": {"0": [[math.nan] * 7, [1] * 7]}},
        {"talks": 1, "table": {"0": 3}},
        {"talks": 1, "table": [1]},
    ],
)
def test_foreign_memory_is_refused(memory):
    with pytest.raises(BadInput):
        QLearning().restore(memory)
