"""Brings the store of an older Poise up to date: what its rows lack is computed from the transcripts beside them.

Version 1 kept no conduct. Adding it reads every transcript once, at about a millisecond each; nothing that was there
changes, so that ids, and with them the resumption of a tournament, stay what they were.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from poise.games.transcript import Transcript
from poise.tournaments.records import SQL_TYPES, conduct, from_json
from poise.tournaments.store_schema import SCHEMA

_ADDED: Final = ("creditor_violations", "debtor_promises", "debtor_broken", "de_escalation")  # as `conduct` gives them


def in_place(db: sqlite3.Connection) -> None:
    """Bring the file up to date, in one transaction: all of it, or on any error nothing."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        _complete(db, "main.matches")
        db.execute(f"PRAGMA user_version = {SCHEMA}")


def on_the_side(db: sqlite3.Connection) -> None:
    """Complete the rows in memory, for reading: from now on, `matches` is this connection's own table."""
    db.execute("PRAGMA temp_store = MEMORY")
    with db:
        db.execute("CREATE TEMPORARY TABLE matches AS SELECT * FROM main.matches")
        db.execute("CREATE UNIQUE INDEX temp.places ON matches (position)")
        _complete(db, "temp.matches")


def _complete(db: sqlite3.Connection, table: str) -> None:
    for name in _ADDED:
        default = " DEFAULT 0" if "NOT NULL" in SQL_TYPES[name] else ""
        db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {SQL_TYPES[name]}{default}")
    places = ", ".join(f"{name} = ?" for name in _ADDED)
    db.executemany(f"UPDATE {table} SET {places} WHERE position = ?", _found(db))  # noqa: S608 - no user's text in it


def _found(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    for position, text in db.execute("SELECT position, transcript FROM documents ORDER BY position"):
        transcript = Transcript.from_dict(from_json(text, f"the transcript of match {position}"))
        yield (*conduct(transcript), position)
