"""Standings say what the rows say, in any order, and their intervals cover what they claim to cover."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.common.errors import ConfigError
from poise.common.seeds import Dice
from poise.games.metrics import wilson
from poise.tournaments.statistics.bootstrap import Sums, estimate_all
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.rows import Row
from poise.tournaments.storage.snapshot import Header, Snapshot


def header(creditors, debtors, total=0, **config):
    def told(labels):
        return [{"label": label, "declared": {}} for label in labels]

    return Header("id", {"seed": 1, "model": "scripted", **config}, told(creditors), told(debtors), total, {})


def row(position, creditor, debtor, scenario, share=None, repeat=0, **more):
    """A deal at `share` for the creditor, or none."""
    deal = share is not None
    return Row(
        position=position, id=str(position), creditor=creditor, debtor=debtor, scenario=scenario, repeat=repeat,
        ending="deal" if deal else "timeout", by=None, value=10 if deal else None, rounds=8,
        creditor_utility=share if deal else 0.0, debtor_utility=1 - share if deal else 0.0,
        creditor_savings=share, debtor_savings=1 - share if deal else None, collection=0.0,
        creditor_forfeits=0, debtor_forfeits=0, creditor_repairs=0, debtor_repairs=0,
        creditor_reasks=0, debtor_reasks=0,
        seconds=0.1, calls=0, prompt_tokens=0, cached_tokens=0, reply_tokens=0,
        **{"creditor_violations": 0, "debtor_promises": 0, "debtor_broken": 0, "de_escalation": None, **more},
    )  # fmt: skip


def grid(creditors, debtors, scenarios, share):
    """All pairs on all scenarios; `share(creditor, debtor, scenario)` gives the creditor's, or None for no deal."""
    places = list(product(range(creditors), range(debtors), range(scenarios)))
    return [row(position, *place, share(*place)) for position, place in enumerate(places)]


def simulated(seed, creditors=3, debtors=2, scenarios=6):
    dice = Dice(seed)
    return grid(creditors, debtors, scenarios, lambda *_: None if dice.unit() < 0.3 else dice.unit())


LABELS = header(["a", "vanilla", "c"], ["d", "e"], 36)


@given(st.permutations(range(36)))
@settings(max_examples=20)
def test_the_order_of_rows_does_not_matter(order):
    rows = simulated(5)
    assert make_standings(Snapshot(LABELS, [rows[place] for place in order]), draws=200) == make_standings(
        Snapshot(LABELS, rows), draws=200
    )


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_figures_are_those_of_the_rows(seed):
    rows = simulated(seed)
    result = make_standings(Snapshot(LABELS, rows), draws=200)
    for place, label in enumerate(["a", "vanilla", "c"]):
        own = [one for one in rows if one.creditor == place]
        (standing,) = [one for one in result.seat("creditor") if one.label == label]
        deals = [one for one in own if one.ending == "deal"]
        assert (standing.matches, standing.deals) == (12, len(deals))
        assert math.isclose(standing.utility.mean, math.fsum(one.creditor_utility for one in own) / 12)
        assert standing.success.mean == len(deals) / 12
        narrowest = wilson(len(deals), 12)  # two matches on each of six scenarios are at most twelve independent ones
        assert standing.success.low <= narrowest[0] + 1e-12
        assert standing.success.high >= narrowest[1] - 1e-12
        if deals:
            # The definition: utility is the success rate times the savings of a deal.
            assert math.isclose(standing.utility.mean, standing.success.mean * standing.savings.mean, abs_tol=1e-12)
        for measure in (standing.utility, standing.rounds, standing.success):
            assert measure.low <= measure.mean <= measure.high
    both = sum(one.matches * one.utility.mean for one in result.standings)
    assert math.isclose(both, sum(one.ending == "deal" for one in rows)), "the two seats share what there is"


