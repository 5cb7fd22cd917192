"""Two runs compared: against theory, against SciPy, and against a run itself."""

from itertools import product

import numpy as np
import pytest
from helpers.view_fakes import client, fake_folder, real_folder
from hypothesis import given
from hypothesis import strategies as st

from poise.common.seeds import child_seed
from poise.tournaments.statistics.changes import FLIPS, LEVEL, MEASURES, changes, holm, sign_flip, welch
from poise.tournaments.view.library import Library

P = st.floats(0, 1)


@given(st.lists(st.one_of(st.none(), P), max_size=12))
def test_holm_never_makes_p_smaller_and_keeps_the_order(values):
    adjusted = holm(values)
    known = [(p, q) for p, q in zip(values, adjusted, strict=True) if p is not None]
    assert [p is None for p in values] == [q is None for q in adjusted]
    for p, q in known:
        assert p <= q <= min(1.0, len(known) * p) + 1e-12
    assert [q for _, q in sorted(known)] == sorted(q for _, q in known)


def test_holm_rejects_what_the_step_down_of_the_paper_rejects():
    """Holm 1979: test the smallest p at alpha / n, the next at alpha / (n - 1), and stop at the first that fails."""
    rng = np.random.default_rng(child_seed(1, "holm"))
    for _ in range(300):
        values = (rng.uniform(size=6) ** 3 * 0.2).tolist()
        rejected = set()
        for rank, place in enumerate(sorted(range(6), key=values.__getitem__)):
            if values[place] >= LEVEL / (6 - rank):
                break
            rejected.add(place)
        assert {place for place, p in enumerate(holm(values)) if p < LEVEL} == rejected


def test_the_sign_flip_test_is_the_exact_one_up_to_its_draws():
    totals = np.array([0.3, -0.1, 0.7, 0.2, 0.45, -0.3, 0.6, 0.05])
    flips = np.array(list(product((-1.0, 1.0), repeat=len(totals))))
    exact = float((np.abs(flips @ totals) >= abs(totals.sum()) - 1e-9).mean())
    error = 4 * (exact * (1 - exact) / FLIPS) ** 0.5
    assert sign_flip(totals, 3) == pytest.approx(exact, abs=error + 1 / FLIPS)


def test_where_nothing_changed_one_in_twenty_is_called_changed_at_most():
    rng = np.random.default_rng(child_seed(2, "null"))
    found = [sign_flip(rng.normal(size=12), number) < LEVEL for number in range(400)]
    assert sum(found) / 400 < LEVEL + 3 * (LEVEL * (1 - LEVEL) / 400) ** 0.5


@given(st.lists(P, min_size=2, max_size=20), st.lists(P, min_size=2, max_size=20))
def test_welch_is_scipy_s(first, second):
    from scipy import stats

    one, two = np.array(first), np.array(second)
    if min(one.var(), two.var()) < 1e-6:
        return  # SciPy warns of lost precision
    estimate, p = welch(one, two)
    expected = stats.ttest_ind(two, one, equal_var=False)
    assert p == pytest.approx(expected.pvalue, abs=1e-9)
    interval = expected.confidence_interval(0.95)
    held = max(-1.0, interval.low), min(1.0, interval.high)  # shares differ by no more
    assert (estimate.low, estimate.high) == pytest.approx(held, abs=1e-9)


def test_means_of_one_scenario_leave_it_open_and_equal_constants_differ_by_nothing():
    assert welch(np.array([0.5]), np.array([0.5, 0.6]))[1] is None
    assert welch(np.array([0.5, 0.5]), np.array([0.5, 0.5]))[1] == 1.0
    assert welch(np.array([0.5, 0.5]), np.array([0.6, 0.6]))[1] == 0.0


@pytest.mark.parametrize("measure", MEASURES)
def test_a_run_compared_with_itself_has_not_changed(tmp_path, measure):
    snapshot = Library([fake_folder(tmp_path, cases=8)]).run(tmp_path.name).snapshot()
    found = changes(snapshot, snapshot, measure)
    assert len(found) == 4
    assert all(one.difference.mean == 0 and one.p == 1.0 and not one.beyond_noise for one in found)
    assert all(one.paired == one.samples == 8 for one in found)


def test_what_gained_in_every_pair_is_called_risen_and_the_other_way_round_fallen(tmp_path):
    whole = real_folder(tmp_path / "long", matches_per_pair=8, max_messages=31)
    short = real_folder(tmp_path / "short", matches_per_pair=8, max_messages=3)
    library = Library([whole, short])
    one, two = library.run("long").snapshot(), library.run("short").snapshot()
    there, back = changes(one, two, "success"), changes(two, one, "success")
    assert any(change.beyond_noise and change.difference.mean < 0 for change in there)
    for change, reverse in zip(there, back, strict=True):
        assert change.difference.mean == pytest.approx(-reverse.difference.mean)
        assert change.paired == 8
    page = client(whole, short).get("/compare?a=long&b=short&measure=success").text
    assert "fell" in page
    assert "max_messages" in page


def test_runs_with_other_seeds_share_no_pair_and_are_compared_by_their_scenarios(tmp_path):
    one = real_folder(tmp_path / "one", seed=1)
    two = real_folder(tmp_path / "two", seed=2)
    library = Library([one, two])
    found = changes(library.run("one").snapshot(), library.run("two").snapshot(), "creditor")
    assert found
    assert all(change.paired == 0 and change.largest is None and change.p is not None for change in found)


def test_one_run_alone_cannot_be_compared_and_says_with_what_it_could(tmp_path):
    answer = client(fake_folder(tmp_path / "run")).get("/compare")
    assert answer.status_code == 400
    assert "poise view DIR OTHER" in answer.text
