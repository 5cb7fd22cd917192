"""Intervals that count the choice of the best, and the luck of training: their coverage, and what they cost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.common.errors import BadInput
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.statistics.bootstrap import Sums, estimate_all
from poise.tournaments.statistics.selection import best_apart, over_trainings, utilities_of
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.store import read_snapshot

RUNS = 400


def plain(values):
    """The usual interval over scenarios of one agent's utilities."""
    sums = Sums.of_pairs(np.arange(len(values)), values, len(values))
    return estimate_all([sums], seed=0, draws=1)[0]


def share_held(intervals, truth):
    return np.mean([one.low <= truth <= one.high for one in intervals])


def test_the_best_of_many_equals_is_flattered_by_its_own_matches_and_not_apart():
    """Twenty agents worth 0.5 each on 20 scenarios: the winner's interval misses the truth in a third of runs."""
    rng = np.random.default_rng(1)
    tables = [np.clip(0.5 + 0.15 * rng.standard_normal((20, 20)), 0, 1) for _ in range(RUNS)]
    own = [plain(table[table.mean(axis=1).argmax()]) for table in tables]
    apart = [best_apart(table, seed) for seed, table in enumerate(tables)]
    assert share_held(own, 0.5) < 0.75
    assert np.mean([one.mean for one in own]) > 0.55
    assert share_held(apart, 0.5) >= 0.925
    assert np.mean([one.mean for one in apart]) == pytest.approx(0.5, abs=0.005)


def test_a_best_that_is_better_by_far_is_told_as_it_is():
    rng = np.random.default_rng(2)
    worth = np.array([0.8, 0.5, 0.4])
    tables = [np.clip(worth[:, None] + 0.1 * rng.standard_normal((3, 20)), 0, 1) for _ in range(RUNS)]
    truth = np.clip(0.8 + 0.1 * rng.standard_normal(100_000), 0, 1).mean()
    found = [best_apart(table, seed) for seed, table in enumerate(tables)]
    assert [one.mean for one in found] == pytest.approx([table[0].mean() for table in tables])
    assert share_held(found, truth) >= 0.925


@pytest.mark.parametrize(("between_seeds", "between_scenarios"), [(0.05, 0.05), (0.1, 0.02), (0.0, 0.1), (0.0, 0.0)])
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_over_trainings_holds_the_truth_where_one_over_scenarios_does_not(
    seeds, between_seeds, between_scenarios
):
    rng = np.random.default_rng(3)

    def table():
        own, case = rng.standard_normal((seeds, 1)), rng.standard_normal((1, 20))
        noise = 0.05 * rng.standard_normal((seeds, 20))
        return 0.5 + between_seeds * own + between_scenarios * case + noise

    tables = [table() for _ in range(RUNS)]
    assert share_held([over_trainings(one) for one in tables], 0.5) >= 0.925
    if between_seeds:
        assert share_held([plain(one.mean(axis=0)) for one in tables], 0.5) < 0.75


def test_the_table_is_that_of_the_standings(tmp_path):
    settings = {"creditors": ["vanilla", "wsls"], "debtors": ["angry", "sad"], "matches_per_pair": 8, "seed": 1}
    run_tournament(make_config({**settings, "scenarios": "builtin:0-3", "workers": 1}), tmp_path / "run")
    snapshot = read_snapshot(tmp_path / "run")
    table = utilities_of(snapshot)
    assert table.shape == (2, 4)
    means = {one.label: one.utility.mean for one in make_standings(snapshot).seat("creditor")}
    assert table.mean(axis=1) == pytest.approx([means["vanilla"], means["wsls"]])
    assert best_apart(table).mean <= table.max(axis=0).mean()
    assert utilities_of(snapshot, "debtor").shape == (2, 4)


@given(st.integers(2, 5), st.integers(4, 8), st.integers(0, 99))
def test_neither_interval_leaves_what_a_utility_can_be(rows, columns, seed):
    table = np.random.default_rng(seed).integers(0, 2, (rows, columns)).astype(float)
    for one in (best_apart(table, seed), over_trainings(table)):
        assert 0 <= one.low <= one.mean <= one.high <= 1
    gained = over_trainings(2 * table - 1, (-1.0, 1.0))
    assert -1 <= gained.low <= gained.mean <= gained.high <= 1


@pytest.mark.parametrize("table", [[0.5], [[0.5] * 3], [[float("nan")] * 9] * 3, np.zeros((0, 9))])
def test_too_little_is_refused_with_what_is_due(table):
    with pytest.raises(BadInput, match="scenarios of finite numbers"):
        best_apart(table)
    with pytest.raises(BadInput, match="at least 2 seeds"):
        over_trainings(table)
