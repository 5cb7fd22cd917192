"""The folder of a tournament: one SQLite file that holds everything a resumption, the standings and a report need.

A match is written whole or not at all: its row and its documents go in with one transaction. The file is in
write-ahead mode, so that it can be read while a run writes it, and what was committed outlives a killed process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from poise.common.errors import StoreError
from poise.games.scenario import Scenario
from poise.games.transcript import Transcript
from poise.tournaments.storage.errors import damaged, explained, unusable
from poise.tournaments.storage.own_words import count_own_words
from poise.tournaments.storage.rows import COLUMNS, Finished, Row, Tally, from_json, row_from, to_json, transcript_from
from poise.tournaments.storage.schema import (
    APPLICATION,
    FILE,
    OLDEST,
    SCHEMA,
    TABLES,
    RowMove,
    connect,
    connect_for_reading,
    renumber,
)
from poise.tournaments.storage.snapshot import Header, Snapshot, Waiting
from poise.tournaments.storage.upgrade import in_place, on_the_side

_ADD_ROW: Final = f"INSERT INTO matches VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - no user's text in it
_ADD_DOCUMENTS: Final = "INSERT INTO documents VALUES (?, ?, ?, ?)"
_AT_ONCE: Final = 1000  # positions that one query names


class Store:
    """An open tournament folder. Close it, or use it in a `with` statement."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._db = connection
        self._schema = SCHEMA

    @classmethod
    def create(cls, folder: Path, header: Header, scenarios: Sequence[Scenario]) -> Store:
        """A new store in `folder`, which is made where needed. StoreError when there is a tournament in it."""
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            store = cls(folder, connect(folder / FILE))
        try:
            with explained(folder):
                store._begin(header, scenarios)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open(cls, folder: Path | str) -> Store:
        """The store in `folder`, for adding matches; one of an older Poise is brought up to date."""
        folder = Path(folder)
        _must_exist(folder)
        with explained(folder):
            store = cls(folder, connect(folder / FILE))
        store._checked()
        try:
            with explained(folder):
                store._write_ahead()
                if store._schema < SCHEMA:
                    in_place(store._db, folder)
                    store._schema = SCHEMA
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def read(cls, folder: Path | str) -> Store:
        """The store in `folder`, for reading only, also while a run writes it or where nothing may be written."""
        folder = Path(folder)
        _must_exist(folder)
        with explained(folder):
            store = cls(folder, connect_for_reading(folder / FILE))
        return store._checked()

    def close(self) -> None:
        """Close the file; what was added is already safe. Where nobody reads it, one tidy file remains."""
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA busy_timeout = 0")
            self._db.execute("PRAGMA journal_mode = DELETE")
        with suppress(sqlite3.Error):
            self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def header(self) -> Header:
        """What the tournament is."""
        with explained(self.folder, "its header"):
            stored = dict(self._db.execute("SELECT key, value FROM header").fetchall())
            lacking = [name for name in Header.__slots__ if name not in stored and name != "waiting"]
            if lacking:
                raise StoreError(damaged(self.folder, f"its header lacks {', '.join(lacking)}"))
            return Header.from_dict({key: from_json(value, f"the header's {key!r}") for key, value in stored.items()})

    def grow(self, header: Header, scenarios: Sequence[Scenario], moves: Sequence[RowMove]) -> None:
        """Become a larger tournament in which the finished matches have other places: all of it, or nothing."""
        with explained(self.folder), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            renumber(self._db, moves)
            self._write(header, scenarios)

    def set_config(self, config: Mapping[str, Any]) -> None:
        """Replace the settings, when what is played stays the same and how changes."""
        with explained(self.folder), self._db:
            self._db.execute("UPDATE header SET value = ? WHERE key = 'config'", (to_json(config).decode(),))

    def set_waiting(self, waiting: Sequence[Waiting]) -> None:
        """Note which matches a run leaves unplayed because of a model's server."""
        with explained(self.folder), self._db:
            self._db.execute("INSERT OR REPLACE INTO header VALUES ('waiting', ?)", (to_json(waiting).decode(),))

    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios, so that a resumption needs no other file."""
        with explained(self.folder, "its scenarios"):
            stored = self._db.execute("SELECT scenario FROM scenarios ORDER BY place").fetchall()
            return tuple(Scenario.from_dict(from_json(text, "a scenario")) for (text,) in stored)

    def add(self, batch: Sequence[Finished]) -> None:
        """Write finished matches in one transaction: all of them, or on any error none."""
        documents = [
            (one.row[0], one.transcript.decode(), one.usage.decode(), one.memory.decode() if one.memory else None)
            for one in batch
        ]
        with explained(self.folder), self._db:
            self._db.executemany(_ADD_ROW, [one.row for one in batch])
            self._db.executemany(_ADD_DOCUMENTS, documents)

    def done(self) -> dict[int, str]:
        """Position and id of every finished match."""
        with explained(self.folder):
            return dict(self._db.execute("SELECT position, id FROM matches").fetchall())

    def count(self) -> int:
        """How many matches are finished."""
        with explained(self.folder):
            return int(self._db.execute("SELECT count(*) FROM matches").fetchone()[0])

    def rows(self) -> list[Row]:
        """The rows of all finished matches, in schedule order."""
        with explained(self.folder, "the rows of its matches"):
            self._complete_rows()
            values = self._db.execute(f"SELECT {', '.join(COLUMNS)} FROM matches ORDER BY position").fetchall()  # noqa: S608 - no user's text in it
            return [row_from(row) for row in values]

    def snapshot(self) -> Snapshot:
        """The tournament now, all of it as it was at one moment, even while a run adds matches or agents."""
        with explained(self.folder):
            self._complete_rows()
            self._db.execute("BEGIN")
            try:
                header, rows = self.header(), self.rows()
                own_words = count_own_words(self._db, header, rows)
                snapshot = Snapshot(header, rows, self.scenarios(), self.folder.resolve().name, own_words)
            finally:
                self._db.rollback()
        for row in snapshot.rows:
            if not snapshot.holds(row):
                raise StoreError(
                    damaged(self.folder, f"match {row.position} has an agent or scenario that is not in it")
                )
        return snapshot

    def _complete_rows(self) -> None:
        """Add in memory what the rows of an older Poise lack."""
        if self._schema < SCHEMA:
            on_the_side(self._db, self.folder)
            self._schema = SCHEMA

    def tally(self) -> dict[tuple[int, int], Tally]:
        """Sums by (creditor, debtor) of what is finished."""
        query = (
            "SELECT creditor, debtor, count(*), sum(ending = 'deal'), sum(ending = 'failed'), sum(creditor_utility), "
            "sum(debtor_utility), sum(rounds) FROM matches GROUP BY creditor, debtor"
        )
        with explained(self.folder):
            return {(creditor, debtor): Tally(*sums) for creditor, debtor, *sums in self._db.execute(query)}

    def failures(self, most: int) -> list[tuple[str, int, str]]:
        """Why matches failed, how many, and the traceback of one; the most frequent reasons first."""
        query = (
            "SELECT json_extract(transcript, '$.outcome.reason') AS reason, count(*) AS number, "
            "max(json_extract(usage, '$.traceback')) FROM matches "
            "JOIN documents USING (position) WHERE ending = 'failed' GROUP BY reason ORDER BY number DESC LIMIT ?"
        )
        with explained(self.folder):
            found = self._db.execute(query, (most,))
            return [(str(reason), int(number), str(traceback or "")) for reason, number, traceback in found]

    def documents(self, positions: Sequence[int] | None = None) -> Iterator[tuple[int, bytes, bytes]]:
        """(position, transcript, usage) as JSON, in schedule order, one match in memory at a time.

        positions: of the matches that are wanted, all of them finished; None: of all that are stored. StoreError where
        one that is wanted has no documents.
        """
        if positions is None:
            yield from self._documents_where("")
            return
        wanted = sorted(positions)
        for start in range(0, len(wanted), _AT_ONCE):
            missing = dict.fromkeys(int(position) for position in wanted[start : start + _AT_ONCE])
            for document in self._documents_where(f"WHERE position IN ({', '.join(map(str, missing))})"):
                del missing[document[0]]
                yield document
            if missing:
                raise StoreError(damaged(self.folder, f"match {next(iter(missing))} has no transcript"))

    def _documents_where(self, condition: str) -> Iterator[tuple[int, bytes, bytes]]:
        query = f"SELECT position, transcript, usage FROM documents {condition} ORDER BY position"  # noqa: S608 - integers only
        with explained(self.folder, "its documents"):
            for position, transcript, usage in self._db.execute(query):
                yield position, transcript.encode(), usage.encode()

    def transcripts(self) -> Iterator[Transcript]:
        """Every finished match's transcript, in schedule order, one in memory at a time."""
        for position, transcript, _ in self.documents():
            yield transcript_from(position, transcript)

    def memory(self, position: int) -> bytes | None:
        """What learners remembered after the match at `position`, as JSON; None when nothing learns."""
        with explained(self.folder):
            found = self._db.execute("SELECT memory FROM documents WHERE position = ?", (position,)).fetchone()
        return found[0].encode() if found and found[0] is not None else None

    def broken_pages(self) -> list[str]:
        """What SQLite's own check finds wrong with the file, its first hundred lines; nothing in a sound one."""
        with explained(self.folder):
            lines = [str(line) for (line,) in self._db.execute("PRAGMA integrity_check")]
        return [] if lines == ["ok"] else lines

    def _begin(self, header: Header, scenarios: Sequence[Scenario]) -> None:
        if self._tables():
            raise StoreError(
                f"{self.folder} already holds a tournament; choose another folder with --out, or continue that one "
                f"with: poise tournament resume {self.folder}"
            )
        self._write_ahead()
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for table in TABLES:
                self._db.execute(table)
            self._write(header, scenarios)
            self._db.execute(f"PRAGMA application_id = {APPLICATION}")
            self._db.execute(f"PRAGMA user_version = {SCHEMA}")

    def _write(self, header: Header, scenarios: Sequence[Scenario]) -> None:
        values = {name: to_json(getattr(header, name)).decode() for name in Header.__slots__}
        self._db.executemany("INSERT OR REPLACE INTO header VALUES (?, ?)", values.items())
        told = [(place, to_json(scenario.to_dict()).decode()) for place, scenario in enumerate(scenarios)]
        self._db.execute("DELETE FROM scenarios")
        self._db.executemany("INSERT INTO scenarios VALUES (?, ?)", told)

    def _write_ahead(self) -> None:
        """Readers go on reading while this connection writes. Kept off where the file system cannot do it."""
        self._db.execute("PRAGMA journal_mode = WAL")

    def _tables(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

    def _checked(self) -> Store:
        """Refuse a file that is not a tournament, or one that this Poise cannot read."""
        try:
            with explained(self.folder):
                self._schema = unusable(self.folder, self._db, APPLICATION, (OLDEST, SCHEMA))
        except BaseException:
            self.close()
            raise
        return self


def exists(folder: Path) -> bool:
    """Whether there is a tournament in `folder`; a file left by a run killed at its very start counts as none."""
    path = folder / FILE
    with explained(folder):
        if not path.exists() or not path.stat().st_size:
            return False
        with Store(folder, connect_for_reading(path)) as store:
            return bool(store._tables())


def _must_exist(folder: Path) -> None:
    if not exists(folder):
        raise StoreError(f"there is no tournament in {folder} (no {FILE}); see `poise tournament run --help`")


def read_snapshot(folder: Path | str) -> Snapshot:
    """The tournament in `folder` as it is now; also while a run writes it."""
    with Store.read(folder) as store:
        return store.snapshot()
