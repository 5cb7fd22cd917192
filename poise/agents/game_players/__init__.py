"""OpenSpiel's players on the offers: best response, Monte-Carlo tree search, and the average policy of CFR.

They bargain and show no emotion: baselines that know the game and nothing of feelings. `lattice` says which game they
play, and what they assume of the other side.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from poise.agents.protocols import Concession
from poise.common.errors import AgentError

GAME_PLAYERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "best-response": "no emotion; bargains by the best response to how the other side concedes",
        "mcts": "no emotion; bargains by OpenSpiel's Monte-Carlo tree search; mcts:SIMULATIONS, 100 unless said",
        "cfr": "no emotion; bargains by the average policy of OpenSpiel's counterfactual regret minimisation",
    }
)


def game_player(name: str, argument: str = "") -> Concession:
    """The player of that name, one of GAME_PLAYERS.

    Raises:
        AgentError: the argument is refused.
    """
    from poise.agents.game_players.average_policy import AveragePolicy
    from poise.agents.game_players.best_response import BestResponse
    from poise.agents.game_players.tree_search import TreeSearch

    if name == "mcts" and argument:
        try:
            return TreeSearch(simulations=int(argument))
        except ValueError:
            raise AgentError(f"mcts:{argument}: say mcts, or mcts:SIMULATIONS with a whole number") from None
    if argument:
        raise AgentError(f"{name}:{argument}: {name} takes nothing after a colon; say just {name}")
    players: Mapping[str, type[Concession]] = {"best-response": BestResponse, "mcts": TreeSearch, "cfr": AveragePolicy}
    return players[name]()
