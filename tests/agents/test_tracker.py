"""The tracker's filter: it is right when it agrees with summing over all hidden paths."""

import itertools
import json
import math
import random

import numpy as np
import pytest
from helpers.emotion_strategies import NASTY, distributions, evidences, labels, one_hot, talks
from helpers.paths import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.emotions import tables
from poise.agents.emotions.parameters import PUBLISHED, Parameters
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, TO_SEVEN
from poise.agents.emotions.tracker import Evidence, Tracker, evidence_of
from poise.agents.protocols import Brief, Line, View
from poise.common.errors import BadInput
from poise.games.moves import offer
from poise.games.rules import Rules
from poise.games.transcript import Reading

CONSTANTS = SHARED / "reference" / "constants.json"
MODES = ("corrected", "faithful")
NEUTRAL = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def tables_of(rows, columns):
    return st.lists(distributions(columns), min_size=rows, max_size=rows).map(tuple)


any_parameters = st.builds(
    Parameters, distributions(4), tables_of(4, 4), tables_of(7, 7), tables_of(4, 7), st.floats(0.0, 1.0)
)


# --- the filter


def by_enumeration(tracker, evidence):
    """P(last state | evidence) by summing over every path of hidden states (s_0, s_1, ..., s_T)."""
    now = tracker.parameters
    emission = now.emission if tracker.mode == "corrected" else now.released_likelihood()
    end = [0.0] * 4
    for path in itertools.product(range(4), repeat=len(evidence) + 1):
        weight = now.initial[path[0]]
        for (before, after), item in zip(itertools.pairwise(path), evidence, strict=True):
            cause = EMOTIONS7.index(TO_SEVEN[item.reacted_to or "neutral"])
            seen = sum(p * emission[after][cause][d] for d, p in enumerate(item.seven))
            weight *= now.transition[before][after] * seen
        end[path[-1]] += weight
    return end, sum(end)


@pytest.mark.parametrize("mode", MODES)
@given(talk=talks.filter(bool), parameters=st.one_of(st.just(Parameters()), any_parameters))
@settings(max_examples=40, deadline=None)
def test_the_filter_agrees_with_summing_over_all_hidden_paths(mode, talk, parameters):
    tracker = Tracker(mode, parameters)
    end, total = by_enumeration(tracker, talk)
    if total > 1e-9:  # otherwise these parameters rule the evidence out, and there is no posterior to agree with
        assert tracker.filter(talk)[-1] == pytest.approx([value / total for value in end], abs=1e-9)


@pytest.mark.parametrize("mode", MODES)
@given(talk=st.lists(evidences, max_size=12))
@settings(max_examples=50, deadline=None)
def test_the_filter_agrees_with_a_matrix_filter(mode, talk):
    tracker = Tracker(mode)
    now = tracker.parameters
    emission = np.array(now.emission if mode == "corrected" else now.released_likelihood())
    belief = np.array(now.initial)
    for item, own in zip(talk, tracker.filter(talk), strict=True):
        cause = EMOTIONS7.index(TO_SEVEN[item.reacted_to or "neutral"])
        belief = (belief @ np.array(now.transition)) * (emission[:, cause] @ np.array(item.seven))
        belief /= belief.sum()
        assert own == pytest.approx(belief.tolist(), abs=1e-12)


@pytest.mark.parametrize("mode", MODES)
@given(talk=st.lists(evidences, max_size=12), cut=st.integers(0, 12))
@settings(max_examples=50, deadline=None)
def test_the_filter_never_looks_ahead(mode, talk, cut):
    tracker = Tracker(mode)
    assert tracker.filter(talk)[:cut] == tracker.filter(talk[:cut])


@pytest.mark.parametrize("mode", MODES)
def test_the_belief_stays_normalised_after_ten_thousand_nasty_updates(mode):
    tracker, dice = Tracker(mode), random.Random(5)
    belief = tracker.start()
    for _ in range(10_000):
        belief = tracker.step(belief, dice.choice(NASTY), dice.choice(EMOTIONS7))
        assert all(0.0 < value < 1.0 for value in belief)
    assert sum(belief) == pytest.approx(1.0, abs=1e-12)


@given(seven=distributions(7), cause=labels, scale=st.sampled_from([5e-300, 1e-9, 3.0, 1e300]))
@settings(max_examples=60, deadline=None)
def test_the_scale_of_the_evidence_does_not_matter(seven, cause, scale):
    tracker = Tracker()
    scaled = [value * scale for value in seven]
    assert tracker.step(tracker.start(), scaled, cause) == pytest.approx(tracker.step(tracker.start(), seven, cause))


