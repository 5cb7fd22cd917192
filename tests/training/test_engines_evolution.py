"""EvoEmo's search: operators keep rows distributions, selection finds what pays, the release's way does not."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from helpers.engine_strategies import JOY, NEUTRAL, chains, expected_joy, joyful, matrices, talk
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.policies.chains import Chain
from poise.agents.policies.evoemo import INITIAL
from poise.common.errors import BadInput
from poise.training.online.episodes import (
    EpisodeStep,
    emodebt_released_reward,
    emodebt_reward,
    evoemo_fitness,
    evoemo_released_fitness,
)
from poise.training.online.evolution import Evolution, EvolutionSettings
from poise.training.online.matrices import blended, crossed, estimated, redrawn, scattered
from poise.training.online.sequences import SequenceEvolution

rngs = st.integers(0, 2**32).map(np.random.default_rng)


def is_stochastic(matrix):
    return all(math.isclose(sum(row), 1.0, abs_tol=1e-9) and min(row) >= 0 for row in matrix)


# --- operators


@given(first=matrices, second=matrices, keep=st.floats(0, 1), rng=rngs)
def test_every_operator_keeps_rows_distributions(first, second, keep, rng):
    assert is_stochastic(scattered(first, rng))
    assert is_stochastic(crossed(first, second, rng))
    assert is_stochastic(blended(first, second, keep))
    assert all(row in pair for row, *pair in zip(crossed(first, second, rng), first, second, strict=True))


def test_a_redrawn_row_has_the_mean_and_spread_of_its_dirichlet():
    """Dirichlet(a): mean a_i / A, variance m (1 - m) / (A + 1), with A = 10 * 1 + 7 * 0.1."""
    row, rng = INITIAL[NEUTRAL], np.random.default_rng(5)
    draws = np.array([redrawn(row, rng) for _ in range(4000)])
    mean = (10 * np.array(row) + 0.1) / 10.7
    assert draws.mean(axis=0) == pytest.approx(mean, abs=0.01)
    assert draws.var(axis=0) == pytest.approx(mean * (1 - mean) / 11.7, rel=0.15)


def test_the_estimate_by_hand():
    """Five observations: max(0.1, 5 / 5) = 1 is added to each count. Of a thousand only 0.1 is."""
    few = estimated([(JOY, JOY)] * 4 + [(JOY, NEUTRAL)])
    assert few[JOY] == pytest.approx([5 / 12, 1 / 12, 1 / 12, 1 / 12, 1 / 12, 1 / 12, 2 / 12])
    assert few[NEUTRAL] == pytest.approx([1 / 7] * 7)
    assert estimated([(JOY, JOY)] * 1000)[JOY][JOY] == pytest.approx(1000.1 / 1000.7)
    assert estimated([]) is None


# --- fitness and rewards


def test_fitness_and_rewards_by_hand():
    assert evoemo_fitness(talk()) == pytest.approx(50 / (1 + math.log(10)))
    assert emodebt_reward(talk()) == pytest.approx(0.5 / (1 + math.log(9)))
    assert emodebt_reward(talk(messages=1)) == 0.5
    assert evoemo_fitness(talk(deal=False)) == 0.0
    assert emodebt_reward(talk(deal=False)) == -1.0


@given(st.floats(0, 0.99), st.floats(0.001, 0.01), st.integers(1, 30))
def test_corrected_ones_rise_with_utility_and_fall_with_length(utility, more, messages):
    for worth in (evoemo_fitness, emodebt_reward):
        assert worth(talk(utility + more, messages=messages)) > worth(talk(utility, messages=messages))
        assert worth(talk(utility + more, messages=messages + 1)) < worth(talk(utility + more, messages=messages))


def test_degenerate_the_released_fitness_does_not_see_deals_beyond_the_creditors_target():
    assert {evoemo_released_fitness(talk(u, value=v)) for u, v in ((0.9, 20), (0.1, 100))} == {0.0}
    assert evoemo_released_fitness(talk(value=5)) == pytest.approx(50 / (1 + math.log(10)))


def test_degenerate_the_released_reward_prefers_a_later_payment():
    assert emodebt_released_reward(talk(value=100)) > emodebt_released_reward(talk(value=20))
    assert emodebt_released_reward(talk(messages=1, value=300)) == 0.0


# --- the search


def evolved(search, generations, talks=6, seed=3):
    rng = np.random.default_rng(seed)
    for _ in range(generations):
        search.tell([[joyful(chain, rng) for _ in range(talks)] for chain in search.ask()])
    return search


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_evolution_finds_a_chain_that_pays(seed):
    """Joy pays: the start shows it in 19 % of messages, and what evolved in most."""
    search = evolved(Evolution(Chain(INITIAL), seed=seed), 15, seed=seed)
    assert expected_joy(Chain(INITIAL)) < 0.2
    assert expected_joy(search.best) > 0.6


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_degenerate_the_releases_search_goes_nowhere(seed):
    search = evolved(SequenceEvolution(Chain(INITIAL), seed=seed), 15, talks=20, seed=seed)
    assert is_stochastic(search.best.matrix)
    assert expected_joy(search.best) < 0.35


@given(start=chains, seed=st.integers(0, 2**32))
@settings(max_examples=15)
def test_generations_have_their_size_and_legal_chains(start, seed):
    search = Evolution(start, EvolutionSettings(population=6, elite=2), seed)
    for _ in range(2):
        asked = search.ask()
        assert len(asked) == 6
        assert all(is_stochastic(chain.matrix) and chain.rows == start.rows for chain in asked)
        search.tell([[talk(number / 6)] for number, _ in enumerate(asked)])
    assert search.best.rows == start.rows


def test_the_elite_stay_and_the_best_is_the_best():
    search = Evolution(Chain(INITIAL), seed=1)
    asked = search.ask()
    search.tell([[talk(number / 20)] for number in range(20)])
    assert search.best == asked[19]
    assert search.ask()[:5] == asked[:14:-1]


def test_a_lucky_one_sinks_as_it_plays_on():
    search = Evolution(Chain(INITIAL), EvolutionSettings(population=4, elite=2), seed=1)
    lucky = search.ask()[0]
    search.tell([[talk(0.9)], [talk(0.5)], [talk(0.4)], [talk(0.4)]])
    assert search.best == lucky
    for _ in range(6):
        search.tell([[talk(0.1 if chain == lucky else 0.5)] for chain in search.ask()])
    assert lucky not in search.ask()


@pytest.mark.parametrize("kind", [Evolution, SequenceEvolution])
def test_a_search_goes_on_from_its_memory_as_if_never_stopped(kind):
    whole = evolved(kind(Chain(INITIAL), seed=4), 2)
    resumed = kind(Chain(INITIAL), seed=4)
    resumed.restore(json.loads(json.dumps(whole.memory())))
    assert evolved(whole, 2).memory() == evolved(resumed, 2).memory()
    assert whole.best == resumed.best


def test_another_seed_is_another_search():
    assert evolved(Evolution(Chain(INITIAL), seed=1), 1).ask() != evolved(Evolution(Chain(INITIAL), seed=2), 1).ask()


def test_talks_that_ended_before_the_creditor_spoke_are_harmless():
    for search in (Evolution(Chain(INITIAL)), SequenceEvolution(Chain(INITIAL))):
        search.tell([[talk(deal=False)] for _ in search.ask()])
        assert is_stochastic(search.best.matrix)


def test_transitions_are_counted_by_the_rows_of_the_chain():
    steps = [EpisodeStep(NEUTRAL, JOY, JOY), EpisodeStep(JOY, NEUTRAL, NEUTRAL)]
    rows = {}
    for kind in ("own", "heard"):
        search = Evolution(Chain(INITIAL, rows=kind), EvolutionSettings(2, 1, mutation=0.0, crossover=0.0, keep=0.0))
        search.tell([[talk(0.9, steps=steps)], [talk(0.1)]])
        rows[kind] = search.ask()[1].matrix
    assert rows["own"][NEUTRAL][JOY] > rows["own"][NEUTRAL][NEUTRAL]
    assert rows["heard"][JOY][JOY] > rows["heard"][JOY][NEUTRAL]


@pytest.mark.parametrize("wrong", [{"elite": 0}, {"elite": 20}, {"crossover": 1.5}, {"keep": -0.1}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(BadInput):
        EvolutionSettings(**wrong)


def test_consecutive_steps_of_an_example_talk_join_up():
    episode = joyful(Chain(INITIAL))
    assert all(before.shown == after.own for before, after in pairwise(episode.steps))
