"""Games whose solutions are known, and what every solution has to satisfy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from poise.common.errors import BadInput
from poise.games.openspiel.pyspiel import algorithm
from poise.tournaments.game_theory.alpha_rank import alpha_rank, alpha_rank_at, alpha_sweep
from poise.tournaments.game_theory.bimatrix import Bimatrix
from poise.tournaments.game_theory.solve import (
    dominance_network,
    equilibrium,
    exploitability,
    mixed_equilibria,
    pure_equilibria,
    replicator,
    response_network,
    solution_data,
    zero_sum,
)


def game(creditor, debtor):
    creditor, debtor = np.array(creditor, dtype=float), np.array(debtor, dtype=float)
    labels = tuple(
        tuple(f"{letter}{n}" for n in range(size)) for letter, size in zip("cd", creditor.shape, strict=True)
    )
    return Bimatrix(*labels, creditor, debtor)


PENNIES = game([[1, 0], [0, 1]], [[0, 1], [1, 0]])
PRISONERS = game([[0.6, 0.0], [1.0, 0.2]], [[0.6, 1.0], [0.0, 0.2]])
ROCK = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])


def test_matching_pennies_are_mixed_evenly():
    assert pure_equilibria(PENNIES) == []
    found = equilibrium(PENNIES)
    assert found.creditor == pytest.approx([0.5, 0.5])
    assert found.debtor == pytest.approx([0.5, 0.5])
    assert found.regret == pytest.approx(0, abs=1e-9)
    assert alpha_rank(PENNIES) == pytest.approx(np.full((2, 2), 0.25))
    assert exploitability(PENNIES, "creditor") == [1, 1]


def test_the_battle_of_the_sexes_has_its_three_equilibria():
    """Two pure ones, and the mixed one in which each side makes the other indifferent: 2/3 and 1/3."""
    battle = game([[2, 0], [0, 1]], [[1, 0], [0, 2]])
    found = [(one.creditor.tolist(), one.debtor.tolist()) for one in mixed_equilibria(battle)]
    assert found[:2] == [([1, 0], [1, 0]), ([0, 1], [0, 1])]
    assert found[2][0] == pytest.approx([2 / 3, 1 / 3])
    assert found[2][1] == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (5, 6), (7, 7)])
@pytest.mark.parametrize("constant", [False, True], ids=["any sum", "nearly constant"])
def test_games_without_a_pure_equilibrium_are_solved_exactly(shape, constant):
    """Almost every game has an equilibrium, whose supports are equally large (Nash 1951; Wilson 1971)."""
    rng, solved = np.random.default_rng(5), 0
    for _ in range(12):
        creditor = rng.random(shape)
        debtor = 1 - creditor + 0.02 * rng.random(shape) if constant else rng.random(shape)
        one = game(creditor, debtor)
        if pure_equilibria(one):
            continue
        found, solved = equilibrium(one), solved + 1
        assert found.method == "support enumeration"
        assert found.regret <= 1e-9
    assert solved


def test_a_game_too_large_to_enumerate_is_told_as_near_an_equilibrium():
    rng = np.random.default_rng(1)
    large = game(rng.random((8, 8)), rng.random((8, 8)))
    assert list(mixed_equilibria(large)) == []
    assert equilibrium(large).regret >= 0


def test_prisoners_defect():
    assert pure_equilibria(PRISONERS) == [(1, 1)]
    assert list(dominance_network(PRISONERS, "creditor").edges) == [("c1", "c0")]
    assert list(dominance_network(PRISONERS, "debtor").edges) == [("d1", "d0")]
    assert alpha_rank(PRISONERS)[1, 1] == pytest.approx(1, abs=1e-5)
    assert exploitability(PRISONERS, "creditor") == pytest.approx([0.2, 0])
    end = replicator(PRISONERS)
    assert end.creditor[1] == pytest.approx(1, abs=1e-3)
    assert set(response_network(PRISONERS).successors(("creditor", "c0"))) == {("debtor", "d1")}


def test_rock_paper_scissors_is_worth_nothing():
    found = zero_sum(game(ROCK, -ROCK))
    assert found.creditor == pytest.approx([1 / 3] * 3)
    assert found.values == pytest.approx((0, 0), abs=1e-12)


payoffs = arrays(np.float64, (3, 2), elements=st.integers(0, 6).map(lambda n: n / 6))


@given(payoffs, payoffs)
@settings(max_examples=25, deadline=None)
def test_alpha_rank_is_openspiel_s(creditor, debtor):
    noise = 0.01
    reference = algorithm("egt.alpharank").compute([creditor, debtor], use_inf_alpha=True, inf_alpha_eps=noise)[2]
    found = alpha_rank(game(creditor, debtor), noise)
    profiles = algorithm("egt.utils")
    order = [profiles.get_strat_profile_from_id(np.array([3, 2]), place) for place in range(6)]
    assert [found[i, j] for i, j in order] == pytest.approx(list(reference), abs=1e-9)


@given(payoffs, payoffs, st.sampled_from([0.0, 0.02, 0.5, 3.0]), st.sampled_from([2, 10, 50]))
@settings(max_examples=25, deadline=None)
def test_alpha_rank_at_a_strength_is_openspiel_s(creditor, debtor, alpha, population):
    reference = algorithm("egt.alpharank").compute([creditor, debtor], m=population, alpha=alpha)[2]
    found = alpha_rank_at(game(creditor, debtor), alpha, population)
    profiles = algorithm("egt.utils")
    order = [profiles.get_strat_profile_from_id(np.array([3, 2]), place) for place in range(6)]
    assert [found[i, j] for i, j in order] == pytest.approx(list(reference), abs=1e-6)


@given(payoffs, payoffs, st.permutations(range(3)), st.permutations(range(2)))
@settings(max_examples=25, deadline=None)
def test_names_and_places_change_no_rank(creditor, debtor, rows, columns):
    turned = game(creditor[np.ix_(rows, columns)], debtor[np.ix_(rows, columns)])
    for rank in (alpha_rank, lambda one: alpha_rank_at(one, 0.7)):
        assert rank(turned) == pytest.approx(rank(game(creditor, debtor))[np.ix_(rows, columns)], abs=1e-9)


@given(payoffs, payoffs)
@settings(max_examples=25, deadline=None)
def test_whom_everybody_dominates_has_an_edge_from_each_and_lasts_under_no_selection(creditor, debtor):
    """By each of the others: whom one alone dominates can still lie on a circle of evolution, and keep mass."""
    worst = np.vstack([creditor, creditor.min(axis=0) - 0.1])
    one = game(worst, np.vstack([debtor, debtor[:1]]))
    assert set(dominance_network(one, "creditor").predecessors("c3")) == {"c0", "c1", "c2"}
    assert alpha_rank(one)[3].sum() == pytest.approx(0, abs=1e-4)
    masses = [mass[3].sum() for _, mass in alpha_sweep(one)]
    assert masses[-1] == pytest.approx(0, abs=1e-4)
    assert masses[0] < 0.25


def test_without_selection_all_last_equally_long_and_with_much_of_it_the_best_alone():
    assert alpha_rank_at(PRISONERS, 0) == pytest.approx(np.full((2, 2), 0.25))
    sweep = alpha_sweep(PRISONERS)
    assert [alpha for alpha, _ in sweep] == sorted(alpha for alpha, _ in sweep)
    assert sweep[-1][1] == pytest.approx(alpha_rank(PRISONERS), abs=1e-5)
    with pytest.raises(BadInput, match="alpha is 0 or more"):
        alpha_rank_at(PRISONERS, -1)


@given(payoffs)
@settings(max_examples=25, deadline=None)
def test_linear_programming_solves_constant_sum_games(creditor):
    assert zero_sum(game(creditor, 1 - creditor)).regret == pytest.approx(0, abs=1e-8)


@given(payoffs, payoffs)
@settings(max_examples=20, deadline=None)
def test_pure_equilibria_are_those_that_nobody_would_leave(creditor, debtor):
    one = game(creditor, debtor)
    left, right = exploitability(one, "creditor"), exploitability(one, "debtor")
    for i, j in pure_equilibria(one):
        assert creditor[i, j] == pytest.approx(creditor[:, j].max())
        assert debtor[i, j] == pytest.approx(debtor[i].max())
    assert min(left + right) >= 0


def test_more_pairs_than_are_solved_at_a_time_are_ranked_as_openspiel_ranks_them():
    rng = np.random.default_rng(2)
    creditor, debtor = rng.random((2, 12, 11)).round(1)
    reference = algorithm("egt.alpharank").compute([creditor, debtor], use_inf_alpha=True, inf_alpha_eps=0.01)[2]
    found = alpha_rank(game(creditor, debtor), 0.01)
    profiles = algorithm("egt.utils")
    order = [profiles.get_strat_profile_from_id(np.array([12, 11]), place) for place in range(132)]
    assert [found[i, j] for i, j in order] == pytest.approx(list(reference), abs=1e-9)


def test_dozens_of_creditors_and_debtors_are_solved_safely(thorough):
    """What each gets depends on the distance between the two alone, so that all do equally well by symmetry."""
    size = 60 if thorough else 24
    apart = (np.arange(size)[:, None] - np.arange(size)) % size
    circle = np.random.default_rng(1).random((2, size))[:, apart]
    ranks = alpha_rank(game(*circle), 1e-12)
    assert np.all(np.isfinite(ranks))
    assert ranks.min() >= 0
    assert ranks.sum() == pytest.approx(1)
    assert ranks.sum(axis=0) == pytest.approx(np.full(size, 1 / size))
    assert ranks.sum(axis=1) == pytest.approx(np.full(size, 1 / size))
    constant_sum = game(circle[0], 1 - circle[0])
    for found in (zero_sum(constant_sum), replicator(constant_sum)):
        assert found.creditor.sum() == pytest.approx(1)
        assert found.debtor.sum() == pytest.approx(1)
        assert found.regret == pytest.approx(0, abs=1e-6)
        assert found.values[0] == pytest.approx(circle[0].mean())  # everybody against all, evenly


def test_plain_data_name_every_agent():
    data = solution_data(PRISONERS)
    assert [one["label"] for one in data["creditors"]] == ["c0", "c1"]
    assert data["creditors"][0]["dominated_by"] == ["c1"]
    assert data["equilibrium"]["pure"] == [["c1", "d1"]]


def test_what_is_no_game_is_refused():
    with pytest.raises(BadInput, match="finite"):
        game([[float("nan")]], [[0.0]])
    with pytest.raises(BadInput, match="noise"):
        alpha_rank(PENNIES, 0)
