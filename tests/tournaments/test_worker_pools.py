"""What the dispatcher rests on: workers report in the order of assignment, and a pool that does not is refused."""

from collections import defaultdict, deque

import pytest
from helpers.tournament_fakes import OpenFake, config, schedule

from poise.common.errors import PoiseError
from poise.tournaments.storage.rows import failed
from poise.tournaments.workers.dispatcher import Dispatcher, WorkerReport
from poise.tournaments.workers.node import ClusterNode, Order
from poise.tournaments.workers.processes import ProcessPool
from poise.tournaments.workers.queue import ANY_KIND, Task, TaskQueue, WorkerPlan
from poise.tournaments.workers.threads import ThreadPool


@pytest.fixture(scope="module")
def plan():
    settings = config(2, 2, matches_per_pair=6)
    planned = schedule(settings, 6)
    return WorkerPlan(planned, settings.rules, OpenFake(planned, 0.002))


TASKS = [Task(2, (12, 13, 14)), Task(0, (0,)), Task(3, (18, 19)), Task(0, (1, 2)), Task(1, (6,))]


def collected(wait):
    """The positions that each worker reports until all tasks have ended."""
    told, ended = defaultdict(list), 0
    while ended < len(TASKS):
        for report in wait():
            assert (report.died, report.error) == ("", None)
            told[report.worker] += [finished.position for finished in report.finished]
            ended += report.ended
    return dict(told)


def due():
    given = defaultdict(list)
    for number, task in enumerate(TASKS):
        given[number % 2] += task.positions
    return dict(given)


@pytest.mark.parametrize("kind", [ThreadPool, ProcessPool])
def test_reports_come_in_the_order_of_assignment(plan, kind):
    with kind(plan, 2) as pool:
        for number, task in enumerate(TASKS):
            pool.assign(number % 2, task)
        assert collected(lambda: pool.wait(0.05)) == due()


def test_a_node_of_a_cluster_reports_in_the_order_of_assignment(plan):
    node = ClusterNode(plan, "", (2, 0))
    orders = [Order("play", number % 2, task) for number, task in enumerate(TASKS)]
    with node._open:
        with pytest.raises(PoiseError, match=r"it has Poise \S+, and the tournament is run by Poise "):
            node.begin(tuple)
        from poise import __version__

        node._version = __version__
        assert not node.begin(lambda: ())

        def wait():
            news = node.exchange(orders, 0.05)
            orders.clear()
            return [report for life, report in news.reports if life == 0]

        assert collected(wait) == due()


class Disorderly:
    """Plays in memory, and reports its second task before its first."""

    size, ahead = 1, 2

    def __init__(self, plan):
        self.plan, self.tasks = plan, deque()

    def kinds(self, worker):
        return ANY_KIND

    def assign(self, worker, task):
        self.tasks.append(task)

    def wait(self, seconds):
        task = self.tasks.pop()
        matches = self.plan.schedule.matches
        rows = [failed(self.plan.schedule, matches[position], self.plan.rules, "") for position in task.positions]
        return [WorkerReport(0, rows, ended=True)]

    def playing(self, worker):
        return None


def test_a_pool_that_reports_in_another_order_is_refused(plan):
    dispatcher = Dispatcher(Disorderly(plan), TaskQueue.of(plan.schedule, {}), plan.rules, 60.0, lambda: False)
    with pytest.raises(PoiseError, match=r"worker 0 reports match 6, and match 0 is due: .* in the order of assign"):
        list(dispatcher.run())


def test_a_worker_that_was_lost_leaves_its_matches_to_the_others(plan):
    """The loss of a machine is nobody's fault: however often it happens, no match is recorded as failed for it."""

    class Lossy(Disorderly):
        losses = 0

        def wait(self, seconds):
            if self.losses < 5:
                self.losses += 1
                self.tasks.clear()
                return [WorkerReport(0, lost=True)]
            self.tasks.rotate(1)
            return super().wait(seconds)

    dispatcher = Dispatcher(Lossy(plan), TaskQueue.of(plan.schedule, {}), plan.rules, 60.0, lambda: False)
    played = [finished.position for batch in dispatcher.run() for finished in batch]
    assert sorted(played) == list(range(24))
    assert not dispatcher.queue.doomed
