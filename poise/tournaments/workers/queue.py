"""What is left to play, handed out in pieces, and the playing of one piece."""

from __future__ import annotations

import heapq
import multiprocessing
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, Protocol

import orjson

from poise.common.errors import BadInput, ModelDown, ModelError, ModelMissing, StoreError, Unanswered
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Transcript, Usage
from poise.tournaments.schedule import Schedule
from poise.tournaments.storage.rows import Finished, failed, finish_row, to_json
from poise.tournaments.storage.snapshot import Waiting

_UNANSWERED: Final = 3  # requests in a row, after which a model is taken to answer none
ANY_KIND: Final = (False, True)  # of matches: those that ask no model, and those that ask one
_OPEN_PAIRINGS: Final = 64  # kept ready; a pairing holds its graphs and, for a learner, its tables


class PlayedLike(Protocol):
    """What `poise.graphs.Played` offers."""

    @property
    def transcript(self) -> Transcript:
        """The record of the negotiation."""
        ...

    @property
    def usage(self) -> Usage:
        """What it cost."""
        ...

    @property
    def memory(self) -> Any:
        """What learners remember after it, as JSON data; None when nothing learns."""
        ...


class PairingLike(Protocol):
    """What a tournament needs of `poise.graphs.Pairing`."""

    @property
    def learns(self) -> bool:
        """Whether the order of matches matters."""
        ...

    def restore(self, memory: Mapping[str, Any] | None, /) -> None:
        """Set the learners to what they remembered after an earlier match; None is the state before the first."""
        ...

    def play(self, scenario: Scenario, seed: int, /) -> PlayedLike:
        """One match."""
        ...


