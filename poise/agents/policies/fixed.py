"""The baseline that shows one emotion in every message.

Used as a baseline in EmoDebt (https://arxiv.org/abs/2503.21080v7) and EmoDistill (https://arxiv.org/abs/2605.26785).

Differs from the reference: any of the 28 emotions can be fixed, not only the seven.
"""

from __future__ import annotations

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.policies import policy
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.common.words import did_you_mean


@policy(
    "fixed",
    "the same emotion in every message: fixed:EMOTION, any of the 28",
    argument="EMOTION",
    example="neutral",
)
class Fixed:
    """Always `emotion`, one of the 28.

    Raises:
        AgentError: there is no such emotion; the message names the nearest and all.
    """

    def __init__(self, emotion: str) -> None:
        if not emotion:
            raise AgentError(f"fixed needs an emotion: fixed:EMOTION with one of {', '.join(EMOTIONS28)}")
        if emotion not in EMOTIONS28:
            raise AgentError(
                f"{emotion!r} is not an emotion; {did_you_mean(emotion, EMOTIONS28)}say fixed:EMOTION with one of: "
                f"{', '.join(EMOTIONS28)}"
            )
        self._emotion = emotion

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - the same whatever happens
        """The emotion it was made with."""
        return self._emotion
