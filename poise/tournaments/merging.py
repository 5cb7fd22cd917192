"""Joins the parts of a tournament that were played apart, as by the jobs of an array, into the whole one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Final

from poise.common.errors import StoreError
from poise.tournaments.folder import changed_settings, resume_command
from poise.tournaments.results import Result
from poise.tournaments.schedule import schedule_id
from poise.tournaments.storage.contents import finished_matches
from poise.tournaments.storage.errors import damaged, explained, only_run
from poise.tournaments.storage.schema import FILE
from poise.tournaments.storage.snapshot import Header
from poise.tournaments.storage.store import Store, exists

_BESIDE: Final = ".merging"  # a folder, in which the store is written before it takes its place
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class _Part:
    """What one folder holds. ids: of its finished matches, by position."""

    folder: Path
    header: Header
    ids: dict[int, str]


def merge_tournaments(out: Path | str, folders: Sequence[Path | str]) -> Result:
    """Write the tournament whose parts are in `folders` into the folder `out`, whole or not at all.

    Every match must be in exactly one of them. Without a model, the store holds what one run would have written, but
    for times. The parts are only read.

    Raises StoreError where a folder holds another tournament, where a match is in two folders or in none, where a store
    is damaged, and where `out` holds a tournament or cannot be written.
    """
    out, parts = Path(out), []
    for folder in map(Path, folders):
        with Store.read(folder) as store:
            parts.append(_Part(folder, store.header(), store.done()))
    if not parts:
        raise StoreError("there is nothing to merge; name the folders of the parts after the folder to write")
    first = parts[0].header
    for part in parts:
        if part.header.id != first.id:
            changed = changed_settings(first.config, part.header.config)
            raise StoreError(f"{part.folder} holds a part of another tournament than {parts[0].folder} ({changed})")
    _refuse_overlaps(parts)
    ids = dict(sorted(chain.from_iterable(part.ids.items() for part in parts)))
    if len(ids) < first.total:
        raise StoreError(f"{first.total - len(ids)} of {first.total} matches are missing: {_missing(parts)}")
    if schedule_id(ids.values()) != first.id:
        raise StoreError(damaged(parts[0].folder, "the ids of the matches are not those of the tournament"))
    with only_run(out):
        if exists(out):
            raise StoreError(f"{out} already holds a tournament; name another folder to write")
        with explained(out):
            _write(out, parts)
    return Result(out, first.total, first.total, first.total)


def _refuse_overlaps(parts: Sequence[_Part]) -> None:
    holders: dict[int, Path] = {}
    for part in parts:
        for position in part.ids:
            if position in holders:
                folders = f"{holders[position]} and {part.folder}"
                raise StoreError(f"match {position} is in both {folders}; name each part once, all of one division")
            holders[position] = part.folder


def _missing(parts: Sequence[_Part]) -> str:
    """Which parts are not there or not finished, and what to do."""
    named = {str(part.header.config.get("part")) for part in parts}
    number = max(int(name.partition("/")[2] or 1) for name in named)
    absent = [part for part in (f"{place}/{number}" for place in range(1, number + 1)) if part not in named]
    remedies = [f"no folder holds part {', '.join(absent)}"] if absent and named != {"None"} else []
    for part in parts:
        wanted = part.header.provenance.get("part_matches", part.header.total)
        if len(part.ids) < wanted:
            remedies.append(
                f"{part.folder} has {len(part.ids)} of {wanted}; continue it with: {resume_command(part.folder)}"
            )
    return "; ".join(remedies)


def _write(out: Path, parts: Sequence[_Part]) -> None:
    """Write the store beside its place; one that a killed merge left there is written again."""
    beside = out / _BESIDE
    shutil.rmtree(beside, ignore_errors=True)
    with Store.read(parts[0].folder) as store:
        scenarios = store.scenarios()
    with Store.create(beside, _header(out, parts), scenarios) as store:
        for part in parts:
            with Store.read(part.folder) as played:
                finished = finished_matches(played)
                while batch := list(islice(finished, _AT_ONCE)):
                    store.add(batch)
    (beside / FILE).replace(out / FILE)
    beside.rmdir()


def _header(out: Path, parts: Sequence[_Part]) -> Header:
    """The header of the whole tournament, with where its parts were played."""
    first = parts[0].header
    played = [
        {
            "part": part.header.config.get("part"),
            "matches": len(part.ids),
            **{name: part.header.provenance.get(name) for name in ("began", "machine", "packages")},
        }
        for part in parts
    ]
    provenance = {name: value for name, value in first.provenance.items() if name != "part_matches"}
    config = {**first.config, "part": None, "out": str(out)}
    return replace(first, config=config, provenance={**provenance, "parts": played}, waiting=())
