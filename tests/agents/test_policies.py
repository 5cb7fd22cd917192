"""Policies: what holds for all of them, the baselines, and the game theory they are made of."""

import json
import math
from collections import Counter

import pytest
from helpers.emotion_strategies import BRIEF, DICE, GOLDEN_TIES, heard_view, series, talk, views
from helpers.paths import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.emotions.tables import PAYOFF
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, TO_SEVEN
from poise.agents.policies import policies
from poise.agents.policies.fixed import Fixed
from poise.agents.policies.game_theory import best_reply, win_stay_lose_shift
from poise.agents.policies.random import Random
from poise.agents.policies.vanilla import Vanilla
from poise.agents.protocols import Learner, Policy, View
from poise.common.errors import AgentError, BadInput
from poise.common.seeds import Dice

CONSTANTS = SHARED / "reference" / "constants.json"
NAMES = ["vanilla", "random", "random:7", "fixed:gratitude", "eq-negotiator", "eq-negotiator-faithful"]
LEARNERS = ["eq-negotiator", "eq-negotiator-faithful"]


def named(name):
    base, _, argument = name.partition(":")
    return policies()[base].make(argument)


# --- what holds for all


@pytest.mark.parametrize("name", NAMES)
@given(view=views, seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_a_policy_shows_one_of_the_28_or_nothing_and_the_same_again(name, view, seed):
    policy = named(name)
    assert isinstance(policy, Policy)
    chosen = policy.choose(view, Dice(seed, "feel"))
    assert chosen is None or chosen in EMOTIONS28
    assert policy.choose(view, Dice(seed, "feel")) == chosen
    assert named(name).choose(view, Dice(seed, "feel")) == chosen


def test_who_learns():
    assert [name for name in NAMES if isinstance(named(name), Learner)] == LEARNERS


@pytest.mark.parametrize("name", LEARNERS)
@given(past=series, future=series)
@settings(max_examples=25, deadline=None)
def test_memory_through_json_goes_on_with_the_same_choices_and_beliefs(name, past, future):
    one, two = named(name), named(name)
    for evidence, utility, deal in past:
        one.learn(talk(one, evidence)[0], utility, deal)
    two.restore(json.loads(json.dumps(one.memory())))
    for number, (evidence, utility, deal) in enumerate(future):
        seen = [talk(policy, evidence, number) for policy in (one, two)]
        assert seen[0] == seen[1]
        for policy, (view, _) in zip((one, two), seen, strict=True):
            policy.learn(view, utility, deal)
    assert one.memory() == two.memory()


@pytest.mark.parametrize("name", LEARNERS)
@given(past=series)
@settings(max_examples=25, deadline=None)
def test_what_is_learned_stays_valid(name, past):
    policy = named(name)
    for evidence, utility, deal in past:
        policy.learn(talk(policy, evidence)[0], utility, deal)
    now = policy.tracker.parameters
    for row in (now.initial, *now.transition, *now.mirror, *now.character):
        assert sum(row) == pytest.approx(1.0)
        assert min(row) > 0.0
    payoff = policy.memory()["payoff"]
    assert [len(row) for row in payoff] == [7] * 7
    assert all(math.isfinite(value) for row in payoff for value in row)
    if name == "eq-negotiator":
        assert all(0.0 <= value <= 4.0 for row in payoff for value in row)


@pytest.mark.parametrize("name", LEARNERS)
def test_learning_from_talks_that_ended_at_once_is_harmless(name):
    policy = named(name)
    policy.learn(View(BRIEF), 0.0, False)
    policy.learn(heard_view(("joy",), ()), 0.0, False)
    assert policy.choose(View(BRIEF), DICE) in EMOTIONS7


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("memory", [{}, {"payoff": 3}, {"payoff": [[1.0] * 7] * 7, "mean": math.nan, "opening": "joy"}])
def test_foreign_memory_is_refused(name, memory):
    with pytest.raises(BadInput):
        named(name).restore(memory)


def test_every_label_of_the_28_counts_as_its_one_of_the_seven_when_shown_by_another_hand():
    for label in EMOTIONS28:
        for name in LEARNERS:
            views_of = [heard_view((shown,), ("anger",)) for shown in (label, TO_SEVEN[label])]
            assert len({named(name).choose(view, DICE) for view in views_of}) == 1 or TO_SEVEN[label] == label


# --- the baselines


def test_vanilla_gives_no_direction():
    assert Vanilla().choose(View(BRIEF), DICE) is None


@pytest.mark.parametrize(("argument", "emotions"), [("", EMOTIONS28), ("28", EMOTIONS28), ("7", EMOTIONS7)])
def test_random_is_uniform(argument, emotions):
    """Pearson's chi-square over 280 draws an emotion; with these dice it is fixed, and far inside the 0.1 % tail."""
    policy = policies()["random"].make(argument)
    expected = 280
    drawn = Counter(policy.choose(View(BRIEF), DICE.child(i)) for i in range(expected * len(emotions)))
    assert set(drawn) == set(emotions)
    freedom = len(emotions) - 1
    assert sum((count - expected) ** 2 / expected for count in drawn.values()) < freedom + 3.3 * math.sqrt(2 * freedom)


def test_random_over_no_emotion_or_an_unknown_one_is_refused():
    for emotions in ((), ("joy", "rage")):
        with pytest.raises(AgentError, match="name one or more"):
            Random(emotions)


@pytest.mark.parametrize("emotion", EMOTIONS28)
def test_fixed_shows_its_emotion(emotion):
    assert Fixed(emotion).choose(View(BRIEF), DICE) == emotion


@pytest.mark.parametrize(("wrong", "near"), [("gratitud", "gratitude"), ("Joy", "joy"), ("suprise", "surprise")])
def test_a_misspelt_emotion_is_refused_with_the_near_ones(wrong, near):
    with pytest.raises(AgentError, match=f"did you mean .*'?{near}"):
        Fixed(wrong)


@pytest.mark.parametrize("spec", ["fixed:", "fixed:xyz", "random:9", "vanilla:joy", "eq-negotiator:v1"])
def test_a_bad_argument_is_refused_with_the_remedy(spec):
    with pytest.raises(AgentError, match=r"[sS]ay |fixed:EMOTION with"):
        named(spec)


# --- game theory


GOLDEN_REPLIES = ["joy", "sadness", "surprise", "neutral", "surprise", "joy", "joy"]


def test_best_replies_are_the_golden_ones():
    for row, reply, ties in zip(PAYOFF, GOLDEN_REPLIES, GOLDEN_TIES, strict=True):
        assert EMOTIONS7[best_reply(row, range(7))] == reply
        assert {emotion for emotion, value in zip(EMOTIONS7, row, strict=True) if value == max(row)} == ties


@pytest.mark.data
def test_the_golden_replies_are_those_of_the_reference():
    if not CONSTANTS.exists():
        pytest.skip("the reference numbers are not beside this checkout")
    golden = json.loads(CONSTANTS.read_text())["payoff"]["golden_best_replies"]
    assert golden["first_argmax"] == GOLDEN_REPLIES
    assert [set(ties) for ties in golden["with_ties"]] == GOLDEN_TIES
    assert golden["value"] == [max(row) for row in PAYOFF]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=7), st.data())
