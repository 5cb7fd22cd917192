"""The words and signs of a piece of text without white space."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from poise.agents.conduct.lexicon import COMMA, NUMBER, QUOTE, STOP, UNKNOWN, Lexicon, leet

Token = tuple[str, int, int]  # code, first and last + 1 character

_LONGEST_CHUNK: Final = 48
_PARTS: Final = re.compile(r"[a-z]+(?:'[a-z]+)*|[0-9]+|[^a-z0-9]")
_MIXED: Final = re.compile(r"[a-z0-9@$|+!]+")
_PLAIN: Final = re.compile(r"[a-z]+")
_PIECES: Final = re.compile(r"[a-z0-9@$!|+']+|[^a-z0-9@$!|+']+")
_SIGNS: Final = {
    **dict.fromkeys(".!?;\n", STOP),
    **dict.fromkeys(",:()[]{}", COMMA),
    '"': QUOTE,
}
# Letters with signs but no white space between them, all of them one word: C.h.r.i.s.t.m.a.s, Christ-mas.
_ONE_WORD: Final = re.compile(r"[a-z](?:[^a-z0-9\s][a-z]){2,}|[a-z]+[^a-z0-9\s',][a-z]+")


class Chunks:
    """Takes chunks, the pieces of a text between white space, apart; those of ordinary length are remembered."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._remembered = lru_cache(maxsize=8192)(self._tokens_of)
        self._codes = lru_cache(maxsize=8192)(self._codes_of)

    def codes(self, chunks: Sequence[str]) -> list[str]:
        """The codes of each chunk. Long ones are not remembered, so that no text can fill the memory."""
        if max(map(len, chunks), default=0) <= _LONGEST_CHUNK:
            return list(map(self._codes, chunks))
        return [(self._codes if len(chunk) <= _LONGEST_CHUNK else self._codes_of)(chunk) for chunk in chunks]

    def tokens(self, chunk: str) -> tuple[Token, ...]:
        """The words and signs of a chunk, with their places in it."""
        return self._remembered(chunk) if len(chunk) <= _LONGEST_CHUNK else tuple(self._pieces(chunk))

    def _codes_of(self, chunk: str) -> str:
        return "".join(code for code, _, _ in self.tokens(chunk))

    def _tokens_of(self, chunk: str) -> tuple[Token, ...]:
        """The words and signs of text without white space."""
        if chunk.isascii() and chunk.isalpha():
            return tokens_at(self._lexicon.codes(chunk), 0, len(chunk))
        core, start, end = _core(chunk)
        whole = self._as_one(core)
        if whole is None:
            return tuple(self._pieces(chunk))
        before = (token for token in self._parts(chunk[:start], 0))
        after = (token for token in self._parts(chunk[end:], end))
        return (*before, *tokens_at(whole, start, end), *after)

    def _as_one(self, core: str) -> str | None:
        """The codes of a chunk that is one word with signs in it or instead of letters."""
        if core.isascii() and core.replace("'", "").isalpha():
            return self._lexicon.codes(core)
        kept = "".join(char for char in core if char in "@$!|+" or (char.isascii() and char.isalnum()))
        if not any(char.isalpha() for char in kept) or (kept == core and not leet(core)):
            return None
        # What is no sign for a letter may still be one that was put in: sh!t is one word, and so is ar!rest.
        bare = "".join(char for char in kept if char.isalnum())
        for spelling in dict.fromkeys((kept, bare)):
            known = spelling if len(spelling) > 1 and self._lexicon.knows(spelling) else None
            found = known or self._lexicon.disguised(spelling)
            if found:
                return self._lexicon.code(found)
        return UNKNOWN if self._is_one_unknown(core) else None

    def _is_one_unknown(self, core: str) -> bool:
        """Whether a chunk with signs in it is one word that no rule knows, rather than several that some may."""
        if _MIXED.fullmatch(core) and leet(core):
            return True
        pieces = _PLAIN.findall(core) if _ONE_WORD.fullmatch(core) else ()
        return bool(pieces) and not any(len(piece) > 1 and self._lexicon.knows(piece) for piece in pieces)

    def _pieces(self, chunk: str) -> Iterator[Token]:
        for match in _PIECES.finditer(chunk):
            piece, at = match.group(), match.start()
            if len(piece) <= _LONGEST_CHUNK and leet(piece):
                core, start, end = _core(piece)
                whole = self._as_one(core)
                if whole is not None:
                    yield from self._parts(piece[:start], at)
                    yield from tokens_at(whole, at + start, at + end)
                    yield from self._parts(piece[end:], at + end)
                    continue
            yield from self._parts(piece, at)

    def _parts(self, piece: str, at: int) -> Iterator[Token]:
        for match in _PARTS.finditer(piece):
            part, start, end = match.group(), at + match.start(), at + match.end()
            if part[0].isascii() and part[0].isalpha():
                yield from tokens_at(self._lexicon.codes(part), start, end)
            elif part[0].isdigit():
                yield (self._lexicon.code(part) if self._lexicon.knows(part) else NUMBER), start, end
            elif part in _SIGNS:
                inside = part == "." and piece[match.end() : match.end() + 1].isalpha() and match.start() > 0
                yield (COMMA if inside else _SIGNS[part]), start, end
            elif part == "-" and len(piece) == 1 and at == 0:
                yield COMMA, start, end


def _core(chunk: str) -> tuple[str, int, int]:
    """`chunk` without the signs around it that cannot stand for letters, and where it begins and ends."""
    start, end = 0, len(chunk)
    while start < end and not (chunk[start].isalnum() or chunk[start] in "@$|+"):
        start += 1
    while end > start and not (chunk[end - 1].isalnum() or chunk[end - 1] in "@$|+"):
        end -= 1
    return chunk[start:end], start, end


def tokens_at(codes: str, start: int, end: int) -> tuple[Token, ...]:
    """Tokens that all stand at the same place: the words of a contraction, or of a run of letters."""
    return tuple((code, start, end) for code in codes)
