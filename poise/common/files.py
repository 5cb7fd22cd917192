"""Files that are written whole or not at all, digests, and the folder for what can be made again."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from poise.common.errors import StoreError
from poise.common.words import did_you_mean

_LOOKED_AT: Final = 1_000  # files of a folder

# What reading a damaged file, JSON text or archive of arrays can raise, whatever is wrong with it.
DAMAGED: Final = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def near_file(path: Path) -> str:
    """For a message about a file or folder that is not there: "did you mean 'agent.py'? ", of its folder, or ""."""
    try:
        return did_you_mean(path.name, [one.name for one in islice(path.parent.iterdir(), _LOOKED_AT)])
    except (OSError, ValueError):
        return ""


def canonical(data: Any) -> bytes:
    """`data` as JSON that is the same for the same data; numbers that are not finite are refused."""
    return json.dumps(data, sort_keys=True, allow_nan=False, separators=(",", ":")).encode()


def digest_of(data: Any) -> str:
    """The SHA-256 of `data` as canonical JSON."""
    return hashlib.sha256(canonical(data)).hexdigest()


def sha256_of(path: Path) -> str:
    """The SHA-256 of the file at `path`. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """Where Poise keeps what it can make again: below XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "poise"


@contextmanager
def draft(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A path beside `path` at which to write a file or a folder.

    What was written there takes the place of `path` at the end of the block, in one step, so that a reader finds the
    old file or the new one, whoever is killed when. After an error nothing of it is left. A folder replaces none that
    holds files.

    durable: wait for the disk, so that a power failure cannot undo it either.

    Raises OSError where it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield beside
        for file in (beside.iterdir() if beside.is_dir() else [beside]) if durable else []:
            with file.open("rb") as written:
                os.fsync(written.fileno())
        beside.replace(path)
    finally:
        if beside.is_dir():
            shutil.rmtree(beside, ignore_errors=True)
        beside.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file as a `draft`, and its folder if there is none. Raises StoreError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft(path, durable=durable) as beside:
            beside.write_bytes(content)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror or error}); name another folder with --out"
        ) from error
