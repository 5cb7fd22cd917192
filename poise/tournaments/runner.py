"""Runs a tournament into its folder, and resumes one that was stopped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from poise.common.errors import ModelDown
from poise.common.interrupts import Interrupts
from poise.common.progress import Watch, usual_watch
from poise.common.tracing import tracing_remark
from poise.games.scenario import Scenario
from poise.tournaments.board import Board
from poise.tournaments.config import TournamentConfig, make_config
from poise.tournaments.folder import (
    begin_store,
    default_folder,
    refuse_other_agents,
    refuse_other_matches,
    reopen_store,
    resume_command,
    where_it_began,
)
from poise.tournaments.matchmaking import Pairings, check_node, try_models
from poise.tournaments.results import Result
from poise.tournaments.schedule import Schedule, check_baseline, plan_matches, refuse_same_agents
from poise.tournaments.storage.errors import only_run
from poise.tournaments.storage.rows import Finished
from poise.tournaments.storage.store import Store, exists
from poise.tournaments.workers.play import How, play_all
from poise.tournaments.workers.queue import OpenPairing, TaskQueue, WorkerPlan

_COMMIT_SECONDS: Final = 0.5
_COMMIT_MATCHES: Final = 500
_STOPPING: Final = "finishing the matches in flight; interrupt again (Ctrl-C) to drop them"


def run_tournament(
    config: TournamentConfig,
    out: Path | str | None = None,
    *,
    watch: Watch | None = None,
    scenarios: Sequence[Scenario] | None = None,
    open_pairing: OpenPairing | None = None,
) -> Result:
    """Play a tournament and store it in a folder. A tournament that was begun there is resumed.

    The config may ask for more than before: more repeats or matches per pair, scenarios after the earlier ones, or more
    agents. Finished matches are kept, and the missing ones are played.

    out:          the folder; default `config.out`, or one under `runs/` named by the config or the time.
    watch:        is shown the progress; default: a notebook shows it below the cell, and nothing else does.
    scenarios:    replace those of `config.scenarios`.
    open_pairing: replaces `poise.graphs.Pairing`; called with a pair's index.

    Ctrl-C finishes the matches in flight and returns; a second one raises KeyboardInterrupt at once, and SIGTERM within
    ten seconds. Matches that a model's server keeps from being played wait (`Result.waiting`), and all others are
    played.
    Raises ConfigError, AgentError or ScenarioError for invalid settings; StoreError when the folder cannot be used or
    holds matches that are not asked for; ModelError when a model is of no use, or when no match at all can be played.
    Finished matches are kept.
    """
    schedule = plan_matches(config, scenarios)
    check_baseline(
        config.baseline,
        (schedule.names("creditor"), config.creditors),
        (schedule.names("debtor"), config.debtors),
    )
    watch = watch or usual_watch()
    folder = Path(out or config.out or default_folder(config))
    begun = exists(folder)
    entered, finished = _played_in(folder) if begun else ([], set())
    refuse_same_agents(schedule, entered)
    if schedule.left_out:
        watch.remark(schedule.coverage)
    down = {} if open_pairing else _down_models(config, schedule, finished, watch)
    with only_run(folder):
        open_store = reopen_store if begun else begin_store
        with open_store(folder, config, schedule) as store:
            return _play(store, config, _queue(store, schedule, down), open_pairing, watch)


def _played_in(folder: Path) -> tuple[list[str], set[str]]:
    """The labels of a tournament's agents, and the ids of its finished matches."""
    with Store.read(folder) as store:
        header = store.header()
        return [*header.entered("creditor"), *header.entered("debtor")], set(store.done().values())


