"""Matches played on the nodes of a Ray cluster.

This process, the driver, keeps the queue and alone writes the store. Each node has one actor, a
`poise.tournaments.workers.node.ClusterNode`, which takes all its cores and plays as a single machine would. The driver
calls each actor again and again, one call at a time: orders go out with a call, news comes back. So what a worker
reports comes in the order in which its tasks were assigned.

The files that agents, personas, trained agents, the game and the domains are named by travel with the job, as Ray's
working directory: those at relative paths below the working directory, and the domains wherever they are. What a node
lacks is an error before the first match.

An actor that is lost, alone or with its node, costs the matches in flight there: they are played again. A node that was
lost `_LOSSES` times with nothing finished in between, or is gone, is left out.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Final

from poise.common.errors import AgentError, ConfigError, PoiseError
from poise.common.processes import usable_cores
from poise.games.domains import SEARCH
from poise.tournaments.workers.dispatcher import Playing, WorkerReport
from poise.tournaments.workers.node import ClusterNode, NodeNews, Order
from poise.tournaments.workers.processes import names_registered
from poise.tournaments.workers.queue import Task, WorkerPlan

_EXCHANGE: Final = 0.1  # seconds that a node waits for news before it answers,
_EXCHANGE_EACH: Final = 0.002  # and longer on a large cluster, so that its driver is not kept busy by calls alone
_PLACE_SECONDS: Final = 120.0  # for cores that another job holds
_TICK: Final = 0.5
_CONNECT_SECONDS: Final = 5.0
_STORE_BYTES: Final = 1 << 28  # of Ray's object store, where this process starts Ray
_LOSSES: Final = 3


@dataclass
class _Member:
    """A node as the driver sees it. first: its first worker. sizes: workers without a model, and with."""

    id: str
    address: str
    cores: int
    first: int
    sizes: tuple[int, int]
    actor: Any = None
    placed: Any = None  # the reference of a call that returns once the actor runs
    call: Any = None  # the reference of the call in progress
    orders: list[Order] = field(default_factory=list)
    lives: list[int] = field(default_factory=list)
    playing: Sequence[Playing | None] = ()
    losses: int = 0
    gone: bool = False

    @property
    def workers(self) -> range:
        """The numbers of its workers."""
        return range(self.first, self.first + sum(self.sizes))


class RayPool:
    """The workers of all nodes; use it in a `with` statement.

    address:       HOST:PORT of the cluster; "" for RAY_ADDRESS, or else one of this machine alone, which is started.
    conversations: on each node, for matches that ask a model.
    check:         called on each node before the first match: raises what keeps it from playing, and returns remarks.
    tell:          is told the remarks, and when a node is lost.
    stop:          asked while the nodes begin, which takes as long as loading their models; once true, none plays.
    """

    ahead = 3  # a task at work, and some on their way

    def __init__(  # noqa: PLR0913 - a bag of them would hide what they are
        self,
        plan: WorkerPlan,
        address: str,
        *,
        conversations: int,
        check: Callable[[], Sequence[str]],
        tell: Callable[[str], None],
        stop: Callable[[], bool],
    ) -> None:
        if names_registered(plan):
            raise AgentError(
                "an agent or the game is registered by this program, and other machines do not know it; put it into a "
                "file, and name it as FILE.py:NAME"
            )
        self._plan, self._check, self._tell = plan, check, tell
        self._open = ExitStack()
        self._members: list[_Member] = []
        self._ray = self._open.enter_context(_connected(address, plan))
        try:
            self._members = self._find_members(conversations)
            self._by_worker = [member for member in self._members for _ in member.workers]
            self._plan_there = self._ray.put(plan)
            self._begin_all(stop)
        except BaseException:
            self._end()
            raise
        self.size = len(self._by_worker)

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        for member in self._members:
            with suppress(Exception):
                self._ray.kill(member.actor)
        self._open.close()

    def kinds(self, worker: int) -> Collection[bool]:
        """What `worker` plays; nothing on a node that is gone."""
        member = self._by_worker[worker]
        return () if member.gone else (worker - member.first >= member.sizes[0],)

    def assign(self, worker: int, task: Task) -> None:
        """Give `worker` another task."""
        member = self._by_worker[worker]
        member.orders.append(Order("play", worker - member.first, task))

    def wait(self, seconds: float) -> list[WorkerReport]:
        """News of the nodes that answered. Raises PoiseError when the last node is lost."""
        calls = {}
        for member in self._members:
            if member.call is None and not member.gone:
                seconds = max(_EXCHANGE, _EXCHANGE_EACH * len(self._members))
                member.call = member.actor.exchange.remote(member.orders, seconds)
                member.orders = []
            if member.call is not None:
                calls[member.call] = member
        ready, _ = self._ray.wait(list(calls), timeout=seconds)
        ready, _ = self._ray.wait(list(calls), num_returns=len(calls), timeout=0) if ready else (ready, None)
        return [report for call in ready for report in self._news(calls[call])]

    def playing(self, worker: int) -> Playing | None:
        """What `worker` plays, as far as its node has told."""
        member = self._by_worker[worker]
        return member.playing[worker - member.first] if member.playing else None

    def replace(self, worker: int) -> list[WorkerReport]:
        """Have the node put another worker in the place of `worker`; what that one still sends is dropped."""
        member = self._by_worker[worker]
        local = worker - member.first
        member.orders = [order for order in member.orders if order.kind == "halt" or order.worker != local]
        member.orders.append(Order("replace", local))
        member.lives[local] += 1
        member.playing = [None if place == local else one for place, one in enumerate(member.playing)]
        return []

    def halt(self) -> None:
        """Have every worker stop after the match at hand."""
        for member in self._members:
            member.orders.append(Order("halt"))

    def _find_members(self, conversations: int) -> list[_Member]:
        """The nodes that are alive and have cores, in an order that does not change."""
        schedule = self._plan.schedule
        kinds = {bool(schedule.needs(pair)) for pair in schedule.played_pairs}
        members: list[_Member] = []
        first = 0
        for node in sorted(self._ray.nodes(), key=lambda node: str(node["NodeID"])):
            cores = int(node["Resources"].get("CPU", 0))
            if node["Alive"] and cores:
                sizes = cores if False in kinds else 0, conversations if True in kinds else 0
                members.append(_Member(node["NodeID"], node["NodeManagerAddress"], cores, first, sizes))
                first += sum(sizes)
        if not members:
            raise PoiseError("no node of the Ray cluster has a core; start one with: ray start --address=HOST:PORT")
        return members

    def _begin_all(self, stop: Callable[[], bool]) -> None:
        """Start every node's actor. A node whose cores are taken is left out; one that cannot play is an error."""
        waiting = {self._begin(member): member for member in self._members}
        began = monotonic()
        while waiting and not stop():
            ready, _ = self._ray.wait(list(waiting), timeout=_TICK)
            for call in ready:
                self._take_remarks(call, waiting.pop(call))
            if monotonic() - began > _PLACE_SECONDS:
                for call, member in list(waiting.items()):
                    if not self._ray.wait([member.placed], timeout=0)[0]:
                        waiting.pop(call).gone = True
                        self._ray.kill(member.actor)
                        self._tell(f"node {member.address} is left out, as its {member.cores} cores are not free")
        for member in waiting.values():  # the user stopped the run meanwhile
            member.gone = True
        if not waiting and all(member.gone for member in self._members):
            raise PoiseError(f"no node of the Ray cluster had its cores free within {_PLACE_SECONDS:g} s")

    def _take_remarks(self, call: Any, member: _Member) -> None:
        try:
            for remark in self._ray.get(call):
                self._tell(remark)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told of with the node
            raise _explained(error, member) from None

    def _begin(self, member: _Member) -> Any:
        """Start the actor of a node; the reference of its first call."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        from poise import __version__

        there = NodeAffinitySchedulingStrategy(member.id, soft=False)
        actor = self._ray.remote(ClusterNode).options(num_cpus=member.cores, scheduling_strategy=there, max_restarts=0)
        member.actor = actor.remote(self._plan_there, __version__, member.sizes)
        member.placed = member.actor.__ray_ready__.remote()
        member.lives, member.playing, member.orders, member.call = [0] * sum(member.sizes), (), [], None
        return member.actor.begin.remote(self._check)

    def _news(self, member: _Member) -> list[WorkerReport]:
        call, member.call = member.call, None
        try:
            news: NodeNews = self._ray.get(call)
        except self._ray.exceptions.RayTaskError as error:
            raise _explained(error, member) from None
        except self._ray.exceptions.RayError as error:
            return self._lose(member, error)
        now = monotonic()
        member.playing = [
            Playing(one.position, now - one.since, None if one.turn is None else now - one.turn)
            if one and life == current
            else None
            for (life, one), current in zip(news.playing, member.lives, strict=True)
        ]
        reports = [report for life, report in news.reports if life == member.lives[report.worker]]
        if any(report.finished for report in reports):
            member.losses = 0
        return [report.at(member.first + report.worker) for report in reports]

    def _lose(self, member: _Member, error: Exception) -> list[WorkerReport]:
        """Start the actor of a node again, or leave the node out; its workers have lost what they had."""
        member.losses += 1
        alive = any(node["Alive"] and node["NodeID"] == member.id for node in self._ray.nodes())
        why = f"node {member.address} was lost ({_first_line(error)}); what it played is played again"
        if alive and member.losses < _LOSSES:
            self._tell(f"{why}, there too")
            self._begin(member)
        else:
            member.gone, member.playing = True, ()
            self._tell(f"{why} elsewhere")
            if all(other.gone for other in self._members):
                raise PoiseError(f"all nodes of the Ray cluster are lost, the last one by: {_first_line(error)}")
        return [WorkerReport(worker, lost=True) for worker in member.workers]


def _explained(error: Exception, member: _Member) -> PoiseError:
    """What a node raised, with the node's address, as an error of the same class where it is one of Poise's."""
    cause = getattr(error, "cause", None) or error
    where = f"node {member.address} of the Ray cluster"
    if isinstance(cause, PoiseError):
        return type(cause)(f"{where}: {cause}")
    return PoiseError(f"{where} cannot play: {_first_line(cause)}; are Poise and its extras installed there?")


def _first_line(error: BaseException) -> str:
    """The class of an error, and what it says last: Ray puts a traceback before it."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1].strip() if lines else ''}"