def test_the_matrix_is_creditors_by_debtors_and_adds_up():
    rows = simulated(9)
    result = make_standings(Snapshot(LABELS, rows), draws=100)
    assert [[(cell.creditor, cell.debtor) for cell in line] for line in result.matrix] == [
        [(creditor, debtor) for debtor in ("d", "e")] for creditor in ("a", "vanilla", "c")
    ]
    for line in result.matrix:
        (standing,) = [one for one in result.seat("creditor") if one.label == line[0].creditor]
        assert math.isclose(sum(cell.creditor_utility for cell in line) / 2, standing.utility.mean)


def test_the_best_comes_first_and_who_has_not_played_is_left_out():
    result = make_standings(Snapshot(LABELS, [row(0, 0, 0, 0, 0.2), row(1, 2, 0, 0, 0.9)]))
    assert [one.label for one in result.seat("creditor")] == ["c", "a"]
    assert [one.label for one in result.seat("debtor")] == ["d"]
    assert result.matrix[1][0].creditor_utility is None
    assert (result.finished, result.total) == (2, 36)


def test_nothing_played_is_no_error():
    result = make_standings(Snapshot(LABELS, []))
    assert result.standings == ()
    assert result.to_dict()["matches"] == {"total": 36, "finished": 0}


def test_with_one_scenario_an_interval_is_left_open():
    result = make_standings(Snapshot(LABELS, [row(0, 0, 0, 0, 0.5), row(1, 0, 1, 0, 0.7)]))
    (standing,) = result.seat("creditor")
    assert (standing.utility.mean, standing.utility.low) == (0.6, None)


def test_failures_count_for_the_agent_that_failed_and_for_both_where_nobody_did():
    rows = [
        replace(row(0, 0, 0, 0), ending="failed", by="creditor"),
        replace(row(1, 0, 0, 1), ending="failed", by="debtor"),
        replace(row(2, 0, 0, 2), ending="failed", by=None),
        replace(row(3, 0, 0, 3), creditor_forfeits=2, debtor_repairs=3, debtor_reasks=1),
    ]
    result = make_standings(Snapshot(LABELS, rows))
    creditor, debtor = result.standings
    assert (creditor.failures, creditor.forfeits, creditor.repairs, creditor.reasks) == (2, 2, 0, 0)
    assert (debtor.failures, debtor.forfeits, debtor.repairs, debtor.reasks) == (2, 0, 3, 1)


# Differences to the baseline.


def test_pairing_finds_a_difference_that_the_scenarios_hide():
    """Each scenario is worth anything, but `a` gets 0.05 more than the baseline on every one of them."""
    dice = Dice(3)
    worth = [0.1 + 0.8 * dice.unit() for _ in range(40)]
    rows = grid(2, 1, 40, lambda creditor, _d, scenario: worth[scenario] + (0.05 if creditor == 0 else 0.0))
    result = make_standings(Snapshot(header(["a", "vanilla"], ["d"]), rows))
    first, second = (one.utility for one in result.seat("creditor"))
    assert first.low < second.high, "side by side their intervals overlap"
    (gain,) = result.differences
    assert (gain.label, gain.baseline, gain.pairs) == ("a", "vanilla", 40)
    assert math.isclose(gain.utility.mean, 0.05)
    assert gain.utility.low > 0.049


def test_only_matches_that_both_played_are_compared():
    rows = [
        row(0, 0, 0, 0, 0.9),
        row(1, 0, 0, 1, 0.5),
        row(2, 1, 0, 1, 0.4),
        row(3, 1, 0, 1, 0.1, repeat=1),
        row(4, 1, 1, 1, 0.0),
    ]
    (gain,) = make_standings(Snapshot(header(["a", "vanilla"], ["d", "e"]), rows)).differences
    assert (gain.pairs, round(gain.utility.mean, 12)) == (1, 0.1)


