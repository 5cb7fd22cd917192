"""The baseline of all the papers: no emotion direction."""

from __future__ import annotations

from poise.agents.policies import policy
from poise.agents.protocols import View
from poise.common.seeds import Dice


@policy("vanilla", "no emotion direction: the voice keeps its own tone")
class Vanilla:
    """Leaves the tone to the voice."""

    def choose(self, view: View, dice: Dice) -> None:
        """No direction."""
