"""Why a belief moved: one sentence for each message, from the record alone.

The record keeps what was read and the belief after it, but not the tracker. The step is therefore repeated with the
trackers that a seat begins with. Where one of them arrives at the recorded belief, it gives the reason. Otherwise the
tracker had learned or custom numbers, and the sentence says only what moved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Final, get_args

from poise.agents.emotions.tables import STATES
from poise.agents.emotions.taxonomy import EMOTIONS7, TO_SEVEN
from poise.agents.emotions.tracker import Mode, Tracker
from poise.games.transcript import Message, Reading

_CLOSE: Final = 1e-4  # stored readings have six digits
_initial_tracker = cache(Tracker)  # by its mode


def why(messages: Sequence[Message], at: int) -> str:
    """Why the belief of the seat that spoke message `at` moved when it read the message before; "" if unknown.

    messages: of one negotiation, from its first.
    """
    reading = messages[at].reading
    if reading is None or len(reading.emotions) != len(EMOTIONS7) or len(reading.belief) != len(STATES):
        return ""  # nothing was read, or by a custom tracker
    before, reacted_to = _before_step(messages, at)
    for mode in get_args(Mode):
        tracker = _initial_tracker(mode)
        belief = tracker.start() if before is None else before
        after = tracker.step(belief, reading.emotions, reacted_to)
        if all(math.isclose(*pair, abs_tol=_CLOSE) for pair in zip(after, reading.belief, strict=True)):
            return tracker.explain(belief, reading.emotions, reacted_to)
    return _what_moved(before, reading)


def _before_step(messages: Sequence[Message], at: int) -> tuple[tuple[float, ...] | None, str | None]:
    """The belief before the step, None at the first, and the emotion that the message read was a reaction to."""
    earlier = [message for message in messages[:at] if message.seat == messages[at].seat]
    readings = [message.reading for message in earlier if message.reading is not None]
    shown = earlier[-1].emotion if earlier else None
    return (readings[-1].belief if readings else None), TO_SEVEN.get(shown or "")


def _what_moved(before: Sequence[float] | None, reading: Reading) -> str:
    read = max(range(len(EMOTIONS7)), key=reading.emotions.__getitem__)
    cause = (
        f"after {EMOTIONS7[read]} ({reading.emotions[read]:.0%}) was read, by numbers of its own that the tracker had."
    )
    if before is None:
        state = max(range(len(STATES)), key=reading.belief.__getitem__)
        return f"{STATES[state]} stands at {reading.belief[state]:.0%} {cause}"
    state = max(range(len(STATES)), key=lambda s: abs(reading.belief[s] - before[s]))
    return f"{STATES[state]} went from {before[state]:.0%} to {reading.belief[state]:.0%} {cause}"
