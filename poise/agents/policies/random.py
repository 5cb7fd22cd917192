"""The baseline that shows a random emotion in every message.

Used as a baseline in EvoEmo (https://arxiv.org/abs/2509.04310) and EmoMAS (https://arxiv.org/abs/2604.07003). Each
message is an independent uniform draw, P(e) = 1/n.

Differs from the reference: those draw from 7 emotions; here n is 28 unless asked otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28
from poise.agents.policies import policy
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.common.words import did_you_mean


class Random:
    """Uniform over `emotions`, the 28 by default."""

    def __init__(self, emotions: Sequence[str] = EMOTIONS28) -> None:
        unknown = [emotion for emotion in emotions if emotion not in EMOTIONS28]
        if unknown or not emotions:
            hint = did_you_mean(unknown[0], EMOTIONS28) if unknown else ""
            raise AgentError(f"random emotions {list(emotions)!r}: {hint}name one or more of {', '.join(EMOTIONS28)}")
        self._emotions = tuple(emotions)

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - the same whatever happens
        """One draw."""
        return dice.pick(self._emotions)


@policy("random", "a random emotion in every message, of the 28 (random:7 of the seven)", argument="7|28")
def named_random(argument: str) -> Random:
    """What `random`, `random:28` and `random:7` stand for."""
    emotions = {"": EMOTIONS28, "28": EMOTIONS28, "7": EMOTIONS7}.get(argument)
    if emotions is None:
        raise AgentError(f"random:{argument}: say random or random:28 for all 28 emotions, random:7 for the seven")
    return Random(emotions)
