"""The checker: which rules a message breaks, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Self

from poise.agents.conduct.context import Context, alternatives
from poise.agents.conduct.folding import fold
from poise.agents.conduct.lexicon import STOP, Lexicon, Words
from poise.agents.conduct.phrases import Phrase, codes, expression
from poise.agents.conduct.reading import Reader, Reading
from poise.agents.conduct.rulebook import Rule, Shared, read_rules, read_shared, shipped_rules
from poise.games.errors import ConfigError

_REMEMBERED: Final = 4096
_LONGEST_REMEMBERED: Final = 4000


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a message breaks.

    rule, category, citation: see `Rule`. excerpt: the words themselves, `text[start:end]`.
    """

    rule: str
    category: str
    citation: str
    excerpt: str
    start: int
    end: int


class _Search(NamedTuple):
    """One phrase, ready to be looked for. needs: for each word it must have, the codes that will do."""

    rule: int
    pattern: re.Pattern[str]
    needs: tuple[frozenset[str], ...]


class Checker:
    """Finds violations of a set of rules; see the package's head for what they mean.

    A message is reported at most once for each rule, at the first place where it breaks it.
    """

    def __init__(self, rules: tuple[Rule, ...], shared: Shared) -> None:
        """Raises ConfigError where a rule does not treat its own examples as it says."""
        self.rules = rules
        phrases = [phrase for rule in rules for phrase in (*rule.phrases, *rule.unless)]
        phrased = frozenset().union(*(phrase.words() for phrase in (*phrases, *shared.phrases())))
        joining = shared.negators | shared.prenegators | shared.bridges | shared.common
        lexicon = Lexicon(Words(phrased, joining, shared.spelled, shared.ordinary))
        self._reader = Reader(lexicon)
        self._context = Context(shared, lexicon)
        self._unless = [alternatives(rule.unless, lexicon.code, lexicon.numbers) for rule in rules]
        self._index = _index(rules, shared.common, lexicon)
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._check)
        self._try_examples()

    @classmethod
    def from_files(cls, paths: Iterable[Path] | None = None) -> Self:
        """A checker with the rules of `paths`, or those of this package.

        Raises ConfigError where a file is refused, with file, place and remedy.
        """
        shared = read_shared()
        return cls(read_rules(shipped_rules() if paths is None else paths, shared), shared)

    def check(self, text: str) -> tuple[Violation, ...]:
        """The violations in a message, in the order in which they stand; any text will do."""
        return self._remembered(text) if len(text) <= _LONGEST_REMEMBERED else self._check(text)

    def _check(self, text: str) -> tuple[Violation, ...]:
        folded, origin = fold(text)
        codes = self._reader.skim(folded)
        reading = None
        if self._reader.is_split(folded, codes):
            reading = self._reader.read(folded)
            codes = reading.codes
        broken = self._broken(codes)
        if not broken:
            return ()
        reading = reading or self._reader.read(folded)
        violations = (self._violation(text, origin, reading, rule, span) for rule, span in broken.items())
        return tuple(sorted(violations, key=lambda each: (each.start, each.rule)))

    def _broken(self, codes: str) -> dict[int, tuple[int, int]]:
        """The rules that are broken, by number, and the words (first, last + 1) that first break them."""
        first: dict[int, tuple[int, int]] = {}
        for search in self._found(codes):
            span = self._meant(search, codes)
            if span and span < first.get(search.rule, (len(codes) + 1, 0)):
                first[search.rule] = span
        return first

    def _found(self, codes: str) -> Iterable[_Search]:
        """The phrases that occur at all, meant or not."""
        present = frozenset(codes)
        for code in present & self._index.keys():
            for search in self._index[code]:
                if all(not present.isdisjoint(need) for need in search.needs) and search.pattern.search(codes):
                    yield search

    def _meant(self, search: _Search, codes: str) -> tuple[int, int] | None:
        """Where the phrase first occurs and is meant."""
        by = self.rules[search.rule].cleared_by
        unless = self._unless[search.rule]
        match = search.pattern.search(codes)
        while match:
            start, end = match.span()
            if not _in_sentence(unless, codes, start, end) and not self._context.clears(codes, start, end, by):
                return start, end
            match = search.pattern.search(codes, start + 1)
        return None

    def _violation(
        self, text: str, origin: Sequence[int], reading: Reading, number: int, span: tuple[int, int]
    ) -> Violation:
        rule = self.rules[number]
        start = origin[reading.starts[span[0]]]
        end = origin[reading.ends[span[1] - 1] - 1] + 1
        return Violation(rule.id, rule.category, rule.citation, text[start:end], start, end)

    def _try_examples(self) -> None:
        for rule in self.rules:
            for text in rule.caught:
                if rule.id not in {each.rule for each in self._check(text)}:
                    raise ConfigError(f"{rule.id}: its example {text!r} is not caught; add a phrase that finds it")
            for text in rule.clean:
                if rule.id in {each.rule for each in self._check(text)}:
                    raise ConfigError(f"{rule.id}: its clean example {text!r} is caught; narrow its phrases")


def _in_sentence(pattern: re.Pattern[str], codes: str, start: int, end: int) -> bool:
    if not pattern.pattern or pattern.pattern == r"(?!)":
        return False
    last = codes.find(STOP, end)
    return bool(pattern.search(codes, codes.rfind(STOP, 0, start) + 1, len(codes) if last < 0 else last))


def _index(rules: tuple[Rule, ...], common: frozenset[str], lexicon: Lexicon) -> dict[str, list[_Search]]:
    """Searches by the code of a word that must occur; of several such words, by the least common."""
    index: dict[str, list[_Search]] = {}
    for number, rule in enumerate(rules):
        for phrase in rule.phrases:
            needed = _needed(phrase, common)
            needs = tuple(frozenset(codes(words, lexicon.code, lexicon.numbers)) for words in needed)
            pattern = re.compile(expression(phrase, lexicon.code, lexicon.numbers))
            for code in needs[0]:
                index.setdefault(code, []).append(_Search(number, pattern, needs[1:]))
    return index


def _needed(phrase: Phrase, common: frozenset[str]) -> list[frozenset[str]]:
    """The words that must occur, one set for each, the least common set first."""
    needed = [element.words for element in phrase.elements if element.kind == "words" and not element.optional]
    return sorted(needed, key=lambda words: (len(words & common), len(words)))
