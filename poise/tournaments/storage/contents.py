"""The finished matches of a store as they were written, and a digest of what was played."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from operator import attrgetter
from typing import Final

from poise.common.errors import StoreError
from poise.tournaments.storage.documents import digest_of_texts
from poise.tournaments.storage.errors import damaged
from poise.tournaments.storage.rows import COLUMNS, Finished, Row, to_json
from poise.tournaments.storage.store import Store

MatchDocuments = tuple[Row, tuple[bytes, bytes, bytes | None]]
"""A match's row, and its transcript, usage and memory as JSON."""
_VALUES: Final = attrgetter(*COLUMNS)
_OUTCOME: Final = attrgetter(*(field.name for field in fields(Row) if field.name != "seconds"))


def finished_matches(store: Store) -> Iterator[Finished]:
    """Every match, in schedule order, its documents one at a time. StoreError where one is not what was written."""
    for row, documents in _with_documents(store):
        yield Finished(_VALUES(row), *documents)


def outcome_digest(store: Store) -> str:
    """A digest of all that was played: the schedule, and of each match its row, transcript and memory, without times.

    Without a model it is the same however a tournament was played: by one process or several, on one machine or more,
    stopped and resumed, or in parts. Raises as `finished_matches` does.
    """
    return digest_of_outcomes(store.header().id, _with_documents(store))


def digest_of_outcomes(identity: str, matches: Iterable[MatchDocuments]) -> str:
    """The same of the tournament whose schedule has this id, and of its matches in schedule order."""
    total = hashlib.blake2b(identity.encode(), digest_size=16)
    for row, (transcript, _, memory) in matches:
        total.update(digest_of_texts(to_json(_OUTCOME(row)), transcript, memory))
    return total.hexdigest()


def _with_documents(store: Store) -> Iterator[MatchDocuments]:
    rows = {row.position: row for row in store.rows()}
    for position, found in store.examined():
        if isinstance(found, StoreError):
            raise found
        if position in rows:
            yield rows.pop(position), found
    for position in rows:
        raise StoreError(damaged(store.folder, f"match {position} has no transcript"))
