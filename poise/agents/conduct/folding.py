"""Text to plain lower-case letters, each knowing which character of the original it came from.

Compatibility forms (fullwidth, mathematical, circled), accents, invisible characters and the letters of other scripts
that look like Latin ones all fold to a-z: NFKD (Unicode Standard Annex 15) and a small table in the spirit of Unicode
Technical Standard 39, section 4 (confusables). Characters that fold to nothing known stay as they are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import accumulate, chain, repeat
from typing import Final

# Each Latin letter, or pair, followed by characters that look like it and that NFKD does not already take apart.
_LOOKALIKES: Final = {
    "a": "аαɑᴀ⍺ꭺ",
    "b": "ьвβʙƅ",
    "c": "сϲᴄⅽꮯ",
    "d": "ԁɗᴅđ",
    "e": "еεєᴇҽɛǝ",
    "f": "ƒꜰϝ",
    "g": "ɡԍɢց",
    "h": "һнʜħ",
    "i": "іιıɪɩӏ",
    "j": "јϳᴊ",
    "k": "кκᴋ",
    "l": "ⅼʟłǀ∣ſ",
    "m": "мᴍ",
    "n": "ηпɴո",
    "o": "оοօσᴏøө०০੦",
    "p": "рρᴘ",
    "q": "ԛգ",
    "r": "гʀɾ",
    "s": "ѕꜱʂ",
    "t": "тτᴛŧ",
    "u": "υսʋᴜ",
    "v": "νѵᴠ",
    "w": "ԝѡωᴡ",
    "x": "хχ×",
    "y": "уүγʏ",
    "z": "ᴢʐ",
    "ae": "æ",
    "oe": "œ",
    "ss": "ß",
    "'": "’‘ʼ`´ʹ",
    '"': "“”„«»‟″〝〞",
    "-": "‐‑‒–—―−",  # noqa: RUF001 -- dashes of every kind are the point here
    ".": "。․",
}
_TABLE: Final = {look: plain for plain, looks in _LOOKALIKES.items() for look in looks}
# Letters in filled circles and squares, and regional indicators, lie in alphabetical runs that NFKD leaves alone.
_RUNS: Final = (0x1F150, 0x1F170, 0x1F1E6)
_INVISIBLE: Final = frozenset({"Mn", "Me", "Cf"})
_CACHED: Final = 20_000


def _plain(char: str) -> str:
    for first in _RUNS:
        if first <= ord(char) < first + 26:
            return chr(ord("a") + ord(char) - first)
    if char in _TABLE:
        return _TABLE[char]
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).lower())
    kept = (part for part in parts if unicodedata.category(part) not in _INVISIBLE)
    return "".join(_TABLE.get(part, part) for part in kept)


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
    lengths = tuple(end - start for start, end in zip(bounds, bounds[1:], strict=False))
    starts = list(accumulate(lengths, initial=0))[: len(lengths)]
    return "".join(word[start] for start in starts), lengths
