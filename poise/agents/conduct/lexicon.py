"""Words to single characters, and words in disguise back to words.

Every word that a rule mentions has a character of its own (private use area); everything else is one of a few signs.
A word in disguise is found by its key: digits and signs read as the letters they look like (i and l, which look alike,
as one), and runs of one letter made single. It counts only when it stretches a word that a rule mentions, never
shortens one: jaaail is jail, but heel is not hell, nor as ass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from poise.agents.conduct.folding import runs
from poise.common.errors import ConfigError

UNKNOWN: Final = "~"
FRAGMENT: Final = "?"
NUMBER: Final = "0"
STOP: Final = "."
COMMA: Final = ","
QUOTE: Final = '"'

_FIRST: Final = 0xE000
_MOST_WORDS: Final = 6400
_LOOKS: Final = str.maketrans("013456789@$!|+l", "oieasgtbgasiiti")
_LEET: Final = frozenset("0123456789@$!|+")
_LONGEST: Final = 16
_SHORTEST_RUN_ON: Final = 14
_SHORTEST_SPLIT: Final = 4
_SHORTEST_COMPOUND: Final = 8
_CONTRACTIONS: Final = {"n't": "not", "'ll": "will", "'re": "are", "'ve": "have", "'d": "would", "'m": "am"}
_IS: Final = frozenset({"it", "that", "he", "she", "what", "who", "here", "there", "this", "where", "how"})


class Words(NamedTuple):
    """What the lexicon is made from.

    phrased:    every word of every phrase. common: ordinary words, known but not looked for.
    spelled:    words that stand for others (dont for do not). ordinary: words never taken for one in disguise.
    """

    phrased: frozenset[str]
    common: frozenset[str]
    spelled: Mapping[str, tuple[str, ...]]
    ordinary: frozenset[str]


def _skeleton(word: str) -> str:
    return word.translate(_LOOKS)


class Lexicon:
    """The words of a set of rules. Raises ConfigError when they are more than 6,400.

    numbers:   the characters of all numbers, those that rules mention by name included.
    compounds: finds two characters that may be one phrased word cut into two known ones (hand cuffs).
    """

    def __init__(self, words: Words) -> None:
        known = sorted(words.phrased | words.common | frozenset(w for ws in words.spelled.values() for w in ws))
        if len(known) > _MOST_WORDS:
            raise ConfigError(f"the rules mention {len(known)} words; {_MOST_WORDS} at most")
        self._codes = {word: chr(_FIRST + index) for index, word in enumerate(known)}
        self.numbers = NUMBER + "".join(code for word, code in self._codes.items() if word.isdigit())
        self._spelled = words.spelled
        self._ordinary = words.ordinary
        self._keys = _by_key(known)
        self._fragments = _fragments(words.phrased)
        self.compounds = self._find_compounds(words.phrased)
        self._whole = lru_cache(maxsize=8192)(self._find_whole)

    def code(self, word: str) -> str:
        """The character of a known word."""
        return self._codes[word]

    def knows(self, word: str) -> bool:
        """Whether a rule mentions `word`, or it is one of the common ones."""
        return word in self._codes

    def _find_compounds(self, phrased: Iterable[str]) -> re.Pattern[str]:
        cuts = [
            (self._codes[word[:cut]], self._codes[word[cut:]])
            for word in phrased
            if len(word) >= _SHORTEST_COMPOUND
            for cut in range(3, len(word) - 2)
            if word[:cut] in self._codes and word[cut:] in self._codes
        ]
        firsts, seconds = ("".join(sorted(set(side))) for side in zip(*cuts, strict=True)) if cuts else ("", "")
        return re.compile(f"[{firsts}][{seconds}]" if cuts else r"(?!)")

    def codes(self, word: str) -> str:
        """The character or characters of `word` (lower-case letters a-z, apostrophes inside), read alone.

        A contraction gives one for each of its words. An unknown word is UNKNOWN, or FRAGMENT where it begins or ends a
        word that a rule mentions, so that "arr est" can be told from two ordinary words.
        """
        return self._whole(word) if len(word) <= 2 * _LONGEST else UNKNOWN

    def _find_whole(self, word: str) -> str:
        if word in self._spelled:
            return "".join(self._codes[part] for part in self._spelled[word])
        if word in self._codes:
            return self._codes[word]
        if "'" in word:
            return self._contraction(word)
        found = self.disguised(word)
        if found:
            return self._codes[found]
        if len(word) >= _SHORTEST_RUN_ON and word not in self._ordinary:
            together = self.segments(word)
            if together:
                return "".join(self._codes[part] for part in together)
        return FRAGMENT if word in self._fragments else UNKNOWN

    def _contraction(self, word: str) -> str:
        for ending, meaning in _CONTRACTIONS.items():
            if word.endswith(ending):
                return self.codes(word.removesuffix(ending)) + self._codes[meaning]
        base, _, _ = word.partition("'")
        joined = self.codes(word.replace("'", ""))
        if joined not in (UNKNOWN, FRAGMENT) and not word.endswith("'s"):
            return joined
        return self.codes(base) + (self._codes["is"] if word.endswith("'s") and base in _IS else "")

    def disguised(self, word: str) -> str | None:
        """The known word that `word` (letters, digits, signs) is a disguise of; None where it is itself or none."""
        if word in self._ordinary or not 1 < len(word) <= 4 * _LONGEST:
            return None
        key, lengths = runs(_skeleton(word))
        for known, least in self._keys.get(key, ()):
            if known != word and all(map(int.__ge__, lengths, least)) and _plausible(word, known):
                return known
        return None

    def segments(self, word: str) -> list[str] | None:
        """`word` as a sequence of known words, as few as possible; None where letters would be left over."""
        parts = self.cover(word)
        return parts if all(part in self._codes for part in parts) else None

    def cover(self, letters: str) -> list[str]:
        """`letters` as known words and single letters left over, at the least cost: 1 a word, 2 a letter."""
        best = [(0, 0)]
        for end in range(1, len(letters) + 1):
            cost, cut = best[end - 1][0] + 2, end - 1
            for start in range(max(0, end - _LONGEST), end):
                if best[start][0] + 1 < cost and letters[start:end] in self._codes:
                    cost, cut = best[start][0] + 1, start
            best.append((cost, cut))
        parts: list[str] = []
        end = len(letters)
        while end:
            parts.append(letters[best[end][1] : end])
            end = best[end][1]
        return parts[::-1]

    def joined(self, whole: str) -> str | None:
        """`whole`, made of the parts of a split word (arr, est), where it is a known word and long enough to count."""
        return whole if len(whole) >= _SHORTEST_SPLIT and whole in self._codes else None


def _plausible(word: str, known: str) -> bool:
    """Where all are letters, i may stand for l in a word of the same length (poIice), not be put in (solid, sold)."""
    return not word.isalpha() or len(word) == len(known) or runs(word)[0] == runs(known)[0]


def leet(word: str) -> bool:
    """Whether a piece of text has both letters and signs that stand for letters."""
    return not _LEET.isdisjoint(word) and not _AMOUNT.fullmatch(word) and any(char.isalpha() for char in word)


# 30days, 3rd and 9am are amounts, not words in disguise.
_AMOUNT: Final = re.compile(r"[$]?[0-9]*(?:[0-9](am|pm|th|k|m|d|h|s|x|days?|weeks?|months?|hours?)?|1st|2nd|3rd)[!+]*")


def _by_key(known: Iterable[str]) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
    """Words by key, those with the longest runs first."""
    keys: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for word in known:
        key, lengths = runs(_skeleton(word))
        keys.setdefault(key, []).append((word, lengths))
    for words in keys.values():
        words.sort(key=lambda item: (-sum(item[1]), item[0]))
    return keys


def _fragments(phrased: Iterable[str]) -> frozenset[str]:
    return frozenset(
        piece
        for word in phrased
        if len(word) >= _SHORTEST_SPLIT
        for cut in range(1, len(word))
        for piece in (word[:cut], word[cut:])
        if len(piece) > 1
    )
