"""Looking for many phrases in one text: only those whose every needed word is there are searched for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from poise.agents.conduct.lexicon import Lexicon
from poise.agents.conduct.phrases import Phrase, codes_of, expression


class Search:
    """One phrase, ready to be looked for.

    rule: the number of its rule. needs: a bit for each set of words of which the text must hold one.
    """

    def __init__(self, rule: int, expression: str, needs: int) -> None:
        self.rule = rule
        self.needs = needs
        self._expression = expression

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The phrase over word codes; made when first wanted, as most phrases never are."""
        return re.compile(self._expression)


class Searches:
    """The phrases of some rules, found by the least common word that each must have."""

    def __init__(self, phrases: Iterable[tuple[int, Phrase]], common: frozenset[str], lexicon: Lexicon) -> None:
        """`phrases` come with the numbers of their rules."""
        self._bits: dict[frozenset[str], int] = {}
        self._by_code: dict[str, list[Search]] = {}
        self._masks: dict[str, int] = {}
        self._needs: set[int] = set()
        for rule, phrase in phrases:
            needed = [element.words for element in phrase.elements if element.kind == "words" and not element.optional]
            needed.sort(key=lambda words: (len(words & common), len(words)))  # the least common words first
            sets = [frozenset(codes_of(words, lexicon.code, lexicon.numbers)) for words in needed]
            written = expression(phrase, lexicon.code, lexicon.numbers)
            search = Search(rule, written, sum({self._bit(each) for each in sets}))
            self._needs.add(search.needs)
            for code in sets[0]:
                self._by_code.setdefault(code, []).append(search)
        self._known = frozenset(self._masks)
        self._keys = frozenset(self._by_code)

    def _bit(self, words: frozenset[str]) -> int:
        if words not in self._bits:
            self._bits[words] = 1 << len(self._bits)
            for code in words:
                self._masks[code] = self._masks.get(code, 0) | self._bits[words]
        return self._bits[words]

    def present(self, text: str) -> int:
        """Of which sets of words `text` (word codes) holds one, as bits; of two texts together, the bits of both."""
        present = 0
        for code in self._known.intersection(text):
            present |= self._masks[code]
        return present

    def possible(self, present: int) -> bool:
        """Whether a text with the words `present` may hold one of the phrases."""
        return any(needs & present == needs for needs in self._needs)

    def found(self, text: str) -> Iterator[tuple[Search, re.Match[str]]]:
        """The phrases that occur in `text` (word codes), and where they first do."""
        present = self.present(text)
        for code in self._keys.intersection(text):
            for search in self._by_code[code]:
                if search.needs & present == search.needs:
                    match = search.pattern.search(text)
                    if match:
                        yield search, match
