"""Learning of the tracker: expected counts are posteriors, rows stay distributions, unseen talks surprise it less."""

import itertools
import json
import math
import random

import numpy as np
import pytest
from helpers.emotion_strategies import NASTY, one_hot, talks
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.emotions import tables
from poise.agents.emotions.learning import LearningStep, OnlineEM
from poise.agents.emotions.parameters import Parameters
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.emotions.tracker import Evidence, Tracker
from poise.common.errors import BadInput

MODES = ("corrected", "faithful")


def rows_of(parameters):
    return [parameters.initial, *parameters.transition, *parameters.mirror, *parameters.character]


@pytest.mark.parametrize("mode", MODES)
@given(series=st.lists(talks, max_size=4))
@settings(max_examples=30, deadline=None)
def test_learned_rows_stay_distributions_without_zeros(mode, series):
    tracker = Tracker(mode)
    for talk in series:
        tracker.learn(talk)
    for row in rows_of(tracker.parameters):
        assert sum(row) == pytest.approx(1.0, abs=1e-12)
        assert min(row) > 0.0


def test_learning_from_nasty_evidence_keeps_the_tables_whole():
    tracker = Tracker()
    for _ in range(50):
        tracker.learn([Evidence(seven, "anger", "joy", True) for seven in NASTY])
    assert all(sum(row) == pytest.approx(1.0) and min(row) > 0.0 for row in rows_of(tracker.parameters))


@pytest.mark.parametrize("mode", MODES)
@given(series=st.lists(talks, max_size=3), rest=st.lists(talks, max_size=2), probe=talks)
@settings(max_examples=30, deadline=None)
def test_memory_through_json_goes_on_from_the_very_numbers(mode, series, rest, probe):
    one, two = Tracker(mode), Tracker(mode)
    for talk in series:
        one.learn(talk)
    two.restore(json.loads(json.dumps(one.memory())))
    for talk in rest:
        one.learn(talk)
        two.learn(talk)
    assert one.parameters == two.parameters
    assert one.filter(probe) == two.filter(probe)


def test_parameters_are_constant_within_a_negotiation_and_change_when_it_ends():
    tracker = Tracker()
    before = tracker.parameters
    talk = [Evidence(one_hot("anger"), "joy")] * 6
    tracker.filter(talk)
    assert tracker.parameters == before
    tracker.learn(talk)
    assert tracker.parameters != before


def test_expected_counts_of_one_message_are_the_posterior_by_enumeration():
    """P(s0, s1, mirrored or own, d | evidence), summed over all 4 * 4 * 2 * 7 hidden cases of one message."""
    now, seven, cause = Parameters(), (0.05, 0.2, 0.4, 0.1, 0.05, 0.1, 0.1), EMOTIONS7.index("joy")
    moves, mirror, own = np.zeros((4, 4)), np.zeros(7), np.zeros((4, 7))
    for r, s, mirrored, d in itertools.product(range(4), range(4), (True, False), range(7)):
        source = 0.3 * now.mirror[cause][d] if mirrored else 0.7 * now.character[s][d]
        weight = now.initial[r] * now.transition[r][s] * source * seven[d]
        moves[r, s] += weight
        mirror[d] += weight * mirrored
        own[s, d] += weight * (not mirrored)
    learner = OnlineEM(now, decay=1.0)
    learner.learn([LearningStep(now.initial, seven, cause, None)])
    counts = learner.memory()
    assert np.array(counts["transition"]) == pytest.approx(moves / moves.sum())
    assert np.array(counts["mirror"][cause]) == pytest.approx(mirror / moves.sum())
    assert np.array(counts["character"]) == pytest.approx(own / moves.sum())
    assert sum(map(sum, counts["mirror"])) + sum(map(sum, counts["character"])) == pytest.approx(1.0)


def test_counts_are_forgotten_at_the_given_rate():
    learner = OnlineEM(Parameters(), decay=0.9)
    learner.learn([LearningStep(tables.INITIAL, one_hot("anger"), 0, None)])
    before = np.array(learner.memory()["transition"])
    learner.learn([])
    assert before.sum() == pytest.approx(1.0)
    assert np.array(learner.memory()["transition"]) == pytest.approx(0.9 * before)


