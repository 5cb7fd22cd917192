"""Ratings: what any fit of Bradley and Terry has to satisfy, and how often its intervals hold the truth."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from poise.common.errors import BadInput
from poise.tournaments.statistics.bradley_terry import FEW_CLUSTERS, Games, bradley_terry
from poise.tournaments.statistics.online_ratings import elo, openskill

NONE = math.nan


def games(results, creditors=3, debtors=3):
    """results: (creditor, debtor, result, cluster); result NONE without a deal."""
    columns = list(zip(*results, strict=True)) or [()] * 4
    return Games(
        tuple(f"c{place}" for place in range(creditors)),
        tuple(f"d{place}" for place in range(debtors)),
        np.array(columns[0], dtype=np.int64),
        np.array(columns[1], dtype=np.int64),
        np.array(columns[2], dtype=np.float64),
        np.array(columns[3], dtype=np.int64),
    )


def strengths(ratings):
    return {one.label: one.strength for one in ratings}


played = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from([0.0, 0.5, 1.0, NONE]), st.integers(0, 14)),
    min_size=1,
    max_size=60,
)


@given(played, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_games_makes_no_difference(results, random):
    shuffled = list(results)
    random.shuffle(shuffled)
    first, second = strengths(bradley_terry(games(results))), strengths(bradley_terry(games(shuffled)))
    assert list(first) == list(second)
    assert second == pytest.approx(first, abs=1e-9)


@given(played)
@settings(max_examples=40, deadline=None)
def test_names_and_places_make_no_difference(results):
    turned = [(2 - creditor, 2 - debtor, result, cluster) for creditor, debtor, result, cluster in results]
    first, second = strengths(bradley_terry(games(results))), strengths(bradley_terry(games(turned)))
    renamed = {label[0] + str(2 - int(label[1])): value for label, value in second.items()}
    assert renamed == pytest.approx(first, abs=1e-9)


@given(played)
@settings(max_examples=40, deadline=None)
def test_swapping_the_seats_swaps_the_strengths(results):
    swapped = [(debtor, creditor, 1 - result, cluster) for creditor, debtor, result, cluster in results]
    first, second = strengths(bradley_terry(games(results))), strengths(bradley_terry(games(swapped)))
    assert {("d" if label[0] == "c" else "c") + label[1]: value for label, value in second.items()} == pytest.approx(
        first, abs=1e-9
    )


@given(played)
@settings(max_examples=40, deadline=None)
def test_strengths_are_finite_centred_and_inside_their_intervals(results):
    ratings = bradley_terry(games(results))
    assert sum(one.strength for one in ratings) == pytest.approx(0, abs=1e-8)
    for one in ratings:
        assert math.isfinite(one.strength)
        assert one.low <= one.strength <= one.high
        assert one.games >= one.wins + one.draws + one.no_deals


def test_the_fit_solves_the_likelihood_equations():
    """At the maximum the expected wins, the drawn game included, are the wins there were."""
    rng = np.random.default_rng(5)
    results = [(int(rng.integers(3)), int(rng.integers(3)), float(rng.integers(2)), 0) for _ in range(90)]
    found = bradley_terry(games(results))
    values = strengths(found)
    offset = _offset(values, results)
    for place in range(3):
        own = [(debtor, result) for creditor, debtor, result, _ in results if creditor == place]
        theta = values[f"c{place}"] + offset
        expected = sum(_chance(theta - values[f"d{debtor}"] - offset) for debtor, _ in own) + _chance(theta)
        assert expected == pytest.approx(sum(result for _, result in own) + 0.5, abs=1e-6)


def _chance(value):
    return 1 / (1 + math.exp(-value))


def _offset(values, results):
    """What was taken from all strengths to centre them: where the phantom's games add up."""
    low, high = -5.0, 5.0
    for _ in range(80):
        middle = (low + high) / 2
        if sum(0.5 - _chance(value + middle) for value in values.values()) > 0:
            low = middle
        else:
            high = middle
    return low


