"""The folder of a tournament: one SQLite file that holds everything a resumption, the standings and a report need.

A match is written whole or not at all: its row and its documents go in with one transaction. The file is in
write-ahead mode, so that it can be read while a run writes it, and what was committed outlives a killed process.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from poise.common.errors import StoreError
from poise.common.files import near_file
from poise.games.scenario import Scenario
from poise.games.transcript import Transcript
from poise.tournaments.storage.documents import digest_of_texts, pack, unpack
from poise.tournaments.storage.errors import damaged, explained, unusable
from poise.tournaments.storage.own_words import count_own_words
from poise.tournaments.storage.rows import (
    COLUMNS,
    Finished,
    Row,
    Tally,
    from_json,
    row_from,
    to_json,
    transcript_from,
    usage_from,
)
from poise.tournaments.storage.schema import (
    APPLICATION,
    FILE,
    OLDEST,
    PAGE_BYTES,
    SCHEMA,
    TABLES,
    RowMove,
    connect,
    connect_for_reading,
    renumber,
)
from poise.tournaments.storage.snapshot import Header, Snapshot, Waiting
from poise.tournaments.storage.upgrade import SINCE_DIGESTS, allow_unknown_tokens, in_place, on_the_side

_ADD_ROW: Final = f"INSERT INTO matches VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - no user's text in it
_ADD_DOCUMENTS: Final = "INSERT INTO documents VALUES (?, ?, ?, ?, ?)"
_READ_DOCUMENTS: Final = (
    "SELECT position, id, transcript, usage, memory, {digest} FROM documents LEFT JOIN main.matches USING (position) "
)
_SINCE_CONDUCT: Final = 2
_TRIES: Final = 30  # of a write to a file that another program holds; each waits ten seconds
_AT_ONCE: Final = 1000  # positions that one query names


class Store:
    """An open tournament folder. Close it, or use it in a `with` statement."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._db = connection
        self._schema = SCHEMA
        self._complete = False  # whether what the rows of an older Poise lack was added in memory

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
                    in_place(store._db, folder, store._schema)
                    store._schema = SCHEMA
                allow_unknown_tokens(store._db)
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
            stored = self._checked_texts("header", "key", "value")
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
            text = to_json(config).decode()
            values = (text, digest_of_texts("config", text))
            self._db.execute("UPDATE header SET value = ?, digest = ? WHERE key = 'config'", values)

    def set_waiting(self, waiting: Sequence[Waiting]) -> None:
        """Note which matches a run leaves unplayed because of a model's server."""
        with explained(self.folder), self._db:
            text = to_json(waiting).decode()
            values = ("waiting", text, digest_of_texts("waiting", text))
            self._db.execute("INSERT OR REPLACE INTO header VALUES (?, ?, ?)", values)

    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios, so that a resumption needs no other file."""
        with explained(self.folder, "its scenarios"):
            stored = self._checked_texts("scenarios", "place", "scenario")
            return tuple(Scenario.from_dict(from_json(text, "a scenario")) for text in stored.values())

    def add(self, batch: Sequence[Finished]) -> None:
        """Write finished matches in one transaction: all of them, or on any error none."""
        documents = []
        for one in batch:
            texts = one.transcript, one.usage, one.memory
            documents.append((one.row[0], *map(pack, texts), digest_of_texts(one.row[1], *texts)))
        for left in reversed(range(_TRIES)):
            try:
                with explained(self.folder), self._db:
                    self._db.executemany(_ADD_ROW, [one.row for one in batch])
                    self._db.executemany(_ADD_DOCUMENTS, documents)
                return
            except StoreError as error:  # a backup may hold the file for minutes, and a run can wait
                busy = getattr(error.__cause__, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
                if not (busy and left):
                    raise

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
                own_words = count_own_words(self.documents, header, rows)
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
        if self._schema < _SINCE_CONDUCT and not self._complete:
            on_the_side(self._db, self.folder)
            self._complete = True

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
        with explained(self.folder):
            failed = [at for (at,) in self._db.execute("SELECT position FROM matches WHERE ending = 'failed'")]
        found: Counter[str] = Counter()
        tracebacks: dict[str, str] = {}
        for position, transcript, usage in self.documents(failed):
            reason = transcript_from(position, transcript).outcome.reason
            found[reason] += 1
            tracebacks[reason] = max(tracebacks.get(reason, ""), usage_from(position, usage).traceback)
        ranked = sorted(found.items(), key=lambda reason: (-reason[1], reason[0]))[:most]
        return [(reason, number, tracebacks[reason]) for reason, number in ranked]

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

    def examined(self) -> Iterator[tuple[int, tuple[bytes, bytes, bytes | None] | StoreError]]:
        """(position, transcript, usage and memory as JSON, or what is wrong with them) of all stored, in order."""
        return self._opened("")

    def _documents_where(self, condition: str) -> Iterator[tuple[int, bytes, bytes]]:
        for position, found in self._opened(condition):
            if isinstance(found, StoreError):
                raise found
            yield position, *found[:2]

    def _opened(self, condition: str) -> Iterator[tuple[int, tuple[bytes, bytes, bytes | None] | StoreError]]:
        """Each match's transcript, usage and memory, or what is wrong with them."""
        dated = self._schema >= SINCE_DIGESTS
        query = _READ_DOCUMENTS.format(digest="digest" if dated else "NULL") + f"{condition} ORDER BY position"
        with explained(self.folder, "its documents"):
            for position, identity, *stored, digest in self._db.execute(query):
                try:
                    transcript, usage, memory = map(unpack, stored)
                    if transcript is None or usage is None:
                        raise ValueError("it has no transcript or no usage")
                    if (
                        dated
                        and identity is not None
                        and digest != digest_of_texts(identity, transcript, usage, memory)
                    ):
                        raise ValueError("it is not what was written: its digest differs")
                except ValueError as error:
                    yield position, StoreError(damaged(self.folder, f"match {position}: {error}"))
                else:
                    yield position, (transcript, usage, memory)

    def _checked_texts(self, table: str, key: str, value: str) -> dict[Any, str]:
        """The texts of a small table by their keys, in order. Raises ValueError where one is not what was written."""
        dated = self._schema >= SINCE_DIGESTS
        columns = f"{key}, {value}, {'digest' if dated else 'NULL'}"
        found = {}
        for name, text, digest in self._db.execute(f"SELECT {columns} FROM {table} ORDER BY {key}"):  # noqa: S608 - fixed names
            if dated and digest != digest_of_texts(str(name), text):
                raise ValueError(f"{name!r} is not what was written, as its digest differs")
            found[name] = text
        return found

    def transcripts(self) -> Iterator[Transcript]:
        """Every finished match's transcript, in schedule order, one in memory at a time."""
        for position, transcript, _ in self.documents():
            yield transcript_from(position, transcript)

    def memory(self, position: int) -> bytes | None:
        """What learners remembered after the match at `position`, as JSON; None when nothing learns."""
        for _, found in self._opened(f"WHERE position = {int(position)}"):
            if isinstance(found, StoreError):
                raise found
            return found[2]
        return None

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
        self._db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
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
        dated = [(name, value, digest_of_texts(name, value)) for name, value in values.items()]
        self._db.executemany("INSERT OR REPLACE INTO header VALUES (?, ?, ?)", dated)
        told = [to_json(scenario.to_dict()).decode() for scenario in scenarios]
        listed = [(place, text, digest_of_texts(str(place), text)) for place, text in enumerate(told)]
        self._db.execute("DELETE FROM scenarios")
        self._db.executemany("INSERT INTO scenarios VALUES (?, ?, ?)", listed)

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
        raise StoreError(
            f"there is no tournament in {folder} (no {FILE}); {near_file(folder)}see `poise tournament run --help`"
        )


def read_snapshot(folder: Path | str) -> Snapshot:
    """The tournament in `folder` as it is now; also while a run writes it."""
    with Store.read(folder) as store:
        return store.snapshot()
