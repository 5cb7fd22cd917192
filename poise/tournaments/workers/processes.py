"""Worker processes, for matches without a model: they keep every core busy, and a lost one can be replaced.

Each process gets its tasks through a pipe and sends back what it finished, a batch at a time. In a small piece of
shared memory it notes which match it plays and since when, so that the parent knows what to give up when a process
dies or hangs.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from time import monotonic
from typing import Any, Final

from poise.common.errors import PoiseError
from poise.tournaments.storage.rows import Finished
from poise.tournaments.workers.dispatcher import Report
from poise.tournaments.workers.queue import Task, TaskPlayer, WorkerPlan

_BATCH_SECONDS: Final = 0.05
_PIPE_HOLDS: Final = 1 << 14
_NOTHING: Final = -1.0
_PARENT_DIED: Final = 1  # PR_SET_PDEATHSIG of Linux


@dataclass
class _Worker:
    process: Any
    pipe: connection.Connection
    playing: Any  # shared: [position or -1, monotonic time]
    sent: int = 0  # tasks it has and did not end
    waiting: list[Task] = field(default_factory=list)


@dataclass
class ProcessCrew:
    """`size` worker processes, started at once; use it in a `with` statement."""

    plan: WorkerPlan
    size: int
    ahead: int = 2  # one task at work and one waiting, so that no process idles
    _context: Any = field(init=False)
    _halted: Any = field(init=False)
    _workers: list[_Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        # A fork shares all that is loaded and is ready at once, but must not be made while other threads run.
        forks = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
        self._context = multiprocessing.get_context("fork" if forks else "spawn")
        self._halted = self._context.RawValue(ctypes.c_bool, False)
        self._workers = []
        for _ in range(self.size):
            self._workers.append(self._start())

    def __enter__(self) -> ProcessCrew:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()

    def assign(self, worker: int, task: Task) -> None:
        """Give `worker` another task; if it just died, `wait` will tell."""
        to = self._workers[worker]
        if to.sent and len(task.memory or b"") > _PIPE_HOLDS:
            to.waiting.append(task)  # both ends would wait for the other to read
            return
        to.sent += 1
        with suppress(OSError):
            to.pipe.send(task)

    def wait(self, seconds: float) -> list[Report]:
        """News of all workers; a death comes after everything that the worker sent."""
        pipes = {worker.pipe: place for place, worker in enumerate(self._workers)}
        ready = connection.wait(list(pipes), seconds)
        return [report for pipe in ready for report in self._news(pipes[pipe])]  # type: ignore[index]  # only pipes are waited for

    def playing(self, worker: int) -> tuple[int, float] | None:
        """The position that `worker` plays, and since when."""
        position, since = self._workers[worker].playing
        return None if position == _NOTHING else (int(position), since)

    def replace(self, worker: int) -> list[Report]:
        """Kill `worker`, start another, and give what the old one still sent."""
        old = self._workers[worker]
        old.process.kill()
        old.process.join()
        last = [report for report in self._news(worker, to_the_end=True) if not report.died]
        old.pipe.close()
        self._workers[worker] = self._start()
        return last

    def halt(self) -> None:
        """Have every worker stop after the match at hand."""
        self._halted.value = True

    def _news(self, worker: int, *, to_the_end: bool = False) -> list[Report]:
        old = self._workers[worker]
        news: list[Report] = []
        try:
            while to_the_end or old.pipe.poll():
                finished, ended, error = old.pipe.recv()
                news.append(Report(worker, finished, ended, error=_rebuilt(error)))
                if ended:
                    old.sent -= 1
                    if old.waiting and not to_the_end:
                        self.assign(worker, old.waiting.pop(0))
        except (EOFError, OSError):
            old.process.join()
            news.append(Report(worker, died=_how(old.process.exitcode)))
        return news

    def _start(self) -> _Worker:
        mine, theirs = self._context.Pipe()
        playing = self._context.RawArray(ctypes.c_double, [_NOTHING, 0.0])
        others = [worker.pipe for worker in self._workers] + [mine]
        inherited = others if self._context.get_start_method() == "fork" else []
        process = self._context.Process(
            target=_work, args=(self.plan, theirs, playing, self._halted, inherited), daemon=True, name="poise-worker"
        )
        process.start()
        theirs.close()
        return _Worker(process, mine, playing)


def _how(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        try:
            return f"signal {signal.Signals(-exitcode).name}"
        except ValueError:
            return f"signal {-exitcode}"
    return f"exit code {exitcode}"


def _work(plan: WorkerPlan, pipe: Any, playing: Any, halted: Any, inherited: Iterable[connection.Connection]) -> None:
    """The life of a worker process: plays tasks until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in inherited:
        other.close()  # or this process would keep its siblings' pipes open after the parent's death
    die_with_parent()
    player = TaskPlayer(plan)
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            _play(player, task, pipe, playing, halted)
        except (BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:  # noqa: BLE001 - the parent raises it
            playing[0] = _NOTHING
            pipe.send(((), False, (type(error).__name__, str(error))))


def _play(player: TaskPlayer, task: Task, pipe: Any, playing: Any, halted: Any) -> None:
    batch: list[Finished] = []
    sent = monotonic()

    def begin(position: int) -> None:
        playing[1] = monotonic()  # first, so that the parent never sees a new match with an old time
        playing[0] = position

    if not halted.value:
        for finished in player.play(task, begin):
            batch.append(finished)
            if halted.value:
                break
            if monotonic() - sent > _BATCH_SECONDS:
                pipe.send((batch, False, None))
                batch, sent = [], monotonic()
    playing[0] = _NOTHING
    pipe.send((batch, True, None))


def _rebuilt(error: tuple[str, str] | None) -> Exception | None:
    """An error of a worker as the parent raises it: of the same class where it is one of Poise's."""
    if error is None:
        return None
    from poise.common import errors

    kind = getattr(errors, error[0], None)
    if isinstance(kind, type) and issubclass(kind, PoiseError):
        return kind(error[1])
    return PoiseError(f"a worker process failed with {error[0]}: {error[1]}")


def die_with_parent() -> None:
    """On Linux, have the system end this process when the parent is killed, whatever it is doing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGKILL)