def test_evidence_that_says_nothing_lets_only_time_pass():
    tracker = Tracker()
    for cause in EMOTIONS7:
        assert tracker.step(tracker.start(), (0.0,) * 7, cause) == tracker.predict(tracker.start())


def test_evidence_that_the_parameters_rule_out_lets_only_time_pass():
    never_angry = tuple(
        tuple(value / 0.5 if i != 2 else 0.0 for i, value in enumerate(row))
        for row in [[0.1, 0.1, 0.5, 0.1, 0.1, 0.05, 0.05]] * 7
    )
    tracker = Tracker(parameters=Parameters(mirror=never_angry, character=never_angry[:4]))
    assert tracker.step(tracker.start(), one_hot("anger"), "joy") == tracker.predict(tracker.start())


@given(seven=distributions(7), cause=labels)
@settings(max_examples=60, deadline=None)
def test_soft_evidence_is_the_mixture_of_certain_labels(seven, cause):
    """bel' = sum_d P(d | evidence) bel'_d, with bel'_d the posterior had d been certain."""
    tracker = Tracker()
    emission = tracker.parameters.emission
    index = EMOTIONS7.index(TO_SEVEN[cause or "neutral"])
    due = tracker.predict(tracker.start())
    shares = [p * sum(due[s] * emission[s][index][d] for s in range(4)) for d, p in enumerate(seven)]
    certain = [tracker.step(tracker.start(), one_hot(emotion), cause) for emotion in EMOTIONS7]
    mixed = [
        sum(share * belief[s] for share, belief in zip(shares, certain, strict=True)) / sum(shares) for s in range(4)
    ]
    assert tracker.step(tracker.start(), seven, cause) == pytest.approx(mixed)


@pytest.mark.parametrize("mode", MODES)
def test_any_of_the_28_stands_for_its_one_of_the_seven_and_none_for_neutral(mode):
    tracker = Tracker(mode)
    seven = (0.1, 0.1, 0.4, 0.1, 0.1, 0.1, 0.1)
    for label in EMOTIONS28:
        assert tracker.step(tracker.start(), seven, label) == tracker.step(tracker.start(), seven, TO_SEVEN[label])
    assert tracker.step(tracker.start(), seven, None) == tracker.step(tracker.start(), seven, "neutral")


@pytest.mark.parametrize(
    ("seven", "cause", "says"),
    [
        ((0.5, 0.5), "joy", "7 finite numbers"),
        ((0.5, 0.6, -0.1, 0.0, 0.0, 0.0, 0.0), "joy", "none negative"),
        ((math.nan,) * 7, "joy", "finite"),
        ((0.0, math.inf, 0.0, 0.0, 0.0, 0.0, 0.0), "joy", "finite"),
        (NEUTRAL, "rage", "'rage' is not an emotion"),
    ],
)
def test_impossible_evidence_is_refused(seven, cause, says):
    tracker = Tracker()
    with pytest.raises(BadInput, match=says):
        tracker.step(tracker.start(), seven, cause)


# --- theory and golden values


@pytest.mark.parametrize("emotion", EMOTIONS7)
def test_faithful_belief_after_the_first_neutral_message_is_the_released_one(emotion):
    """bel(s) = w[s, neutral] (bel0 T)(s) / Z: for instance 0.3 * 0.25 / 0.2625 = 0.2857 for the last state."""
    tracker = Tracker("faithful")
    belief = tracker.step(tracker.start(), one_hot(emotion), "neutral")
    assert belief == pytest.approx((0.3143, 0.24, 0.16, 0.2857), abs=5e-5)


