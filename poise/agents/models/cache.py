"""The optional cache of replies: LangChain's SQLite cache.

langchain-community is being retired upstream, so it is imported here only, and only when a cache is used. Its file
and table are used unchanged; a row holds the reply's text as JSON, because deserialising LangChain's own objects would
build whatever a file names.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from poise.common.errors import AgentError

T = TypeVar("T")


class ReplyCache:
    """Replies by question: the turns, and a key of JSON data (model, options, draw). Threads may share it.

    Raises AgentError when the file cannot be used.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from langchain_community.cache import SQLiteCache
        cache = self._guarded(lambda: SQLiteCache(str(self._path)))
        self._engine, self._row = cache.engine, cache.cache_schema

    def get(self, turns: Sequence[tuple[str, str]], key: Any) -> str | None:
        """The reply kept for this question, if any."""
        from sqlalchemy.orm import Session

        def read() -> str | None:
            with Session(self._engine) as session:
                row = session.get(self._row, (_text(turns), _text(key), 0))
                return None if row is None else str(json.loads(str(row.response)))

        return self._guarded(read)

    def put(self, turns: Sequence[tuple[str, str]], key: Any, reply: str) -> None:
        """Keep `reply` for this question."""
        from sqlalchemy.orm import Session

        def write() -> None:
            with Session(self._engine) as session, session.begin():
                session.merge(self._row(prompt=_text(turns), llm=_text(key), idx=0, response=_text(reply)))

        self._guarded(write)

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _guarded(self, action: Callable[[], T]) -> T:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._lock:
                return action()
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise AgentError(f"the reply cache {self._path} cannot be used: {reason}; name another file") from None


def _text(data: Any) -> str:
    return json.dumps(data, sort_keys=True)
