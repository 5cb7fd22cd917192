"""Quantities read out of words.

A stated quantity is a number with the scenario's unit, or with a longer unit that converts into it: for days also weeks
(x7), fortnights (x14), months (x30) and years (x365); for minutes also hours (x60). `read_offer` is the last one
stated. Whether a quantity is what a message offers is another question: see `poise.agents.voices.reading.reader`.

Counted as a number: `45`, `1,000`, `1 000`, digits of any script, `1.5` and `1 1/2` (where the result is whole),
`forty-five`, `a hundred and twenty`. Read together: `45-day`, `45 (forty-five) days`, `45 calendar days`, both ends of
`30 to 45 days`, both numbers of `45, not 30 days`, `2 weeks and 10 days`, `a month and a half`, `1h30`.
Left out: an amount of money, a percentage, a date, a quantity that states a fact (`60 days overdue`, `30 days ago`,
`the last 90 days`), a rhythm (`every 30 days`, `twice a week`), a margin (`give or take a week`), the idioms `one day`
and `a minute`.

Differs from the reference: its pattern takes only digits followed by days, weeks or months; for such text
`read_offer` gives the reference's reading. EmoMAS and EmoDistill ask a model first; Poise does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Final, Literal

from poise.agents.voices.reading.normal import NormalText, Token, normal_form, tokens
from poise.agents.voices.reading.numbers import number_at, part_at

_DAYS: Final = {"day": 1, "week": 7, "wk": 7, "fortnight": 14, "month": 30, "mth": 30, "year": 365, "yr": 365}
_FACTORS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "days": _DAYS,
        "minutes": {"minute": 1, "min": 1, "hour": 60, "hr": 60, "h": 60},
        "hours": {"hour": 1, "hr": 1, "h": 1},
    }
)
UNITS: Final = frozenset(chain.from_iterable(_FACTORS.values()))  # what a number may be followed by
_YEAR: Final = 365
_MONTHS: Final = 360  # a part of a year is counted in months
_MOST: Final = 10**9  # larger numbers are no offer in any domain
_KIND: Final = frozenset(
    {
        *("more", "extra", "additional", "further", "other", "full", "whole", "solid", "straight", "consecutive"),
        *("calendar", "short", "long", "measly", "lousy", "little"),
    }
)
_BETWEEN_ENDS: Final = frozenset({"-", "/", "to", "or", "and", "through", "until"})
_CONTRASTS: Final = (("not",), ("never",), ("instead", "of"), ("rather", "than"))
_JOINTS: Final = ((), ("and",), ("plus",), ("&",), ("+",), (",",), (",", "and"))
_CLOSE_JOINTS: Final = ((), (",",), (",", "and"))  # these join only a remainder that is smaller than the longer unit
_FACT_AFTER: Final = re.compile(r"\W{0,3}(?:ago|late|overdue|past[\s-]due|behind|delinquent|in arrears|old)\b")
_FACT_BEFORE: Final = re.compile(
    r"\b(?:every|each|per|past|previous|(?:the|these|those|my|your|our|for|in|over) last)\s+$"
)
_RATE_BEFORE: Final = re.compile(r"(?:[0-9]|%|\b(?:times|once|twice|percent|dollars?|bucks|euros?))\s+$")
_MONEY_BEFORE: Final = re.compile(r"[$\u20ac\u00a3\u00a5]\s*$")
_MARGIN_BEFORE: Final = re.compile(r"(?:\bgive or take|\bplus or minus|\bplus/minus|\+/-|\u00b1)\s*$")

Kind = Literal["", "end", "contrast", "margin", "fact"]


@dataclass(frozen=True, slots=True)
class Stated:
    """One stated quantity.

    value: in the scenario's unit; None where that is not a whole number, or one of more than nine digits.
    start, end: where it stands in the text.
    """

    value: int | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity in a normal text.

    amount: in the scenario's unit; None where its number cannot be told. factor: how many of that unit its own has.
    kind: "end" of a range, the rejected half of a "contrast", a "margin", a "fact" or rhythm, else "".
    """

    amount: Fraction | None
    factor: int
    start: int
    end: int
    kind: Kind = ""

    @property
    def value(self) -> int | None:
        """The amount where it is a whole number of at most nine digits."""
        amount = self.amount
        return None if amount is None or amount.denominator != 1 or abs(amount) >= _MOST else int(amount)


def read_offer(text: str, unit: str) -> int | None:
    """The last quantity stated in `text`, in `unit`; None without one, or where it is not a whole number."""
    stated = offers_in(text, unit)
    return stated[-1].value if stated else None


