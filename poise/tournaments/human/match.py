"""A person's match as a folder: a tournament of one match, which every other command can read.

Until it is over, LangGraph's checkpoints beside the store hold the negotiation so far.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from poise.agents.agent import Agent
from poise.agents.registry import find_agent
from poise.common.errors import BadInput, StoreError
from poise.common.seeds import Dice, child_seed
from poise.games.moves import SEATS, Seat
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Transcript
from poise.graphs.human.checkpoints import CheckpointFile
from poise.graphs.human.graph import PERSON, person
from poise.graphs.human.session import HumanSession
from poise.tournaments.config import TournamentConfig, make_config
from poise.tournaments.folder import (
    begin_store,
    refuse_other_agents,
    refuse_other_matches,
    unused_folder,
    where_it_began,
)
from poise.tournaments.matchmaking import check_models, play_settings
from poise.tournaments.schedule import Schedule, build_schedule, entrant
from poise.tournaments.storage.errors import only_run
from poise.tournaments.storage.rows import finish_row, to_json
from poise.tournaments.storage.store import Store, exists


def seat_of(name: str | None) -> Seat:
    """The seat that a person named; BadInput with the remedy for none."""
    wanted = (name or "").strip().lower()
    for seat in SEATS:
        if wanted and seat.startswith(wanted):
            return seat
    given = f"--as {name!r} is not a seat" if name else "no seat is chosen"
    raise BadInput(f"{given}; write --as creditor or --as debtor")


def some_seed() -> int:
    """A seed that differs from one call to the next; it is stored with the match."""
    return time.time_ns() // 1000 % 2**31


HOME: Final = Path("runs") / "play"
TALKS: Final = "talks.sqlite"  # beside the store until the negotiation is over
_BEGIN_ONE: Final = "begin one with: poise play --as debtor --against vanilla"


@dataclass
class HumanMatch:
    """A person's match, open. `session` asks and is answered; `store` keeps the match when it is over.

    remarks: what the person should know about how the models are set up, in sentences.
    """

    folder: Path
    matches: Store
    schedule: Schedule
    session: HumanSession
    remarks: tuple[str, ...] = ()

    @classmethod
    @contextmanager
    def start(cls, config: TournamentConfig, scenario: Scenario, folder: Path | None = None) -> Iterator[HumanMatch]:
        """Begin a match in `folder`; default: a new folder under runs/play.

        Raises StoreError if the folder already holds a tournament, ModelDown or ModelMissing without the model.
        """
        folder = folder or own_folder()
        schedule = _schedule(config, scenario)
        remarks = check_models(config, schedule)
        with (
            only_run(folder),
            begin_store(folder, config, schedule) as store,
            _opened(folder, config, schedule, store) as match,
        ):
            match.remarks = remarks
            yield match

    @classmethod
    @contextmanager
    def resume(cls, folder: Path | None = None) -> Iterator[HumanMatch]:
        """Resume the match in `folder`; default: the one under runs/play that was left last.

        Raises StoreError if there is none, it is over, or the agent has changed.
        """
        if folder is None:
            folder = next(iter(left()), None)
            if folder is None:
                raise StoreError(f"no unfinished negotiation is under {HOME}; {_BEGIN_ONE}")
        _refuse_other_folders(folder)
        with only_run(folder), Store.open(folder) as store:
            header = store.header()
            config = make_config(header.config, f"the settings in {folder}")
            with where_it_began(header):
                schedule = _schedule(config, store.scenarios()[0])
            refuse_other_agents(folder, header, schedule)
            refuse_other_matches(folder, header, schedule)
            remarks = check_models(config, schedule)
            with _opened(folder, config, schedule, store) as match:
                match.remarks = remarks
                yield match

    @property
    def opponent(self) -> str:
        """The label of the agent across the table."""
        creditor, debtor = self.schedule.pair(0)
        return debtor.label if self.session.seat == "creditor" else creditor.label

    def store(self) -> Transcript:
        """Store the finished match, once."""
        played = self.session.played()
        memory = None if played.memory is None else to_json(played.memory)
        if not self.matches.count():
            self.matches.add(
                [finish_row(self.schedule, self.schedule.matches[0], played.transcript, played.usage, memory)]
            )
        return played.transcript


def invite(seat: Seat, opponent: str, source: str, settings: dict[str, Any]) -> tuple[TournamentConfig, Scenario]:
    """The settings and the scenario of a match between a person in `seat` and `opponent`.

    source: a scenario (`builtin:3`), or several, of which the seed picks one. settings: fields of TournamentConfig;
    those that are None are left out. Raises ConfigError, AgentError or ScenarioError for invalid settings.
    """
    names = (PERSON, opponent) if seat == "creditor" else (opponent, PERSON)
    fields = {name: value for name, value in settings.items() if value is not None}
    config = make_config({"creditors": [names[0]], "debtors": [names[1]], "scenarios": source, **fields})
    return config, Dice(child_seed(config.seed, "case")).pick(load_scenarios(source))


def resume_play_command(folder: Path) -> str:
    """The command that resumes the match in `folder`."""
    return f"poise play --resume {shlex.quote(str(folder))}"


def own_folder() -> Path:
    """A new folder under runs/play."""
    return unused_folder(HOME)


def left() -> list[Path]:
    """The folders under runs/play with an unfinished negotiation, the one left last first."""
    return sorted((path.parent for path in HOME.glob(f"*/{TALKS}")), key=_left_at, reverse=True)


def _left_at(folder: Path) -> float:
    """When something was last said; what a killed process wrote is only in the write-ahead file.

    0 for a negotiation that has just ended, whose files are gone.
    """
    times = [0.0]
    for path in folder.glob(f"{TALKS}*"):
        with suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)


def _refuse_other_folders(folder: Path) -> None:
    if not exists(folder):
        raise StoreError(f"there is no negotiation in {folder}; {_BEGIN_ONE}")
    if (folder / TALKS).exists():
        return
    with Store.read(folder) as store:
        if store.count():
            raise StoreError(
                f"the negotiation in {folder} is over; look at it with: poise view {shlex.quote(str(folder))}"
            )
    raise StoreError(
        f"{folder} holds no negotiation of a person ({TALKS} is missing); resume it with: poise tournament resume"
    )


def _schedule(config: TournamentConfig, scenario: Scenario) -> Schedule:
    entrants = [
        entrant(_agent(names[0], seat), names[0], config)
        for seat, names in zip(SEATS, (config.creditors, config.debtors), strict=True)
    ]
    return build_schedule(config, entrants[:1], entrants[1:], [scenario])


def _agent(label: str, seat: Seat) -> Agent:
    return person(seat) if label == PERSON else find_agent(label, seat)


@contextmanager
def _opened(folder: Path, config: TournamentConfig, schedule: Schedule, store: Store) -> Iterator[HumanMatch]:
    seat: Seat = "creditor" if config.creditors[0] == PERSON else "debtor"
    label, against = (config.debtors[0], SEATS[1]) if seat == "creditor" else (config.creditors[0], SEATS[0])
    case = schedule.scenarios[0], schedule.matches[0].seed
    with ExitStack() as stack:
        saver = stack.enter_context(CheckpointFile(folder / TALKS))
        session = HumanSession(seat, _agent(label, against), case, saver, play_settings(config, schedule))
        yield HumanMatch(folder, store, schedule, session)
    if store.count():
        for path in folder.glob(f"{TALKS}*"):
            path.unlink(missing_ok=True)
