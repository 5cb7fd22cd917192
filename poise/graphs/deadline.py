"""Deadlines for a turn: no agent may hold up a tournament, or end it.

In the main thread of a process an interval timer interrupts Python code. It is armed once for the turns of a match,
and looks at the clock when it strikes; that costs next to nothing, which matters for play without a model. In other
threads, and wherever a model is called, the turn runs in a separate thread, which is abandoned when time is up. Such a
thread cannot be stopped: a call that hangs continues in the background.
"""

from __future__ import annotations

import contextvars
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from poise.common.errors import AgentError, DeadlineExceeded
from poise.common.processes import turn_watch
from poise.graphs.state import Guard

_REPEAT = 0.2  # a turn that swallows the first interruption is interrupted again
_SOONEST = 1e-3  # seconds; a timer set to none at all would never strike


class _Clock:
    """Seconds left for the current message, within those left for the match."""

    def __init__(self, message_seconds: float, match_seconds: float) -> None:
        self._message = message_seconds
        self._match = match_seconds
        self._end = time.monotonic() + match_seconds

    def left(self) -> float:
        return max(_SOONEST, min(self._message, self._end - time.monotonic()))

    def error(self) -> DeadlineExceeded:
        if time.monotonic() >= self._end:
            return DeadlineExceeded(
                f"the match took longer than {self._match:g} s; raise match_seconds if that is fine"
            )
        return DeadlineExceeded(f"no message within {self._message:g} s; raise message_seconds if that is fine")


def guard(message_seconds: float, match_seconds: float, *, calls_model: bool) -> Guard:
    """A guard for the turns of one match that starts now (seconds of wall-clock time).

    A turn that takes longer raises DeadlineExceeded. One that calls `sys.exit` raises AgentError.
    """
    clock = _Clock(message_seconds, match_seconds)
    by_timer = not calls_model and threading.current_thread() is threading.main_thread()
    run = _by_timer if by_timer and hasattr(signal, "setitimer") else _by_thread

    def guarded(turn: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        turn_watch.note(True)
        try:
            return run(turn, clock)
        except SystemExit as error:
            raise AgentError(f"the agent's code raised SystemExit: {error}") from error
        finally:
            turn_watch.note(False)

    return guarded


class _Alarm:
    """The interval timer of the main thread, for turn after turn, one within another too."""

    def __init__(self) -> None:
        self._turn: tuple[float, _Clock] | None = None  # when the innermost turn has to end
        self._previous: Any = None

    def run(self, turn: Callable[[], Mapping[str, Any]], clock: _Clock) -> Mapping[str, Any]:
        """What `turn` returns; DeadlineExceeded once the time of `clock`, or of a turn around this one, is up."""
        around, left = self._turn, clock.left()
        end = time.monotonic() + left
        self._turn = around if around is not None and around[0] < end else (end, clock)
        try:
            if self._previous is None:
                self._previous = signal.signal(signal.SIGALRM, self._strike)
            if not 0.0 < signal.getitimer(signal.ITIMER_REAL)[0] <= left:  # an agent may have set it for itself
                signal.setitimer(signal.ITIMER_REAL, left)
            return turn()
        finally:
            self._turn = around

    def close(self) -> None:
        """Set no more timers, and put back the handler that was there before."""
        if self._previous is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._previous)

    def _strike(self, _signal: int, _frame: FrameType | None) -> None:
        if self._turn is not None:
            end, clock = self._turn
            left = end - time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, _REPEAT if left <= 0 else max(_SOONEST, left))
            if left <= 0:
                raise clock.error()


_alarms: list[_Alarm] = []  # that of the match which the main thread plays


@contextmanager
def one_alarm() -> Iterator[None]:
    """The turns that the main thread guards within this block share one timer; another thread's are not affected."""
    if _alarms or threading.current_thread() is not threading.main_thread():
        yield
        return
    _alarms.append(_Alarm())
    try:
        yield
    finally:
        _alarms.pop().close()


def _by_timer(turn: Callable[[], Mapping[str, Any]], clock: _Clock) -> Mapping[str, Any]:
    if _alarms:
        return _alarms[0].run(turn, clock)
    with one_alarm():
        return _alarms[0].run(turn, clock)


def _by_thread(turn: Callable[[], Mapping[str, Any]], clock: _Clock) -> Mapping[str, Any]:
    answer: queue.SimpleQueue[tuple[Mapping[str, Any] | None, BaseException | None]] = queue.SimpleQueue()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            answer.put((context.run(turn), None))
        except KeyboardInterrupt as error:  # not Ctrl-C, which reaches the main thread only
            answer.put((None, AgentError(f"the agent's code raised KeyboardInterrupt: {error}")))
        except BaseException as error:  # noqa: BLE001 - handed over to the waiting thread
            answer.put((None, error))

    threading.Thread(target=work, daemon=True, name="poise-turn").start()
    try:
        result, error = answer.get(timeout=clock.left())
    except queue.Empty:
        raise clock.error() from None
    if error is not None:
        raise error
    assert result is not None  # noqa: S101 - for the type checker: work() puts one or the other
    return result
