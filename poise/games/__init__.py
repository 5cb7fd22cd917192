"""What can happen: scenarios, the rules, the OpenSpiel game, the transcript. No model, no graph, no network.

The names below are the room's public surface. Whatever needs OpenSpiel is imported when it is first asked for.
`poise.games.openspiel.theory` (backward induction, best responses) and `poise.games.openspiel.bargaining` (the game)
are imported by name.
"""

from typing import TYPE_CHECKING, Any

from poise.games.metrics import Score, Summary, savings, score, summarise, wilson
from poise.games.moves import ACCEPT, FORFEIT, SEATS, WALK, Move, Seat, offer, other
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Message, Outcome, Transcript

if TYPE_CHECKING:
    from poise.games.referee import Legal, Referee

__all__ = [
    "ACCEPT",
    "FORFEIT",
    "SEATS",
    "WALK",
    "Legal",
    "Message",
    "Move",
    "Outcome",
    "Referee",
    "Rules",
    "Scenario",
    "Score",
    "Seat",
    "Summary",
    "Transcript",
    "offer",
    "other",
    "savings",
    "score",
    "summarise",
    "wilson",
]


def __getattr__(name: str) -> Any:
    if name not in ("Legal", "Referee"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from poise.games import referee

    return getattr(referee, name)
