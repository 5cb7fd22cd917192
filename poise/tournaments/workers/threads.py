"""Several matches at a time in one process, for matches with a model: the engine and the clients are shared."""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from time import monotonic

from poise.common.errors import AgentError, ModelError
from poise.tournaments.workers.dispatcher import Playing, WorkerReport
from poise.tournaments.workers.queue import ANY_KIND, Task, TaskPlayer, WorkerPlan


class _Worker:
    """A thread that plays tasks. It cannot be stopped from outside; what it sends once abandoned is dropped."""

    def __init__(self, index: int, plan: WorkerPlan, news: queue.SimpleQueue[tuple[_Worker, WorkerReport]]) -> None:
        self.index = index
        self.plan = plan
        self.news = news
        self.tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self.playing: Playing | None = None
        self.halted = threading.Event()
        threading.Thread(target=self._work, daemon=True, name=f"poise-match-{index}").start()

    def _work(self) -> None:
        player = TaskPlayer(self.plan)
        while (task := self.tasks.get()) is not None:
            try:
                self._play(player, task)
            except ModelError as error:
                self.playing = None
                self._tell(WorkerReport(self.index, waits=error))
            except BaseException as error:  # noqa: BLE001 - the main thread raises it
                self.playing = None
                code_ended = AgentError(f"an agent's code raised {type(error).__name__}: {error}")
                self._tell(WorkerReport(self.index, error=error if isinstance(error, Exception) else code_ended))

    def _play(self, player: TaskPlayer, task: Task) -> None:
        def begin(position: int) -> None:
            self.playing = Playing(position, monotonic())

        if not self.halted.is_set():
            for finished in player.play(task, begin):
                self._tell(WorkerReport(self.index, [finished]))
                if self.halted.is_set():
                    break
        self.playing = None
        self._tell(WorkerReport(self.index, ended=True))

    def halt(self) -> None:
        """Stop after the current match; waiting tasks end unplayed."""
        self.halted.set()
        self.tasks.put(None)

    def _tell(self, report: WorkerReport) -> None:
        self.news.put((self, report))


@dataclass
class ThreadPool:
    """`size` matches at a time; use it in a `with` statement."""

    plan: WorkerPlan
    size: int
    ahead: int = 1
    _news: queue.SimpleQueue[tuple[_Worker, WorkerReport]] = field(default_factory=queue.SimpleQueue)
    _workers: list[_Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._workers = [self._start(index) for index in range(self.size)]

    def __enter__(self) -> ThreadPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.halt()

    def kinds(self, worker: int) -> Collection[bool]:  # noqa: ARG002 - as WorkerPool has it
        """Any worker plays whatever there is."""
        return ANY_KIND

    def assign(self, worker: int, task: Task) -> None:
        """Give `worker` another task."""
        self._workers[worker].tasks.put(task)

    def wait(self, seconds: float) -> list[WorkerReport]:
        """The next report; one of an abandoned thread is dropped."""
        try:
            worker, report = self._news.get(timeout=seconds)
        except queue.Empty:
            return []
        return [report] if worker is self._workers[report.worker] else []

    def playing(self, worker: int) -> Playing | None:
        """What `worker` plays; the deadline of a turn is its own thread's matter."""
        return self._workers[worker].playing

    def replace(self, worker: int) -> list[WorkerReport]:
        """Abandon `worker` and start another."""
        self._workers[worker].halt()
        self._workers[worker] = self._start(worker)
        return []

    def halt(self) -> None:
        """Have every worker stop after its current match."""
        for worker in self._workers:
            worker.halt()

    def _start(self, index: int) -> _Worker:
        return _Worker(index, self.plan, self._news)
