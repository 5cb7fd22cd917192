"""Monte-Carlo tree search, by OpenSpiel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from poise.agents.game_players.lattice import LatticePlayer, Spot, lattice_game, lattice_state, placed_value
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.games.openspiel.terms import WALK_ACTION

SIMULATIONS: Final = 100
_UCT: Final = 1.0


@dataclass(frozen=True)
class TreeSearch(LatticePlayer):
    """OpenSpiel's Monte-Carlo tree search (UCT, Kocsis & Szepesvari 2006) with random play-outs, for each message.

    The search plays both sides: the other is assumed to look after itself just as well.
    """

    steps: int = 4
    simulations: int = SIMULATIONS

    def __post_init__(self) -> None:
        if not 2 <= self.simulations <= 10_000:
            raise AgentError(
                f"mcts:{self.simulations}: say 2 to 10000 simulations a message; the usual is {SIMULATIONS}"
            )

    def act(self, view: View, here: Spot, dice: Dice) -> int:
        """Of the actions that the search cannot tell from the one searched most, the one that gives least."""
        import numpy as np

        from poise.games.openspiel.pyspiel import algorithm

        rng = np.random.RandomState(int(dice.unit() * 2**32))
        game = lattice_game(self.steps, view.brief.rules)
        search = algorithm("algorithms.mcts").MCTSBot(
            game, _UCT, self.simulations, _PlayOut(rng), solve=False, random_state=rng
        )
        root = search.mcts_search(lattice_state(self.steps, view.brief.rules, view.brief.seat, here))
        tried = [child for child in root.children if child.explore_count]
        level = _worth(max(tried, key=lambda child: child.explore_count))
        equal = [int(child.action) for child in tried if _worth(child) + _error(child) >= level]

        def given(action: int) -> int:
            """How far an action goes towards the other side (lattice)."""
            return here.theirs[0] if action == 0 else placed_value(view.brief.seat, action - 2, self.steps)

        return min(equal, key=lambda action: (given(action), action))


def _worth(child: Any) -> float:
    """The mean result of an action for whoever takes it."""
    return float(child.total_reward / child.explore_count)


def _error(child: Any) -> float:
    """The standard error of `_worth`; results lie in [0, 1]."""
    worth = min(1.0, max(0.0, _worth(child)))
    return math.sqrt(worth * (1.0 - worth) / child.explore_count)


class _PlayOut:
    """What OpenSpiel's search asks: how a play-out ends, and how likely each action is. Nobody walks away.

    In a play-out a seat takes the standing offer with the probability that is its share of it, and else makes a random
    offer.
    """

    def __init__(self, rng: Any) -> None:
        self._rng = rng

    def evaluate(self, state: Any) -> list[float]:
        """(creditor, debtor) at the end of one play-out from `state`."""
        state = state.clone()
        while not state.is_terminal():
            player = state.current_player()
            standing = state.standing[1 - player]
            if standing is not None and self._rng.random_sample() < state.terms.utilities(standing)[player]:
                state.apply_action(0)
            else:
                state.apply_action(2 + self._rng.randint(len(state.terms.offers)))
        returns: list[float] = state.returns()
        return returns

    def prior(self, state: Any) -> list[tuple[int, float]]:
        """Every action but walking away is as likely."""
        actions = [action for action in state.legal_actions() if action != WALK_ACTION]
        return [(action, 1.0 / len(actions)) for action in actions]
