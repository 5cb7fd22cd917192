"""Text as it is read: lower case, plain punctuation and ASCII digits, with a way back to the text as it was written."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_APOSTROPHES: Final = "\u2018\u2019\u02bc\u00b4"
_DASHES: Final = "-\u2010\u2011\u2012\u2013\u2212"
_LONG_DASHES: Final = "\u2014\u2015"  # separate clauses, or the ends of a range
_MARKUP: Final = "*_`~"
_TOKEN: Final = re.compile(r"[0-9]+|[^\W\d_]+(?:'[^\W\d_]+)?|\S")


@dataclass(frozen=True, slots=True)
class Token:
    """A run of digits, a word or one other character; start and end are places in the normal text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NormalText:
    """text: the normal form. origins: for each of its characters, which character of the written text it stands for."""

    text: str
    origins: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a non-empty stretch of the normal text stands in the written one."""
        return self.origins[start], self.origins[end - 1] + 1


@lru_cache(maxsize=4096)
def normal_form(text: str) -> NormalText:
    """The normal form of `text`; linear in its length.

    Compatibility forms (full-width, superscript) and the digits of every script become ASCII; a vulgar fraction is set
    apart (`2 1/2` for two and a half); Markdown and control characters become blanks,
    several blanks one; invisible characters go.
    """
    kept: list[str] = []
    origins: list[int] = []
    for index, written in enumerate(text):
        for character in _plain(written):
            if character != " " or (kept and kept[-1] != " "):
                kept.append(character)
                origins.append(index)
    return NormalText("".join(kept), tuple(origins))


def tokens(text: str) -> list[Token]:
    """The tokens of a normal text, in order."""
    return [Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(text)]


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:  # noqa: PLR0911  # one return for each class of characters
    if character.isascii():
        return " " if character in _MARKUP or not character.isprintable() else character.lower()
    if character in _APOSTROPHES:
        return "'"
    if character in _DASHES:
        return "-"
    if character in _LONG_DASHES:
        return " - "
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category in ("Cc", "Zs", "Zl", "Zp"):
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return _compatible(character)


def _compatible(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character)
    if "\u2044" in plain:
        return f" {plain.replace(chr(0x2044), '/')} "
    if plain in ("\u201c", "\u201d", "\u00ab", "\u00bb"):
        return '"'
    return plain.lower() if plain.isascii() or len(plain) == len(plain.lower()) else plain
