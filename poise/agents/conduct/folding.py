"""Text to plain lower-case letters, each knowing which character of the original it came from.

Compatibility forms (fullwidth, mathematical, circled), accents, invisible characters and the letters of other scripts
that look like Latin ones all fold to a-z: by NFKD (Unicode Standard Annex 15) and a small table (lookalikes.toml) in
the spirit of Unicode Technical Standard 39, section 4 (confusables). Other characters stay as they are.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate, chain, pairwise, repeat
from pathlib import Path
from typing import Final

# Letters in filled circles and squares, and regional indicators, lie in alphabetical runs that NFKD leaves alone.
_RUNS: Final = (0x1F150, 0x1F170, 0x1F1E6)
_INVISIBLE: Final = frozenset({"Mn", "Me", "Cf"})
_CACHED: Final = 20_000


@cache
def _lookalikes() -> Mapping[str, str]:
    path = Path(__file__).parent / "lookalikes.toml"
    table: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {look: plain for plain, looks in table.items() for look in looks}


def _plain(char: str) -> str:
    table = _lookalikes()
    for first in _RUNS:
        if first <= ord(char) < first + 26:
            return chr(ord("a") + ord(char) - first)
    if char in table:
        return table[char]
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).lower())
    kept = (part for part in parts if unicodedata.category(part) not in _INVISIBLE)
    return "".join(table.get(part, part) for part in kept)


class _Folds(dict[str, str]):
    """What each character folds to, found once; bounded, so that no text can fill the memory."""

    def __missing__(self, char: str) -> str:
        plain = _plain(char)
        if len(self) < _CACHED:
            self[char] = plain
        return plain


_FOLDS: Final = _Folds()


def fold(text: str) -> tuple[str, Sequence[int]]:
    """`text` folded, and for each folded character the index of the original one it came from."""
    if text.isascii():
        return text.lower(), range(len(text))
    pieces = [_FOLDS[char] for char in text]
    origin = chain.from_iterable(map(repeat, range(len(pieces)), map(len, pieces)))
    return "".join(pieces), list(origin)


def runs(word: str) -> tuple[str, tuple[int, ...]]:
    """`word` with each run of one letter made single, and how long the runs were: ("jail", (1, 3, 1, 1)) for jaaail."""
    changes = [index for index in range(1, len(word)) if word[index] != word[index - 1]]
    bounds = [0, *changes, len(word)] if word else []
    lengths = tuple(end - start for start, end in pairwise(bounds))
    starts = list(accumulate(lengths, initial=0))[: len(lengths)]
    return "".join(word[start] for start in starts), lengths
