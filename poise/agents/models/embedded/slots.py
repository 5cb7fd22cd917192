"""The slots of the embedded engine: which conversation has which, and which adapter's turn it is.

A slot keeps the evaluated prompt of the conversation that used it last, so a conversation goes back to its own slot. A
new one takes a free slot, else that of a conversation that has been silent for long, preferably with the same adapter:
what is evaluated with one adapter is useless to another, and llama.cpp discards it.

llama.cpp evaluates calls with the same adapter in one batch, and lets those with another wait until they finish.
Adapters therefore take turns: while calls with one adapter run, more of them may join, until one with another adapter
waits; then those that run finish, and all that wait with the other adapter begin together. Matches between two adapters
are synchronised this way: all creditors, then all debtors.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from poise.common.errors import ModelTimeout


@dataclass(slots=True)
class _Slot:
    """Who used it last (a conversation, "" for none or one of a single call), and with which adapter."""

    conversation: str = ""
    adapter: str = ""


@dataclass
class Turns:
    """Whether a call may begin, by its adapter and its number in the order of arrival."""

    adapter: str = ""
    running: int = 0
    _arrived: int = 0
    _until: int = 0  # calls that had arrived when this turn began may join it, even while others wait
    _waiting: dict[int, str] = field(default_factory=dict)

    def arrive(self, adapter: str) -> int:
        """A call's number; it waits from now on."""
        self._arrived += 1
        self._waiting[self._arrived] = adapter
        return self._arrived

    def may_begin(self, number: int) -> bool:
        """Whether the call may begin now."""
        adapter = self._waiting[number]
        if self.running == 0:
            return self._waiting[min(self._waiting)] == adapter
        if self.adapter != adapter:
            return False
        return number <= self._until or all(each == adapter for each in self._waiting.values())

    def begin(self, number: int) -> None:
        """The call begins."""
        if self.running == 0 or self.adapter != self._waiting[number]:
            self.adapter, self._until = self._waiting[number], self._arrived
        self.running += 1
        del self._waiting[number]

    def leave(self, number: int) -> None:
        """The call stops waiting."""
        self._waiting.pop(number, None)


class SlotBook:
    """Assigns slots, each to one call at a time; threads may share it."""

    def __init__(self, slots: int) -> None:
        self._slots: OrderedDict[int, _Slot] = OrderedDict((slot, _Slot()) for slot in range(slots))
        self._busy: set[int] = set()
        self._turns = Turns()
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, conversation: str, deadline: float, adapter: str = "") -> Iterator[int]:
        """The slot of `conversation`, for the duration of one call; "" is a new conversation each time.

        Raises ModelTimeout when none becomes free by `deadline` (monotonic clock, seconds).
        """
        slot = self._take(conversation, deadline, adapter)
        try:
            yield slot
        finally:
            with self._changed:
                self._busy.discard(slot)
                self._turns.running -= 1
                self._changed.notify_all()

    def _take(self, conversation: str, deadline: float, adapter: str) -> int:
        with self._changed:
            number = self._turns.arrive(adapter)
            try:
                slot = self._wait(conversation, deadline, number, adapter)
            except BaseException:
                self._turns.leave(number)
                self._changed.notify_all()
                raise
            self._turns.begin(number)
            self._slots[slot] = _Slot(conversation, adapter)
            self._slots.move_to_end(slot)
            self._busy.add(slot)
            self._changed.notify_all()  # a turn may have begun, for others to join
            return slot

    def _wait(self, conversation: str, deadline: float, number: int, adapter: str) -> int:
        while not self._turns.may_begin(number) or (slot := self._choose(conversation, adapter)) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not self._changed.wait(left):
                raise ModelTimeout(
                    f"none of the embedded model's {len(self._slots)} slots became free in time; "
                    "raise slots (two for each match in flight) or timeout"
                )
        return slot

    def _choose(self, conversation: str, adapter: str) -> int | None:
        """A slot that can be used now; slots are ordered by last use."""
        if conversation:
            for slot, last in self._slots.items():
                if last.conversation == conversation:
                    return None if slot in self._busy else slot
        free = [slot for slot in self._slots if slot not in self._busy]
        unowned = [slot for slot in free if not self._slots[slot].conversation]
        old = unowned or free[: (len(free) + 1) // 2]  # the rest may belong to negotiations in progress
        return next((slot for slot in old if self._slots[slot].adapter == adapter), next(iter(old), None))
