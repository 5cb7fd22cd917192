"""How often intervals hold the truth and tests err, by simulation; and what Holm's correction is by definition."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from poise.games.metrics import wilson
from poise.tournaments.statistics.bootstrap import Sums, examine_all, holm
from poise.tournaments.statistics.wilson import ALIKE, SEEN, effective, success

RUNS, BLOCK, MATCHES = 3000, 300, 4


def normal(rng, shape):
    """What each of the scenarios pulls to, and noise about it."""
    runs, scenarios, _ = shape
    return rng.normal(size=(runs, scenarios, 1)) + 0.5 * rng.normal(size=shape), None, 0.0


def deals_and_shares(rng, shape):
    """A deal is likelier on some scenarios, and worth more on some: a mass at zero, and a skewed rest."""
    runs, scenarios, _ = shape
    deal = rng.random(shape) < rng.beta(4, 2, size=(runs, scenarios, 1))
    share = np.clip(rng.beta(3, 3, size=(runs, scenarios, 1)) + rng.uniform(-0.1, 0.1, size=shape), 0, 1)
    return deal.astype(float), share


def utility(rng, shape):
    deal, share = deals_and_shares(rng, shape)
    _, many = deals_and_shares(np.random.default_rng(0), (4000, 50, MATCHES))
    return deal * share, None, 4 / 6 * many.mean()


def savings(rng, shape):
    """A ratio: over deals alone."""
    deal, share = deals_and_shares(rng, shape)
    _, many = deals_and_shares(np.random.default_rng(0), (4000, 50, MATCHES))
    return deal * share, deal, many.mean()


def difference(rng, shape):
    """Of two agents alike, on the same scenarios."""
    runs, scenarios, matches = shape
    deal, share = deals_and_shares(rng, (runs, scenarios, 2 * matches))
    both = deal * share
    return both[:, :, :matches] - both[:, :, matches:], None, 0.0


def rate(rng, shape):
    """Violations per message, which some scenarios provoke and most do not."""
    runs, scenarios, _ = shape
    messages = rng.integers(4, 15, size=shape)
    found = rng.poisson(0.1 * messages * rng.gamma(1, 1, size=(runs, scenarios, 1)))
    return found.astype(float), messages.astype(float), 0.1


@pytest.mark.parametrize("scenarios", [5, 10, 30])
@pytest.mark.parametrize("population", [normal, utility, savings, difference, rate], ids=lambda one: one.__name__)
def test_intervals_hold_the_truth_95_times_in_100(population, scenarios):
    rng = np.random.default_rng([11, scenarios])
    values, of, truth = population(rng, (RUNS, scenarios, MATCHES))
    found = [
        one
        for one in examined(values, of, scenarios, population is difference)
        if one is not None and one.estimate.low is not None
    ]
    held = np.mean([one.estimate.low <= truth <= one.estimate.high for one in found])
    assert held == pytest.approx(0.95, abs=0.017)


def examined(values, of, scenarios, paired=False):
    place = np.repeat(np.arange(scenarios), MATCHES)
    for start in range(0, RUNS, BLOCK):
        block = [
            Sums.of_pairs(place, values[run].ravel(), scenarios)
            if paired
            else Sums(place, values[run].ravel(), scenarios, None if of is None else of[run].ravel())
            for run in range(start, start + BLOCK)
        ]
        yield from examine_all(block, start, 1000)


@pytest.mark.parametrize("scenarios", [5, 20])
def test_two_agents_alike_are_told_apart_5_times_in_100(scenarios):
    rng = np.random.default_rng([7, scenarios])
    values, of, _ = difference(rng, (RUNS, scenarios, MATCHES))
    found = list(examined(values, of, scenarios, paired=True))
    assert np.mean([one.p < 0.05 for one in found]) == pytest.approx(0.05, abs=0.015)


@given(st.lists(st.floats(-1, 1).map(lambda x: round(x, 3)), min_size=1, max_size=24), st.booleans())
def test_the_interval_leaves_out_zero_where_the_test_says_so(values, paired):
    make = Sums.of_pairs if paired else Sums
    (one,) = examine_all([make(np.arange(len(values)), np.array(values), len(values))], 3, 400)
    if one.p is None:
        assert len(values) == 1
        return
    low, mean, high = one.estimate.low, one.estimate.mean, one.estimate.high
    assert low <= mean <= high
    assert 0 < one.p <= 1
    if one.p < 0.045:
        assert low > 0 or high < 0
    elif one.p > 0.06 and one.effect is not None:
        assert low <= 1e-12
        assert high >= -1e-12


def test_an_effect_is_the_mean_in_standard_deviations():
    values = np.array([0.1, 0.3, -0.1, 0.5, 0.2, 0.2])
    (one,) = examine_all([Sums(np.arange(6), values, 6)], 1)
    assert one.effect == pytest.approx(values.mean() / values.std(ddof=1))


def test_an_interval_stays_where_its_mean_can_lie():
    data = np.array([1.0] * 9 + [0.9])
    (free,) = examine_all([Sums(np.arange(10), data, 10)], 1)
    (held,) = examine_all([Sums(np.arange(10), data, 10, within=(0.0, 1.0))], 1)
    assert free.estimate.high > 1
    assert held.estimate.high == 1
    assert held.estimate.low == free.estimate.low


def test_where_all_scenarios_say_the_same_the_sign_test_speaks():
    (one,) = examine_all([Sums(np.arange(6), np.full(6, 0.25), 6)], 1)
    assert (one.p, one.effect) == (2 / 2**6, None)


def test_wilson_holds_the_truth_95_times_in_100_on_average():
    """Exact, over rates from 0.05 to 0.95 (Agresti and Coull 1998 show the same average)."""
    for trials in (10, 30, 100):
        ends = np.array([wilson(deals, trials) for deals in range(trials + 1)])
        rates = np.linspace(0.05, 0.95, 181)
        deals = np.arange(trials + 1)
        chance = special.binom(trials, deals) * rates[:, None] ** deals * (1 - rates[:, None]) ** (trials - deals)
        held = (ends[:, 0] <= rates[:, None]) & (rates[:, None] <= ends[:, 1])
        assert (chance * held).sum(axis=1).mean() == pytest.approx(0.95, abs=0.015)


def rates_of(rng, scenarios, matches, alike):
    """Success rates and an agent's deals on scenarios that are alike to this degree (beta-binomial)."""
    for rate in np.linspace(0.1, 0.9, 9):
        shape = RUNS // 5, scenarios
        spread = (1 - alike) / alike if alike else None
        on = rng.beta(rate * spread, (1 - rate) * spread, shape) if spread else np.full(shape, rate)
        yield from ((rate, row) for row in rng.binomial(matches, on).astype(float))