def resume_tournament(
    folder: Path | str,
    *,
    workers: int | str | None = None,
    watch: Watch | None = None,
    open_pairing: OpenPairing | None = None,
) -> Result:
    """Resume the tournament in `folder`. Only the folder is needed, and the files of your own agents.

    Raises as `run_tournament` does, and StoreError when an agent has changed.
    """
    folder = Path(folder)
    Store.read(folder).close()  # reports damage before anything is written
    with only_run(folder), Store.open(folder) as store:
        header = store.header()
        with where_it_began(header):
            now = {} if workers is None else {"workers": workers}
            config = make_config({**header.config, **now}, f"the settings in {folder}")
            schedule = plan_matches(config, store.scenarios())
        refuse_other_agents(folder, header, schedule)
        refuse_other_matches(folder, header, schedule)
        watch = watch or usual_watch()
        down = {} if open_pairing else _down_models(config, schedule, set(store.done().values()), watch)
        return _play(store, config, _queue(store, schedule, down), open_pairing, watch)


def _down_models(
    config: TournamentConfig, schedule: Schedule, finished: Collection[str], watch: Watch
) -> Mapping[str, str]:
    """Try the models that are needed for what is not finished; why some of them cannot be asked, by URI.

    Raises what `try_models` does, and ModelDown where no match at all can be played.
    """
    if isinstance(config.workers, str):
        return {}  # each node of a cluster tries its own
    pairs = {match.pair for match in schedule.played if match.id not in finished}
    tried = try_models(config, schedule, pairs)
    if not finished and tried.down and all(tried.down.keys() & schedule.needs(pair) for pair in pairs):
        raise next(iter(tried.down.values()))
    for remark in (*filter(None, [tracing_remark()]), *tried.remarks):
        watch.remark(remark)
    return {uri: str(error) for uri, error in tried.down.items()}


def _queue(store: Store, schedule: Schedule, down: Mapping[str, str]) -> TaskQueue:
    """What is left to play; what needs a model that is down waits."""
    queue = TaskQueue.of(schedule, store.done(), store.memory)
    for model, reason in down.items():
        queue.take_down(model, reason)
    return queue


def _play(
    store: Store, config: TournamentConfig, queue: TaskQueue, open_pairing: OpenPairing | None, watch: Watch
) -> Result:
    schedule = queue.schedule
    store.set_waiting(())
    plan = WorkerPlan(schedule, config.rules, open_pairing or Pairings(config, schedule))
    writer = _Writer(store, every_match=schedule.calls_model)
    advice = f"Finished matches are kept; continue with: {resume_command(store.folder)}"
    began = monotonic()
    board = Board(schedule, store.tally())
    watch.begin("matches", schedule.played_total, store.count(), schedule.summary, board.tables)
    with Interrupts(partial(watch.remark, _STOPPING), f"stopped\n{advice}") as stop:
        check = partial(check_node, config, schedule) if open_pairing is None else tuple
        how = How(config.workers, config.match_seconds, stop, message_seconds=config.message_seconds, check=check)
        try:
            with closing(play_all(plan, queue, how)) as batches:
                for batch in batches:
                    writer.add(batch)
                    board.add(batch)
                    watch.advance(len(batch))
                    while queue.news:
                        watch.remark(queue.news.pop(0))
                    stop.acknowledge()
            if stop.terminated:  # no time for standings
                raise KeyboardInterrupt
        except KeyboardInterrupt as stopped:
            stopped.add_note(advice)
            raise
        finally:
            writer.flush()
            store.set_waiting(queue.waiting())
    waiting, finished = queue.waiting(), store.count()
    if waiting and not finished:
        raise ModelDown(f"{waiting[0].reason}\n{advice}")
    seconds = monotonic() - began
    return Result(store.folder, schedule.played_total, finished, writer.written, seconds, waiting, config.part)


class _Writer:
    """Writes finished matches: each one at once where models are called, else batches, twice a second."""

    def __init__(self, store: Store, *, every_match: bool) -> None:
        self._store = store
        self._every_match = every_match
        self._waiting: list[Finished] = []
        self._last_flush = monotonic()
        self.written = 0

    def add(self, batch: Sequence[Finished]) -> None:
        self._waiting.extend(batch)
        late = monotonic() - self._last_flush > _COMMIT_SECONDS
        if self._every_match or late or len(self._waiting) >= _COMMIT_MATCHES:
            self.flush()

    def flush(self) -> None:
        """Write the waiting matches. On an error they are dropped, as in a crash; a resumed run plays them again."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._store.add(waiting)
            self.written += len(waiting)
        self._last_flush = monotonic()