@given(shown=st.lists(labels, min_size=1, max_size=10), data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_faithful_belief_never_sees_the_other_side(shown, data):
    tracker = Tracker("faithful")
    one, two = ([Evidence(data.draw(distributions(7)), cause) for cause in shown] for _ in range(2))
    assert tracker.filter(one)[-1] == pytest.approx(tracker.filter(two)[-1], abs=1e-12)


@pytest.mark.parametrize(
    ("emotion", "state"),
    [("joy", "cooperative"), ("anger", "confrontational"), ("disgust", "confrontational"), ("sadness", "distressed")],
)
@pytest.mark.parametrize("cause", [*EMOTIONS7, None])
def test_the_corrected_belief_moves_towards_the_state_whose_emotion_was_read(emotion, state, cause):
    tracker = Tracker()
    due, after = (f(tracker.start()) for f in (tracker.predict, lambda b: tracker.step(b, one_hot(emotion), cause)))
    index = tables.STATES.index(state)
    assert after[index] / due[index] == max(a / d for a, d in zip(after, due, strict=True))
    assert after[index] > due[index]


def test_corrected_emission_conditions_on_what_was_reacted_to():
    """Anger in answer to anger is partly contagion, so it says less about the debtor than anger in answer to joy."""
    tracker = Tracker()
    start, anger = tracker.start(), one_hot("anger")
    assert tracker.step(start, anger, "joy")[1] > tracker.step(start, anger, "anger")[1]


@pytest.mark.parametrize("start", range(4))
def test_without_evidence_the_belief_goes_to_the_stationary_distribution(start):
    tracker = Tracker(parameters=PUBLISHED)
    belief = tuple(float(state == start) for state in range(4))
    for _ in range(60):
        belief = tracker.predict(belief)
    assert belief == pytest.approx((0.301, 0.218, 0.215, 0.267), abs=5e-4)
    values, vectors = np.linalg.eig(np.array(tables.TRANSITION).T)
    eigenvector = vectors[:, np.argmax(values.real)].real
    assert belief == pytest.approx((eigenvector / eigenvector.sum()).tolist(), abs=1e-12)


def test_the_emission_is_the_published_mixture():
    emission = Parameters().emission
    assert emission[1][0][2] == pytest.approx(0.3 * 0.05 + 0.7 * 0.48)
    assert all(sum(row) == pytest.approx(1.0) for state in emission for row in state)


@pytest.mark.data
def test_the_tables_are_those_of_the_release():
    if not CONSTANTS.exists():
        pytest.skip("the reference numbers are not beside this checkout")
    data = json.loads(CONSTANTS.read_text())
    first, second = data["eq_negotiator_v1"], data["eq_negotiator_v2"]
    assert tuple(data["emotions7"]) == EMOTIONS7
    assert tuple(second["hidden_states"]) == tables.STATES
    assert tuple(second["initial_belief"]) == tables.INITIAL
    assert tuple(map(tuple, second["transition"])) == tables.TRANSITION
    assert tuple(map(tuple, second["strategy_weights"]["table"])) == tables.WEIGHTS
    assert tuple(map(tuple, second["proposed_state_emission"]["table"])) == tables.CHARACTER
    assert tables.stochastic(first["emission"]["table"]) == tables.MIRROR
    assert tables.stochastic(first["transition"]["table"]) == tables.MANNER
    assert tuple(tuple(float(own) for _, own in row) for row in data["payoff"]["table"]) == tables.PAYOFF


# --- from a view


def a_view(seat, first, shown, readings):
    """Alternating lines, `first` speaking first, as many as there are emotions shown and readings."""
    second = "debtor" if first == "creditor" else "creditor"
    count = len(shown) + len(readings)
    lines = tuple(Line((first, second)[i % 2], "...", offer(20 + i)) for i in range(count))
    brief = Brief(seat, 10, "debt", "days", 1, (0, 200), {}, Rules())
    return View(brief, lines, tuple(Reading(each, "neutral", (0.25,) * 4) for each in readings), shown)


def test_the_creditor_hears_answers_to_its_opening():
    anger, sadness = one_hot("anger"), one_hot("sadness")
    view = a_view("creditor", "creditor", ("joy", "neutral"), (anger, sadness))
    assert evidence_of(view) == [Evidence(anger, "joy", "neutral", True), Evidence(sadness, "neutral")]


def test_the_debtor_hears_the_opening_before_it_has_shown_anything():
    anger, joy = one_hot("anger"), one_hot("joy")
    view = a_view("debtor", "creditor", ("fear",), (anger, joy))
    assert evidence_of(view) == [Evidence(anger, None, "fear", True), Evidence(joy, "fear")]


def test_a_message_nobody_read_is_left_out():
    view = a_view("creditor", "creditor", ("joy", None), ())
    lines = (*view.lines, Line("debtor", "...", offer(90)))
    assert evidence_of(View(view.brief, lines, (), view.shown)) == []


def test_explain_names_the_state_the_reading_and_the_cause():
    tracker = Tracker()
    said = tracker.explain(tracker.start(), one_hot("anger"), "joy")
    assert said.startswith("confrontational went from 32% to ")
    assert "anger (100%) in reply to joy" in said
    assert "plays no part" in Tracker("faithful").explain(tracker.start(), one_hot("anger"), "joy")


@pytest.mark.parametrize("mode", MODES)
@given(belief=distributions(4), seven=distributions(7), cause=st.sampled_from(EMOTIONS28))
def test_explain_names_the_state_that_moved_the_furthest_up_or_down(mode, belief, seven, cause):
    tracker = Tracker(mode)
    after = tracker.step(belief, seven, cause)
    moves = [abs(now - before) for now, before in zip(after, belief, strict=True)]
    named = tables.STATES.index(tracker.explain(belief, seven, cause).split()[0])
    assert moves[named] == max(moves)
