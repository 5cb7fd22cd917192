"""Worker processes, for matches without a model and for agents of a user's: a lost one can be replaced.

Each process gets its tasks through a pipe and sends back what it finished, a batch at a time. In a small piece of
shared memory it notes which match it plays and since when, and since when an agent has its turn, so that the parent
knows what to give up when a process dies or hangs. A second pipe takes what is asked of models to the parent.
"""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import connection
from time import monotonic
from typing import Any, Final

from poise.agents.registry import is_registered
from poise.common.errors import ModelError
from poise.common.processes import (
    begin_worker,
    error_from_worker,
    how_it_ended,
    imports_main,
    may_fork,
    turn_watch,
    worker_context,
)
from poise.games.openspiel.variants import is_registered_game
from poise.tournaments.storage.rows import Finished
from poise.tournaments.workers.dispatcher import Playing, WorkerReport
from poise.tournaments.workers.queue import ANY_KIND, Task, TaskPlayer, WorkerPlan

_BATCH_SECONDS: Final = 0.05
_PIPE_HOLDS: Final = 1 << 14
_NOTHING: Final = -1.0
_LAST_SECONDS: Final = 5.0  # from closing its pipe to the end of a worker
_MEMORY: Final = "is there enough memory? Fewer workers need less: --workers 1"
_GUARD_MAIN: Final = (
    "each of them imports the script that starts the tournament, which registers an agent or a game: put what the "
    'script does under `if __name__ == "__main__":`, or the agent into a file of its own'
)


@dataclass
class _Worker:
    process: Any
    pipe: connection.Connection
    playing: Any  # shared: position or -1, monotonic time, monotonic time of the turn or 0
    answers: connection.Connection | None = None  # to what it asks of models
    sent: int = 0  # tasks it has and did not end
    waiting: list[Task] = field(default_factory=list)


