"""Runs a tournament into its folder, and goes on with one that was stopped."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from time import monotonic
from typing import Any, Final

from poise.common.errors import AgentError, ConfigError, ModelError, StoreError
from poise.common.interrupts import Interrupts
from poise.games.scenario import Scenario
from poise.tournaments.config import TournamentConfig, make_config
from poise.tournaments.matchmaking import Pairings, check_models
from poise.tournaments.results import Result
from poise.tournaments.schedule import Entrant, Match, Schedule, build_schedule, check_baseline, enter
from poise.tournaments.storage.errors import only_run
from poise.tournaments.storage.provenance import origin
from poise.tournaments.storage.rows import Finished
from poise.tournaments.storage.schema import RowMove
from poise.tournaments.storage.snapshot import Header
from poise.tournaments.storage.store import Store, exists
from poise.tournaments.watch import Silent, TournamentWatch
from poise.tournaments.workers.play import How, play_all
from poise.tournaments.workers.queue import OpenPairing, TaskQueue, WorkerPlan

_COMMIT_SECONDS: Final = 0.5
_COMMIT_MATCHES: Final = 500


def plan_matches(config: TournamentConfig, scenarios: Sequence[Scenario] | None = None) -> Schedule:
    """Every match that `config` asks for, without playing any."""
    if scenarios is None:
        from poise.games.scenarios.loaders import load_scenarios

        scenarios = load_scenarios(config.scenarios)
    return build_schedule(config, *enter(config), scenarios)


def run_tournament(
    config: TournamentConfig,
    out: Path | str | None = None,
    *,
    watch: TournamentWatch | None = None,
    scenarios: Sequence[Scenario] | None = None,
    open_pairing: OpenPairing | None = None,
) -> Result:
    """Play a tournament and store it in a folder; one that was begun there with the same settings goes on.

    So does one that is asked for more now: more matches a pair, scenarios after those it had, or more agents. What was
    played is kept, and what is missing is played (see `poise.tournaments.runner`).

    out:          the folder; default `config.out`, or one under `runs/` by the config's name or the time.
    watch:        shown the progress.
    scenarios:    instead of those of `config.scenarios`.
    open_pairing: instead of `poise.graphs.Pairing`; called with a pair's index.

    Ctrl-C finishes the matches in flight and returns; a second one raises KeyboardInterrupt at once.
    Raises ConfigError, AgentError or ScenarioError for settings that cannot be; StoreError when the folder cannot be
    used or holds matches that are not asked for; ModelDown or ModelMissing when a model's server fails. What was
    finished is kept.
    """
    schedule = plan_matches(config, scenarios)
    check_baseline(config.baseline, config.creditors, config.debtors)
    if open_pairing is None:
        check_models(config, schedule)
    folder = Path(out or config.out or default_folder(config))
    with only_run(folder):
        make = reopen if exists(folder) else begin
        with make(folder, config, schedule) as store:
            return _play(store, config, schedule, open_pairing, watch or Silent())


def resume_tournament(
    folder: Path | str,
    *,
    workers: int | None = None,
    watch: TournamentWatch | None = None,
    open_pairing: OpenPairing | None = None,
) -> Result:
    """Go on with the tournament in `folder`; nothing is needed but the folder, and the files of a user's own agents.

    Raises as `run_tournament` does, and StoreError when an agent is no longer what it was.
    """
    folder = Path(folder)
    Store.read(folder).close()  # tell what is wrong before anything is written
    with only_run(folder), Store.open(folder) as store:
        header = store.header()
        with where_it_began(header):
            config = make_config(header.config, f"the settings in {folder}")
        if workers is not None:
            config = config.model_copy(update={"workers": workers})
        with where_it_began(header):
            schedule = plan_matches(config, store.scenarios())
        refuse_other_agents(folder, header, schedule)
        refuse_other_matches(folder, header, schedule)
        if open_pairing is None:
            check_models(config, schedule)
        return _play(store, config, schedule, open_pairing, watch or Silent())


def _play(
    store: Store, config: TournamentConfig, schedule: Schedule, open_pairing: OpenPairing | None, watch: TournamentWatch
) -> Result:
    queue = TaskQueue.of(schedule, store.done(), store.memory)
    plan = WorkerPlan(schedule, config.rules, open_pairing or Pairings(config, schedule))
    writer = _Writer(store, every_match=schedule.calls_model)
    began = monotonic()
    with watch.over(schedule, store.tally()), Interrupts(watch.stopping) as stop:
        how = How(config.workers, config.match_seconds, stop)
        try:
            with closing(play_all(plan, queue, how)) as batches:
                for batch in batches:
                    writer.add(batch)
                    watch.update(batch)
                    stop.acknowledge()
        except KeyboardInterrupt as stopped:
            stopped.add_note(f"Finished matches are kept; continue with: {resume_command(store.folder)}")
            raise
        except ModelError as error:
            raise type(error)(
                f"{error}\nFinished matches are kept; continue with: {resume_command(store.folder)}"
            ) from error
        finally:
            writer.flush()
    return Result(store.folder, len(schedule.matches), store.count(), writer.written, monotonic() - began)


class _Writer:
    """Writes finished matches: each at once where a model was paid for it, else twice a second."""

    def __init__(self, store: Store, *, every_match: bool) -> None:
        self._store = store
        self._every_match = every_match
        self._waiting: list[Finished] = []
        self._last = monotonic()
        self.written = 0

    def add(self, batch: Sequence[Finished]) -> None:
        self._waiting.extend(batch)
        due = self._every_match or len(self._waiting) >= _COMMIT_MATCHES or monotonic() - self._last > _COMMIT_SECONDS
        if due:
            self.flush()

    def flush(self) -> None:
        """Write what waits. On an error it is dropped, as in a crash, and played again on resumption."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._store.add(waiting)
            self.written += len(waiting)
        self._last = monotonic()


