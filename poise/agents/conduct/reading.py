"""Text to a string of word codes, in two speeds.

`skim` gives the codes alone, a few microseconds a message. `read` gives the same codes with each word's place, and puts
together what was split ("a r r e s t", "arr est"); it is needed only where skimming showed a reason (`is_split`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from poise.agents.conduct.lexicon import COMMA, FRAGMENT, NUMBER, QUOTE, STOP, UNKNOWN, Lexicon, leet

Token = tuple[str, int, int]  # code, first and last + 1 character

_LONGEST_CHUNK: Final = 48
_LONGEST_SPLIT: Final = 3
_AROUND: Final = ".,!?;:\"'()[]"
_CHUNK: Final = re.compile(r"\S+")
_PARTS: Final = re.compile(r"[a-z]+(?:'[a-z]+)*|[0-9]+|[^a-z0-9]")
_MIXED: Final = re.compile(r"[a-z0-9@$|+!]+")
_PLAIN: Final = re.compile(r"[a-z]+")
_PIECES: Final = re.compile(r"[a-z0-9@$!|+']+|[^a-z0-9@$!|+']+")
_SIGNS: Final = {
    **dict.fromkeys(".!?;\n", STOP),
    **dict.fromkeys(",:()[]{}", COMMA),
    '"': QUOTE,
}
# Single letters apart from each other: a r r e s t, j.a.i.l, w-e  w-i-l-l.
_LETTERS: Final = re.compile(
    r"(?<![a-z0-9'@$|+!])[a-z0-9@$|](?:(?:[^a-z0-9@$|+!'\s]{1,3}|\s{1,4})[a-z0-9@$|](?![a-z0-9'@$|]))+"
)
_GAPS: Final = re.compile(r"[^a-z0-9@$|]+")
# Letters with signs but no white space between them, all of them one word: C.h.r.i.s.t.m.a.s, Christ-mas.
_ONE_WORD: Final = re.compile(r"[a-z](?:[^a-z0-9\s][a-z]){2,}|[a-z]+[^a-z0-9\s',][a-z]+")
# Four sentences of one word each are one sentence with stops in it.
_STACCATO: Final = re.compile(r"(?:[^.]\.+){4,}")


class Reading(NamedTuple):
    """The codes of a text, one character a word or sign, and where each begins and ends in the folded text."""

    codes: str
    places: Sequence[tuple[int, int]]


class Skimmed(NamedTuple):
    """The codes of a text, and what they came from: the pieces between white space, and the codes of each."""

    codes: str
    chunks: Sequence[str]
    each: Sequence[str]


class Reader:
    """Reads folded text with one lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._chunk = lru_cache(maxsize=8192)(self._tokens_of)
        self._codes = lru_cache(maxsize=8192)(self._codes_of)

    def skim(self, folded: str) -> Skimmed:
        """The codes as they are before anything split is put together."""
        chunks = folded.split()
        each = list(map(self._codes, chunks))
        return Skimmed("".join(each), chunks, each)

    def is_split(self, folded: str, skimmed: Skimmed) -> bool:
        """Whether `read` may give other codes than `skim` gave."""
        codes = skimmed.codes
        if _LETTERS.search(folded) or _STACCATO.search(codes) or self._lexicon.compounds.search(codes):
            return True
        return FRAGMENT in codes and self._has_pieces(skimmed)

    def _has_pieces(self, skimmed: Skimmed) -> bool:
        """Whether some neighbouring chunks make a word together."""
        chunks = skimmed.chunks
        for index, codes in enumerate(skimmed.each):
            if FRAGMENT in codes:
                first = max(0, index - _LONGEST_SPLIT + 1)
                near = [chunk.strip(_AROUND) for chunk in chunks[first : index + _LONGEST_SPLIT]]
                if self._makes_word(near, index - first):
                    return True
        return False

    def _makes_word(self, near: list[str], index: int) -> bool:
        """Whether two or more of the pieces `near`, the one at `index` among them, make a word together."""
        for first in range(index + 1):
            whole = "".join(near[first:index])
            for last in range(index, min(len(near), first + _LONGEST_SPLIT)):
                whole += near[last]
                if last > first and self._lexicon.joined(whole):
                    return True
        return False

    def places(self, folded: str, skimmed: Skimmed, wanted: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Where some of the words begin and end in a text that is not split; `wanted` are their numbers."""
        left = sorted(set(wanted), reverse=True)
        found: dict[int, tuple[int, int]] = {}
        number = 0
        for match, codes in zip(_CHUNK.finditer(folded), skimmed.each, strict=False):
            while left and left[-1] < number + len(codes):
                _, start, end = self._tokens(match.group())[left[-1] - number]
                found[left.pop()] = match.start() + start, match.start() + end
            number += len(codes)
            if not left:
                break
        return found

    def read(self, folded: str) -> Reading:
        """The codes and their places, with split words put together."""
        tokens: list[Token] = []
        done = 0
        for run in _LETTERS.finditer(folded):
            words = self._spelled_out(run.group(), run.start())
            if words:
                tokens.extend(self._plain(folded, done, run.start()))
                tokens.extend(words)
                done = run.end()
        tokens.extend(self._plain(folded, done, len(folded)))
        return _reading(self._mended(folded, tokens))

    def _plain(self, folded: str, start: int, end: int) -> list[Token]:
        tokens: list[Token] = []
        for match in _CHUNK.finditer(folded, start, end):
            at = match.start()
            tokens += [(code, at + first, at + last) for code, first, last in self._tokens(match.group())]
        return tokens

    def _codes_of(self, chunk: str) -> str:
        return "".join(code for code, _, _ in self._tokens(chunk))

    def _tokens(self, chunk: str) -> tuple[Token, ...]:
        return self._chunk(chunk) if len(chunk) <= _LONGEST_CHUNK else tuple(self._pieces(chunk))

    def _tokens_of(self, chunk: str) -> tuple[Token, ...]:
        """The words and signs of text without white space."""
        if chunk.isascii() and chunk.isalpha():
            return _spread(self._lexicon.codes(chunk), 0, len(chunk))
        core, start, end = _core(chunk)
        whole = self._as_one(core)
        if whole is None:
            return tuple(self._pieces(chunk))
        before = (token for token in self._parts(chunk[:start], 0))
        after = (token for token in self._parts(chunk[end:], end))
        return (*before, *_spread(whole, start, end), *after)

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
                    yield from _spread(whole, at + start, at + end)
                    yield from self._parts(piece[end:], at + end)
                    continue
            yield from self._parts(piece, at)

    def _parts(self, piece: str, at: int) -> Iterator[Token]:
        for match in _PARTS.finditer(piece):
            part, start, end = match.group(), at + match.start(), at + match.end()
            if part[0].isascii() and part[0].isalpha():
                yield from _spread(self._lexicon.codes(part), start, end)
            elif part[0].isdigit():
                yield (self._lexicon.code(part) if self._lexicon.knows(part) else NUMBER), start, end
            elif part in _SIGNS:
                inside = part == "." and piece[match.end() : match.end() + 1].isalpha() and match.start() > 0
                yield (COMMA if inside else _SIGNS[part]), start, end
            elif part == "-" and len(piece) == 1 and at == 0:
                yield COMMA, start, end

    def _spelled_out(self, run: str, at: int) -> list[Token]:
        """The words that a run of single letters spells; none where it spells nothing that a rule knows."""
        gaps = [match.group() for match in _GAPS.finditer(run)]
        signs = any(not gap.isspace() for gap in gaps)
        narrow = min(map(len, gaps))
        words: list[Token] = []
        first = 0
        for match in (*_GAPS.finditer(run), None):
            if match is None or (match.group().isspace() if signs else len(match.group()) > narrow):
                last = match.start() if match else len(run)
                alone = first == 0 and match is None and not signs
                words.extend(_spread(self._spelled(_GAPS.sub("", run[first:last]), alone), at + first, at + last))
                first = match.end() if match else last
        return [] if all(code == UNKNOWN for code, _, _ in words) else words

    def _spelled(self, letters: str, several: bool) -> str:
        """The code of a spelled word, or, where it may be `several` without a gap between them, their codes."""
        if self._lexicon.knows(letters):
            return self._lexicon.code(letters)
        found = self._lexicon.disguised(letters)
        if found:
            return self._lexicon.code(found)
        parts = self._lexicon.cover(letters) if several else self._lexicon.segments(letters) or [letters]
        return re.sub(f"{UNKNOWN}+", UNKNOWN, "".join(map(self._code_or_unknown, parts)))

    def _code_or_unknown(self, word: str) -> str:
        return self._lexicon.code(word) if self._lexicon.knows(word) else UNKNOWN

    def _mended(self, folded: str, tokens: list[Token]) -> list[Token]:
        """Words split by a space ("arr est") as one token."""
        mended: list[Token] = []
        index = 0
        while index < len(tokens):
            size, code = self._joined_at(folded, tokens, index)
            mended.append((code, tokens[index][1], tokens[index + size - 1][2]))
            index += size
        return mended

    def _joined_at(self, folded: str, tokens: list[Token], index: int) -> tuple[int, str]:
        """How many tokens from `index` on make one word, and its code; one and its own where they do not."""
        window = tokens[index : index + _LONGEST_SPLIT]
        codes = "".join(code for code, _, _ in window)
        if FRAGMENT in codes or self._lexicon.compounds.match(codes):
            for size in range(len(window), 1, -1):
                whole = "".join(folded[start:end] for _, start, end in window[:size])
                suspect = FRAGMENT in codes[:size] or self._lexicon.compounds.fullmatch(codes[:size])
                if suspect and _adjacent(folded, window[:size]) and self._lexicon.joined(whole):
                    return size, self._lexicon.code(whole)
        return 1, tokens[index][0]


def _core(chunk: str) -> tuple[str, int, int]:
    """`chunk` without the signs around it that cannot stand for letters, and where it begins and ends."""
    start, end = 0, len(chunk)
    while start < end and not (chunk[start].isalnum() or chunk[start] in "@$|+"):
        start += 1
    while end > start and not (chunk[end - 1].isalnum() or chunk[end - 1] in "@$|+"):
        end -= 1
    return chunk[start:end], start, end


def _spread(codes: str, start: int, end: int) -> tuple[Token, ...]:
    return tuple((code, start, end) for code in codes)


def _adjacent(folded: str, parts: list[Token]) -> bool:
    """Whether only single spaces lie between the parts, all of them plain letters."""
    return all(
        folded[first[2] : second[1]] == " " and folded[first[1] : first[2]].isalpha()
        for first, second in pairwise(parts)
    )


def _reading(tokens: list[Token]) -> Reading:
    codes = "".join(code for code, _, _ in tokens)
    if _STACCATO.search(codes):
        drop = [
            index
            for match in _STACCATO.finditer(codes)
            for index in range(match.start(), match.end() - 1)
            if codes[index] == STOP
        ]
        dropped = frozenset(drop)
        tokens = [token for index, token in enumerate(tokens) if index not in dropped]
        codes = "".join(code for code, _, _ in tokens)
    return Reading(codes, [(start, end) for _, start, end in tokens])
