"""The metrics against their definitions, published values and each other, for both polarities."""

import math

import pytest
from helpers.game_strategies import scenarios
from hypothesis import assume, given
from hypothesis import strategies as st

from poise.common.errors import BadInput
from poise.games.metrics import Score, collection, debt_multiple, savings, score, summarise, wilson
from poise.games.moves import WALK, offer
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Message, Outcome, Transcript

DEBT = Scenario("debt", "debt", 12, 112)
MEDICAL = Scenario("medical", "medical", 100, 20, bounds=(0, 200))


def transcript(case, outcome, rounds=2):
    messages = tuple(Message(index, ("creditor", "debtor")[index % 2], "", WALK) for index in range(rounds))
    return Transcript(case, {}, {}, 0, {}, messages, outcome)


def deal(case, value, rounds=2, worth=1.0):
    share = savings(value, case.creditor_target, case.debtor_target)
    return transcript(case, Outcome("deal", value, utilities=(share * worth, (1 - share) * worth)), rounds)


# --- the Wilson interval ---


@pytest.mark.parametrize(
    ("successes", "trials", "expected"),
    [
        (20, 20, (0.839, 1.0)),  # the interval quoted with the reference's success rates
        (0, 20, (0.0, 0.161)),
        (81, 263, (0.2553, 0.3662)),  # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3
        (15, 148, (0.0624, 0.1605)),  # the same
        (1, 29, (0.0061, 0.1718)),  # the same
    ],
)
def test_wilson_against_published_intervals(successes, trials, expected):
    digits = 3 if trials == 20 else 4
    assert tuple(round(bound, digits) for bound in wilson(successes, trials)) == expected


@given(st.integers(0, 300), st.integers(1, 300), st.floats(0.5, 0.999))
def test_wilson_solves_the_score_equation(successes, trials, confidence):
    # Wilson 1927: the bounds p are where |rate - p| is z standard errors sqrt(p (1 - p) / n).
    assume(successes <= trials)
    low, high = wilson(successes, trials, confidence)
    rate = successes / trials
    assert 0 <= low <= rate <= high <= 1
    reach = [abs(rate - p) / math.sqrt(p * (1 - p) / trials) for p in (low, high) if 0 < p < 1]
    assert all(math.erf(z / math.sqrt(2)) == pytest.approx(confidence, abs=1e-6) for z in reach)
    assert wilson(trials - successes, trials, confidence) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("confidence", "quantile"), [(0.8, 1.2815516), (0.9, 1.6448536), (0.99, 2.5758293)])
def test_wilson_leaves_the_same_share_out_on_both_sides(confidence, quantile):
    low, high = wilson(50, 100, confidence)
    assert (high - low) / 2 == pytest.approx(quantile / (2 * math.sqrt(100 + quantile**2)), rel=1e-6)


def test_wilson_of_nothing_says_nothing():
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize("bad", [(3, 2), (-1, 2), (1, 2, 0.0), (1, 2, 1.0)])
def test_wilson_refuses_the_impossible(bad):
    with pytest.raises(BadInput):
        wilson(*bad)


# --- one deal ---


@given(scenarios(), st.integers(0, 60))
def test_savings_are_signed_and_clipped(case, value):
    share = savings(value, case.creditor_target, case.debtor_target)
    gained = (case.debtor_target - value) * case.polarity / case.gap  # in the creditor's direction
    assert share == pytest.approx(sorted((0, gained, 1))[1])
    assert savings(case.creditor_target, case.creditor_target, case.debtor_target) == 1
    assert savings(case.debtor_target, case.creditor_target, case.debtor_target) == 0


@given(scenarios(), st.integers(0, 60))
def test_the_seats_share_the_gap(case, value):
    creditor, debtor = score(deal(case, value)).savings
    assert creditor + debtor == pytest.approx(1)
    assert debtor == pytest.approx(savings(value, case.debtor_target, case.creditor_target))


