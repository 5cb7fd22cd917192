"""One node of a cluster: the same pools as on a single machine, driven from another.

Matches that ask no model are played by a process for each core, and the others by as many conversations as the node's
engine has room for, all in this process, which alone on the node has the engine, the servers' slots and the cache of
replies. Agents from a user's file are always played in processes of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic
from typing import Final, Literal

from poise.common.errors import PoiseError
from poise.tournaments.workers.dispatcher import Playing, WorkerPool, WorkerReport
from poise.tournaments.workers.queue import Task, WorkerPlan

_GLANCE: Final = 0.01  # seconds for news of one pool, where there are two


@dataclass(frozen=True, slots=True)
class Order:
    """What the driver wants of a worker of this node: to play a task, to be replaced, or, of all, to halt."""

    kind: Literal["play", "replace", "halt"]
    worker: int = 0
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class NodeNews:
    """What happened on a node.

    reports: with the life of the worker that made each; a worker that was replaced has another life.
    playing: the life of each worker and what it plays, since how many seconds, as clocks differ between machines.
    """

    reports: Sequence[tuple[int, WorkerReport]]
    playing: Sequence[tuple[int, Playing | None]]


class ClusterNode:
    """A node's pools and their workers, numbered through: first those for matches without a model."""

    def __init__(self, plan: WorkerPlan, version: str, sizes: tuple[int, int]) -> None:
        self._plan, self._version, self._sizes = plan, version, sizes
        self._pools: list[tuple[int, WorkerPool]] = []  # with the number of its first worker
        self._lives = [0] * sum(sizes)
        self._open = ExitStack()

    def begin(self, check: Callable[[], Sequence[str]]) -> Sequence[str]:
        """Check that this node can play what the driver planned, and start its workers.

        Returns what the user should know. Raises PoiseError where an agent, a model or Poise itself is missing or
        another one than the driver's.
        """
        from poise import __version__

        if __version__ != self._version:
            raise PoiseError(f"it has Poise {__version__}, and the tournament is run by Poise {self._version}")
        remarks = check()
        without, asking = self._sizes
        if without:
            self._pools.append((0, self._processes(without, 2)))
        if asking and self._plan.schedule.own_code:
            self._pools.append((without, self._processes(asking, 1)))
        elif asking:
            from poise.tournaments.workers.threads import ThreadPool

            self._pools.append((without, self._open.enter_context(ThreadPool(self._plan, asking))))
        return remarks

    def _processes(self, size: int, ahead: int) -> WorkerPool:
        from poise.tournaments.workers.processes import ProcessPool

        return self._open.enter_context(ProcessPool(self._plan, size, ahead))

    def exchange(self, orders: Sequence[Order], seconds: float) -> NodeNews:
        """Carry out `orders`, and tell what happens within so many seconds, or until a worker needs another task."""
        for order in orders:
            self._carry_out(order)
        reports: list[tuple[int, WorkerReport]] = []
        end = monotonic() + seconds
        while not any(report.ended or report.died or report.error or report.waits for _, report in reports):
            left = end - monotonic()
            if left <= 0:
                break
            for first, pool in self._pools:
                news = pool.wait(left if len(self._pools) == 1 else min(left, _GLANCE))
                reports += [(self._lives[first + report.worker], report.at(first + report.worker)) for report in news]
        return NodeNews(reports, [(life, self._playing(worker)) for worker, life in enumerate(self._lives)])

    def _carry_out(self, order: Order) -> None:
        if order.kind == "halt":
            for _, pool in self._pools:
                pool.halt()
            return
        first, pool = self._pool_of(order.worker)
        if order.kind == "replace":
            pool.replace(order.worker - first)
            self._lives[order.worker] += 1
        elif order.task is not None:
            pool.assign(order.worker - first, order.task)

    def _pool_of(self, worker: int) -> tuple[int, WorkerPool]:
        """The pool of a worker, with the number of its first one."""
        return next((first, pool) for first, pool in reversed(self._pools) if first <= worker)

    def _playing(self, worker: int) -> Playing | None:
        first, pool = self._pool_of(worker)
        now, playing = monotonic(), pool.playing(worker - first)
        if playing is None:
            return None
        return Playing(playing.position, now - playing.since, None if playing.turn is None else now - playing.turn)