def offers_in(text: str, unit: str) -> tuple[Stated, ...]:
    """Every quantity stated in `text` that may be an offer, in order."""
    normal = normal_form(text)
    kept = (each for each in quantities(normal, unit) if each.kind not in ("margin", "fact"))
    return tuple(Stated(each.value, *normal.span(each.start, each.end)) for each in kept)


@lru_cache(maxsize=4096)
def quantities(normal: NormalText, unit: str) -> tuple[Quantity, ...]:
    """Every quantity in a normal text, those that state a fact or a margin included; linear in its length."""
    words = tokens(normal.text)
    found: list[Quantity] = []
    for scanned in _scan(words, _names(unit)):
        quantity = _marked(normal.text, scanned)
        if found and _adds(normal.text, found[-1], quantity):
            first = found.pop()
            total = None if first.amount is None or quantity.amount is None else first.amount + quantity.amount
            found.append(replace(first, amount=total, factor=quantity.factor, end=quantity.end))
        else:
            found.append(quantity)
    return tuple(found)


@lru_cache(maxsize=32)
def _names(unit: str) -> Mapping[str, int]:
    """The names of the units that convert into `unit`, singular and plural, with their factors."""
    names = dict(_FACTORS.get(unit.lower()) or {unit.lower().removesuffix("s"): 1})
    return names | {f"{name}s": factor for name, factor in names.items() if name != "h"}


def converts(name: str, unit: str) -> bool:
    """Whether a number with the unit `name` is one of `unit`."""
    return name.lower() in _names(unit)


def _scan(words: Sequence[Token], names: Mapping[str, int]) -> Iterator[Quantity]:
    place = 0
    while place < len(words):
        found, place = _at(words, place, names)
        yield from found


def _at(words: Sequence[Token], start: int, names: Mapping[str, int]) -> tuple[list[Quantity], int]:
    """The quantities that begin at token `start`, and the token after them."""
    if (bare := _without_number(words, start, names)) is not None:
        after = next(place for place in range(start, len(words)) if words[place].end >= bare.end)
        return [bare], after + 1
    place = start + _signed(words, start)
    number = number_at(words, place) if _begins(words, start) else None
    if number is None:
        return [], start + 1
    value, end = number
    value = -value if place > start and value is not None else value
    if (unit := _unit(words, end, names)) is not None:
        factor, end = unit
        return [_quantity(words, start, end, value, factor)], end
    return _pair(words, start, end, value, names) or ([], end)


def _begins(words: Sequence[Token], start: int) -> bool:
    """Whether the token can begin a number: it is glued to no letter, digit or decimal before it."""
    before = words[start - 1] if start else None
    if before is None or before.end < words[start].start:
        return True
    clock = before.text == ":" and start > 1 and words[start - 2].text.isdigit()
    return not clock and not before.text[-1].isalnum()


def _signed(words: Sequence[Token], start: int) -> bool:
    """Whether a minus stands at the token: in words, or as a dash before digits and after a blank."""
    word, following = words[start], words[start + 1] if start + 1 < len(words) else None
    if following is None or word.text not in ("-", "minus", "negative"):
        return False
    alone = start == 0 or words[start - 1].end < word.start
    return word.text != "-" or (alone and following.start == word.end and following.text.isdigit())


def _quantity(  # noqa: PLR0913, PLR0917  # what a quantity is made of
    words: Sequence[Token], start: int, end: int, value: Fraction | None, factor: int, kind: Kind = ""
) -> Quantity:
    more = part_at(words, end) if kind == "" else None
    if more is not None and more[0] is not None:
        value, end = (None if value is None else value + more[0]), more[1]
    amount = None if value is None else value * factor
    return Quantity(amount, factor, words[start].start, words[end - 1].end, kind)


def _unit(words: Sequence[Token], place: int, names: Mapping[str, int]) -> tuple[int, int] | None:
    """(factor, token after it) of the unit at or shortly after a token: `-day`, `(forty-five) days`, `full days`."""
    if _word(words, place) == "(" and (again := number_at(words, place + 1)) and _word(words, again[1]) == ")":
        place = again[1] + 1
    for _ in range(4):
        word = _word(words, place)
        if (factor := names.get(word.removesuffix("'s"))) is not None:
            return factor, place + 1
        if word not in _KIND and word not in ("-", '"', "'", ")"):
            return None
        place += 1
    return None


