"""Why a belief moved, one sentence a message, from the record alone.

The record keeps what was read and the belief after it, and not the tracker. The step is therefore taken again with the
trackers that a seat begins with; where one of them comes to the belief on record, it gives the reason. Otherwise the
tracker had numbers of its own, learned or set, and only what moved is told.
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

_CLOSE: Final = 1e-6


def why(messages: Sequence[Message], at: int) -> str:
    """Why the belief of the seat that spoke message `at` moved when it read the message before; "" if none can be told.

    messages: of one talk, from its first.
    """
    reading = messages[at].reading
    if reading is None or len(reading.emotions) != len(EMOTIONS7) or len(reading.belief) != len(STATES):
        return ""  # nothing was read, or by a tracker of somebody's own
    before, reacted_to = _ground(messages, at)
    for mode in get_args(Mode):
        tracker = _beginner(mode)
        belief = tracker.start() if before is None else before
        after = tracker.step(belief, reading.emotions, reacted_to)
        if all(math.isclose(*pair, abs_tol=_CLOSE) for pair in zip(after, reading.belief, strict=True)):
            return tracker.explain(belief, reading.emotions, reacted_to)
    return _what_moved(before, reading)


def _ground(messages: Sequence[Message], at: int) -> tuple[tuple[float, ...] | None, str | None]:
    """The belief before the step, None at the first, and the emotion that the message read was a reaction to."""
    own = [message for message in messages[:at] if message.seat == messages[at].seat]
    read = [message.reading for message in own if message.reading is not None]
    shown = own[-1].emotion if own else None
    return (read[-1].belief if read else None), TO_SEVEN.get(shown or "")


@cache
def _beginner(mode: Mode) -> Tracker:
    return Tracker(mode)


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
