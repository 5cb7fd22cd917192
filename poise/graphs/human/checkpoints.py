"""A person's match in LangGraph's SQLite checkpoints, so that it can be left and resumed.

They hold msgpack and never pickle (see `poise.graphs.human.serializer`): a file from elsewhere can hold wrong values,
but runs nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from langgraph.checkpoint.sqlite import SqliteSaver

from poise.common.errors import StoreError
from poise.graphs.human.serializer import StateSerializer

# Poise's own tables, written before LangGraph's were used.
_FORMER: Final = "SELECT 1 FROM pragma_table_info('checkpoints') WHERE name = 'thread'"
_RENAMED: Final = "SELECT 1 FROM sqlite_master WHERE name = 'former_checkpoints'"
_RENAME: Final = (
    "ALTER TABLE checkpoints RENAME TO former_checkpoints",
    "ALTER TABLE writes RENAME TO former_writes",
)
_COPY: Final = (
    "INSERT INTO checkpoints "
    "(thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata) "
    "SELECT thread, space, id, parent, kind, data, as_json(metadata_kind, metadata) FROM former_checkpoints",
    "INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, value) "
    "SELECT thread, space, id, task, place, channel, kind, data FROM former_writes",
    "DROP TABLE former_checkpoints",
    "DROP TABLE former_writes",
)


class CheckpointFile(SqliteSaver):
    """Checkpoints in the SQLite file `path`. Close it, or use it in a `with` statement.

    Raises StoreError for a file that holds anything else, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(sqlite3.connect(path, check_same_thread=False), serde=StateSerializer())
        try:
            with self._explained():
                self.conn.execute("PRAGMA synchronous = NORMAL")  # outlives a killed process, and waits for no disk
                if self.conn.execute(_FORMER).fetchone():
                    self._in_one_transaction(_RENAME)
                self.setup()
                if self.conn.execute(_RENAMED).fetchone():
                    self.conn.create_function(
                        "as_json", 2, lambda kind, data: json.dumps(self.serde.loads_typed((kind, data))).encode()
                    )
                    self._in_one_transaction(_COPY)
        except BaseException:
            self.conn.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.conn.close()

    def __enter__(self) -> CheckpointFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """LangGraph's own, with the file's name in its errors."""
        with self._explained(), super().cursor(transaction) as cursor:
            yield cursor

    def get_next_version(self, current: Any, channel: None) -> Any:  # noqa: ARG002 - LangGraph's own signature
        """Whole numbers, as in the checkpoints of before, which no text could be compared with."""
        return (current or 0) + 1

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path} cannot be used ({error}); free the disk or the file, or start another match"
            ) from None

    def _in_one_transaction(self, statements: tuple[str, ...]) -> None:
        with self.conn:
            self.conn.execute("BEGIN IMMEDIATE")
            for statement in statements:
                self.conn.execute(statement)
