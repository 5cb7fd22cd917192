"""Whether words that break a rule are meant: denials, and what somebody else said, are not violations.

A match is cleared

- by a denial: a negator inside it ("we will *not* call the police") or right before it ("*nobody* will be arrested",
  "I am *not* saying that ..."), but not by both ("do not think that we won't"), and not by one that denies nothing
  ("we will not hesitate to ...");
- as reported speech: words before it in its sentence say that somebody said, asked or feared it ("you wrote that ...",
  "you are afraid that ..."), or that it is wrong, and no new clause of the speaker's own begins in between;
- as a quotation: it stands in quotation marks, and the words beside them say whose words they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from poise.agents.conduct.lexicon import COMMA, QUOTE, STOP, Lexicon
from poise.agents.conduct.phrases import Phrase, codes_of, expression
from poise.agents.conduct.rulebook import Clearing, Shared

_FARTHEST: Final = 9  # words between a negator and what it denies
_BESIDE: Final = 6  # words between a quotation mark and whose words they are
_SENTENCE: Final = 40  # words on either side that a sentence is looked at


class Context:
    """Judges matches in a text of word codes."""

    def __init__(self, shared: Shared, lexicon: Lexicon) -> None:
        def chars(words: Iterable[str]) -> frozenset[str]:
            return frozenset(lexicon.code(word) for word in words)

        def anyone(phrases: tuple[Phrase, ...]) -> re.Pattern[str]:
            return alternatives(phrases, lexicon.code, lexicon.numbers)

        self._negators = chars(shared.negators)
        self._prenegators = chars(shared.negators | shared.prenegators)
        self._bridges = chars(shared.bridges) | {QUOTE}
        self._thinking = chars(shared.thinking)
        self._excused = anyone(shared.excused)
        self._reports = anyone(shared.reports)
        self._doubts = anyone(shared.doubts)
        self._breaks = anyone(shared.breaks)
        self._sayings = anyone(shared.sayings)

    def clears(self, codes: str, start: int, end: int, by: frozenset[Clearing]) -> bool:
        """Whether the words `start` to `end` are not meant, where what `by` names can clear them."""
        first, _ = sentence(codes, start, end)
        if "report" in by and (
            self._introduced(self._reports, codes, first, start, end) or self._quoted(codes, start, end)
        ):
            return True
        return "denial" in by and self._denied(codes, first, start, end)

    def _denied(self, codes: str, first: int, start: int, end: int) -> bool:
        doubted = self._introduced(self._doubts, codes, first, start, end)
        if self._prenegators.isdisjoint(codes[first:end]):
            return doubted
        excused = self._excused.finditer(codes, first, min(len(codes), end + _BESIDE))
        idle = frozenset(index for match in excused for index in range(*match.span()))  # negators that deny nothing
        inside = any(codes[index] in self._negators and index not in idle for index in range(start, end))
        return not inside if doubted else self._denied_before(codes, first, start, idle, inside)

    def _denied_before(self, codes: str, first: int, start: int, idle: frozenset[int], denied: bool) -> bool:
        """Whether the match is denied, given whether it is by words inside it.

        A second negator denies the denial only over a verb of thinking: do not think that we will not.
        """
        thought = False
        for index in range(start - 1, max(first, start - _FARTHEST) - 1, -1):
            code = codes[index]
            thought = thought or code in self._thinking
            if code in self._prenegators and index not in idle:
                denied, thought = not (denied and thought), False
            elif code not in self._bridges:
                break
        return denied

    def _introduced(self, cues: re.Pattern[str], codes: str, first: int, start: int, end: int) -> bool:
        """Whether a cue stands before the match, in its sentence, with no new clause in between."""
        for cue in cues.finditer(codes, first, end):
            if cue.start() > start:
                return False
            if not self._breaks.search(codes, cue.end(), min(start + 2, end)):
                return True
        return False

    def _quoted(self, codes: str, start: int, end: int) -> bool:
        if QUOTE not in codes:
            return False
        marks = codes.count(QUOTE, 0, start)
        if marks % 2 == 0 or codes.find(QUOTE, end) < 0:
            return False
        opening, closing = codes.rfind(QUOTE, 0, start), codes.find(QUOTE, end)
        before = codes[max(0, opening - _BESIDE) : opening].rpartition(STOP)[2]
        after = codes[closing + 1 : closing + 1 + _BESIDE].lstrip(COMMA).partition(STOP)[0]
        return bool(self._sayings.search(before) or self._sayings.match(after))


def sentence(codes: str, start: int, end: int) -> tuple[int, int]:
    """The sentence around the words `start` to `end`, or as much of it as counts."""
    farthest = max(0, start - _SENTENCE)
    stop = codes.find(STOP, end, end + _SENTENCE)
    last = stop if stop >= 0 else min(len(codes), end + _SENTENCE)
    return max(codes.rfind(STOP, farthest, start) + 1, farthest), last


def alternatives(phrases: Iterable[Phrase], code: Callable[[str], str], numbers: str) -> re.Pattern[str]:
    """One regular expression that finds any of `phrases`; it looks closer only where one of them can begin."""
    listed = tuple(phrases)
    if not listed:
        return re.compile(r"(?!)")
    firsts = [phrase.elements[0] for phrase in listed]
    begun = "".join(codes_of(each.words, code, numbers) for each in firsts)
    ahead = f"(?=[{begun}])" if all(each.kind == "words" and not each.optional for each in firsts) else ""
    return re.compile(ahead + "(?:" + "|".join(expression(phrase, code, numbers) for phrase in listed) + ")")
