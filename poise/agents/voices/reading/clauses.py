"""Sentences and clauses of a normal text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from poise.agents.voices.readout import Quantity

_SENTENCE_END: Final = re.compile(
    r"(?<!\bdr)(?<!\bmr)(?<!\bmrs)(?<!\bms)(?<!\bmax)(?<!\bapprox)(?<![.!?])(?:[!?][.!?]*+|\.(?!\.))(?![a-z0-9])|;"
)
_WHO: Final = r"(?:i|we|you|he|she|they|it|my|our|your|the|that|this|there|please)(?:'[a-z]+)?"
_CLAUSE_END: Final = re.compile(
    r",(?![0-9])|[:()\u2026]|\.\.\.?| - |--"
    r"|\b(?=(?:but|however|yet|so|because|though|although|while|whereas|if|unless|when|once|then)\b)"
    rf"|\b(?=(?:and|or) {_WHO}\b)"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch of a normal text. question: whether it ends with a question mark."""

    start: int
    end: int
    question: bool = False

    def text(self, whole: str) -> str:
        """The words of this stretch."""
        return whole[self.start : self.end]


def split_sentences(text: str, found: Sequence[Quantity]) -> list[Sentence]:
    """The sentences of a text, which cover it; no quantity is cut."""
    inside = places_inside(text, found)
    ends = [(match.end(), "?" in match[0]) for match in _SENTENCE_END.finditer(text) if not inside[match.end()]]
    ends.append((len(text) + 1, False))
    starts = [0, *(end for end, _ in ends)]
    return [Sentence(start, end, question) for start, (end, question) in zip(starts, ends, strict=False)]


def split_clauses(text: str, sentence: Sentence, inside: Sequence[int]) -> list[Sentence]:
    """The clauses of a sentence, which cover it; no quantity is cut. inside: as of `places_inside`."""
    ends = [match.end() for match in _CLAUSE_END.finditer(text, sentence.start, min(sentence.end, len(text)))]
    kept = dict.fromkeys(end for end in ends if sentence.start < end < sentence.end and not inside[end])
    return [Sentence(start, end) for start, end in zip([sentence.start, *kept], [*kept, sentence.end], strict=True)]


def places_inside(text: str, found: Sequence[Quantity]) -> bytearray:
    """For each place between two characters, whether a quantity holds both."""
    inside = bytearray(len(text) + 1)
    for each in found:
        inside[each.start + 1 : each.end] = b"\x01" * (each.end - each.start - 1)
    return inside