@contextmanager
def _connected(address: str, plan: WorkerPlan) -> Iterator[Any]:
    """Ray, connected; what this process started is ended again. ConfigError where Ray is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    heeded = signal.getsignal(signal.SIGTERM)
    try:
        import ray
    except ImportError:
        raise ConfigError("--workers ray needs Ray: pip install 'poise[cluster]'") from None
    if ray.is_initialized():  # by the user's program, whose job has the environment that the program gave it
        yield ray
        return
    with tempfile.TemporaryDirectory(prefix="poise-job-") as folder:
        job = gather_files(plan, Path(folder))
        address = address or os.environ.get("RAY_ADDRESS", "")
        quiet = {"log_to_driver": False, "logging_level": "ERROR", "runtime_env": job}
        try:
            _init(ray, address, quiet)
        except Exception as error:
            where = f"at {address}" if address else "on this machine"
            why = _first_line(error)
            raise PoiseError(f"no Ray cluster can be used {where} ({why}); does `ray status` show one?") from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, heeded)  # Ray's own handler ends the process at once
        try:
            yield ray
        finally:
            ray.shutdown()


def _init(ray: Any, address: str, settings: dict[str, Any]) -> None:
    """Connect to the cluster at `address`, or where none is named, start one of this machine alone, on loopback.

    Ray itself would look for minutes for a cluster that is not there, and for the last one that was begun here.
    """
    if address:
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
        ray.init(address, **settings)
        return
    ray.init(
        "local",
        num_cpus=usable_cores(),
        include_dashboard=False,
        object_store_memory=_STORE_BYTES,
        _node_ip_address="127.0.0.1",
        **settings,
    )


def gather_files(plan: WorkerPlan, folder: Path) -> dict[str, Any]:
    """Copy what agents, the game and the domains are named by into `folder`; Ray's runtime environment with it.

    A path below the working directory keeps its place, so that nodes find it by the same name. A path elsewhere is
    left: it has to be on every node.
    """
    schedule = plan.schedule
    labels = [one.label for one in (*schedule.creditors, *schedule.debtors)]
    words = [word for label in [*labels, plan.rules.game] for word in re.split("[,@=]", label)]
    for path in {Path(name) for word in words for name in (word, word.rpartition(":")[0])} - {Path()}:
        if not path.is_absolute() and ".." not in path.parts and path.exists():
            _copy(path, folder / path)
    environment: dict[str, Any] = {}
    searched = [Path(name) for name in os.environ.get(SEARCH, "").split(os.pathsep) if name]
    if searched:
        names = [f"poise-domains-{number}" for number in range(len(searched))]
        for path, name in zip(searched, names, strict=True):
            if path.is_dir():
                _copy(path, folder / name)
        environment["env_vars"] = {SEARCH: os.pathsep.join(names)}
    return {**environment, "working_dir": str(folder)} if any(folder.iterdir()) else environment


def _copy(path: Path, to: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
