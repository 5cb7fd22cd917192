"""EmoDebt's search: expected improvement is its integral, the surrogate a Gaussian process, and it finds what pays."""

import json
import math

import numpy as np
import pytest
from helpers.engine_strategies import expected_joy, talk
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.policies.chains import Chain
from poise.agents.policies.emodebt import PRIOR
from poise.common.errors import BadInput
from poise.training.online.bayes import BayesianSearch, BayesSettings, Surrogate, expected_improvement
from poise.training.online.matrices import scattered

numbers = st.floats(-3, 3)


# --- expected improvement


@given(mu=numbers, sigma=st.floats(0.01, 3), best=numbers, xi=st.floats(0, 0.5))
def test_expected_improvement_is_the_integral_it_stands_for(mu, sigma, best, xi):
    """The integral of max(0, g - best - xi) over N(mu, sigma^2), by the trapezoid rule on 40,001 points."""
    g = np.linspace(mu - 10 * sigma, mu + 10 * sigma, 40_001)
    density = np.exp(-0.5 * ((g - mu) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    integral = np.trapezoid(np.maximum(0.0, g - best - xi) * density, g)
    assert expected_improvement(mu, sigma, best, xi) == pytest.approx(integral, abs=1e-6)


@given(mu=numbers, sigma=st.floats(0, 3), more=st.floats(0.01, 1), best=numbers)
def test_it_rises_with_the_mean_and_with_the_deviation_and_is_never_negative(mu, sigma, more, best):
    here = expected_improvement(mu, sigma, best, 0.01)
    assert 0 <= here <= expected_improvement(mu + more, sigma, best, 0.01)
    assert here <= expected_improvement(mu, sigma + more, best, 0.01) + 1e-15


def test_known_values():
    """At mu = best and xi = 0 it is sigma / sqrt(2 pi); without doubt it is the plain gain."""
    assert expected_improvement(0.3, 2.0, 0.3, 0.0) == pytest.approx(2 / math.sqrt(2 * math.pi))
    assert expected_improvement(1.0, 0.0, 0.25, 0.01) == pytest.approx(0.74)
    assert expected_improvement(0.0, 0.0, 0.25, 0.01) == 0.0
    assert expected_improvement(-30.0, 1.0, 0.0, 0.01) >= 0.0


# --- the surrogate


def some(count, seed=1):
    rng = np.random.default_rng(seed)
    return [scattered(PRIOR, rng) for _ in range(count)]


def test_the_surrogate_is_the_textbook_posterior():
    """Mean and deviation against the closed form of Rasmussen & Williams 2006, eq. 2.25 and 2.26, at its own kernel."""
    matrices, asked = some(12), some(4, seed=2)
    rewards = [float(np.array(matrix)[:, 0].mean()) for matrix in matrices]
    model = Surrogate(matrices, rewards, BayesSettings(), seed=3)
    kernel = model._process.kernel_.k1  # the signal, without the white noise
    x, new = (np.array(each).reshape(len(each), 49) for each in (matrices, asked))
    scale, centre = np.std(rewards), np.mean(rewards)
    inverse = np.linalg.inv(kernel(x) + (model.noise + 1e-6) * np.eye(12))
    mean = centre + scale * kernel(new, x) @ inverse @ ((np.array(rewards) - centre) / scale)
    variance = np.diag(kernel(new) - kernel(new, x) @ inverse @ kernel(x, new))
    found = model.predict(asked)
    assert [mu for mu, _ in found] == pytest.approx(mean, abs=1e-6)
    assert [sigma for _, sigma in found] == pytest.approx(scale * np.sqrt(variance), abs=1e-5)


def test_equal_rewards_are_no_fault():
    for rewards in ([0.5], [0.5] * 5):
        found = Surrogate(some(len(rewards)), rewards, BayesSettings(), seed=1).predict(some(2, seed=9))
        assert all(math.isfinite(mu) and sigma >= 0 for mu, sigma in found)


def test_noise_is_told_from_signal():
    matrices = [PRIOR] * 20
    rewards = np.random.default_rng(1).normal(0.4, 0.2, 20).tolist()
    (mu, sigma), *_ = Surrogate(matrices, rewards, BayesSettings(), seed=1).predict([PRIOR])
    assert mu == pytest.approx(np.mean(rewards), abs=0.05)
    assert sigma < 0.15  # twenty looks at the same matrix tell more about it than one


# --- the search


def searched(search, iterations):
    """Each matrix is worth exactly the joy in it."""
    for _ in range(iterations):
        (chain,) = search.ask()
        search.tell([[talk(expected_joy(chain), messages=1)]])
    return search


@pytest.mark.parametrize("seed", [1, 2])
def test_the_search_finds_a_chain_that_pays(seed):
    search = searched(BayesianSearch(Chain(PRIOR), BayesSettings(restarts=0), seed), 24)
    assert expected_joy(Chain(PRIOR)) < 0.2
    assert expected_joy(search.best) > 0.4


def test_it_begins_with_the_prior_and_tries_legal_matrices():
    search = BayesianSearch(Chain(PRIOR), seed=1)
    assert search.ask() == [Chain(PRIOR)]
    searched(search, 3)
    assert search.measured == 3
    for matrix in search.tried:
        assert [sum(row) for row in matrix] == pytest.approx([1.0] * 7)


def test_degenerate_the_releases_warm_up_is_better_than_anything_real():
    """Its five made-up rewards are 0, and no deal beats that: expected improvement is measured from nowhere."""
    search = BayesianSearch(Chain(PRIOR), BayesSettings(mode="faithful"), seed=1)
    assert search.rewards == [0.0] * 5
    for value in (20, 40, 60):
        search.tell([[talk(0.9, value=value)]])
    assert max(search.rewards) == 0.0
    assert search.measured == 3
    assert search.best.matrix in search.tried[5:]  # what was never played is never the result
    assert search.best.matrix == search.tried[-1]  # of equal lengths, the latest payment is the best


def test_degenerate_the_release_files_rewards_under_matrices_that_were_never_played():
    """Four iterations of three negotiations: 8 of 12 rewards stand for matrices that nobody played."""
    search, played = BayesianSearch(Chain(PRIOR), BayesSettings(mode="faithful", restarts=0), seed=1), []
    for _ in range(4):
        (chain,) = search.ask()
        played.append(chain.matrix)
        search.tell([[talk(0.5, messages=messages) for messages in (5, 9, 13)]])
    filed = search.tried[5:]
    assert len(filed) == search.measured == 12
    assert [matrix in played for matrix in filed] == [True, False, False] * 4
    corrected = BayesianSearch(Chain(PRIOR), BayesSettings(restarts=0), seed=1)
    corrected.tell([[talk(0.5, messages=messages) for messages in (5, 9, 13)]])
    assert corrected.tried == [Chain(PRIOR).matrix]


@pytest.mark.parametrize("mode", ["corrected", "faithful"])
def test_a_search_goes_on_from_its_memory_as_if_never_stopped(mode):
    settings = BayesSettings(mode=mode, restarts=1)
    whole = searched(BayesianSearch(Chain(PRIOR), settings, seed=4), 2)
    resumed = BayesianSearch(Chain(PRIOR), settings, seed=4)
    resumed.restore(json.loads(json.dumps(whole.memory())))
    assert searched(whole, 2).memory() == searched(resumed, 2).memory()
    assert whole.best == resumed.best


@pytest.mark.parametrize("wrong", [{"mode": "kind"}, {"candidates": 0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(BadInput):
        BayesSettings(**wrong)
