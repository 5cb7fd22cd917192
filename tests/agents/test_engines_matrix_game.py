"""EmoMAS's game-theory baselines: each plays what its solution concept says of the published game."""

import numpy as np
import pytest
from helpers.emotion_strategies import BRIEF, DICE, heard_view
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from poise.agents.emotions.tables import CLIENT_PAYOFF, PAYOFF
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies import policies
from poise.agents.policies.matrix_game import SOLUTIONS, emotion_equilibria, undominated
from poise.agents.protocols import View
from poise.common.errors import AgentError

games = st.tuples(*[arrays.arrays(int, (4, 3), elements=st.integers(0, 5))] * 2)


def replies(solution):
    policy = policies()["matrix-game"].make(solution)
    return [policy.choose(heard_view(("joy",), (heard,)), DICE) for heard in EMOTIONS7]


@given(games)
def test_nobody_gains_by_leaving_an_equilibrium_alone(game):
    """Nash 1951, by its definition: exactly the pairs from which neither side wants to move."""
    debtor, creditor = game
    found = set(emotion_equilibria(debtor.tolist(), creditor.tolist()))
    for d, e in np.ndindex(4, 3):
        stays = (debtor[:, e] <= debtor[d, e]).all() and (creditor[d] <= creditor[d, e]).all()
        assert ((d, e) in found) == stays


@given(games)
def test_elimination_leaves_every_equilibrium_and_nothing_dominated(game):
    debtor, creditor = game
    rows, columns = undominated(debtor.tolist(), creditor.tolist())
    assert all(d in rows and e in columns for d, e in emotion_equilibria(debtor.tolist(), creditor.tolist()))
    left = debtor[np.ix_(rows, columns)], creditor[np.ix_(rows, columns)].T
    for payoffs in left:
        assert not any((one > other).all() for one in payoffs for other in payoffs)


def test_the_published_game_by_hand():
    assert emotion_equilibria(CLIENT_PAYOFF, PAYOFF) == [(0, 0), (1, 1), (4, 4), (5, 5), (6, 6)]
    assert replies("nash") == ["joy"] * 7  # 4 and 4; surprise is as good, and later
    assert replies("minimax") == ["neutral"] * 7  # never less than 2; joy can bring 1
    assert [EMOTIONS7[e] for e in undominated(CLIENT_PAYOFF, PAYOFF)[1]] == [
        "joy", "sadness", "surprise", "disgust", "neutral",
    ]  # fmt: skip
    assert replies("") == replies("dominance") == ["joy", "sadness", "surprise", "neutral", "surprise", "joy", "joy"]


@pytest.mark.parametrize("solution", SOLUTIONS)
def test_before_anything_is_heard_the_debtor_counts_as_neutral(solution):
    assert policies()["matrix-game"].make(solution).choose(View(BRIEF), DICE) == replies(solution)[-1]


@pytest.mark.parametrize("argument", ["pareto", "nash,"])
def test_another_solution_is_refused_with_the_names(argument):
    with pytest.raises(AgentError, match="say matrix-game:nash, matrix-game:minimax, matrix-game:dominance"):
        policies()["matrix-game"].make(argument)
