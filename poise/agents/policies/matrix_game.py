"""EmoMAS's game-theory baselines: the emotion game as a 7 x 7 matrix game, solved in three ways.

Paper: EmoMAS (https://arxiv.org/abs/2604.07003); the game is EQ-Negotiator's (https://arxiv.org/abs/2503.21080v3).

    d, e          the debtor's emotion and the creditor's, in the order of EMOTIONS7
    pi[d, e]      the creditor's payoff (PAYOFF), 0 to 4; rho[d, e] the debtor's (CLIENT_PAYOFF), 0 to 4

    nash          e of the pure equilibrium (d, e) with the greatest pi + rho: pi[d, e] = max_e' pi[d, e'] and
                  rho[d, e] = max_d' rho[d', e]                                (Nash 1951)
    minimax       argmax_e min_d pi[d, e], what is safe against every debtor   (von Neumann 1928, in pure strategies)
    dominance     argmax_e pi[h, e] over the emotions that survive the iterated elimination of strictly dominated ones
                  on both sides, h the emotion read last, neutral before any

Of equals the first is chosen; there are no dice and nothing is learned. With the published payoffs, Nash is always joy
and minimax always neutral: neither listens. Anger and fear are dominated for both sides, and no best reply, so that
dominance is the payoff table's best reply.

Differs from the reference: the paper does not say which equilibrium is played, nor whether strategies are mixed; these
are the simplest readings. The release's adviser called game theory is the dominance one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.emotions.tables import CLIENT_PAYOFF, PAYOFF, Table
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies import policy
from poise.agents.policies.eq_negotiator import NEUTRAL, likeliest
from poise.agents.policies.game_theory import best_reply
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice

SOLUTIONS: Final = ("nash", "minimax", "dominance")
_ALL: Final = range(EMOTION_COUNT)


def emotion_equilibria(debtor: Table, creditor: Table) -> list[tuple[int, int]]:
    """(row, column) of every pure equilibrium; both payoff tables have the debtor's actions as rows."""
    columns = list(zip(*debtor, strict=True))
    return [
        (d, e)
        for d, row in enumerate(creditor)
        for e, payoff in enumerate(row)
        if payoff == max(row) and debtor[d][e] == max(columns[e])
    ]


def undominated(debtor: Table, creditor: Table) -> tuple[list[int], list[int]]:
    """The rows and columns that survive the iterated elimination of pure strategies strictly dominated by pure ones."""
    rows, columns = list(range(len(debtor))), list(range(len(debtor[0])))
    while True:
        kept_rows = [
            d for d in rows if not any(all(debtor[other][e] > debtor[d][e] for e in columns) for other in rows)
        ]
        kept_columns = [
            e
            for e in columns
            if not any(all(creditor[d][other] > creditor[d][e] for d in kept_rows) for other in columns)
        ]
        if (kept_rows, kept_columns) == (rows, columns):
            return rows, columns
        rows, columns = kept_rows, kept_columns


class MatrixGame:
    """A solution of the emotion game as a policy; see the module's head."""

    def __init__(self, solution: str) -> None:
        if solution not in SOLUTIONS:
            raise AgentError(f"matrix-game:{solution}: say matrix-game:{', matrix-game:'.join(SOLUTIONS)}")
        self._replies: Sequence[int]
        if solution == "nash":
            equilibria = emotion_equilibria(CLIENT_PAYOFF, PAYOFF)
            best = max(equilibria, key=lambda pair: PAYOFF[pair[0]][pair[1]] + CLIENT_PAYOFF[pair[0]][pair[1]])
            self._replies = [best[1]] * EMOTION_COUNT
        elif solution == "minimax":
            safe = best_reply([min(column) for column in zip(*PAYOFF, strict=True)], _ALL)
            self._replies = [safe] * EMOTION_COUNT
        else:
            survivors = undominated(CLIENT_PAYOFF, PAYOFF)[1]
            self._replies = [best_reply(row, survivors) for row in PAYOFF]

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - nothing is left to chance
        """The emotion for the next message, one of the seven."""
        heard = likeliest(view.readings[-1].emotions) if view.readings else NEUTRAL
        return EMOTIONS7[self._replies[heard]]


@policy(
    "matrix-game",
    "solves the emotion game: dominance unless matrix-game:nash or :minimax is said (EmoMAS's baselines)",
    argument="SOLUTION",
)
def named_matrix_game(argument: str) -> MatrixGame:
    """What `matrix-game` (dominance) and `matrix-game:SOLUTION` stand for."""
    return MatrixGame(argument or "dominance")