@pytest.mark.parametrize(("strength", "decay"), [(0.0, 0.9), (10.0, 1.1), (10.0, -0.1)])
def test_an_impossible_learning_rate_is_refused(strength, decay):
    with pytest.raises(BadInput, match="must be above 0"):
        OnlineEM(Parameters(), strength, decay)


def surprise(tracker, talks_heard):
    """Mean of -log P(d_t | d_1 .. d_{t-1}) over hard labels, in nats."""
    total, count = 0.0, 0
    for talk in talks_heard:
        belief, emission = tracker.start(), tracker.parameters.emission
        for item in talk:
            due, cause = tracker.predict(belief), EMOTIONS7.index(item.reacted_to)
            likely = sum(due[s] * sum(map(float.__mul__, emission[s][cause], item.seven)) for s in range(4))
            total, count = total - math.log(likely), count + 1
            belief = tracker.step(belief, item.seven, item.reacted_to)
    return total / count


def drawn_talks(parameters, number, dice):
    """Talks of 12 messages drawn from a model of our own choosing."""
    emission, found = parameters.emission, []
    for _ in range(number):
        state, talk = dice.choices(range(4), parameters.initial)[0], []
        for _ in range(12):
            state = dice.choices(range(4), parameters.transition[state])[0]
            cause = dice.randrange(7)
            heard = dice.choices(EMOTIONS7, emission[state][cause])[0]
            talk.append(Evidence(one_hot(heard), EMOTIONS7[cause]))
        found.append(talk)
    return found


@pytest.mark.parametrize("state", [1, 2])
def test_learning_makes_a_steady_debtor_less_surprising(state):
    """Data from a model that stays in one state: what is learned must predict *unseen* talks of it better."""
    sticky = tuple(tuple(0.94 if s == state else 0.02 for s in range(4)) for _ in range(4))
    truth = Parameters(transition=sticky)
    dice, tracker = random.Random(11), Tracker()
    unseen = drawn_talks(truth, 60, dice)
    before = surprise(tracker, unseen)
    for talk in drawn_talks(truth, 80, dice):
        tracker.learn(talk)
    after, floor = surprise(tracker, unseen), surprise(Tracker(parameters=truth), unseen)
    assert after < before - 0.5 * (before - floor)
    assert tracker.parameters.transition[state][state] > tables.TRANSITION[state][state] + 0.1


def test_released_learning_adds_three_hundredths_to_the_reply_and_normalises():
    tracker = Tracker("faithful")
    tracker.learn([Evidence(one_hot("anger"), "joy", "neutral", True), Evidence(one_hot("anger"), "neutral")])
    row = tracker.parameters.mirror[EMOTIONS7.index("neutral")]
    assert row[2] == pytest.approx((0.1 + 0.03) / 1.03)
    assert row[6] == pytest.approx(0.4 / 1.03)
    assert tracker.memory()["manner"][0][6] == pytest.approx((0.05 + 0.03) / 1.03)


def test_memory_of_another_mode_or_shape_is_refused():
    tracker = Tracker()
    with pytest.raises(BadInput, match="faithful"):
        tracker.restore(Tracker("faithful").memory())
    broken = tracker.memory() | {"transition": [[0.5, 0.5]]}
    with pytest.raises(BadInput, match="'transition' must be 4 rows of 4"):
        tracker.restore(broken)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("initial", (0.5, 0.5, 0.5, 0.5), "sums to 2.0"),
        ("transition", tables.TRANSITION[:3], "4 rows of 4"),
        ("character", ((-0.1, 0.3, 0.2, 0.2, 0.2, 0.1, 0.1),) * 4, "none negative"),
        ("mix", 1.5, "mix 1.5"),
    ],
)
def test_impossible_parameters_are_refused(field, value, says):
    with pytest.raises(BadInput, match=says):
        Parameters(**{field: value})


def test_an_unknown_mode_is_refused():
    with pytest.raises(BadInput, match="'right'"):
        Tracker("right")