@pytest.mark.parametrize("alike", [0.0, 0.3])
@pytest.mark.parametrize(("scenarios", "matches"), [(10, 4), (30, 4), (30, 10), (100, 1)])
def test_success_intervals_hold_the_truth_95_times_in_100(scenarios, matches, alike):
    each = np.full(scenarios, float(matches))
    found = [
        (rate, success(deals, each)) for rate, deals in rates_of(np.random.default_rng(6), scenarios, matches, alike)
    ]
    assert np.mean([one.low <= rate <= one.high for rate, one in found]) == pytest.approx(0.95, abs=0.02)


def test_taking_matches_as_independent_does_not():
    """Why the effective size: with ten matches on each of 30 scenarios, Wilson's interval fails one time in four."""
    found = [(rate, wilson(int(deals.sum()), 300)) for rate, deals in rates_of(np.random.default_rng(6), 30, 10, 0.3)]
    assert np.mean([low <= rate <= high for rate, (low, high) in found]) < 0.8


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=20))
def test_matches_are_never_worth_more_than_they_are(told):
    matches = np.array([float(max(pair)) for pair in told])
    deals = np.array([float(min(pair)) for pair in told])
    if not matches.sum():
        return
    assert 1 <= effective(deals, matches) <= matches.sum() + 1e-9
    one = success(deals, matches)
    assert 0 <= one.low <= one.mean <= one.high <= 1


def test_the_same_matches_again_say_nothing_new():
    """An agent that does the same each time: ten matches on a scenario are worth about one."""
    deals = np.array([1.0] * 12 + [0.0] * 8)
    assert effective(10 * deals, np.full(20, 10.0)) == pytest.approx(20, rel=0.25)


@pytest.mark.parametrize(("scenarios", "matches"), [(5, 28), (20, 10), (80, 3)])
def test_one_deal_more_never_lowers_the_interval_up_to_the_last(scenarios, matches):
    """The failures lie on different scenarios, as where they tell least of how alike matches are."""
    each = np.full(scenarios, float(matches))
    found = [success(each - (np.arange(scenarios) < failures), each) for failures in range(scenarios, -1, -1)]
    for before, after in pairwise(found):
        assert after.low >= before.low
        assert after.high >= before.high
    assert found[-1].high == 1
    assert found[-1].low - found[-2].low < 0.03
    assert scenarios < effective(each, each) < scenarios * matches


def test_an_interval_of_few_scenarios_is_that_of_t_and_a_lone_exception_leaves_it_narrow():
    """19 scenarios at 0 and one at 1: 0.05, and not up to 0.9."""
    few = np.array([0.2, 0.3, 0.7, 0.9, 0.4])
    lone = np.array([0.0] * 19 + [1.0])
    (one, two) = (examine_all([Sums(np.arange(len(row)), row, len(row))], 1)[0].estimate for row in (few, lone))
    error = few.std(ddof=1) / 5**0.5
    assert (one.low, one.high) == pytest.approx((few.mean() - 2.776445 * error, few.mean() + 2.776445 * error))
    assert two.high < 0.4


@given(st.lists(st.one_of(st.none(), st.floats(1e-6, 1)), max_size=12))
def test_holm_is_its_definition(values):
    """Adjusted p below a level exactly where the step-down procedure rejects at it."""
    adjusted = holm(values)
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        known = sorted((p, place) for place, p in enumerate(values) if p is not None)
        for rank, (p, place) in enumerate(known):
            if p * (len(known) - rank) > level:
                break
            rejected.add(place)
        assert {place for place, p in enumerate(adjusted) if p is not None and p <= level} == rejected


def test_holm_keeps_the_table_at_5_in_100():
    """Ten agents alike: the corrected test calls out any of them in at most 5 % of tables."""
    rng = np.random.default_rng(9)
    p = rng.random((4000, 10))
    any_found = np.mean([min(holm(list(row))) < 0.05 for row in p])
    assert any_found == pytest.approx(1 - (1 - 0.005) ** 10, abs=0.012)


def test_the_effective_size_is_widened_by_the_tabled_quantiles():
    """By hand: p = 1/2, v = 4/3 * 10/256, n* = 4.8; t with 3 degrees of freedom and z from printed tables."""
    t, z = 3.182446, 1.959964
    usual = ALIKE * (4 * 4**2 / 16**2 - 1 / 16)
    added = (8 * (1 / 4.8 - 1 / 16) * (t / z) ** 2 + SEEN * usual) / (8 + SEEN)
    expected = 1 / (1 / 16 + added)
    assert effective(np.array([4.0, 3, 1, 0]), np.full(4, 4.0)) == pytest.approx(expected, rel=1e-6)
