"""Win-stay, lose-shift on realised payoffs.

Paper: M. Nowak & K. Sigmund, "A strategy of win-stay, lose-shift that outperforms tit-for-tat in the Prisoner's Dilemma
game", Nature 364:56-58, 1993 (https://doi.org/10.1038/364056a0); as part of EQ-Negotiator v2
(https://arxiv.org/abs/2511.03370), whose payoff table pi and aspiration 2 are used.

    c     the emotion shown last;  d  the emotion read in the debtor's answer to it, the likeliest of seven
    next = c                                if pi[d, c] >= aspiration          (win: stay)
    next = argmax_{e != c} pi[d, e]         if not                             (lose: shift)

The first message shows joy: a win-stay, lose-shift player begins by cooperating. Of equal emotions the first in the
order of EMOTIONS7 is chosen; there are no dice and nothing is learned. With two actions this is Pavlov.

Differs from the reference: EQ-Negotiator's release judges by the payoff it was about to get, not by the one it got (see
`poise.agents.policies.eq_negotiator_faithful`); the game has seven actions instead of two, so losing needs a rule for
what to shift to: the best reply to what was just read. A message without direction counts as neutral.
"""

from __future__ import annotations

import math
from typing import Final

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.emotions.tables import PAYOFF
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies import policy
from poise.agents.policies.eq_negotiator import INDEX, JOY, EqSettings, likeliest
from poise.agents.policies.game_theory import best_reply, win_stay_lose_shift
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice

ASPIRATION: Final = EqSettings().aspiration
# For each emotion read and each to move away from, the best other reply.
_OTHER: Final = tuple(
    tuple(best_reply(row, [e for e in range(EMOTION_COUNT) if e != shown]) for shown in range(EMOTION_COUNT))
    for row in PAYOFF
)


class WinStayLoseShift:
    """Win-stay, lose-shift; see the module's head.

    aspiration: the payoff that counts as winning. The table's payoffs are 0 to 4, so at 0 or below nothing is ever
        lost, and above 4 everything is.
    """

    def __init__(self, aspiration: float = ASPIRATION) -> None:
        if not math.isfinite(aspiration):
            raise AgentError(f"aspiration {aspiration} is not a finite number; payoffs are 0 to 4, the usual one is 2")
        self.aspiration = aspiration

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - nothing is left to chance
        """The emotion for the next message, one of the seven."""
        if not view.readings:
            return EMOTIONS7[JOY]
        heard = likeliest(view.readings[-1].emotions)
        shown = INDEX[view.shown[-1] if view.shown else None]
        return EMOTIONS7[win_stay_lose_shift(shown, PAYOFF[heard][shown], self.aspiration, _OTHER[heard][shown])]


@policy(
    "wsls",
    "win-stay, lose-shift on what the last emotion brought; wsls:ASPIRATION, 2 unless said",
    argument="ASPIRATION",
)
def make_wsls(argument: str) -> WinStayLoseShift:
    """What `wsls` and `wsls:ASPIRATION` stand for."""
    if not argument:
        return WinStayLoseShift()
    try:
        return WinStayLoseShift(float(argument))
    except ValueError:
        raise AgentError(f"wsls:{argument}: say wsls, or wsls:ASPIRATION with a number such as 2.5") from None
