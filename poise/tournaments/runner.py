"""Runs a tournament into its folder, and goes on with one that was stopped."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

from poise.agents.registry import find_agent
from poise.games.errors import ModelError
from poise.games.scenario import Scenario
from poise.tournaments.config import TournamentConfig, make_config
from poise.tournaments.folder import (
    begin,
    default_folder,
    refuse_other_agents,
    refuse_other_matches,
    resume_command,
    where_it_began,
)
from poise.tournaments.growth import reopen
from poise.tournaments.interrupts import Interrupts
from poise.tournaments.models import check_models, play_settings
from poise.tournaments.playing import How, play_all
from poise.tournaments.records import Finished
from poise.tournaments.schedule import Schedule, build_schedule, check_baseline, enter
from poise.tournaments.store import Store, exists
from poise.tournaments.store_errors import only_run
from poise.tournaments.tasks import OpenPairing, Plan, TaskQueue
from poise.tournaments.watch import Silent, Watch

if TYPE_CHECKING:
    from poise.graphs import Pairing
    from poise.tournaments.figures import Standings

_COMMIT_SECONDS: Final = 0.5
_COMMIT_MATCHES: Final = 500


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left behind.

    total: matches of the tournament. finished: those in the store now. played: those of this run, in `seconds`.
    """

    folder: Path
    total: int
    finished: int
    played: int
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every match is finished."""
        return self.finished == self.total

    def standings(self) -> Standings:
        """Who won."""
        from poise.tournaments.standings import read_standings

        return read_standings(self.folder)

    def _repr_html_(self) -> str:
        """For notebooks."""
        from poise.tournaments.notebook import result_html

        return result_html(self)


@dataclass(frozen=True, slots=True)
class Pairings:
    """Opens the pairings of a tournament by their index."""

    config: TournamentConfig
    schedule: Schedule

    def __call__(self, pair: int) -> Pairing:
        """Pair `pair`, creditor by creditor and within one debtor by debtor."""
        from poise.graphs import Pairing

        config = self.config
        creditor, debtor = divmod(pair, len(config.debtors))
        return Pairing(
            find_agent(config.creditors[creditor], "creditor"),
            find_agent(config.debtors[debtor], "debtor"),
            play_settings(config, self.schedule),
        )


def plan_tournament(config: TournamentConfig, scenarios: Sequence[Scenario] | None = None) -> Schedule:
    """Every match that `config` asks for, without playing any."""
    if scenarios is None:
        from poise.games.loaders import load_scenarios

        scenarios = load_scenarios(config.scenarios)
    return build_schedule(config, *enter(config), scenarios)


def run_tournament(
    config: TournamentConfig,
    out: Path | str | None = None,
    *,
    watch: Watch | None = None,
    scenarios: Sequence[Scenario] | None = None,
    open_pairing: OpenPairing | None = None,
) -> Result:
    """Play a tournament and store it in a folder; one that was begun there with the same settings goes on.

    So does one that is asked for more now: more matches a pair, scenarios after those it had, or more agents. What was
    played is kept, and what is missing is played (see `poise.tournaments.growth`).

    out:          the folder; default `config.out`, or one under `runs/` by the config's name or the time.
    watch:        shown the progress.
    scenarios:    instead of those of `config.scenarios`.
    open_pairing: instead of `poise.graphs.Pairing`; called with a pair's index.

    Ctrl-C finishes the matches in flight and returns; a second one raises KeyboardInterrupt at once.
    Raises ConfigError, AgentError or ScenarioError for settings that cannot be; StoreError when the folder cannot be
    used or holds matches that are not asked for; ModelDown or ModelMissing when a model's server fails. What was
    finished is kept.
    """
    schedule = plan_tournament(config, scenarios)
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
    watch: Watch | None = None,
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
            schedule = plan_tournament(config, store.scenarios())
        refuse_other_agents(folder, header, schedule)
        refuse_other_matches(folder, header, schedule)
        if open_pairing is None:
            check_models(config, schedule)
        return _play(store, config, schedule, open_pairing, watch or Silent())


def _play(
    store: Store, config: TournamentConfig, schedule: Schedule, open_pairing: OpenPairing | None, watch: Watch
) -> Result:
    queue = TaskQueue.of(schedule, store.done(), store.memory)
    plan = Plan(schedule, config.rules, open_pairing or Pairings(config, schedule))
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
