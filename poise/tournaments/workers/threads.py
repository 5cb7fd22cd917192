"""Several matches at a time in one process, for matches with a model: the engine and the clients are shared."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from time import monotonic

from poise.tournaments.workers.dispatcher import Report
from poise.tournaments.workers.queue import Task, TaskPlayer, WorkerPlan


class _Worker:
    """A thread that plays tasks. It cannot be stopped from outside; once abandoned, nobody listens to it any more."""

    def __init__(self, place: int, plan: WorkerPlan, news: queue.SimpleQueue[tuple[_Worker, Report]]) -> None:
        self.place = place
        self.plan = plan
        self.news = news
        self.tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self.playing: tuple[int, float] | None = None
        self.halted = False
        threading.Thread(target=self._work, daemon=True, name=f"poise-match-{place}").start()

    def _work(self) -> None:
        player = TaskPlayer(self.plan)
        while (task := self.tasks.get()) is not None:
            try:
                self._play(player, task)
            except BaseException as error:  # noqa: BLE001 - the main thread raises it
                self.playing = None
                raised = error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
                self._tell(Report(self.place, error=raised))

    def _play(self, player: TaskPlayer, task: Task) -> None:
        def begin(position: int) -> None:
            self.playing = (position, monotonic())

        if not self._told_to_halt():
            for finished in player.play(task, begin):
                self._tell(Report(self.place, [finished]))
                if self._told_to_halt():
                    break
        self.playing = None
        self._tell(Report(self.place, ended=True))

    def _told_to_halt(self) -> bool:
        return self.halted

    def halt(self) -> None:
        """Stop after the match at hand; tasks that wait are ended unplayed."""
        self.halted = True
        self.tasks.put(None)

    def _tell(self, report: Report) -> None:
        self.news.put((self, report))


@dataclass
class ThreadCrew:
    """`size` conversations at a time; use it in a `with` statement."""

    plan: WorkerPlan
    size: int
    ahead: int = 1
    _news: queue.SimpleQueue[tuple[_Worker, Report]] = field(default_factory=queue.SimpleQueue)
    _workers: list[_Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._workers = [self._start(place) for place in range(self.size)]

    def __enter__(self) -> ThreadCrew:
        return self

    def __exit__(self, *_: object) -> None:
        self.halt()

    def assign(self, worker: int, task: Task) -> None:
        """Give `worker` another task."""
        self._workers[worker].tasks.put(task)

    def wait(self, seconds: float) -> list[Report]:
        """What happened; news of an abandoned thread are dropped."""
        try:
            worker, report = self._news.get(timeout=seconds)
        except queue.Empty:
            return []
        return [report] if worker is self._workers[report.worker] else []

    def playing(self, worker: int) -> tuple[int, float] | None:
        """The position that `worker` plays, and since when."""
        return self._workers[worker].playing

    def replace(self, worker: int) -> list[Report]:
        """Abandon `worker` and start another."""
        self._workers[worker].halt()
        self._workers[worker] = self._start(worker)
        return []

    def halt(self) -> None:
        """Have every worker stop after the match at hand."""
        for worker in self._workers:
            worker.halt()

    def _start(self, place: int) -> _Worker:
        return _Worker(place, self.plan, self._news)