def test_a_best_reply_is_best_first_and_allowed(payoffs, data):
    allowed = sorted(data.draw(st.sets(st.sampled_from(range(len(payoffs))), min_size=1)))
    reply = best_reply(payoffs, allowed)
    assert reply in allowed
    assert all(
        payoffs[other] < payoffs[reply] or (payoffs[other] == payoffs[reply] and other >= reply) for other in allowed
    )


COOPERATE, DEFECT = 0, 1
DILEMMA = {(COOPERATE, COOPERATE): 3, (COOPERATE, DEFECT): 0, (DEFECT, COOPERATE): 5, (DEFECT, DEFECT): 1}


def pavlov(own, others, aspiration=2.0):
    return win_stay_lose_shift(own, DILEMMA[own, others], aspiration, 1 - own)


@pytest.mark.parametrize("aspiration", [1.01, 2.0, 3.0])
def test_in_the_prisoners_dilemma_win_stay_lose_shift_is_pavlov(aspiration):
    """(p_R, p_S, p_T, p_P) = (1, 0, 0, 1) for any aspiration in (P, R]: Nowak & Sigmund 1993."""
    after = [(COOPERATE, COOPERATE), (COOPERATE, DEFECT), (DEFECT, COOPERATE), (DEFECT, DEFECT)]
    assert [int(pavlov(own, others, aspiration) == COOPERATE) for own, others in after] == [1, 0, 0, 1]


def test_two_pavlovs_make_up_after_one_mistake():
    """CC, a slip to CD, then DD, then CC for good: the error correction of Nowak & Sigmund 1993, figure 1."""
    state, seen = (COOPERATE, DEFECT), []
    for _ in range(4):
        state = (pavlov(*state), pavlov(*reversed(state)))
        seen.append(state)
    assert seen == [(DEFECT, DEFECT), *[(COOPERATE, COOPERATE)] * 3]
