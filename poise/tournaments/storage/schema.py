"""The SQLite file of a tournament: its tables, and how it is opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from poise.tournaments.storage.rows import COLUMNS, SQL_TYPES

FILE: Final = "tournament.sqlite"
SCHEMA: Final = 4  # 2 added conduct, 3 digests and compression, 4 a dictionary, which Poise before it lacks
OLDEST: Final = 1
PAGE_BYTES: Final = 16_384  # holds seven matches; a usual page of 4 KiB holds one and wastes the rest
APPLICATION: Final = 0x506F6973  # "Pois", in the file's header
_BUSY_SECONDS: Final = 10.0
TABLES: Final = (
    "CREATE TABLE header (key TEXT PRIMARY KEY, value TEXT NOT NULL, digest BLOB) WITHOUT ROWID",
    "CREATE TABLE scenarios (place INTEGER PRIMARY KEY, scenario TEXT NOT NULL, digest BLOB)",
    f"CREATE TABLE matches ({', '.join(f'{name} {SQL_TYPES[name]}' for name in COLUMNS)}, "
    "PRIMARY KEY (position), UNIQUE (id))",
    "CREATE TABLE documents (position INTEGER PRIMARY KEY REFERENCES matches (position), "
    "transcript BLOB NOT NULL, usage BLOB NOT NULL, memory BLOB, digest BLOB)",
)


def connect(path: Path) -> sqlite3.Connection:
    """For reading and writing."""
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level="DEFERRED")
    # A killed process loses nothing in this mode; only a power cut may take the last moments, never the file.
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """Read-only; where the folder cannot be written, the write-ahead file is either absent or left alone."""
    address = path.resolve().as_uri()
    try:
        connection = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        ahead = path.with_name(path.name + "-wal")
        if ahead.exists() and ahead.stat().st_size:
            raise
        connection = sqlite3.connect(f"{address}?immutable=1", uri=True)
    return connection


class RowMove(NamedTuple):
    """A finished match: the position it had, and what it has in the larger schedule."""

    before: int
    position: int
    creditor: int
    debtor: int
    scenario: int
    repeat: int


_TABLES: Final = ("documents", "matches")


def renumber(db: sqlite3.Connection, moves: Sequence[RowMove]) -> None:
    """Move rows and documents within the caller's transaction, by way of negative positions, which nobody has."""
    away = [(-1 - move.position, move.before) for move in moves if move.position != move.before]
    for table in _TABLES:
        db.executemany(f"UPDATE {table} SET position = ? WHERE position = ?", away)  # noqa: S608 - two fixed names
        db.execute(f"UPDATE {table} SET position = -1 - position WHERE position < 0")  # noqa: S608 - the same
    places = "UPDATE matches SET creditor = ?, debtor = ?, scenario = ?, repeat = ? WHERE position = ?"
    db.executemany(places, [(*move[2:], move.position) for move in moves])
