"""Ctrl-C: the first one asks to stop, the second stops at once. SIGTERM asks, after some seconds stops, then ends."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import FrameType, TracebackType
from typing import Any, Final

TERM_SECONDS: Final = 5.0  # for what is in flight; batch systems kill ten seconds or more after SIGTERM
_LAST_SECONDS: Final = 9.0  # for everything: on a busy machine, tidying up takes long as well
_TERMINATED: Final = 128 + signal.SIGTERM  # the exit code that a shell has for it
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While active in the main thread, `requested` tells whether the user asked to stop; in other threads never.

    After SIGTERM, by which a batch system announces the end, whoever asks again a few seconds later is interrupted. If
    this has not been left within nine seconds, the process is ended where it is, as if it had been killed.

    on_request: called once after the first Ctrl-C, by `acknowledge` and so never in the middle of other output.
    last_words: what a process that is ended so still says on stderr.
    minutes: after which it is as if the user had asked.
    """

    def __init__(
        self, on_request: Callable[[], None] = lambda: None, last_words: str = "", minutes: float | None = None
    ) -> None:
        self._over_at = math.inf if minutes is None else monotonic() + 60 * minutes
        self.requested = self.terminated = False
        self._end = threading.Timer(_LAST_SECONDS, _end_process, [last_words])
        self._end.daemon = True
        self._acknowledged = self._heard = False
        self._give_up_at = math.inf
        self._on_request = on_request
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether to stop: the user asked, or the minutes are over.

        Raises KeyboardInterrupt where that takes too long after SIGTERM.
        """
        if self._heard and monotonic() > self._give_up_at:
            raise KeyboardInterrupt
        self._heard = self.requested
        return self.requested or monotonic() > self._over_at

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            heeded = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._handle) for number in heeded}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        if number == signal.SIGTERM:
            self.terminated = True
            self._give_up_at = monotonic() + TERM_SECONDS
            self._end.start()
        self.requested = True

    def acknowledge(self) -> None:
        """Call `on_request` after the first Ctrl-C; the loop that has to stop calls this often."""
        if self.requested and not self._acknowledged:
            self._acknowledged = True
            self._on_request()


def _end_process(last_words: str) -> None:
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), f"{last_words}\n".encode())
    os._exit(_TERMINATED)
