"""Which conversation has which slot of the embedded engine.

A slot keeps the evaluated prompt of the conversation that used it last, so a conversation goes back to its own slot. A
new one takes a slot that nobody has, else that of the conversation that has been silent longest.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from poise.games.errors import ModelTimeout


class SlotBook:
    """Gives out slots, each to one call at a time; threads may share it."""

    def __init__(self, slots: int) -> None:
        self._owners: OrderedDict[int, str] = OrderedDict((slot, "") for slot in range(slots))
        self._busy: set[int] = set()
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, conversation: str, deadline: float) -> Iterator[int]:
        """The slot of `conversation`, for the length of one call; "" is a conversation of its own each time.

        Raises ModelTimeout when none becomes free by `deadline` (monotonic clock, seconds).
        """
        slot = self._take(conversation, deadline)
        try:
            yield slot
        finally:
            with self._changed:
                self._busy.discard(slot)
                self._changed.notify_all()

    def _take(self, conversation: str, deadline: float) -> int:
        with self._changed:
            while (slot := self._choose(conversation)) is None:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise ModelTimeout(
                        f"none of the embedded model's {len(self._owners)} slots became free in time; "
                        "raise slots (two for each match in flight) or timeout"
                    )
            self._owners[slot] = conversation
            self._owners.move_to_end(slot)
            self._busy.add(slot)
            return slot

    def _choose(self, conversation: str) -> int | None:
        """A slot that can be used now; the order of the book is that of last use."""
        if conversation:
            for slot, owner in self._owners.items():
                if owner == conversation:
                    return None if slot in self._busy else slot
        free = [slot for slot in self._owners if slot not in self._busy]
        unowned = [slot for slot in free if not self._owners[slot]]
        return next(iter(unowned or free), None)