def reopen(folder: Path, config: TournamentConfig, schedule: Schedule) -> Store:
    """The store of a tournament that was begun earlier, with room for all of `schedule`.

    Raises StoreError where a finished match is none of `schedule`, or a learner would have seen its matches in another
    order; then nothing is changed.
    """
    store = Store.open(folder)
    try:
        before = store.header()
        if before.id == schedule.id:
            store.set_config(config.model_dump(mode="json"))
        else:
            _grow(store, before, config, schedule)
    except BaseException:
        store.close()
        raise
    return store


def _grow(store: Store, before: Header, config: TournamentConfig, schedule: Schedule) -> None:
    done, places = store.done(), {match.id: match for match in schedule.matches}
    lost = [position for position, name in done.items() if name not in places]
    if lost:
        raise StoreError(_other(store.folder, before, config, (len(lost), len(done))))
    kept = {position: places[name] for position, name in done.items()}
    _refuse_another_order(store.folder, schedule, kept)
    header = header_of(config, schedule)
    grown = [*before.provenance.get("grown", []), {**header.provenance, "matches_before": before.total}]
    store.grow(
        replace(header, provenance={**before.provenance, "grown": grown}),
        schedule.scenarios,
        [_move(position, match, schedule) for position, match in kept.items()],
    )


def _move(position: int, match: Match, schedule: Schedule) -> RowMove:
    creditor, debtor = divmod(match.pair, len(schedule.debtors))
    return RowMove(position, match.position, creditor, debtor, match.scenario, match.repeat)


def _refuse_another_order(folder: Path, schedule: Schedule, kept: Mapping[int, Match]) -> None:
    size = len(schedule.matches) // schedule.pairs
    series: dict[int, list[int]] = {}
    for _, match in sorted(kept.items()):
        series.setdefault(match.pair, []).append(match.position - match.pair * size)
    for pair, found in series.items():
        if schedule.learns(pair) and found != list(range(len(found))):
            creditor, debtor = schedule.pair(pair)
            raise StoreError(
                f"{creditor.label} against {debtor.label} in {folder} has learned from its matches in another order "
                "than the one asked for now; put new scenarios after those there were, or choose another folder with "
                "--out"
            )


def _other(folder: Path, header: Header, config: TournamentConfig, lost: tuple[int, int]) -> str:
    before, now = make_config(header.config).what(), config.what()
    changed = [f"{key} was {before[key]!r}, now {now[key]!r}" for key in now if before[key] != now[key]]
    detail = "; ".join(changed) or "a scenario or an agent's file has changed"
    return (
        f"{folder} holds another tournament ({detail}): {lost[0]} of its {lost[1]} finished matches are not among "
        "those asked for now. It can be given more matches a pair, scenarios and agents, but what was played stays as "
        f"it is; choose another folder with --out, or continue that one with: {resume_command(folder)}"
    )


def default_folder(config: TournamentConfig) -> Path:
    """Where a tournament goes when nobody says: `runs/NAME`, or `runs/` and the time."""
    return Path("runs") / config.name if config.name else unused(Path("runs"))


def unused(within: Path) -> Path:
    """A folder named by the time, that does not exist yet: two that begin in one second get two."""
    now = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    names = chain([now], (f"{now}-{number}" for number in count(2)))
    return next(within / name for name in names if not (within / name).exists())


def resume_command(folder: Path) -> str:
    """What to type to go on."""
    return f"poise tournament resume {shlex.quote(str(folder))}"


def begin(folder: Path, config: TournamentConfig, schedule: Schedule) -> Store:
    """A new store for the tournament."""
    return Store.create(folder, header_of(config, schedule), schedule.scenarios)


def header_of(config: TournamentConfig, schedule: Schedule) -> Header:
    """What a tournament is that begins now."""
    return Header(
        id=schedule.id,
        config=config.model_dump(mode="json"),
        creditors=[_told(entrant) for entrant in schedule.creditors],
        debtors=[_told(entrant) for entrant in schedule.debtors],
        total=len(schedule.matches),
        provenance=origin(config, schedule),
    )


@contextmanager
def where_it_began(header: Header) -> Iterator[None]:
    """Say where a tournament was begun when an agent's or a game's file, whose path is relative, is not found here."""
    try:
        yield
    except (AgentError, ConfigError) as error:
        began = header.provenance.get("folder")
        if began in (None, str(Path.cwd())):
            raise
        raise type(error)(f"{error}. The tournament was begun in {began}: continue it from there") from error


def refuse_other_agents(folder: Path, header: Header, schedule: Schedule) -> None:
    """StoreError when an agent declares something else than when the tournament began."""
    stored = [*header.creditors, *header.debtors]
    for told, entrant in zip(stored, (*schedule.creditors, *schedule.debtors), strict=True):
        if told != _told(entrant):
            raise StoreError(
                f"agent {entrant.label!r} is not what it was when the tournament in {folder} began (its file or its "
                "settings changed); put it back as it was, or run a new tournament in another folder"
            )


def refuse_other_matches(folder: Path, header: Header, schedule: Schedule) -> None:
    """StoreError when the schedule is not the stored one for another reason, such as a change in Poise."""
    if header.id != schedule.id:
        made = header.provenance.get("poise", "another version")
        raise StoreError(
            f"this Poise would play other matches than those of {folder}, which Poise {made} began; continue with that "
            "version, or run a new tournament in another folder"
        )


def _told(entrant: Entrant) -> dict[str, Any]:
    return {"label": entrant.label, "declared": dict(entrant.declared)}
