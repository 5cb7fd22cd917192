"""The header of a GGUF file: architecture, sizes, chat template.

gguf's own reader builds an object for each entry of a vocabulary, which takes seconds; here they are skipped. The
format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Final

from poise.common.errors import AgentError

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_NUMBERS: Final = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MOST_ENTRIES: Final = 1 << 24  # entries of an array or a header; a damaged file may claim any number
_LONGEST: Final = 1 << 24  # bytes of one text
_MOST_DIMENSIONS: Final = 8
_KV_BYTES: Final = 2  # llama.cpp keeps keys and values as f16


@dataclass(frozen=True)
class GgufHeader:
    """The header of a model's file.

    values: by key; arrays of numbers as tuples, and of a text array its length. parameters: numbers in the weights.
    size: bytes of the file.
    """

    path: Path
    values: Mapping[str, Any] = field(repr=False)
    parameters: int
    size: int

    @property
    def architecture(self) -> str:
        """Such as llama or qwen2."""
        return str(self.values.get("general.architecture", ""))

    @property
    def template(self) -> str:
        """The chat template, Jinja; "" for none."""
        return str(self.values.get("tokenizer.chat_template", ""))

    @property
    def context(self) -> int:
        """The longest text that the model was made for (tokens); 0 where the file does not say."""
        return int(self._own("context_length") or 0)

    @property
    def token_bytes(self) -> int:
        """What one token of a conversation takes in the cache of keys and values (bytes).

        An upper bound: layers with a sliding window, or with a state, take less.
        """
        blocks = int(self._own("block_count") or 0)
        heads = self._own("attention.head_count") or 1
        shared = self._own("attention.head_count_kv") or heads
        most = max(heads) if isinstance(heads, tuple) else heads
        size = int(self._own("embedding_length") or 0) // max(1, most)
        both = sum(int(self._own(f"attention.{of}_length") or size) for of in ("key", "value"))
        return (sum(shared) if isinstance(shared, tuple) else blocks * shared) * both * _KV_BYTES

    def _own(self, key: str) -> Any:
        return self.values.get(f"{self.architecture}.{key}")


def read_header(path: Path) -> GgufHeader:
    """The header of the file at `path`. Raises AgentError where it is not a model's GGUF file."""
    try:
        about = path.stat()
        return _read(path, about.st_size, about.st_mtime_ns)
    except OSError as error:
        raise AgentError(f"{path} cannot be read ({error.strerror or error})") from None


@lru_cache(maxsize=64)
def _read(path: Path, size: int, _changed: int) -> GgufHeader:
    with path.open("rb") as file:
        if file.read(4) != _MAGIC:
            raise AgentError(f"{path} is not a GGUF file; name one, such as llama.cpp and Ollama use")
        try:
            return _Reader(file).header(path, size)
        except (struct.error, ValueError, KeyError, RecursionError) as error:
            raise AgentError(f"{path} is a damaged GGUF file ({error}); get it again") from None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads values from the file's position. Little-endian."""

    file: BinaryIO

    def header(self, path: Path, size: int) -> GgufHeader:
        version = self._number("I")
        if version not in _VERSIONS:
            raise ValueError(f"version {version}, not one of {', '.join(map(str, _VERSIONS))}")
        tensors, entries = self._count(), self._count()
        values = {}
        for _ in range(entries):
            key = self._text()
            values[key] = self._value(self._number("I"))
        parameters = sum(self._tensor() for _ in range(tensors))
        if values.get("general.type", "model") != "model" or not tensors:
            raise AgentError(f"{path} holds {values.get('general.type') or 'a vocabulary'!r} and not a model")
        return GgufHeader(path, values, parameters, size)

    def _tensor(self) -> int:
        """Skip the description of a tensor; returns how many numbers it has."""
        self._text()
        dimensions = self._count(_MOST_DIMENSIONS, "I")
        numbers: int = prod(self._number("Q") for _ in range(dimensions))
        self._number("I")
        self._number("Q")
        return numbers

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind != _ARRAY:
            return self._number(_NUMBERS[kind])
        kind, count = self._number("I"), self._count()
        if kind == _STRING:
            for _ in range(count):
                self.file.seek(self._count(_LONGEST), 1)
            return count
        form = struct.Struct(f"<{count}{_NUMBERS[kind]}")
        return form.unpack(self.file.read(form.size))

    def _text(self) -> str:
        return self.file.read(self._count(_LONGEST)).decode("utf-8", "replace")

    def _count(self, most: int = _MOST_ENTRIES, form: str = "Q") -> int:
        count = int(self._number(form))
        if count > most:
            raise ValueError(f"{count} where at most {most} can be")
        return count

    def _number(self, form: str) -> Any:
        whole = struct.Struct(f"<{form}")
        return whole.unpack(self.file.read(whole.size))[0]
