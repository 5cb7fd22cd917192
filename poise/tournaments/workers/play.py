"""Decides how the matches of a tournament are played: here, in worker processes, or as conversations at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from statistics import median
from time import monotonic
from typing import Final

from poise.common.errors import ModelError, PoiseError
from poise.tournaments.storage.rows import Finished
from poise.tournaments.workers.dispatcher import GRACE, Dispatcher, WorkerPool
from poise.tournaments.workers.queue import Task, TaskPlayer, TaskQueue, WorkerPlan

_WORTH_PROCESSES: Final = 0.5  # seconds of work left from which processes pay for their start
_TICK: Final = 0.05
_TASK_SECONDS: Final = 0.1
_MOST_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class How:
    """What decides how matches are played, and changes nothing about how they come out.

    workers: at a time; None takes as many as the machine has cores; with a model four, or two in this process.
             "ray" or "ray:HOST:PORT" takes the nodes of a Ray cluster, each as a machine of its own.
    stop:    asked often; once true, matches in flight are finished and no more are begun.
    match_seconds, message_seconds: what a match and a turn may take before its worker is given up, beside some grace.
    check:   called on each node of a cluster before its first match: raises what keeps it from playing, and returns
             what the user should know.
    """

    workers: int | str | None
    match_seconds: float
    stop: Callable[[], bool] = lambda: False
    grace: float = GRACE
    message_seconds: float = math.inf
    check: Callable[[], Sequence[str]] = tuple


def play_all(plan: WorkerPlan, queue: TaskQueue, how: How) -> Generator[list[Finished], None, None]:
    """Batches of finished matches until nothing is left; an empty batch now and then, for who watches the clock.

    Without a model, play begins in this process and goes over to worker processes when they pay. Agents from a user's
    file are always played in worker processes: whatever they do, the tournament goes on. What they ask models goes
    through this process, which alone has the embedded engine, the servers' slots and the cache of replies. Without such
    agents, matches with a model are conversations in threads of this process. On a cluster, all of this holds for each
    node, and nothing is played here.
    """
    workers = plan.schedule.at_once(how.workers)
    if isinstance(how.workers, str):
        from poise.tournaments.workers.cluster import RayPool

        address = how.workers.partition(":")[2]
        tell = queue.news.append
        with RayPool(plan, address, conversations=workers, check=how.check, tell=tell, stop=how.stop) as nodes:
            yield from _through(nodes, plan, queue, how)
        return
    if plan.schedule.calls_model and not plan.schedule.own_code:
        from poise.tournaments.workers.threads import ThreadPool

        with ThreadPool(plan, min(workers, queue.left)) as threads:
            yield from _through(threads, plan, queue, how)
        return
    if not plan.schedule.own_code:
        yield from _here(TaskPlayer(plan), queue, how, workers)
    if queue.left and not how.stop():
        from poise.tournaments.workers.processes import ProcessPool

        with ProcessPool(plan, min(workers, queue.left), 1 if plan.schedule.calls_model else 2) as processes:
            yield from _through(processes, plan, queue, how)


def _through(pool: WorkerPool, plan: WorkerPlan, queue: TaskQueue, how: How) -> Generator[list[Finished], None, None]:
    def chunk(left: int, seconds: float) -> int:
        """About a tenth of a second of work, and less towards the end, so that all workers end together."""
        fair = left // (2 * pool.size * pool.ahead)
        return max(1, min(fair, _MOST_AT_ONCE, int(_TASK_SECONDS / max(seconds, 1e-6))))

    limits = how.match_seconds, how.stop, chunk, how.grace, how.message_seconds
    return Dispatcher(pool, queue, plan.rules, *limits).run()


def _here(player: TaskPlayer, queue: TaskQueue, how: How, workers: int) -> Generator[list[Finished], None, None]:
    """Play in this process, as long as processes would not be quicker."""
    pace = _Pace()
    while not how.stop() and not pace.worth_processes() and (task := queue.take(_MOST_AT_ONCE)):
        batch: list[Finished] = []
        try:
            pace.skip()
            for finished in player.play(task):
                batch.append(finished)
                task = task.after(1, finished.memory)
                if pace.tick(queue, task, workers):
                    yield batch
                    batch = []
                if pace.worth_processes() or how.stop():
                    break
        except ModelError as error:
            queue.hold(task, error)
        except PoiseError:
            yield batch
            raise
        else:
            queue.give_back(task)
        yield batch


class _Pace:
    """Seconds that a match takes here, and whether the rest is worth worker processes."""

    def __init__(self) -> None:
        self._seconds: list[float] = []
        self._last = self._ticked = monotonic()
        self._first = True
        self._worth = False

    def worth_processes(self) -> bool:
        """Whether processes would be quicker, as far as is known."""
        return self._worth

    def skip(self) -> None:
        """The next match also pays for opening its pairing: leave it out."""
        self._first = True

    def tick(self, queue: TaskQueue, task: Task, workers: int) -> bool:
        """Note a finished match; whether it is time for a batch."""
        now = monotonic()
        if not self._first:
            self._seconds = [*self._seconds[-20:], now - self._last]
        self._first, self._last = False, now
        if now - self._ticked < _TICK:
            return False
        self._ticked = now
        if workers > 1 and self._seconds:
            left = queue.left + len(task.positions)
            self._worth = left > 1 and median(self._seconds) * left > _WORTH_PROCESSES
        return True
