"""The baseline that shows a random emotion in every message.

Used as a baseline in EvoEmo (https://arxiv.org/abs/2509.04310) and EmoMAS (https://arxiv.org/abs/2604.07003). Each
message is an independent uniform draw, P(e) = 1/n.

Differs from the reference: those draw from 7 emotions; here n is 28 unless asked otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice


class Random:
    """Uniform over `emotions`, the 28 by default."""

    def __init__(self, emotions: Sequence[str] = EMOTIONS28) -> None:
        unknown = [emotion for emotion in emotions if emotion not in EMOTIONS28]
        if unknown or not emotions:
            raise AgentError(f"random emotions {list(emotions)!r}: name one or more of {', '.join(EMOTIONS28)}")
        self._emotions = tuple(emotions)

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - the same whatever happens
        """One draw."""
        return dice.pick(self._emotions)
