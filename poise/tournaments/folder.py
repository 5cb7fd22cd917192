"""A tournament's folder: its name, its store, and what must hold for the tournament in it to be resumed or extended."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from poise.common.errors import AgentError, ConfigError, StoreError
from poise.graphs.drawing.outline import agent_outline
from poise.tournaments.config import TournamentConfig, make_config
from poise.tournaments.schedule import Entrant, Match, Schedule
from poise.tournaments.storage.provenance import origin
from poise.tournaments.storage.schema import RowMove
from poise.tournaments.storage.snapshot import Header
from poise.tournaments.storage.store import Store


def default_folder(config: TournamentConfig) -> Path:
    """Where a tournament without a folder goes: `runs/NAME`, a part to `runs/NAME/K-of-N`; `runs/` and the time.

    ConfigError where a part has neither a folder nor a name, as parts that begin at one time would take one folder.
    """
    if config.part_of is None:
        return Path("runs") / config.name if config.name else unused_folder(Path("runs"))
    number, parts = config.part_of
    if not config.name:
        raise ConfigError(f"part {config.part} needs a folder of its own; add --out runs/{number}, or --name NAME")
    return Path("runs") / config.name / f"{number}-of-{parts}"


def unused_folder(parent: Path) -> Path:
    """A folder named by the time that does not exist yet; the second one of a second gets a number."""
    now = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    names = chain([now], (f"{now}-{number}" for number in count(2)))
    return next(parent / name for name in names if not (parent / name).exists())


def resume_command(folder: Path) -> str:
    """The command that resumes the tournament in `folder`."""
    return f"poise tournament resume {shlex.quote(str(folder))}"


def begin_store(folder: Path, config: TournamentConfig, schedule: Schedule) -> Store:
    """The store of a new tournament."""
    return Store.create(folder, _header(config, schedule), schedule.scenarios)


def reopen_store(folder: Path, config: TournamentConfig, schedule: Schedule) -> Store:
    """The store of a tournament that was begun earlier, extended to hold all of `schedule`.

    Raises StoreError where a finished match is not in `schedule`, where a learner played its matches in another order,
    or where it is another part; then nothing is changed.
    """
    store = Store.open(folder)
    try:
        stored = store.header()
        _refuse_other_part(folder, stored, config, schedule)
        if stored.id == schedule.id:
            store.set_config(config.model_dump(mode="json"))
        else:
            _grow(store, stored, config, schedule)
    except BaseException:
        store.close()
        raise
    return store


def _refuse_other_part(folder: Path, stored: Header, config: TournamentConfig, schedule: Schedule) -> None:
    """StoreError where the folder holds another part; a part does not grow, as its matches would be other parts'."""
    before = stored.config.get("part")
    if before != config.part:
        held, asked = (f"part {part}" if part else "a whole tournament" for part in (before, config.part))
        raise StoreError(f"{folder} holds {held}, and {asked} is asked for; choose another folder with --out")
    if before and stored.id != schedule.id:
        raise StoreError(
            f"{folder} holds part {before} of another tournament, and a part cannot grow; choose another folder with "
            "--out, or merge the parts and let the whole tournament grow"
        )


def _grow(store: Store, stored: Header, config: TournamentConfig, schedule: Schedule) -> None:
    """Make the store hold `schedule`; finished matches move to their positions in it."""
    finished, matches = store.done(), {match.id: match for match in schedule.matches}
    missing = sum(match_id not in matches for match_id in finished.values())
    if missing:
        raise StoreError(_describe_other_tournament(store.folder, stored, config, missing, len(finished)))
    kept = {position: matches[match_id] for position, match_id in finished.items()}
    _refuse_other_order(store.folder, schedule, kept)
    header = _header(config, schedule)
    grown = [*stored.provenance.get("grown", []), {**header.provenance, "matches_before": stored.total}]
    moves = []
    for position, match in kept.items():
        creditor, debtor = divmod(match.pair, len(schedule.debtors))
        moves.append(RowMove(position, match.position, creditor, debtor, match.scenario, match.repeat))
    store.grow(replace(header, provenance={**stored.provenance, "grown": grown}), schedule.scenarios, moves)


