"""What can be wrong with a tournament's folder, in words, each with its remedy; and the folder's lock."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from poise.common.errors import BadInput, StoreError

LOCK = "tournament.lock"
_PATIENCE = 2.0  # seconds


# What Python raises on stored values of another type or shape than a run writes.
_MISFITS: Final = (ArithmeticError, AttributeError, BadInput, LookupError, TypeError, ValueError)


@contextmanager
def explained(folder: Path, reading: str = "") -> Iterator[None]:
    """Turn SQLite's and the system's errors into StoreError for `folder`.

    reading: what is read from the store. Then stored values that are not what a run writes are a StoreError, too.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_sqlite_words(folder, error)) from error
    except OSError as error:
        raise StoreError(_system_words(folder, error)) from error
    except _MISFITS as error:
        if not reading:
            raise
        raise StoreError(damaged(folder, f"{reading}: {type(error).__name__}: {error}")) from error


def _sqlite_words(folder: Path, error: sqlite3.Error) -> str:
    name = str(getattr(error, "sqlite_errorname", ""))
    remedy = "allow writing to it, or choose another folder with --out"
    again = f"then continue with: poise tournament resume {folder}"
    if name == "SQLITE_FULL" or name.startswith(("SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE")):
        return f"the disk of {folder} is full or fails ({error}); finished matches are safe. Free some space, {again}"
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return f"{folder} cannot be written ({error}); {remedy}"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"another program holds the file in {folder} ({error}); close it, {again}"
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or (isinstance(error, sqlite3.DatabaseError) and not name):
        return damaged(folder, str(error))
    return f"the store in {folder} cannot be used ({error}); nothing that was finished is lost. Mend it, {again}"


def damaged(folder: Path, detail: str) -> str:
    """The message for a store whose content is wrong; `detail` says what and where."""
    return (
        f"the store in {folder} is damaged or is not a tournament ({detail}); it was left as it is. Restore it from a "
        "copy, or move the folder away and run the tournament again"
    )


def _system_words(folder: Path, error: OSError) -> str:
    remedy = "allow writing to it, or choose another folder with --out"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk of {folder} is full; free some space, or choose another folder with --out"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{folder} cannot be written ({error.strerror}); {remedy}"
    return f"{folder} cannot be used as a tournament's folder ({error.strerror or error}); choose another with --out"


def unusable(folder: Path, db: sqlite3.Connection, application: int, schemas: tuple[int, int]) -> int:
    """The schema of `db`; StoreError unless it is a tournament of one of `schemas`, from the oldest to the newest."""
    (found,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if found != application:
        raise StoreError(damaged(folder, "its file was not written by Poise"))
    oldest, newest = schemas
    if not oldest <= version <= newest:
        older = "an older" if version < oldest else "a newer"
        raise StoreError(
            f"the store in {folder} was written by {older} Poise (store version {version}; this one reads {oldest} to "
            f"{newest}); nothing was changed. Use the Poise that wrote it, or run the tournament again elsewhere"
        )
    return int(version)


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Hold the folder for one run; the system lets go of it when the process ends, however it ends."""
    from filelock import FileLock, Timeout

    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # A run that was killed just now may have left a worker that the system is about to end: wait a moment for it.
        lock = FileLock(folder / LOCK, timeout=_PATIENCE, fallback_to_soft=False)
        try:
            lock.acquire()
        except Timeout:
            raise StoreError(
                f"another run is at work in {folder}; wait for it to end, stop it, or choose another folder with --out"
            ) from None
        except NotImplementedError as error:
            raise StoreError(f"{folder} is on a file system without locks; choose another with --out") from error
    try:
        yield
    finally:
        lock.release()
