"""Text to a string of word codes, in two speeds.

`skim` gives the codes alone, a few microseconds a message. `read` gives the same codes with each word's place, and puts
together what was split ("a r r e s t", "arr est"); it is needed only where skimming showed a reason (`is_split`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from poise.agents.conduct.chunks import Chunks, Token, tokens_at
from poise.agents.conduct.lexicon import FRAGMENT, STOP, UNKNOWN, Lexicon

_LONGEST_SPLIT: Final = 3
_FEWEST_RUN_ON: Final = 3  # b.u.l.l.e.t.i.n is no bullet in something
_AROUND: Final = ".,!?;:\"'()[]"
_CHUNK: Final = re.compile(r"\S+")
# Single letters apart from each other: a r r e s t, j.a.i.l, w-e  w-i-l-l.
_LETTERS: Final = re.compile(
    r"(?<![a-z0-9'@$|+!])[a-z0-9@$|](?:(?:[^a-z0-9@$|+!'\s]{1,3}|\s{1,4})[a-z0-9@$|](?![a-z0-9'@$|]))+"
)
_GAPS: Final = re.compile(r"[^a-z0-9@$|]+")
# Four sentences of one word each are one sentence with stops in it.
_STACCATO: Final = re.compile(r"(?:[^.]\.+){4,}")


class ConductReading(NamedTuple):
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
        self._chunks = Chunks(lexicon)

    def skim(self, folded: str) -> Skimmed:
        """The codes as they are before anything split is put together."""
        chunks = folded.split()
        each = self._chunks.codes(chunks)
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
                _, start, end = self._chunks.tokens(match.group())[left[-1] - number]
                found[left.pop()] = match.start() + start, match.start() + end
            number += len(codes)
            if not left:
                break
        return found

    def read(self, folded: str) -> ConductReading:
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
            tokens += [(code, at + first, at + last) for code, first, last in self._chunks.tokens(match.group())]
        return tokens

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
                words.extend(tokens_at(self._spelled(_GAPS.sub("", run[first:last]), alone), at + first, at + last))
                first = match.end() if match else last
        return [] if all(code == UNKNOWN for code, _, _ in words) else words

    def _spelled(self, letters: str, several: bool) -> str:
        """The code of a spelled word, or, where it may be `several` without a gap between them, their codes."""
        if self._lexicon.knows(letters):
            return self._lexicon.code(letters)
        found = self._lexicon.disguised(letters)
        if found:
            return self._lexicon.code(found)
        parts = self._lexicon.cover(letters) if several else self._lexicon.segments(letters) or []
        if len(parts) < _FEWEST_RUN_ON and not several:
            return UNKNOWN
        codes = [self._lexicon.code(word) if self._lexicon.knows(word) else UNKNOWN for word in parts]
        return re.sub(f"{UNKNOWN}+", UNKNOWN, "".join(codes))

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


def _adjacent(folded: str, parts: list[Token]) -> bool:
    """Whether only single spaces lie between the parts, all of them plain letters."""
    return all(
        folded[first[2] : second[1]] == " " and folded[first[1] : first[2]].isalpha()
        for first, second in pairwise(parts)
    )


def _reading(tokens: list[Token]) -> ConductReading:
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
    return ConductReading(codes, [(start, end) for _, start, end in tokens])