def _refuse_other_order(folder: Path, schedule: Schedule, kept: Mapping[int, Match]) -> None:
    """StoreError where a learner's finished matches are not the first ones of its series, in order."""
    series: dict[int, list[int]] = {}
    for _, match in sorted(kept.items()):
        series.setdefault(match.pair, []).append(match.position - match.pair * schedule.size)
    for pair, indices in series.items():
        if schedule.learns(pair) and indices != list(range(len(indices))):
            creditor, debtor = schedule.pair(pair)
            raise StoreError(
                f"{creditor.label} against {debtor.label} in {folder} has learned from its matches in another order "
                "than the one asked for now; put new scenarios after the earlier ones, or choose another folder with "
                "--out"
            )


def _describe_other_tournament(
    folder: Path, stored: Header, config: TournamentConfig, missing: int, finished: int
) -> str:
    changed = changed_settings(stored.config, config.model_dump(mode="json"))
    return (
        f"{folder} holds another tournament ({changed}): {missing} of its {finished} finished matches are not among "
        "those asked for now. Matches per pair, scenarios and agents can be added, but finished matches cannot be "
        f"changed; choose another folder with --out, or continue that one with: {resume_command(folder)}"
    )


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Which settings of two tournaments decide that they play different matches."""
    old, new = make_config(before).what(), make_config(now).what()
    changed = [f"{key} was {old[key]!r}, now {new[key]!r}" for key in new if old[key] != new[key]]
    return "; ".join(changed) or "a scenario or an agent's file has changed"


def _header(config: TournamentConfig, schedule: Schedule) -> Header:
    """The header of a tournament that begins now."""
    here = {} if config.part is None else {"part_matches": schedule.played_total}
    return Header(
        id=schedule.id,
        config=config.model_dump(mode="json"),
        creditors=[_entered(entrant) for entrant in schedule.creditors],
        debtors=[_entered(entrant) for entrant in schedule.debtors],
        total=schedule.total,
        provenance=origin(config, schedule) | here,
    )


def _identity(entrant: Entrant) -> dict[str, Any]:
    """What says which agent it is, as the header stores it."""
    return {"label": entrant.label, "declared": dict(entrant.declared)}


def _entered(entrant: Entrant) -> dict[str, Any]:
    """An agent as the header stores it: its identity, its graph and the worlds that it was trained on."""
    agent = entrant.look_up()
    outline = agent_outline(agent)
    trained = {"trained_on": sorted(agent.worlds)} if agent.worlds else {}
    return {**_identity(entrant), "graph": None if outline is None else outline.to_dict(), **trained}


@contextmanager
def where_it_began(header: Header) -> Iterator[None]:
    """Add the folder where a tournament was begun to errors about files, whose paths may be relative to it."""
    try:
        yield
    except (AgentError, ConfigError) as error:
        began = header.provenance.get("folder")
        if began in (None, str(Path.cwd())):
            raise
        raise type(error)(f"{error}. The tournament was begun in {began}: continue it from there") from error


def refuse_other_agents(folder: Path, header: Header, schedule: Schedule) -> None:
    """StoreError when an agent no longer declares what it declared when the tournament began."""
    stored = [*header.creditors, *header.debtors]
    if len(header.debtors) != len(schedule.debtors):
        raise StoreError(
            f"the tournament in {folder} began with {len(header.debtors)} worlds, and their folder has "
            f"{len(schedule.debtors)} now; restore it, or run the tournament's own command again to play those added"
        )
    for identity, entrant in zip(stored, (*schedule.creditors, *schedule.debtors), strict=True):
        before, now = {name: identity.get(name) for name in ("label", "declared")}, _identity(entrant)
        if before == now:
            continue
        freely = {name: each for name, each in now["declared"].items() if name != "wording"}
        if before == {**now, "declared": freely}:
            raise StoreError(
                f"the tournament in {folder} began when small models like that of {entrant.label!r} spoke freely, and "
                "now a grammar holds them to their number; run it again in another folder, with --option wording=free "
                "for free words"
            )
        raise StoreError(
            f"agent {entrant.label!r} is not what it was when the tournament in {folder} began (its file or its "
            "settings changed); restore it, or run a new tournament in another folder"
        )


def refuse_other_matches(folder: Path, header: Header, schedule: Schedule) -> None:
    """StoreError when the schedule differs from the stored one for another reason, such as a change in Poise."""
    if header.id != schedule.id:
        version = header.provenance.get("poise", "another version")
        raise StoreError(
            f"this Poise would play other matches than those of {folder}, which Poise {version} began; continue with "
            "that version, or run a new tournament in another folder"
        )