@given(scenarios(), st.integers(0, 60))
def test_collection_is_the_references_where_the_debtor_wants_more(case, value):
    rate = collection(value, case.creditor_target, case.debtor_target)
    assert 0 <= rate <= 1
    assert (rate == 1) == ((value - case.creditor_target) * case.polarity <= 0)
    if case.polarity > 0 and value:
        assert rate == min(1, case.creditor_target / value)


@pytest.mark.parametrize(
    ("case", "value", "share", "collected", "multiple"),
    [
        (DEBT, 90, 0.22, 12 / 90, 7.5),  # credit recovery as played: about 0.13 whatever one does
        (DEBT, 5, 1.0, 1.0, 5 / 12),
        (MEDICAL, 60, 0.5, 0.6, 0.6),
        (MEDICAL, 130, 1.0, 1.0, 1.3),
    ],
)
def test_one_deal_by_example(case, value, share, collected, multiple):
    found = score(deal(case, value, rounds=7))
    assert found.savings == pytest.approx((share, 1 - share))
    assert (found.collection, found.debt_multiple, found.rounds) == pytest.approx((collected, multiple, 7))


def test_a_target_of_nothing_has_no_multiple():
    assert debt_multiple(40, 0) is None
    assert collection(0, 0, 10) == 1
    assert summarise([score(deal(Scenario("zero", "debt", 0, 10), 5))]).debt_multiple is None


@pytest.mark.parametrize("ending", ["walked", "timeout", "failed"])
def test_no_deal_is_worth_nothing(ending):
    assert score(transcript(DEBT, Outcome(ending), 3)) == Score(False, (0, 0), (0, 0), 0, None, 3)


def test_the_referee_and_the_metrics_agree():
    outcome = Referee(MEDICAL, Rules(discount=0.5)).judge([offer(90)], offer(86))
    found = score(transcript(MEDICAL, outcome))
    assert found.savings == pytest.approx((0.85, 0.15))
    assert found.utilities == pytest.approx((0.425, 0.075))


# --- many negotiations ---


def test_many_negotiations_by_example():
    talks = [deal(DEBT, 62, rounds=4), deal(DEBT, 87, rounds=8), transcript(DEBT, Outcome("timeout"), 31)]
    summary = summarise(map(score, talks))
    assert (summary.seat, summary.negotiations, summary.deals) == ("creditor", 3, 2)
    assert summary.success_rate == pytest.approx(2 / 3)
    assert summary.success_interval == wilson(2, 3)
    assert summary.savings == pytest.approx((0.5 + 0.25) / 2)
    assert summary.utility == pytest.approx((0.5 + 0.25) / 3)
    assert summary.collection_rate == pytest.approx((12 / 62 + 12 / 87) / 3)
    assert summary.debt_multiple == pytest.approx((62 / 12 + 87 / 12) / 2)
    assert summary.rounds == pytest.approx((4 + 8 + 31) / 3)
    assert summarise(map(score, talks), "debtor").utility == pytest.approx((0.5 + 0.75) / 3)


def test_twenty_of_twenty():
    assert [round(p, 3) for p in summarise([score(deal(DEBT, 60))] * 20).success_interval] == [0.839, 1.0]


values = st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=1, max_size=12)


@given(scenarios(), values, st.sampled_from(["creditor", "debtor"]))
def test_utility_is_success_rate_times_savings_without_a_discount(case, ends, seat):
    talks = [transcript(case, Outcome("timeout")) if end is None else deal(case, end) for end in ends]
    summary = summarise(map(score, talks), seat)
    assert summary.utility == pytest.approx(summary.success_rate * (summary.savings or 0))
    assert (summary.savings is None) == (summary.deals == 0)


@given(scenarios(), values, st.randoms(use_true_random=False))
def test_the_order_of_negotiations_does_not_matter(case, ends, random):
    scores = [score(transcript(case, Outcome("walked")) if end is None else deal(case, end, 3)) for end in ends]
    shuffled = list(scores)
    random.shuffle(shuffled)
    assert summarise(shuffled) == summarise(scores)


def test_nothing_at_all():
    summary = summarise([])
    assert (summary.success_rate, summary.success_interval, summary.savings) == (0, (0, 1), None)
