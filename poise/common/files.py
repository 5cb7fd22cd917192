"""Files written whole or not at all, and digests."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

from poise.common.errors import StoreError


def canonical(data: Any) -> bytes:
    """`data` as JSON that is the same for the same data; numbers that are not finite are refused."""
    return json.dumps(data, sort_keys=True, allow_nan=False, separators=(",", ":")).encode()


def digest_of(data: Any) -> str:
    """The SHA-256 of `data` as canonical JSON."""
    return hashlib.sha256(canonical(data)).hexdigest()


def replace_file(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write beside `path` and rename, so that a reader finds the old file or the new one, whoever is killed when.

    durable: wait for the disk, so that a power failure cannot undo it either.

    Raises:
        StoreError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror or error}); name another folder with --out"
        ) from error
