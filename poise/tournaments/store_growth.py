"""Gives the matches of a store their places in a larger schedule."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple


class Move(NamedTuple):
    """A finished match: the position it had, and what it has in the larger schedule."""

    before: int
    position: int
    creditor: int
    debtor: int
    scenario: int
    repeat: int


_TABLES: Final = ("documents", "matches")


def renumber(db: sqlite3.Connection, moves: Sequence[Move]) -> None:
    """Move rows and documents within the caller's transaction, by way of negative positions, which nobody has."""
    away = [(-1 - move.position, move.before) for move in moves if move.position != move.before]
    for table in _TABLES:
        db.executemany(f"UPDATE {table} SET position = ? WHERE position = ?", away)  # noqa: S608 - two fixed names
        db.execute(f"UPDATE {table} SET position = -1 - position WHERE position < 0")  # noqa: S608 - the same
    places = "UPDATE matches SET creditor = ?, debtor = ?, scenario = ?, repeat = ? WHERE position = ?"
    db.executemany(places, [(*move[2:], move.position) for move in moves])
