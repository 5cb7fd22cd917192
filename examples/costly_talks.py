"""Your own game: a deal settles at the earlier of two offers that meet, and every message costs.

Check and play it:

    poise agents check examples/costly_talks.py
    poise tournament run --game examples/costly_talks.py --creditor vanilla --creditor wsls --debtor angry
"""

from poise.games.openspiel.bargaining import BargainingState
from poise.games.openspiel.variants import game


@game("costly-talks")
class CostlyTalks(BargainingState):
    """Each message costs both sides a hundredth of the gap: the fixed bargaining costs of Rubinstein (1982)."""

    def settle(self, standing: int, new: int) -> int | None:
        """Two offers that meet are a deal at the one that was made first."""
        return None if super().settle(standing, new) is None else standing

    def worth(self, deal) -> list[float]:  # noqa: ANN001 - a StandingOffer: value, and the index of its message
        """What is left of each side's share after the messages up to the deal."""
        return [max(0.0, share - 0.01 * deal.index) for share in super().worth(deal)]
