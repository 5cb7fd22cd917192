r"""Text to features: words, word pairs and letter groups, weighted by TF-IDF. Training and run time share this code.

Two blocks, as in scikit-learn's `TfidfVectorizer` (Pedregosa et al. 2011), each of length 1 where it has any feature:

    words  single tokens and pairs of neighbours, token pattern `\w+(?:'\w+)?|[^\w\s]+`
    chars  groups of 2 to 5 letters within a word and the blank at each of its ends (scikit-learn's `char_wb`)

    x_i = (1 + ln n_i) idf_i / norm of the block,  n_i = how often feature i occurs,  idf_i = ln((1 + N)/(1 + N_i)) + 1

Differs from scikit-learn: the letter groups of a word are remembered, so that a text costs one look-up a word, and
nothing of it has to be imported. A test compares the two on arbitrary text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

TEXT_LIMIT: Final = 2000
"""Characters of a message that are read; the rest is ignored."""
SENTENCE_LIMIT: Final = 12
"""Sentences read one by one; the last one takes in all that follows."""
_WORDS_REMEMBERED: Final = 20_000
_LONG_WORD: Final = 40  # letters; longer ones are not remembered, so that odd texts cannot fill the memory

_QUOTES: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2026": "..."})
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
_BREAK: Final = re.compile(r"\s*\n\s*")
_BLANK: Final = re.compile(r"(?:[^\S\n]|[\x00-\x09\x0b-\x1f\x7f])+")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?]) |\n")
_TOKEN: Final = re.compile(r"\w+(?:'\w+)?|[^\w\s]+")


def normalise(text: str) -> str:
    """`text` as the detector sees it: cut, lower case, straight quotes, numbers as "0", single blanks and line breaks.

    Numbers carry no emotion here, so that two messages that differ in the offer alone are read alike.
    """
    text = text[:TEXT_LIMIT]
    if text.isascii() and text.isprintable() and "  " not in text:  # most messages have no blanks to put right
        return _NUMBER.sub("0", text.lower()).strip()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_QUOTES))[:TEXT_LIMIT]
    text = _BLANK.sub(" ", _NUMBER.sub("0", text.lower()))
    return _BREAK.sub("\n", text).strip()


def feature_sentences(normalised: str) -> list[str]:
    """The sentences of a normalised text, in order; none for an empty text."""
    found = [part for part in _SENTENCE_END.split(normalised) if part]
    if len(found) <= SENTENCE_LIMIT:
        return found
    return [*found[: SENTENCE_LIMIT - 1], " ".join(found[SENTENCE_LIMIT - 1 :])]


def word_grams(normalised: str) -> Iterator[str]:
    """Tokens, then pairs of neighbours joined by a blank."""
    tokens: list[str] = _TOKEN.findall(normalised)
    return chain(tokens, (f"{first} {second}" for first, second in pairwise(tokens)))


def char_grams(normalised: str) -> Iterator[str]:
    """The letter groups of every word."""
    return chain.from_iterable(_grams_of_word(word) for word in normalised.split())


def _grams_of_word(word: str) -> Iterator[str]:
    """Groups of 2 to 5 letters of `word` between blanks; a word shorter than the group gives itself, once."""
    padded = f" {word} "
    for size in range(2, 6):
        yield padded[:size]
        for start in range(1, len(padded) - size + 1):
            yield padded[start : start + size]
        if size >= len(padded):
            return


class Features:
    """The vocabulary with its weights: turns a normalised text into a sparse vector.

    words, chars: the two blocks' features; their places in the vector are 0.. in this order.
    idf:          one weight a feature, float32, shape (len(words) + len(chars),).
    """

    def __init__(self, words: Sequence[str], chars: Sequence[str], idf: NDArray[np.float32]) -> None:
        self.words, self.chars, self.idf = tuple(words), tuple(chars), idf
        self._word_place = {gram: place for place, gram in enumerate(self.words)}
        self._char_place = {gram: place for place, gram in enumerate(self.chars, len(self.words))}
        self._recall_places = lru_cache(_WORDS_REMEMBERED)(self._find_places)

    @property
    def words_remembered(self) -> int:
        """Words whose letter groups are remembered now."""
        return self._recall_places.cache_info().currsize

    def _find_places(self, word: str) -> tuple[int, ...]:
        find = self._char_place.get
        return tuple(place for gram in _grams_of_word(word) if (place := find(gram)) is not None)

    def places(self, normalised: str) -> tuple[list[int], list[int]]:
        """Places of the known word grams and letter groups of a text, repeated as often as they occur."""
        find = self._word_place.get
        words = [place for gram in word_grams(normalised) if (place := find(gram)) is not None]
        return words, list(
            chain.from_iterable(
                self._recall_places(word) if len(word) <= _LONG_WORD else self._find_places(word)
                for word in normalised.split()
            )
        )

    def vector(self, normalised: str) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Places (each once, in no order to rely on) and values of the features that are not zero."""
        words, chars = self.places(normalised)
        counts = Counter(words)
        split = len(counts)  # the word grams come first: a Counter keeps the order of arrival
        counts.update(chars)
        found = np.fromiter(counts, np.intp, len(counts))
        values = (1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))) * self.idf[found]
        for block in (values[:split], values[split:]):
            np.divide(block, np.sqrt(np.add.reduce(block * block)), out=block)
        return found, values

    def vectors(self, normalised: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
        """The vectors of several texts, bit by bit those of `vector`, as the rows of a sparse matrix.

        Where each row begins (with the end of the last), then the places and values of all rows, one after another.
        """
        places: list[int] = []
        repeats: list[int] = []
        begins, blocks = [0], list[int]()
        for text in normalised:
            words, chars = self.places(text)
            counts = Counter(words)
            split = len(counts)
            counts.update(chars)
            blocks += (len(places), len(places) + split)
            places += counts
            repeats += counts.values()
            begins.append(len(places))
        found = np.array(places, np.intp)
        values = (1 + np.log(np.array(repeats, np.float32))) * self.idf[found]
        squares = values * values
        norms = [np.add.reduce(squares[begin:end]) for begin, end in pairwise((*blocks, len(places)))]
        values /= np.repeat(np.sqrt(np.array(norms, np.float32)), np.diff((*blocks, len(places))))
        return np.array(begins), found, values
