"""What the engines that learn by trial see of a negotiation: the same few things, at each of this seat's own messages.

phase   early up to this seat's third message, middle up to its eighth, late after that   (EmoMAS's numbers)
gap     large when the two standing offers are further apart than 20 / 365 of what can be offered, or when there are
        no two yet; for debts, where 0 to 365 days can be offered, that is EmoMAS's 20 days
"""

from __future__ import annotations

from typing import Final, NamedTuple

from poise.agents.policies.eq_negotiator import INDEX, NEUTRAL, likeliest
from poise.agents.protocols import Brief, View

EARLY, MIDDLE, LATE = range(3)
PHASES: Final = 3
_LARGE: Final = 20 / 365


class Situation(NamedTuple):
    """Where the negotiation stood when this seat made one of its messages.

    own, heard: emotions (indices in EMOTIONS7) that this seat had shown and had read last; neutral where none yet.
    message:    this seat's own message number, from 1.
    large_gap:  as in the module's head.
    """

    own: int
    heard: int
    message: int
    large_gap: bool

    @property
    def phase(self) -> int:
        """EARLY, MIDDLE or LATE."""
        return EARLY if self.message <= 3 else MIDDLE if self.message <= 8 else LATE


class SituationChoice(NamedTuple):
    """A situation, and the emotion (index in EMOTIONS7) that was shown in it."""

    situation: Situation
    shown: int


def now(view: View) -> Situation:
    """The situation of the message about to be made."""
    own = INDEX[view.shown[-1] if view.shown else None]
    heard = likeliest(view.readings[-1].emotions) if view.readings else NEUTRAL
    return Situation(own, heard, len(view.shown) + 1, _large(view.brief, view.own_offer, view.other_offer))


def choices(view: View) -> list[SituationChoice]:
    """Every message of this seat in `view`, oldest first, each in the situation in which it was made."""
    readings, shown = iter(view.readings), iter(view.shown)
    found: list[SituationChoice] = []
    own, heard = NEUTRAL, NEUTRAL
    mine: int | None = None
    theirs: int | None = None
    for line in view.lines:
        if line.seat != view.brief.seat:
            reading = next(readings, None)
            heard = heard if reading is None else likeliest(reading.emotions)
            theirs = theirs if line.move.value is None else line.move.value
            continue
        situation = Situation(own, heard, len(found) + 1, _large(view.brief, mine, theirs))
        own = INDEX[next(shown, None)]
        found.append(SituationChoice(situation, own))
        mine = mine if line.move.value is None else line.move.value
    return found


def _large(brief: Brief, mine: int | None, theirs: int | None) -> bool:
    if mine is None or theirs is None:
        return True
    low, high = brief.bounds
    return abs(mine - theirs) > _LARGE * (high - low)
