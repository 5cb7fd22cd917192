"""Compares each match's row in a tournament's store with the transcript and usage that it was computed from.

SQLite's own check comes first, then the digest of each document, then its row: every number that follows from the
transcript is computed again. The store of an older Poise has no digests; until it is resumed, a changed word in one of
its messages is not seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

from poise.common.errors import PoiseError, StoreError
from poise.games.moves import SEATS
from poise.tournaments.storage.contents import MatchDocuments, digest_of_outcomes
from poise.tournaments.storage.rows import COLUMNS, Row, measured, transcript_from, usage_from
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.storage.store import Store

_FIRST_MEASURED: Final = COLUMNS.index("ending")
_SHORT: Final = 1e-5  # a row is computed before readings are cut to six digits


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared (matches) and what is wrong, each with its place; no problems where the store agrees.

    digest: of what was played, as `poise.tournaments.storage.contents.outcome_digest`; "" where there are problems.
    """

    matches: int
    problems: Sequence[str]
    digest: str = ""


def verify_tournament(folder: Path | str) -> Verification:
    """Check the store in `folder`. StoreError where it cannot be read at all."""
    with Store.read(folder) as store:
        broken = store.broken_pages()
        if broken:
            return Verification(0, [f"SQLite: {line}" for line in broken])
        snapshot = store.snapshot()
        problems: list[str] = []
        digest = digest_of_outcomes(snapshot.header.id, _compared(store, snapshot, problems))
        return Verification(len(snapshot.rows), problems, "" if problems else digest)


def _compared(store: Store, snapshot: Snapshot, problems: list[str]) -> Iterator[MatchDocuments]:
    """The matches that could be compared with their documents; what is wrong is added to `problems`."""
    waiting = {row.position: row for row in snapshot.rows}
    for position, found in store.examined():
        row = waiting.pop(position, None)
        if row is None:
            problems.append(f"match {position}: it has a transcript and no row")
            continue
        try:
            if isinstance(found, StoreError):
                raise found
            problems += [f"match {position}: {problem}" for problem in _differences(snapshot, row, *found[:2])]
            yield row, found
        except (PoiseError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            problems.append(f"match {position}: {error}")
    problems += [f"match {position}: it has a row and no transcript" for position in waiting]


def _differences(snapshot: Snapshot, row: Row, document: bytes, usage: bytes) -> Iterator[str]:
    transcript = transcript_from(row.position, document)
    if transcript.scenario != snapshot.scenarios[row.scenario]:
        yield f"its transcript is of another scenario than its row ({transcript.scenario.id})"
    for seat in SEATS:
        agents = snapshot.header.creditors if seat == "creditor" else snapshot.header.debtors
        declared = agents[getattr(row, seat)].get("declared", {})
        if getattr(transcript, seat).get("name") != declared.get("name", getattr(transcript, seat).get("name")):
            yield f"its transcript is of another {seat} than its row"
    computed = measured(transcript, usage_from(row.position, usage))
    stored = astuple(row)[_FIRST_MEASURED:]
    for name, value, expected in zip(COLUMNS[_FIRST_MEASURED:], stored, computed, strict=True):
        if not _same(value, expected, _SHORT if name == "de_escalation" else 1e-12):
            yield f"{name} is {value!r} in its row and {expected!r} by its transcript"


def _same(stored: Any, computed: Any, tolerance: float) -> bool:
    if isinstance(stored, float) and isinstance(computed, int | float):
        return math.isclose(stored, computed, rel_tol=1e-9, abs_tol=tolerance)
    return bool(stored == computed)
