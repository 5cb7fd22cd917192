"""The checker: which rules a message breaks, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final, Self

from poise.agents.conduct.context import Context, alternatives, sentence
from poise.agents.conduct.folding import fold
from poise.agents.conduct.lexicon import STOP, Lexicon, Words
from poise.agents.conduct.reading import Reader
from poise.agents.conduct.rulebook import Rule, Shared, read_rules, read_shared, shipped_rules
from poise.agents.conduct.searches import Search, Searches
from poise.common.errors import ConfigError

_REMEMBERED: Final = 4096
_LONGEST_REMEMBERED: Final = 4000

# The first and last + 1 of some words of a text, by number.
_Span = tuple[int, int]


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


class Checker:
    """Finds violations of a set of rules; see the package's head for what they mean.

    A message is reported at most once for each rule, at the first place where it breaks it.
    """

    def __init__(self, rules: tuple[Rule, ...], shared: Shared) -> None:
        self.rules = rules
        lexicon = _lexicon(rules, shared)
        self._reader = Reader(lexicon)
        self._context = Context(shared, lexicon)
        self._unless = [alternatives(rule.unless, lexicon.code, lexicon.numbers) for rule in rules]
        phrases = [(number, phrase) for number, rule in enumerate(rules) for phrase in rule.phrases]
        self._within, self._over = (
            Searches([each for each in phrases if each[1].goes_on == over], shared.common, lexicon)
            for over in (False, True)
        )
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self.judge)
        self._broken = lru_cache(maxsize=_REMEMBERED)(self._search)  # of words, which leave out most numbers
        self._sentence = lru_cache(maxsize=4 * _REMEMBERED)(self._judge_sentence)

    @classmethod
    def from_files(cls, paths: Iterable[Path] | None = None) -> Self:
        """A checker with the rules of `paths`, or those of this package.

        Raises ConfigError where a file is refused, with file, place and remedy, and where a rule of `paths` does not
        treat its own examples as it says; a test of Poise's tries those of the package.
        """
        shared = read_shared()
        checker = cls(read_rules(shipped_rules() if paths is None else paths, shared), shared)
        if paths is not None:
            checker._try_examples()
        return checker

    def check(self, text: str) -> tuple[Violation, ...]:
        """The violations in a message, in the order in which they stand; any text will do."""
        if len(text) > _LONGEST_REMEMBERED:
            return self.judge(text)
        return () if self._is_clean(text) else self._remembered(text)

    def _is_clean(self, text: str) -> bool:
        """Whether its sentences show by themselves that nothing is broken; few sentences make up many messages."""
        *before, last = text.split(". ")
        present = 0
        for said in (*(f"{each}." for each in before), last):
            words = self._sentence(said)
            if words is None:
                return False
            present |= words
        return not (present and self._over.possible(present))

    def _judge_sentence(self, said: str) -> int | None:
        """Which words it has for phrases over several sentences; None unless it can be told from the rest of the text.

        It can where it holds no other phrase, and where words that are split could not be put together over its ends:
        after a full stop and a space, only sentences of one word each are taken together.
        """
        folded, _ = fold(said)
        skimmed = self._reader.skim(folded)
        codes = skimmed.codes
        if len(codes) < 2 or STOP in codes[:2] or (said.endswith(".") and codes[-1] != STOP):
            return None
        if self._reader.is_split(folded, skimmed) or any(self._within.found(codes)):
            return None
        return self._over.present(codes)

    def judge(self, text: str) -> tuple[Violation, ...]:
        """The same as `check`, without remembering."""
        folded, origin = fold(text)
        skimmed = self._reader.skim(folded)
        split = self._reader.read(folded) if self._reader.is_split(folded, skimmed) else None
        codes = split.codes if split else skimmed.codes
        broken = self._broken(codes) if len(codes) <= _LONGEST_REMEMBERED else self._search(codes)
        if not broken:
            return ()
        wanted = [word for first, last in broken.values() for word in (first, last - 1)]
        places = split.places if split else self._reader.places(folded, skimmed, wanted)
        found = []
        for number, (first, last) in broken.items():
            rule, start, end = self.rules[number], origin[places[first][0]], origin[places[last - 1][1] - 1] + 1
            found.append(Violation(rule.id, rule.category, rule.citation, text[start:end], start, end))
        return tuple(sorted(found, key=lambda each: (each.start, each.rule)))

    def _search(self, codes: str) -> dict[int, _Span]:
        """The rules that are broken, by number, and the words that first break them."""
        first: dict[int, _Span] = {}
        for search, match in chain(self._within.found(codes), self._over.found(codes)):
            before = first.get(search.rule)
            if before and before <= match.span():
                continue
            span = self._meant(search, codes, match)
            if span and (before is None or span < before):
                first[search.rule] = span
        return first

    def _meant(self, search: Search, codes: str, match: re.Match[str] | None) -> _Span | None:
        """Where the phrase first occurs and is meant; `match` is where it first occurs at all."""
        rule = self.rules[search.rule]
        while match:
            start, end = match.span()
            excepted = rule.unless and self._unless[search.rule].search(codes, *sentence(codes, start, end))
            if not excepted and not self._context.clears(codes, start, end, rule.cleared_by):
                return start, end
            match = search.pattern.search(codes, start + 1)
        return None

    def _try_examples(self) -> None:
        for rule in self.rules:
            for text in rule.caught:
                if rule.id not in {each.rule for each in self.judge(text)}:
                    raise ConfigError(f"{rule.id}: its example {text!r} is not caught; add a phrase that finds it")
            for text in rule.clean:
                if rule.id in {each.rule for each in self.judge(text)}:
                    raise ConfigError(f"{rule.id}: its clean example {text!r} is caught; narrow its phrases")


def _lexicon(rules: tuple[Rule, ...], shared: Shared) -> Lexicon:
    phrases = [phrase for rule in rules for phrase in (*rule.phrases, *rule.unless)]
    phrased = frozenset().union(*(phrase.words() for phrase in (*phrases, *shared.phrases())))
    plain = shared.negators | shared.prenegators | shared.bridges | shared.thinking | shared.common
    return Lexicon(Words(phrased, plain, shared.spelled, shared.ordinary))