def _word(words: Sequence[Token], place: int) -> str:
    return words[place].text if place < len(words) else ""


def _pair(
    words: Sequence[Token], start: int, end: int, value: Fraction | None, names: Mapping[str, int]
) -> tuple[list[Quantity], int] | None:
    """Two numbers that share a unit: the ends of a range, or a contrast."""
    place, kind = _second(words, end)
    other = number_at(words, place)
    unit = None if other is None else _unit(words, other[1], names)
    if other is None or unit is None:
        return None
    factor, after = unit
    whole = words[start].start, words[after - 1].end
    if kind == "contrast":
        first = Quantity(None if value is None else value * factor, factor, whole[0], words[end - 1].end)
        return [first, _quantity(words, place, after, other[0], factor, "contrast")], after
    amounts = dict.fromkeys(None if each is None else each * factor for each in (value, other[0]))
    return [Quantity(amount, factor, *whole, kind="end" if len(amounts) > 1 else "") for amount in amounts], after


def _second(words: Sequence[Token], end: int) -> tuple[int, Kind]:
    """Where the second of two numbers would begin, after the words that stand between such."""
    place = end + (_word(words, end) == ",")
    place += _word(words, place) in ("and", "but")
    for contrast in _CONTRASTS:
        if tuple(_word(words, place + step) for step in range(len(contrast))) == contrast:
            return place + len(contrast), "contrast"
    place = end + (_word(words, end) == "-")
    return place + (_word(words, place) in _BETWEEN_ENDS), "end"


def _without_number(words: Sequence[Token], start: int, names: Mapping[str, int]) -> Quantity | None:
    """`a week`, `an hour and a half`, `half an hour`, `a quarter of an hour`, `a half month`."""
    place, share = start, Fraction(1)
    counted = {"a": 1, "an": 1, "one": 1, "another": 1, "three": 3}.get(_word(words, place))
    if not _begins(words, start) or (counted is None and _word(words, place) not in ("half", "quarter")):
        return None
    place += counted is not None
    if (part := {"half": 2, "quarter": 4, "quarters": 4}.get(_word(words, place))) is not None:
        share = Fraction(counted or 1, part)
        place += 1 + (_word(words, place + 1) == "-")
        place += _word(words, place) == "of"
        place += _word(words, place) in ("a", "an")
    elif counted != 1 or _word(words, start) == "one":
        return None
    if (unit := _unit(words, place, names)) is None:
        return None
    factor, end = unit
    if factor == _YEAR and share != 1:
        return Quantity(share * _MONTHS, factor, words[start].start, words[end - 1].end)
    if factor == 1 and share == 1 and part_at(words, end) is None:
        return None  # "a day" and "a minute" are idioms
    return _quantity(words, start, end, share, factor)


def _marked(text: str, quantity: Quantity) -> Quantity:
    """The same quantity with its kind, where the words around it make it a fact or a margin."""
    before, after = text[max(0, quantity.start - 24) : quantity.start], text[quantity.end : quantity.end + 24]
    said = text[quantity.start : quantity.end]
    if _MARGIN_BEFORE.search(before):
        return replace(quantity, kind="margin")
    rate = said[0] == "a" and _RATE_BEFORE.search(before)
    idiom = re.fullmatch(r"one (?:day|minute)", said)
    if rate or idiom or _MONEY_BEFORE.search(before) or _FACT_BEFORE.search(before) or _FACT_AFTER.match(after):
        return replace(quantity, kind="fact")
    loose = re.match(r"\s*(?:and\s+)?(?:[0-9]|or (?:two|three|so many)\b)", after)
    with_unit = re.match(
        r"\s*(?:and\s+)?[0-9][0-9.,]*\s*-?(?:[a-z]+\s+)?[a-z]", after
    )  # a word after those digits that is not a unit
    if quantity.factor > 1 and loose and not with_unit:
        return replace(quantity, amount=None)  # "1 hour 20": twenty of what?
    return quantity


def _adds(text: str, first: Quantity, second: Quantity) -> bool:
    """Whether `second` adds to `first`, as in `2 weeks and 10 days`."""
    if first.kind or second.kind not in ("", "fact") or second.amount is None or second.factor >= first.factor:
        return False
    joint = tuple(token.text for token in tokens(text[first.end : second.start][:12]))
    if (
        joint not in _JOINTS
        or second.amount <= 0
        or re.search(r"\bbetween\s+$", text[max(0, first.start - 12) : first.start])
    ):
        return False
    return joint not in _CLOSE_JOINTS or second.amount < first.factor