def test_with_matches_without_a_deal_the_fit_expects_as_many_of_each_outcome_as_there_were():
    """A penalty as small as it is among 3,000 games moves the sums by less than one game."""
    rng = np.random.default_rng(6)
    results = [(turn % 3, turn // 3 % 3, [0.0, 1.0, NONE][rng.integers(3)], turn % 12) for turn in range(3000)]
    values = {one.label: math.exp(one.strength) for one in bradley_terry(games(results))}
    pairs = [(values[f"c{i}"], values[f"d{j}"]) for i in range(3) for j in range(3)]
    without = sum(math.isnan(result) for *_, result, _ in results)
    table = optimize.brentq(lambda t: sum(t / (a + b + t) for a, b in pairs) * 3000 / 9 - without, 1e-3, 1e3)
    for place in range(3):
        won = sum(result == 1.0 for creditor, _, result, _ in results if creditor == place)
        own = [(a, b) for a, b in pairs if a == values[f"c{place}"]]
        assert sum(a / (a + b + table) for a, b in own) * 3000 / 9 == pytest.approx(won, abs=1.5)


def test_who_hardly_ever_deals_is_no_longer_rated_above_who_loses_a_few():
    """The finding behind it: 9 wins, 4 losses and 47 matches without a deal are no better than 19, 34 and 7."""
    results = [(0, turn % 3, result, turn) for turn, result in enumerate([1.0] * 9 + [0.0] * 4 + [NONE] * 47)]
    results += [(1, turn % 3, result, turn) for turn, result in enumerate([1.0] * 19 + [0.0] * 34 + [NONE] * 7)]
    found = {one.label: one for one in bradley_terry(games(results, creditors=2))}
    assert found["c1"].strength > found["c0"].strength
    assert (found["c0"].wins, found["c0"].draws, found["c0"].no_deals, found["c0"].games) == (9, 0, 47, 60)
    for method in (elo, openskill):
        values = {one.label: one.value for one in method(games(results[:60] + results[60:], creditors=2))}
        assert values["c1"] > values["c0"]


@given(played, st.integers(0, 59))
@settings(max_examples=40, deadline=None)
def test_no_deal_instead_of_a_win_never_raises_a_strength(results, which):
    which %= len(results)
    creditor, debtor, _, cluster = results[which]
    won, lost, none = (
        strengths(bradley_terry(games([*results, (creditor, debtor, result, cluster)]))) for result in (1.0, 0.0, NONE)
    )
    name = f"c{creditor}"
    assert won[name] >= lost[name] - 1e-9
    assert won[name] >= none[name] - 1e-9


def test_an_undefeated_agent_is_first_and_finite():
    results = [(0, debtor, 1.0, turn) for debtor in range(3) for turn in range(8)]
    results += [(1, debtor, turn % 2 * 1.0, turn) for debtor in range(3) for turn in range(8)]
    first = bradley_terry(games(results, creditors=2))[0]
    assert first.label == "c0"
    assert first.wins == first.games == 24
    assert first.high < 20


def test_groups_that_never_met_are_told_apart():
    results = [(0, 0, 1.0, 0), (0, 1, 0.0, 0), (1, 2, 1.0, 0)]
    groups = {one.label: one.group for one in bradley_terry(games(results, creditors=2))}
    assert groups == {"c0": 0, "d0": 0, "d1": 0, "c1": 1, "d2": 1}


def test_no_game_gives_no_rating_and_nonsense_is_refused():
    assert bradley_terry(games([])) == []
    with pytest.raises(BadInput, match=r"result 1\.5"):
        bradley_terry(games([(0, 0, 1.5, 0)]))


@pytest.mark.parametrize(
    ("scenarios", "repeats", "spread", "table"), [(5, 4, 0, 0), (20, 2, 0, 0), (20, 2, 0.5, 0), (20, 2, 0.5, 0.5)]
)
def test_intervals_hold_the_truth_95_times_in_100(scenarios, repeats, spread, table):
    """Simulated tournaments.

    spread: of a case's own pull to one side, which makes its games dependent. table: exp of no deal's strength.
    """
    assert (scenarios < FEW_CLUSTERS) == (scenarios == 5)
    rng = np.random.default_rng(11)
    inside = [held for _ in range(400) for held in _coverage(rng, scenarios, repeats, spread, table)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def _coverage(rng, scenarios, repeats, spread, table):
    creditors, debtors = 4, 3
    truth = rng.normal(0, 0.8, creditors + debtors)
    grid = np.meshgrid(range(creditors), range(debtors), range(scenarios), range(repeats), indexing="ij")
    creditor, debtor, scenario, _ = (part.ravel() for part in grid)
    pull = rng.normal(0, spread, scenarios)
    own, other = np.exp(truth[creditor] + pull[scenario]), np.exp(truth[creditors + debtor])
    draw = rng.random(creditor.size) * (own + other + table)
    result = np.where(draw < own, 1.0, np.where(draw < own + other, 0.0, NONE))
    rows = zip(creditor.tolist(), debtor.tolist(), result.tolist(), scenario.tolist(), strict=True)
    found = {one.label: one for one in bradley_terry(games(list(rows), creditors, debtors))}
    for place, value in enumerate(truth - truth.mean()):
        one = found[f"c{place}" if place < creditors else f"d{place - creditors}"]
        yield one.low <= value <= one.high


@pytest.mark.parametrize("method", [elo, openskill])
def test_online_ratings_put_the_winner_first(method):
    rng = np.random.default_rng(3)
    chances = {0: 0.9, 1: 0.5, 2: 0.1}
    results = [
        (creditor, turn % 3, float(rng.random() < chances[creditor]), turn)
        for turn in range(120)
        for creditor in chances
    ]
    ranked = [one.label for one in method(games(results)) if one.seat == "creditor"]
    assert ranked == ["c0", "c1", "c2"]


@given(played)
@settings(max_examples=25, deadline=None)
def test_elo_gives_one_side_what_it_takes_from_the_other(results):
    results = [(creditor, debtor, 0.0 if math.isnan(one) else one, case) for creditor, debtor, one, case in results]
    found = elo(games(results))
    assert sum(one.value for one in found) == pytest.approx(1500 * len(found))