OpenPairing = Callable[[int], PairingLike]


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What a worker needs to know to play any task; `open_pairing` opens a pair by its index."""

    schedule: Schedule
    rules: Rules
    open_pairing: OpenPairing


@dataclass(frozen=True, slots=True)
class Task:
    """Matches of one pair, to be played in order; `memory` is what learners remember before the first."""

    pair: int
    positions: tuple[int, ...]
    memory: bytes | None = None

    def after(self, finished: int, memory: bytes | None) -> Task:
        """What is left of this task once so many of its matches are finished."""
        return Task(self.pair, self.positions[finished:], memory if finished else self.memory)


@dataclass
class TaskQueue:
    """The matches that are left.

    The pair with the most matches left goes next, and a learner's pair before others. That keeps the pairs level, and
    starts early the series that must be played one match after another. Pairs with the same adapters come together,
    since the embedded model serves one adapter at a time.

    A match that a model's server fails waits, and so do all others that need the model; those that do not need it are
    played. Once nothing else is left, what waits is tried once more.

    doomed: matches that will not be tried (again), and why.
    """

    schedule: Schedule
    _pending: list[list[int]] = field(repr=False)
    _memory: dict[int, bytes | None] = field(repr=False)
    doomed: dict[int, str] = field(default_factory=dict)
    _busy: set[int] = field(default_factory=set, repr=False)
    _heaps: dict[bool, list[tuple[int, int, bool, int]]] = field(  # by whether a pair asks a model
        default_factory=lambda: {kind: [] for kind in ANY_KIND}, repr=False
    )
    _group: dict[tuple[str, ...], int] = field(default_factory=dict, repr=False)
    _down: dict[str, str] = field(default_factory=dict, repr=False)  # why, by a model's URI
    _stuck: dict[int, tuple[str, str]] = field(default_factory=dict, repr=False)  # (model, why), by a pair that waits
    _held: dict[int, tuple[str, str]] = field(default_factory=dict, repr=False)  # (model, why), by a match that waits
    _unanswered: Counter[str] = field(default_factory=Counter, repr=False)
    _progress: bool = False
    news: list[str] = field(default_factory=list, repr=False)  # what the user should know of what waits

    @classmethod
    def of(
        cls, schedule: Schedule, done: Mapping[int, str], memory: Callable[[int], bytes | None] = lambda _: None
    ) -> TaskQueue:
        """What is left of `schedule` when the matches `done` (position -> id) are finished.

        memory: what learners remembered after the match at a position. Raises StoreError when `done` does not belong
        to the schedule, or a learner's series has a hole.
        """
        for position, match_id in done.items():
            if not 0 <= position < schedule.total or schedule.matches[position].id != match_id:
                raise StoreError(f"match {position} in the store is not of this tournament; restore it from a copy")
        pending: list[list[int]] = [[] for _ in range(schedule.pairs)]
        for match in schedule.played:
            if match.position not in done:
                pending[match.pair].append(match.position)
        queue = cls(schedule, pending, {})
        size = schedule.size
        for pair, left in enumerate(pending):
            queue._offer(pair)
            if schedule.learns(pair) and left:
                queue._memory[pair] = _memory_before(left, (pair + 1) * size, size, memory)
        return queue

    @property
    def left(self) -> int:
        """Matches not handed out, without those that wait."""
        return sum(len(pending) for pair, pending in enumerate(self._pending) if not self._waits_for(pair))

    def take(self, size: int, kinds: Collection[bool] = ANY_KIND) -> Task | None:
        """Up to `size` matches of one pair; None when there is nothing to hand out now.

        kinds: of pairs that are wanted: those that ask a model (True), those that ask none (False).
        """
        while heaps := [heap for kind in kinds if (heap := self._heaps[kind])]:
            _, count, _, pair = heapq.heappop(min(heaps, key=itemgetter(0)))
            pending = self._pending[pair]
            if -count != len(pending) or not pending or pair in self._busy or self._waits_for(pair):
                continue  # an entry from before something changed
            taken = self._without_doomed(pending[:size])
            del pending[: len(taken)]
            if self.schedule.learns(pair):
                self._busy.add(pair)
            else:
                self._offer(pair)
            return Task(pair, tuple(taken), self._memory.get(pair))
        return None

    def _without_doomed(self, positions: list[int]) -> list[int]:
        """A doomed match comes alone, so that whoever takes it need not look further."""
        for place, position in enumerate(positions):
            if position in self.doomed:
                return positions[: max(1, place)]
        return positions

    def give_back(self, task: Task) -> None:
        """End a task; what is left in it will be handed out again."""
        if self.schedule.learns(task.pair):
            self._memory[task.pair] = task.memory
            self._busy.discard(task.pair)
        self._pending[task.pair][:0] = task.positions
        self._offer(task.pair)

    def take_down(self, model: str, reason: str) -> None:
        """Let everything that needs `model` wait."""
        self._down[model] = reason
        self.news.append(f"what needs {model} waits, and the rest is played: {reason}")

    def hold(self, task: Task, error: ModelError) -> None:
        """End a task whose next match a model's server failed: that match waits, or all that need the model.

        One request that is not answered, such as one that is too long, need not be the end of a model; several are.
        """
        model, reason = error.model, str(error)
        self._unanswered[model] += 1
        one_request = not isinstance(error, ModelDown | ModelMissing) or isinstance(error, Unanswered)
        one_request = one_request and self._unanswered[model] < _UNANSWERED
        if one_request and not self.schedule.learns(task.pair):
            self._held[task.positions[0]] = model, reason
            task = task.after(1, task.memory)
        elif one_request or model not in self.schedule.needs(task.pair):
            self._stuck[task.pair] = model, reason
        elif model not in self._down:
            self.take_down(model, reason)
        self.give_back(task)

    def finished(self, pair: int) -> None:
        """Note that matches of `pair` were played, so that its models answer."""
        self._progress = True
        if self._unanswered:
            for model in self.schedule.needs(pair):
                self._unanswered.pop(model, None)

    def try_again(self) -> bool:
        """Let what waits be tried once more, where matches were played since the last time; whether there is any."""
        waits = bool(self._down or self._stuck or self._held)
        if not waits or not self._progress:
            return False
        self._progress = False
        held, pairs = sorted(self._held), range(len(self._pending))
        for waiting in (self._down, self._stuck, self._held, self._unanswered):
            waiting.clear()
        for position in held:
            self._pending[self.schedule.matches[position].pair].append(position)
        for pair in pairs:
            self._pending[pair].sort()
            self._offer(pair)
        return True

    def waiting(self) -> list[Waiting]:
        """The matches that wait now, by what they wait for."""
        found: dict[tuple[str, str], Counter[int]] = {}
        for pair, pending in enumerate(self._pending):
            if pending and (why := self._waits_for(pair)):
                found.setdefault(why, Counter())[pair] += len(pending)
        for position, why in self._held.items():
            found.setdefault(why, Counter())[self.schedule.matches[position].pair] += 1
        size = len(self.schedule.debtors)
        return [
            Waiting(model, reason, pairs.total(), [divmod(pair, size) for pair in pairs])
            for (model, reason), pairs in found.items()
        ]

    def _waits_for(self, pair: int) -> tuple[str, str] | None:
        """The model ("" where it is not known) that `pair` waits for, and why; None where it can be played."""
        if pair in self._stuck:
            return self._stuck[pair]
        if not self._down:
            return None
        needs = self.schedule.needs(pair)
        return next(((model, reason) for model, reason in self._down.items() if model in needs), None)

    def _offer(self, pair: int) -> None:
        if self._pending[pair]:
            group = self._group.setdefault(self.schedule.tuned(pair), len(self._group))
            heapq.heappush(
                self._heaps[bool(self.schedule.needs(pair))],
                (group, -len(self._pending[pair]), not self.schedule.learns(pair), pair),
            )


def _memory_before(left: list[int], end: int, size: int, memory: Callable[[int], bytes | None]) -> bytes | None:
    """What a learner remembers when the matches `left` of its series, which ends before `end`, are still to come."""
    if left[-1] - left[0] + 1 != len(left) or left[-1] != end - 1:
        raise StoreError(
            f"match {left[0]} is missing in the middle of a learner's series; restore the store from a copy"
        )
    return memory(left[0] - 1) if len(left) < size else None


class TaskPlayer:
    """Plays tasks, one at a time. Each thread and each process has its own."""

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._open: OrderedDict[int, PairingLike] = OrderedDict()

    def play(self, task: Task, begin: Callable[[int], None] = lambda _: None) -> Iterator[Finished]:
        """Play the task's matches, telling `begin` each position before it starts.

        An unforeseen error is that match's outcome, and so is SystemExit. ModelError is raised, as what a server does
        is no agent's fault, and BadInput, because the other matches would fail as well; so is KeyboardInterrupt in the
        main thread of the main process, where it can be Ctrl-C.
        """
        pairing = self._pairing(task.pair)
        memory = task.memory
        self._restore(pairing, memory)
        for position in task.positions:
            begin(position)
            match = self._plan.schedule.matches[position]
            try:
                played = pairing.play(self._plan.schedule.scenarios[match.scenario], match.seed)
                after = None if played.memory is None else to_json(played.memory)
                finished = finish_row(self._plan.schedule, match, played.transcript, played.usage, after)
                memory = after
            except (ModelError, BadInput):
                raise
            except (Exception, SystemExit, KeyboardInterrupt) as error:
                in_main_thread = threading.current_thread() is threading.main_thread()
                if isinstance(error, KeyboardInterrupt) and in_main_thread and multiprocessing.parent_process() is None:
                    raise
                self._restore(pairing, memory)
                reason = f"{type(error).__name__}: {error}"
                finished = failed(self._plan.schedule, match, self._plan.rules, reason, memory)
            yield finished

    def _restore(self, pairing: PairingLike, memory: bytes | None) -> None:
        if pairing.learns:
            pairing.restore(None if memory is None else orjson.loads(memory))

    def _pairing(self, pair: int) -> PairingLike:
        if pair not in self._open:
            if len(self._open) >= _OPEN_PAIRINGS:
                self._open.popitem(last=False)
            self._open[pair] = self._plan.open_pairing(pair)
        self._open.move_to_end(pair)
        return self._open[pair]
