"""What generated stories are told with: decks that keep words varied, margins that are kept, names that get short."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from poise.common.seeds import Dice

T = TypeVar("T")


class Deck(Generic[T]):
    """Deals every item once in random order, then shuffles again: even use, without a visible period."""

    def __init__(self, items: Sequence[T], dice: Dice) -> None:
        self._items = items
        self._dice = dice
        self._left: list[T] = []

    def deal(self) -> T:
        """The next item."""
        if not self._left:
            self._left = shuffled(self._items, self._dice)
        return self._left.pop()


class Decks:
    """The decks of one generated set, one for each list of the vocabulary, made when first asked for."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._decks: dict[str, Deck[Any]] = {}

    def deal(self, name: str, items: Sequence[T]) -> T:
        """The next of `items` from the deck called `name`."""
        if name not in self._decks:
            self._decks[name] = Deck(items, self._dice.child(name))
        deck: Deck[T] = self._decks[name]
        return deck.deal()


def shuffled(items: Sequence[T], dice: Dice) -> list[T]:
    """`items` in random order (Fisher-Yates)."""
    deck = list(items)
    for last in range(len(deck) - 1, 0, -1):
        other = int(dice.unit() * (last + 1))
        deck[last], deck[other] = deck[other], deck[last]
    return deck


def strata(n: int, dice: Dice) -> list[float]:
    """`n` numbers in [0, 1), one in each n-th of it, in random order (McKay, Beckman and Conover 1979)."""
    return shuffled([(place + dice.unit()) / n for place in range(n)], dice)


@lru_cache(maxsize=1)
def names() -> Mapping[str, Sequence[str]]:
    """People and towns (`data/names.json`), read once."""
    text = (Path(__file__).parents[1] / "data" / "names.json").read_text(encoding="utf-8")
    found: Mapping[str, Sequence[str]] = json.loads(text)
    return found


class Teller:
    """Fills placeholders as a person would: a full name at first, then "the bakery", "the lender", a first name.

    word: the text for a placeholder, which may hold placeholders; None where there is none. What has been named before
    is called by its word "NAME again", if there is one. same: other names for one and the same ("it": "debtor").
    """

    def __init__(self, word: Callable[[str], str | None], same: Mapping[str, str] = MappingProxyType({})) -> None:
        self._word = word
        self._same = same
        self._named: set[str] = set()

    def tell(self, sentence: str) -> str:
        """The sentence with its placeholders filled, and a capital first."""
        text = self._fill(sentence)
        return text[0].upper() + text[1:]

    def _fill(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}('s)?", self._found, text)

    def _found(self, found: re.Match[str]) -> str:
        name = self._same.get(found[1], found[1])
        brief = self._word(f"{name} again") if name in self._named else None
        self._named.add(name)
        text = brief or self._word(name)
        if text is None:
            raise KeyError(name)
        text = self._fill(text)
        owns = found[2] or ""
        return text + ("'" if owns and text.endswith("s") else owns)