@dataclass
class ProcessPool:
    """`size` worker processes, started at once; use it in a `with` statement."""

    plan: WorkerPlan
    size: int
    ahead: int = 2  # one task at work and one waiting, so that no process idles
    _asks: bool = field(init=False)
    _context: Any = field(init=False)
    _forks: bool = field(init=False)
    _halted: Any = field(init=False)
    _workers: list[_Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._asks = self.plan.schedule.calls_model
        if may_fork():
            import_module("poise.graphs.pairing")  # once, and not in each worker
        self._choose_context()
        self._halted = self._context.RawValue(ctypes.c_bool, False)
        self._workers = []
        for _ in range(self.size):
            self._workers.append(self._start())
        for worker in self._workers:  # all of them import meanwhile what they need
            self._equip(worker)

    def _choose_context(self) -> None:
        """Decide how workers are started from now on."""
        self._context = worker_context(self.plan, registered=names_registered(self.plan))
        self._forks = self._context.get_start_method() == "fork"

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()

    def kinds(self, worker: int) -> Collection[bool]:  # noqa: ARG002 - as WorkerPool has it
        """Any worker plays whatever there is."""
        return ANY_KIND

    def assign(self, worker: int, task: Task) -> None:
        """Give `worker` another task; if it just died, `wait` will tell."""
        to = self._workers[worker]
        if to.sent and len(task.memory or b"") > _PIPE_HOLDS:
            to.waiting.append(task)  # both ends would wait for the other to read
            return
        to.sent += 1
        with suppress(OSError):
            to.pipe.send(task)

    def wait(self, seconds: float) -> list[WorkerReport]:
        """News of all workers; a death comes after everything that the worker sent.

        Each process is asked whether it lives: one that a dead worker left behind may hold the worker's pipe open.
        """
        ready = connection.wait([worker.pipe for worker in self._workers], seconds)
        news = [i for i, worker in enumerate(self._workers) if worker.pipe in ready or not worker.process.is_alive()]
        return [report for worker in news for report in self._news(worker)]

    def playing(self, worker: int) -> Playing | None:
        """What `worker` plays."""
        position, since, turn = self._workers[worker].playing
        return None if position == _NOTHING else Playing(int(position), since, turn or None)

    def replace(self, worker: int) -> list[WorkerReport]:
        """Kill `worker`, start another, and give what the old one still sent."""
        old = self._workers[worker]
        old.process.kill()
        old.process.join()
        last = [report for report in self._news(worker) if not report.died]
        old.pipe.close()
        if self._asks:  # threads answer what the others ask, and beside them a fork may not be safe
            self._choose_context()
        self._workers[worker] = self._start()
        self._equip(self._workers[worker])
        return last

    def halt(self) -> None:
        """Have every worker stop after the match at hand."""
        self._halted.value = True

    def _news(self, worker: int) -> list[WorkerReport]:
        """What `worker` sent, and its death."""
        sender = self._workers[worker]
        dead = not sender.process.is_alive()  # asked first: what it sent before is in the pipe then
        news: list[WorkerReport] = []
        try:
            while sender.pipe.poll():
                finished, ended, told = sender.pipe.recv()
                error = told and error_from_worker(*told)
                if isinstance(error, ModelError):
                    news.append(WorkerReport(worker, finished, waits=error))
                else:
                    news.append(WorkerReport(worker, finished, ended, error=error))
                if ended:
                    sender.sent -= 1
                    if sender.waiting and not dead:
                        self.assign(worker, sender.waiting.pop(0))
        except (EOFError, OSError):
            dead = True
        if dead:
            sender.process.join(_LAST_SECONDS)
            sender.process.kill()  # it closed its pipe and did not end
            sender.process.join()
            hint = _GUARD_MAIN if sender.process.exitcode == 1 and imports_main(self._context) else _MEMORY
            news.append(WorkerReport(worker, died=how_it_ended(sender.process.exitcode), hint=hint))
        return news

    def _start(self) -> _Worker:
        mine, theirs = self._context.Pipe()
        answers, questions = self._context.Pipe() if self._asks else (None, None)
        playing = self._context.RawArray(ctypes.c_double, [_NOTHING, 0.0, 0.0])
        others = [worker.pipe for worker in self._workers] + [mine]
        others += [ours for ours in (*(worker.answers for worker in self._workers), answers) if ours]
        inherited = (self.plan, others) if self._forks else (None, [])
        process = self._context.Process(
            target=_work,
            args=(*inherited, (theirs, questions), playing, self._halted),
            daemon=True,
            name="poise-worker",
        )
        process.start()
        theirs.close()
        if questions:
            questions.close()
        return _Worker(process, mine, playing, answers)

    def _equip(self, worker: _Worker) -> None:
        """Send a spawned worker the plan, and answer what it asks of models.

        As an argument, a large plan would block for ever where the worker dies.
        """
        if not self._forks:
            with suppress(OSError):
                worker.pipe.send(self.plan)
        if worker.answers is not None:
            from poise.agents.models.remote import answer_calls

            answer_calls(worker.answers)


def names_registered(plan: WorkerPlan) -> bool:
    """Whether an agent or the game is known to this process only, by a decorator."""
    entrants = (*plan.schedule.creditors, *plan.schedule.debtors)
    return is_registered_game(plan.rules.game) or any(is_registered(one.label, one.seat) for one in entrants)


def _work(
    plan: WorkerPlan | None,
    inherited: Iterable[connection.Connection],
    pipes: tuple[Any, Any],
    playing: Any,
    halted: Any,
) -> None:
    """The life of a worker process: plays tasks until the parent closes the pipe.

    plan: None where it is sent. pipes: for tasks, and for what is asked of models, or None where nothing is.
    """
    pipe, questions = pipes
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in inherited:
        other.close()  # or this process would keep its siblings' pipes open after the parent's death
    begin_worker()
    if questions is not None:
        from poise.agents.models.remote import ask_through

        ask_through(questions)
    _note_turns(playing)
    try:
        player = TaskPlayer(plan or pipe.recv())
    except (EOFError, OSError):
        return
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


def _note_turns(playing: Any) -> None:
    """Note in shared memory since when an agent has its turn: code that never returns to Python heeds no deadline."""

    def note(began: bool) -> None:
        playing[2] = monotonic() if began else 0.0

    turn_watch.watcher = note


def _play(player: TaskPlayer, task: Task, pipe: Any, playing: Any, halted: Any) -> None:
    batch: list[Finished] = []
    sent = monotonic()
    error = None

    def begin(position: int) -> None:
        playing[1], playing[2] = monotonic(), 0.0  # first, so that the parent never sees a new match with an old time
        playing[0] = position

    try:
        for finished in player.play(task, begin) if not halted.value else ():
            batch.append(finished)
            if halted.value:
                break
            if monotonic() - sent > _BATCH_SECONDS:
                pipe.send((batch, False, None))
                batch, sent = [], monotonic()
    except ModelError as waits:
        error = type(waits).__name__, str(waits), waits.model
    playing[0] = _NOTHING
    pipe.send((batch, True, error))