def test_the_baseline_can_be_named_and_may_be_absent():
    rows = simulated(1)
    named = make_standings(Snapshot(header(["a", "vanilla", "c"], ["d", "e"], baseline="c"), rows), draws=50)
    assert {(one.label, one.baseline) for one in named.differences} == {("a", "c"), ("vanilla", "c")}
    assert make_standings(Snapshot(header(["a", "b", "c"], ["d", "e"]), rows), draws=50).differences == ()


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_every_pair_is_what_either_of_it_is_against_the_other(seed):
    snapshot = Snapshot(header(["a", "b", "c", "d"], ["x", "y"]), simulated(seed, creditors=4))
    pairwise = make_standings(snapshot, draws=2).pairwise
    for seat, count in (("creditor", 6), ("debtor", 1)):
        listed = [one for one in pairwise if one.seat == seat]
        assert len({frozenset((one.label, one.baseline)) for one in listed}) == len(listed) == count
        raw = sorted(one.p for one in listed)
        assert min(one.p_holm for one in listed) == min(1.0, len(listed) * raw[0])  # Holm 1979, the first step
        for one in listed:
            assert one.p_holm >= one.p
            alone = make_standings(snapshot.against(one.baseline), draws=2).against_baseline(one.label, seat)
            assert (one.utility, one.p, one.pairs) == (alone.utility, alone.p, alone.pairs)
            back = make_standings(snapshot.against(one.label), draws=2).against_baseline(one.baseline, seat)
            assert math.isclose(one.utility.mean, -back.utility.mean, abs_tol=1e-12)
            assert math.isclose(one.utility.low, -back.utility.high, abs_tol=1e-12)


@given(st.lists(st.sampled_from([None, 0.0, 1.0]), min_size=12, max_size=12))
@settings(max_examples=30)
def test_no_interval_of_a_difference_reaches_beyond_what_there_can_be(shares):
    rows = grid(2, 2, 3, lambda creditor, debtor, scenario: shares[6 * creditor + 3 * debtor + scenario])
    for one in make_standings(Snapshot(header(["vanilla", "b"], ["x", "y"]), rows), draws=2).pairwise:
        for estimate in (one.utility, one.success):
            assert -1 <= estimate.low <= estimate.mean <= estimate.high <= 1


def test_another_baseline_changes_what_is_compared_and_nothing_else():
    snapshot = Snapshot(LABELS, simulated(2))
    usual, other = make_standings(snapshot, draws=50), make_standings(snapshot.against("c"), draws=50)
    assert {one.baseline for one in usual.differences} == {"vanilla"}
    assert {(one.label, one.baseline) for one in other.differences} == {("a", "c"), ("vanilla", "c")}
    assert replace(other, differences=()) == replace(usual, differences=())
    with pytest.raises(ConfigError, match="did you mean 'vanilla'"):
        snapshot.against("vanila")


# The bootstrap.


def sums(values_by_scenario):
    scenarios = np.repeat(np.arange(len(values_by_scenario)), [len(values) for values in values_by_scenario])
    return Sums(
        scenarios, np.concatenate([np.asarray(values, float) for values in values_by_scenario]), len(values_by_scenario)
    )


def test_same_seed_same_interval_and_another_seed_nearly_the_same():
    data = [sums([[n % 7, n % 3] for n in range(30)])]
    one, again, other = (estimate_all(data, seed)[0] for seed in (1, 1, 2))
    assert one == again != other
    assert abs(one.low - other.low) < 0.1


def test_constant_data_have_no_spread():
    (estimate,) = estimate_all([sums([[0.25, 0.25]] * 12)], 1)
    assert (estimate.mean, estimate.low, estimate.high) == (0.25, 0.25, 0.25)


def test_with_large_samples_it_agrees_with_theory():
    """For one value a scenario it is the mean's interval, +- t standard errors, to within the bootstrap's noise."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    (estimate,) = estimate_all([sums([[value] for value in values])], 3)
    error = values.std(ddof=1) / math.sqrt(400)
    assert abs(estimate.low - (values.mean() - 1.966 * error)) < 0.15 * error
    assert abs(estimate.high - (values.mean() + 1.966 * error)) < 0.15 * error


def test_matches_of_one_scenario_are_drawn_together():
    """Ten equal copies of each match tell nothing new, and so must not narrow the interval."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=20)
    once, ten_times = (estimate_all([sums([[value] * copies for value in values])], 4)[0] for copies in (1, 10))
    assert math.isclose(once.low, ten_times.low)
    assert math.isclose(once.high, ten_times.high)
