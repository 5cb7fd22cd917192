"""A tournament's folder at the start of a run: what it is begun with, and what must not have changed since."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from poise.games.errors import AgentError, ConfigError, StoreError
from poise.tournaments.config import TournamentConfig
from poise.tournaments.origin import origin
from poise.tournaments.schedule import Entrant, Schedule
from poise.tournaments.store import Header, Store


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
