"""How many scenarios a difference needs: held to simulation, to Cohen's table and to what must be monotone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from poise.common.errors import BadInput
from poise.tournaments.statistics.power import PowerPlan, Spread, detectable, power_of, scenarios_needed, spread_of

spreads = st.builds(Spread, st.floats(0.01, 0.5), st.floats(0.01, 0.5))


@pytest.mark.parametrize(
    ("effect", "power", "scenarios"),
    # Paired t test, two-sided 0.05: Cohen 1988, table 2.4.1 read with n pairs; G*Power 3.1 gives the same.
    [(0.5, 0.8, 34), (0.8, 0.8, 15), (0.2, 0.8, 199), (0.5, 0.95, 54)],
)
def test_the_textbook_numbers_come_out(effect, power, scenarios):
    plan = PowerPlan(difference=0.1, power=power)
    assert scenarios_needed(plan, Spread(0.1 / effect, None)) == scenarios


@pytest.mark.parametrize(("spread", "pairs", "difference"), [(Spread(0.1, 0.3), 2, 0.05), (Spread(0.05, 0.2), 4, 0.1)])
def test_the_answer_delivers_the_power_and_one_scenario_less_does_not_exceed_it(spread, pairs, difference):
    """20,000 simulated tournaments of the size it names, tested as the standings test."""
    plan = PowerPlan(difference, pairs)
    needed = scenarios_needed(plan, spread)
    assert power_of(plan, spread, needed - 1) < 0.8 <= power_of(plan, spread, needed)
    rng = np.random.default_rng(2)
    found = _share_found(rng, plan, spread, needed)
    assert found == pytest.approx(power_of(plan, spread, needed), abs=0.012)
    nothing = _share_found(rng, PowerPlan(1e-9, pairs), spread, needed)
    assert nothing == pytest.approx(0.05, abs=0.008)


def _share_found(rng, plan, spread, scenarios, runs=20_000, block=1000):
    found = 0
    bound = special.stdtrit(scenarios - 1, 0.975)
    for _ in range(runs // block):
        pull = rng.normal(0, spread.between, (block, scenarios))
        noise = rng.normal(0, spread.within / np.sqrt(plan.pairs), (block, scenarios))
        means = plan.difference + pull + noise
        t = means.mean(1) / (means.std(1, ddof=1) / np.sqrt(scenarios))
        found += int((np.abs(t) > bound).sum())
    return found / runs


@given(spreads, st.floats(0.02, 0.5), st.integers(2, 200), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_more_of_anything_never_hurts(spread, difference, scenarios, pairs):
    plan = PowerPlan(difference, pairs)
    power = power_of(plan, spread, scenarios)
    slack = 1e-9
    assert 0.05 - slack <= power <= 1 + slack
    assert power_of(plan, spread, scenarios + 1) >= power - slack
    assert power_of(PowerPlan(difference, pairs + 1), spread, scenarios) >= power - slack
    assert power_of(PowerPlan(min(1, difference * 1.1), pairs), spread, scenarios) >= power - slack
    assert power_of(PowerPlan(difference, pairs, comparisons=3), spread, scenarios) <= power + slack


@given(spreads, st.integers(3, 300))
@settings(max_examples=40, deadline=None)
def test_what_is_detectable_is_found_with_the_power(spread, scenarios):
    plan = PowerPlan()
    smallest = detectable(plan, spread, scenarios)
    if smallest is None:
        assert power_of(PowerPlan(1.0), spread, scenarios) < plan.power
    else:
        assert power_of(PowerPlan(smallest), spread, scenarios) == pytest.approx(0.8, abs=1e-6)


def test_variances_are_recovered_also_where_scenarios_differ_in_size():
    rng = np.random.default_rng(4)
    number = rng.integers(1, 9, 4000)
    scenario = np.repeat(np.arange(4000), number)
    data = 0.2 + rng.normal(0, 0.15, 4000)[scenario] + rng.normal(0, 0.4, scenario.size)
    found = spread_of(data, scenario)
    assert found.between == pytest.approx(0.15, abs=0.02)
    assert found.within == pytest.approx(0.4, abs=0.01)


def test_what_sets_opponents_apart_is_no_chance():
    rng = np.random.default_rng(6)
    scenario, opponent = (part.ravel() for part in np.meshgrid(range(3000), range(2), indexing="ij"))
    data = np.array([0.0, 0.6])[opponent] + rng.normal(0, 0.1, 3000)[scenario] + rng.normal(0, 0.2, 6000)
    found = spread_of(data, scenario, opponent)
    assert found.within == pytest.approx(0.2, abs=0.01)
    assert found.between == pytest.approx(0.1, abs=0.01)


def test_one_pair_a_scenario_leaves_its_parts_untold():
    rng = np.random.default_rng(5)
    found = spread_of(rng.normal(0, 0.5, 5000), np.arange(5000))
    assert found.within is None
    assert found.between == pytest.approx(0.5, abs=0.02)
    assert spread_of(np.ones(3), np.zeros(3, dtype=int)) is None


def test_a_hopeless_plan_says_so():
    assert scenarios_needed(PowerPlan(0.0001), Spread(1.0, None)) is None
    assert detectable(PowerPlan(), Spread(1.0, None), 2) is None


@pytest.mark.parametrize(
    "wrong", [{"difference": 0}, {"difference": 1.5}, {"pairs": 0}, {"power": 1}, {"level": 0}, {"comparisons": 0}]
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(BadInput):
        PowerPlan(**wrong)
