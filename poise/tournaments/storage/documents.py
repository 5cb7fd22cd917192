"""Documents as the store keeps them: compressed JSON, and a digest that tells whether they are what was written.

Readings and moods are kept with six significant digits: what a detector and a tracker know is not finer, and they were
nearly half of a store. The digest is over the JSON text, so that it holds whatever compresses it.

Since version 4 a document is a frame of Zstandard (RFC 8878) that refers to a dictionary of what transcripts have in
common, `documents.dict`, by the number in its header. `benchmarks/store.py` trains it. A dictionary that stores refer
to is never changed: a better one is another file with another number. Version 3 compressed with zlib; versions 1 and 2
kept text, whole and without a digest. All of them are read as they are.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import zstandard

DICTIONARY: Final = Path(__file__).with_name("documents.dict")
_LEVEL: Final = 3  # 6 takes four times as long and saves a fifteenth
_LARGEST: Final = 1 << 30  # bytes of one text; a frame that promises more is damaged
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


class _Codec(threading.local):
    """One thread's compressor and decompressor."""

    def __init__(self) -> None:
        self.pack = zstandard.ZstdCompressor(_LEVEL, dict_data=_dictionary()).compress
        self.unpack = zstandard.ZstdDecompressor(dict_data=_dictionary()).decompress


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    dictionary = zstandard.ZstdCompressionDict(DICTIONARY.read_bytes())
    dictionary.precompute_compress(_LEVEL)
    return dictionary


@cache
def _codec() -> _Codec:
    return _Codec()


def pack(text: bytes | None) -> bytes | None:
    """A document as it is stored."""
    return None if text is None else _codec().pack(text)


def unpack(stored: bytes | str | None) -> bytes | None:
    """The JSON text of a stored document. Raises ValueError where it cannot be had."""
    if stored is None or isinstance(stored, str):
        return stored if stored is None else stored.encode()
    try:
        if not stored.startswith(zstandard.FRAME_HEADER):
            return _unzipped(stored)
        if not 0 <= zstandard.frame_content_size(stored) <= _LARGEST:
            raise ValueError("it cannot be unpacked: its length is damaged")
        return _codec().unpack(stored, allow_extra_data=False)
    except (zlib.error, zstandard.ZstdError) as error:
        raise ValueError(f"it cannot be unpacked: {error}") from None


def _unzipped(stored: bytes) -> bytes:
    """A document of version 3."""
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(stored)
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
