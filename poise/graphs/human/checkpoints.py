"""A LangGraph checkpointer in one SQLite file, for talks that a person leaves and comes back to.

It keeps msgpack and never pickle (see `poise.graphs.human.serializer`): a file from elsewhere can hold wrong values,
but runs nothing. A checkpoint is written whole or not at all.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
    get_checkpoint_metadata,
)

from poise.common.errors import StoreError
from poise.graphs.human.serializer import StateSerializer

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS checkpoints (thread TEXT, space TEXT, id TEXT, parent TEXT, kind TEXT, data BLOB, "
    "metadata_kind TEXT, metadata BLOB, PRIMARY KEY (thread, space, id))",
    "CREATE TABLE IF NOT EXISTS writes (thread TEXT, space TEXT, id TEXT, task TEXT, place INTEGER, channel TEXT, "
    "kind TEXT, data BLOB, PRIMARY KEY (thread, space, id, task, place))",
)
_SELECT: Final = "SELECT thread, space, id, parent, kind, data, metadata_kind, metadata FROM checkpoints"


class CheckpointFile(BaseCheckpointSaver[int]):
    """Checkpoints in the SQLite file `path`. Close it, or use it in a `with` statement.

    LangGraph writes from several threads; they take turns. Raises StoreError for a file that is none of its own.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(serde=StateSerializer())
        self.path = path
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        try:
            with self._writing():
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = NORMAL")  # outlives a killed process, and waits for no disk
                for table in _TABLES:
                    self._db.execute(table)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> CheckpointFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction, by one thread at a time."""
        try:
            with self._lock, self._db:
                yield
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path} cannot be used ({error}); free the disk or the file, or begin new talks"
            ) from None

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that `config` names, or the latest of its thread; None where there is none."""
        wanted = get_checkpoint_id(config)
        only = " AND id = ?" if wanted else ""
        given = (*_place(config), *([wanted] if wanted else []))
        found = self._read(f"{_SELECT} WHERE thread = ? AND space = ?{only} ORDER BY id DESC LIMIT 1", given)
        return self._tuple(found[0]) if found else None

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - LangGraph's own name for it
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """The checkpoints of `config`'s thread, or of all, the latest first."""
        where, given = ("WHERE thread = ? AND space = ?", list(_place(config))) if config else ("WHERE 1", [])
        if before and (earlier := get_checkpoint_id(before)):
            where, given = f"{where} AND id < ?", [*given, earlier]
        for number, row in enumerate(self._read(f"{_SELECT} {where} ORDER BY id DESC", given)):
            if limit is not None and number >= limit:
                return
            found = self._tuple(row)
            if not filter or all(found.metadata.get(key) == value for key, value in filter.items()):
                yield found

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,  # noqa: ARG002 - LangGraph's own signature
    ) -> RunnableConfig:
        """Keep a checkpoint; the config that names it."""
        thread, space = _place(config)
        row = (
            *(thread, space, checkpoint["id"], get_checkpoint_id(config)),
            *self.serde.dumps_typed(checkpoint),
            *self.serde.dumps_typed(get_checkpoint_metadata(config, metadata)),
        )
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return _config(thread, space, checkpoint["id"])

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",  # noqa: ARG002 - orders the writes of parallel tasks; these graphs have none
    ) -> None:
        """Keep what a task wrote after a checkpoint."""
        place = (*_place(config), get_checkpoint_id(config), task_id)
        rows = [
            (*place, WRITES_IDX_MAP.get(channel, number), channel, *self.serde.dumps_typed(value))
            for number, (channel, value) in enumerate(writes)
        ]
        special = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        verb = "INSERT OR REPLACE" if special else "INSERT OR IGNORE"
        with self._writing():
            self._db.executemany(f"{verb} INTO writes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def delete_thread(self, thread_id: str) -> None:
        """Forget a thread."""
        with self._writing():
            for table in ("checkpoints", "writes"):
                self._db.execute(f"DELETE FROM {table} WHERE thread = ?", (thread_id,))  # noqa: S608 - two fixed names

    def _read(self, query: str, given: Sequence[Any]) -> Sequence[Any]:
        with self._writing():
            return self._db.execute(query, tuple(given)).fetchall()

    def _tuple(self, row: Sequence[Any]) -> CheckpointTuple:
        thread, space, name, parent, kind, data, metadata_kind, metadata = row
        query = "SELECT task, channel, kind, data FROM writes WHERE thread = ? AND space = ? AND id = ?"
        writes = self._read(f"{query} ORDER BY task, place", (thread, space, name))
        return CheckpointTuple(
            _config(thread, space, name),
            self.serde.loads_typed((kind, data)),
            self.serde.loads_typed((metadata_kind, metadata)),
            _config(thread, space, parent) if parent else None,
            [(task, channel, self.serde.loads_typed((kind, data))) for task, channel, kind, data in writes],
        )


def _place(config: RunnableConfig) -> tuple[str, str]:
    """The thread, and the subgraph within it."""
    return str(config["configurable"]["thread_id"]), str(config["configurable"].get("checkpoint_ns", ""))


def _config(thread: str, space: str, name: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": space, "checkpoint_id": name}}
