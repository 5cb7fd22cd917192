"""The language that rules are written in: phrases of words, alternatives and gaps.

    we|i ..4 @tell your|the ..2 boss|employer

    word         that word
    a|b          one of these
    @name        one of the words of a group; mixes with others: @tell|show
    word+        the word and its regular forms: call+ is call, calls, called, calling
    item?        or nothing
    ..4          up to four words of any kind, never across the end of a sentence
    --4          the same, but never across a new subject (you, we, i, they, he, she)
    #            any number; mixes with words: ten|#
    .  ,         the end of a sentence, a comma
    ^            the beginning of one (only first in a phrase)

A text is read as one character per word (see `lexicon`), so a phrase becomes a short regular expression over a string
as long as the text has words. All repetition in it is bounded: a search takes time linear in the text, whatever the
text is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from poise.common.errors import ConfigError
from poise.common.words import did_you_mean, plural

Kind = Literal["words", "gap", "gap in clause", "stop", "comma", "start"]
Groups = Mapping[str, frozenset[str]]

SUBJECTS: Final = ("you", "we", "i", "they", "he", "she")
MOST_WAYS: Final = 1000
_BETWEEN: Final = '[,"]?'
_WORD: Final = re.compile(r"[a-z]+\+?|[0-9]+")
_GAP: Final = re.compile(r"(\.\.|--)([1-9])")
_SIMPLE: Final[Mapping[str, Kind]] = {".": "stop", ",": "comma", "^": "start"}
ANY_NUMBER: Final = "#"


@dataclass(frozen=True, slots=True)
class Element:
    """One item of a phrase; `span` is a gap's longest length in words."""

    kind: Kind
    words: frozenset[str] = frozenset()
    optional: bool = False
    span: int = 0


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase as written, and what it says."""

    text: str
    elements: tuple[Element, ...]

    def words(self) -> frozenset[str]:
        """Every word it mentions."""
        return frozenset().union(*(element.words for element in self.elements)) - {ANY_NUMBER}

    @property
    def goes_on(self) -> bool:
        """Whether it says more after the end of a sentence; any other phrase lies within one."""
        return any(element.kind == "stop" for element in self.elements[:-1])


def forms(verb: str) -> frozenset[str]:
    """The regular forms of a word: itself, -s, -ed, -ing (irregular ones are written out)."""
    if verb.endswith("e"):
        return frozenset({verb, verb + "s", verb + "d", verb[:-1] + "ing"})
    third = plural(verb)  # formed like a noun's plural
    past = f"{third[:-1]}d" if third.endswith("ies") else f"{verb}ed"
    return frozenset({verb, third, past, f"{verb}ing"})


def expand(items: Iterable[str], groups: Groups) -> frozenset[str]:
    """The words that `items` stand for: words, word+ and @group.

    Raises ConfigError for anything else, and for an unknown group.
    """
    found: set[str] = set()
    for item in items:
        if item.startswith("@"):
            if item[1:] not in groups:
                hint = did_you_mean(item[1:], groups)
                raise ConfigError(f"unknown group {item!r}; {hint}the groups are {', '.join(sorted(groups))}")
            found |= groups[item[1:]]
        elif item == ANY_NUMBER:
            found.add(item)
        elif _WORD.fullmatch(item):
            found |= forms(item[:-1]) if item.endswith("+") else {item}
        else:
            raise ConfigError(f"{item!r} is no word of a phrase; write lower-case letters a-z, word+ or @group")
    return frozenset(found)


def parse(text: str, groups: Groups) -> Phrase:
    """The phrase written as `text`.

    Raises ConfigError naming the phrase, what is wrong in it and the remedy.
    """
    try:
        elements = tuple(_element(item, groups) for item in text.split())
        _check(elements)
    except ConfigError as error:
        raise ConfigError(f"phrase {text!r}: {error}") from None
    return Phrase(text, elements)


def _element(item: str, groups: Groups) -> Element:
    if item in _SIMPLE:
        return Element(_SIMPLE[item])
    gap = _GAP.fullmatch(item)
    if gap:
        kind: Kind = "gap" if gap[1] == ".." else "gap in clause"
        return Element(kind, span=int(gap[2]))
    optional = item.endswith("?")
    return Element("words", expand(item.removesuffix("?").split("|"), groups), optional)


def _check(elements: tuple[Element, ...]) -> None:
    ways = math.prod((element.span + 1) * (1 + element.optional) for element in elements)
    if not any(element.kind == "words" and not element.optional for element in elements):
        raise ConfigError("it names no word that must occur; add one")
    if elements[0].span or elements[-1].span:
        raise ConfigError("it begins or ends with a gap; begin and end with what must occur")
    if any(element.kind == "start" for element in elements[1:]):
        raise ConfigError("^ stands inside it; it can only come first")
    if ways > MOST_WAYS:
        raise ConfigError(f"its gaps can be filled in {ways} ways, {MOST_WAYS} at most; shorten them or make two of it")


def codes_of(words: Iterable[str], code: Callable[[str], str], numbers: str) -> str:
    """The characters of `words`; `numbers` are those of all numbers."""
    return "".join(sorted(numbers if word == ANY_NUMBER else code(word) for word in words))


def expression(phrase: Phrase, code: Callable[[str], str], numbers: str) -> str:
    """The regular expression of `phrase` over word codes; `numbers` are the codes of all numbers."""
    subjects = "".join(code(word) for word in SUBJECTS)
    parts: list[str] = []
    for index, element in enumerate(phrase.elements):
        last = index == len(phrase.elements) - 1
        parts.append(_part(element, code, numbers, subjects, "" if last else _BETWEEN))
    return "".join(parts)


def _part(element: Element, code: Callable[[str], str], numbers: str, subjects: str, between: str) -> str:
    if element.kind == "gap":
        return f"[^.]{{0,{element.span}}}?"
    if element.kind == "gap in clause":
        return f"[^.{subjects}]{{0,{element.span}}}?"
    if element.kind == "start":
        return "(?<![^.])"
    if element.kind == "stop":
        return r"\."
    if element.kind == "comma":
        return ","
    one = f"[{codes_of(element.words, code, numbers)}]{between}"
    return f"(?:{one})?" if element.optional else one
