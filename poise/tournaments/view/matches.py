"""The list of matches, piece by piece, as compact data for the page's script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from poise.tournaments.storage.rows import Row
from poise.tournaments.storage.store import Store
from poise.tournaments.view.choice import MatchFilter
from poise.tournaments.view.library import Snapshot, ViewedRun

LARGEST: Final = 500  # matches in one piece


def listing(run: ViewedRun, choice: MatchFilter, query: Mapping[str, str]) -> dict[str, Any]:
    """The matches from `offset`, at most `limit`, and how many fit in all.

    The names behind the rows' indices come along where `names` is asked for.
    """
    snapshot = run.snapshot()
    rows = find(run, snapshot, choice)
    offset = _whole(query.get("offset"), 0, len(rows))
    limit = _whole(query.get("limit"), 200, LARGEST)
    told: dict[str, Any] = {
        "total": len(rows),
        "all": len(snapshot.rows),
        "offset": offset,
        "rows": [_compact(row) for row in rows[offset : offset + limit]],
    }
    if query.get("names"):
        told["creditors"], told["debtors"] = snapshot.creditors, snapshot.debtors
        told["scenarios"] = [[scenario.id, scenario.domain, scenario.unit] for scenario in snapshot.scenarios]
    return told


def _whole(text: str | None, usual: int, most: int) -> int:
    return min(int(text), most) if text and text.isdecimal() and len(text) < 10 else min(usual, most)


def _compact(row: Row) -> list[Any]:
    trouble = row.creditor_reasks + row.debtor_reasks + row.creditor_repairs + row.debtor_repairs
    trouble += row.creditor_forfeits + row.debtor_forfeits
    gains = round(row.creditor_utility, 3), round(row.debtor_utility, 3)
    places = row.position, row.creditor, row.debtor, row.scenario, row.repeat
    return [*places, row.ending, row.value, row.rounds, *gains, trouble]


def find(run: ViewedRun, snapshot: Snapshot, choice: MatchFilter) -> list[Row]:
    """The rows that fit, words included."""
    rows = choice.pick(snapshot)
    if not choice.words:
        return rows
    found: list[Row] = snapshot.derived(choice, lambda: _saying(run, rows, choice.words, len(snapshot.rows)))
    return found


def _saying(run: ViewedRun, rows: Sequence[Row], words: str, every: int) -> list[Row]:
    wanted = words.casefold().split()
    positions = None if len(rows) == every else [row.position for row in rows]
    with Store.read(run.folder) as store:
        said = {position for position, text, _ in store.documents(positions) if _says(text, wanted)}
    return [row for row in rows if row.position in said]


def _says(transcript: bytes, wanted: Sequence[str]) -> bool:
    """Whether all words are in what was said. Most transcripts are ruled out before they are parsed."""
    plain = [word.encode() for word in wanted if word.isascii() and word.isalnum()]  # as they stand in JSON, too
    lowered = transcript.lower()
    if not all(word in lowered for word in plain):
        return False
    folded = " ".join(message["text"] for message in orjson.loads(transcript)["messages"]).casefold()
    return all(word in folded for word in wanted)
