"""Documents as the store keeps them: compressed JSON, and a digest that tells whether they are what was written.

Readings and moods are kept with six significant digits: what a detector and a tracker know is not finer, and they were
nearly half of a store. The digest is over the JSON text, so that it holds whatever compresses it. Stores before version
3 keep documents as text, whole and without a digest; they are read as they are.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

_LEVEL: Final = 3  # of zlib: 6 takes twice as long and saves a twentieth
_DIGEST_BYTES: Final = 16


def with_short_readings(transcript: Mapping[str, Any]) -> dict[str, Any]:
    """A transcript's data with six significant digits of what was read and of moods."""
    return {**transcript, "messages": [_shortened(message) for message in transcript["messages"]]}


def _shortened(message: Mapping[str, Any]) -> Mapping[str, Any]:
    short: dict[str, Any] = {}
    if (reading := message.get("reading")) is not None:
        short["reading"] = {
            **reading,
            "emotions": _six_digits_again(*reading["emotions"]),
            "belief": _six_digits(*reading["belief"]),
        }
    if (mood := message.get("mood")) is not None:
        short["mood"] = float(f"{mood:.6g}")
    return {**message, **short} if short else message


def _six_digits(*values: float) -> list[float]:
    return [*map(float, (" %.6g" * len(values) % values).split())]


_six_digits_again: Final = lru_cache(maxsize=4096)(_six_digits)  # what is read in the same words is the same


def pack(text: bytes | None) -> bytes | None:
    """A document as it is stored."""
    return None if text is None else zlib.compress(text, _LEVEL)


def unpack(stored: bytes | str | None) -> bytes | None:
    """The JSON text of a stored document. Raises ValueError where it cannot be had."""
    if stored is None or isinstance(stored, str):
        return stored if stored is None else stored.encode()
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(stored)
    except zlib.error as error:
        raise ValueError(f"it cannot be unpacked: {error}") from None
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("it cannot be unpacked: it is cut short, or something follows it")
    return text


def digest_of_texts(*texts: str | bytes | None) -> bytes:
    """A digest of texts in order; None differs from an empty one."""
    total = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for text in texts:
        data = text.encode() if isinstance(text, str) else text
        total.update(b"-" if data is None else b"%d:" % len(data))
        total.update(data or b"")
    return total.digest()
