"""Brings the store of an older Poise up to date: what its rows lack is computed from the transcripts beside them.

Version 1 kept no conduct, version 2 no digests, and version 3 compressed with zlib alone. Adding conduct reads every
transcript once, at about 0.4 ms each; nothing that was there changes, so that ids, and with them the resumption of a
tournament, stay what they were.

Who only reads leaves the store as it is. What was computed is then kept in `REMEMBERED` beside it, so that the next
reading is quick; where nothing can be written, each reading computes it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from poise.common.errors import StoreError
from poise.tournaments.storage.documents import digest_of_texts, unpack
from poise.tournaments.storage.rows import SQL_TYPES, conduct, transcript_from
from poise.tournaments.storage.schema import FILE, OLDEST, SCHEMA

REMEMBERED: Final = "tournament.rows.json"
SINCE_DIGESTS: Final = 3  # the store version
_ADDED: Final = ("creditor_violations", "debtor_promises", "debtor_broken", "de_escalation")  # as `conduct` gives them


def in_place(db: sqlite3.Connection, folder: Path, schema: int) -> None:
    """Bring a file of version `schema` up to date, in one transaction: all of it, or on any error nothing."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        if schema == OLDEST:
            _complete(db, "main.matches", _found(db))
        if schema < SINCE_DIGESTS:
            _add_digests(db)
        db.execute(f"PRAGMA user_version = {SCHEMA}")
    with suppress(OSError):
        (folder / REMEMBERED).unlink(missing_ok=True)


def allow_unknown_tokens(db: sqlite3.Connection) -> None:
    """Let the tokens of a match be NULL, unknown, also in a file whose columns were made when they were all numbers."""
    made = {name: (kind, needed) for _, name, kind, needed, *_ in db.execute("PRAGMA main.table_info(matches)")}
    if not made["cached_tokens"][1]:
        return
    columns = ", ".join(f"{name} {SQL_TYPES[name]}" for name in made)
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"CREATE TABLE matches_now ({columns}, PRIMARY KEY (position), UNIQUE (id))")
        db.execute("INSERT INTO matches_now SELECT * FROM main.matches")
        db.execute("DROP TABLE main.matches")
        db.execute("ALTER TABLE matches_now RENAME TO matches")


def on_the_side(db: sqlite3.Connection, folder: Path) -> None:
    """Complete the rows in memory, for reading: from now on, `matches` is this connection's own table."""
    state = _state(folder)
    found = _remembered(folder, state)
    if found is None:
        found = [list(one) for one in _found(db)]
        _remember(folder, state, found)
    db.execute("PRAGMA temp_store = MEMORY")
    with db:
        db.execute("CREATE TEMPORARY TABLE matches AS SELECT * FROM main.matches")
        db.execute("CREATE UNIQUE INDEX temp.places ON matches (position)")
        _complete(db, "temp.matches", found)


def _state(folder: Path) -> list[Any] | None:
    """What has to be the same for what was computed to hold; None while somebody is at work on the store."""
    from poise import __version__

    with suppress(OSError):
        ahead, told = folder / f"{FILE}-wal", (folder / FILE).stat()
        if not ahead.exists() or not ahead.stat().st_size:
            return [SCHEMA, __version__, told.st_mtime_ns, told.st_size]
    return None


def _remembered(folder: Path, state: list[Any] | None) -> list[list[Any]] | None:
    """The rows' new columns and positions as they were computed before; None where there are none that hold."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = orjson.loads((folder / REMEMBERED).read_bytes())
        if told["state"] == state and all(len(row) == len(_ADDED) + 1 for row in told["rows"]):
            rows: list[list[Any]] = told["rows"]
            return rows
    return None


def _remember(folder: Path, state: list[Any] | None, found: list[list[Any]]) -> None:
    from poise.common.files import replace_file

    if state is not None and state == _state(folder):
        with suppress(StoreError):
            replace_file(folder / REMEMBERED, orjson.dumps({"state": state, "rows": found}), durable=False)


def _complete(db: sqlite3.Connection, table: str, found: Iterable[Sequence[Any]]) -> None:
    for name in _ADDED:
        default = " DEFAULT 0" if "NOT NULL" in SQL_TYPES[name] else ""
        db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {SQL_TYPES[name]}{default}")
    places = ", ".join(f"{name} = ?" for name in _ADDED)
    db.executemany(f"UPDATE {table} SET {places} WHERE position = ?", found)  # noqa: S608 - no user's text in it


def _add_digests(db: sqlite3.Connection) -> None:
    """Digests of everything as it is now; documents stay the text that they are."""
    for table in ("header", "scenarios", "documents"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN digest BLOB")
    for table, key, value in (("header", "key", "value"), ("scenarios", "place", "scenario")):
        texts = db.execute(f"SELECT {key}, {value} FROM {table}").fetchall()  # noqa: S608 - fixed names
        dated = [(digest_of_texts(str(name), text), name) for name, text in texts]
        db.executemany(f"UPDATE {table} SET digest = ? WHERE {key} = ?", dated)  # noqa: S608 - fixed names
    query = "SELECT id, transcript, usage, memory FROM documents JOIN main.matches USING (position) WHERE position = ?"
    for place in db.execute("SELECT position FROM documents").fetchall():
        if texts := db.execute(query, place).fetchone():
            db.execute("UPDATE documents SET digest = ? WHERE position = ?", (digest_of_texts(*texts), *place))


def _found(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    for position, text in db.execute("SELECT position, transcript FROM documents ORDER BY position"):
        yield (*conduct(transcript_from(position, unpack(text) or b"")), position)
