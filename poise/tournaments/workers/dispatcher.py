"""Several workers at once, whatever they are: hand out tasks, collect what they finish, deal with those that fail."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Final, Protocol

from poise.common.errors import ModelError, PoiseError
from poise.games.rules import Rules
from poise.tournaments.storage.rows import Finished, failed
from poise.tournaments.workers.queue import Task, TaskQueue

TICK: Final = 0.1  # seconds between two looks at the clock and at Ctrl-C
GRACE: Final = 15.0  # seconds that a match gets beyond its deadline to end by itself
_TRIES: Final = 2
_EARLY_DEATHS: Final = 3


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """News of one worker.

    finished: matches. ended: the task at hand. error: one that concerns every match.
    waits:    what a model's server did, so that the next match of the task at hand cannot be played now.
    died:     how the worker died, if it did. hint: what may help if others die as well.
    lost:     the worker and its tasks are gone with their machine, through no fault of what was played; the pool has
              put another in its place, or says by `kinds` that there is none.
    """

    worker: int
    finished: Sequence[Finished] = ()
    ended: bool = False
    died: str = ""
    hint: str = ""
    error: Exception | None = None
    waits: ModelError | None = None
    lost: bool = False

    def at(self, worker: int) -> WorkerReport:
        """The same news of a worker with another number."""
        return replace(self, worker=worker)


@dataclass(frozen=True, slots=True)
class Playing:
    """What a worker plays: a position, since when, and since when an agent has had its turn (monotonic clock).

    turn: None while no agent has it, and where the worker limits turns itself.
    """

    position: int
    since: float
    turn: float | None = None


class WorkerPool(Protocol):
    """Workers that play tasks in the order in which they are given.

    What a worker reports comes in the order of its tasks, and within a task in the order of its matches, whatever comes
    first over the wire: the dispatcher counts what is left of a task by it, and refuses anything else.
    """

    size: int
    ahead: int

    def kinds(self, worker: int) -> Collection[bool]:
        """What `worker` plays: matches that ask a model (True), others (False), both, or nothing any more."""
        ...

    def assign(self, worker: int, task: Task) -> None:
        """Give `worker` another task."""
        ...

    def wait(self, seconds: float) -> list[WorkerReport]:
        """What happened, waiting at most so long for the first news."""
        ...

    def playing(self, worker: int) -> Playing | None:
        """What `worker` plays."""
        ...

    def replace(self, worker: int) -> list[WorkerReport]:
        """Get rid of `worker`, start another in its place, and give the last news of the old one."""
        ...

    def halt(self) -> None:
        """Have every worker stop after the match at hand."""
        ...


@dataclass
class Dispatcher:
    """Runs a queue through a pool.

    match_seconds: a worker that plays one match for longer, and some grace, is given up with that match; so is one in
                   which an agent takes longer than message_seconds, and some grace, for its turn.
    stop:          asked often; once true, matches in flight are finished and no more are begun.
    chunk:         how many matches to hand out at a time, given how many are left and the seconds that one takes.
    """

    pool: WorkerPool
    queue: TaskQueue
    rules: Rules
    match_seconds: float
    stop: Callable[[], bool]
    chunk: Callable[[int, float], int] = lambda _left, _seconds: 1
    grace: float = GRACE
    message_seconds: float = math.inf
    _tasks: list[deque[Task]] = field(init=False)
    _deaths: Counter[int] = field(default_factory=Counter)
    _early: int = 0
    _pace: float = 0.01

    def __post_init__(self) -> None:
        self._tasks = [deque() for _ in range(self.pool.size)]

    def run(self) -> Generator[list[Finished], None, None]:
        """Batches of finished matches; an empty one now and then, for whoever watches the clock."""
        halted = False
        while True:
            if not self.stop():
                yield self._hand_out()
            elif not halted:
                halted = True
                self.pool.halt()
            if not any(self._tasks):
                if self.stop() or not self.queue.try_again():
                    return
                continue
            for report in self.pool.wait(TICK):
                yield self._take_in(report)
                if report.error is not None:
                    raise report.error
            yield from self._give_up_overdue()

    def _hand_out(self) -> list[Finished]:
        """Give every worker enough to do; matches that will not be tried are finished here and now."""
        given_up: list[Finished] = []
        for depth in range(self.pool.ahead):
            for worker, tasks in enumerate(self._tasks):
                while len(tasks) <= depth:
                    task = self.queue.take(self.chunk(self.queue.left, self._pace), self.pool.kinds(worker))
                    if task is None:
                        break
                    position, schedule = task.positions[0], self.queue.schedule
                    if position in self.queue.doomed:
                        self.queue.give_back(task.after(1, task.memory))
                        reason = self.queue.doomed[position]
                        given_up.append(failed(schedule, schedule.matches[position], self.rules, reason, task.memory))
                        continue
                    tasks.append(task)
                    self.pool.assign(worker, task)
        return given_up

    def _take_in(self, report: WorkerReport) -> list[Finished]:
        tasks = self._tasks[report.worker]
        if report.finished:
            self._refuse_disorder(report)
            self._early = 0
            self._pace = 0.8 * self._pace + 0.2 * sum(one.seconds for one in report.finished) / len(report.finished)
            tasks[0] = tasks[0].after(len(report.finished), report.finished[-1].memory)
            self.queue.finished(tasks[0].pair)
        if report.waits is not None:
            self.queue.hold(tasks.popleft(), report.waits)
        elif report.ended:
            self.queue.give_back(tasks.popleft())
        if report.died:
            self._bury(report)
        elif report.lost:
            self._give_back_all(report.worker)
        return list(report.finished)

    def _refuse_disorder(self, report: WorkerReport) -> None:
        """PoiseError for a pool that breaks its word; nothing of the report would be stored in its place."""
        tasks = self._tasks[report.worker]
        due = tasks[0].positions[: len(report.finished)] if tasks else ()
        if tuple(finished.position for finished in report.finished) != due:
            raise PoiseError(
                f"worker {report.worker} reports match {report.finished[0].position}, and match "
                f"{due[0] if due else 'none'} is due: a worker pool must report in the order of assignment"
            )

    def _bury(self, report: WorkerReport) -> None:
        """Have the match that a worker died in tried once more; after that it is recorded as failed."""
        worker, how = report.worker, report.died
        playing = self.pool.playing(worker)
        tasks = self._tasks[worker]
        if playing and tasks and playing.position in tasks[0].positions:
            self._deaths[playing.position] += 1
            if self._deaths[playing.position] >= _TRIES:
                self.queue.doomed[playing.position] = f"the process that played it ended {_TRIES} times ({how})"
        else:
            self._early += 1
        if self._early >= _EARLY_DEATHS:
            raise PoiseError(f"{self._early} worker processes ended before their first match ({how}); {report.hint}")
        self._start_over(worker)

    def _give_up_overdue(self) -> Iterator[list[Finished]]:
        """Get rid of workers whose match takes far too long; it will be recorded as failed."""
        for worker, tasks in enumerate(self._tasks):
            playing = self.pool.playing(worker)
            if playing and tasks and (reason := self._overdue(playing)):
                self.queue.doomed[playing.position] = reason
                yield from self._start_over(worker)

    def _overdue(self, playing: Playing) -> str:
        """Why a match takes too long; "" where it does not."""
        now = monotonic()
        if playing.turn and now - playing.turn > self.message_seconds + self.grace:
            return f"no message within {self.message_seconds:g} s; raise message_seconds if that is fine"
        if now - playing.since > self.match_seconds + self.grace:
            return f"no reply within {self.match_seconds:g} s; raise match_seconds if that is fine"
        return ""

    def _start_over(self, worker: int) -> list[list[Finished]]:
        """Put a new worker in the place of one; what the old one did not finish goes back."""
        last = [self._take_in(report) for report in self.pool.replace(worker)]
        self._give_back_all(worker)
        return last

    def _give_back_all(self, worker: int) -> None:
        tasks = self._tasks[worker]
        while tasks:
            self.queue.give_back(tasks.pop())
