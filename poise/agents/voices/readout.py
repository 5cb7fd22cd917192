"""Offers read out of words.

A stated offer is a number with the scenario's unit, or with a longer unit that converts into it: for days also weeks
(x7) and months (x30); for minutes also hours (x60). `read_offer` is the last one stated.

Counted as a number: `45`, `1,000`, `1.5` (where the result is whole), `forty-five`, `a hundred and twenty`. Read
together: `45-day`, `45 (forty-five) days`, `45 business days`, both ends of `30 to 45 days`, `2 weeks and 3 days`.
Not an offer: an amount of money, a percentage, a date, a quantity that states a fact (`60 days overdue`, `30 days
ago`, `the last 90 days`), a rhythm (`every 30 days`), the idiom `one day`.

Differs from the reference: its pattern takes digits followed by days, weeks or months and no more; for such text
`read_offer` gives the reference's reading. EmoMAS and EmoDistill ask a model first; Poise does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Final

_FACTORS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "days": {"day": 1, "week": 7, "month": 30},
        "minutes": {"minute": 1, "min": 1, "hour": 60, "hr": 60},
        "hours": {"hour": 1, "hr": 1},
    }
)
_ONES: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS: Final = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL: Final[Mapping[str, int]] = MappingProxyType(
    {"zero": 0}
    | {word: value for value, word in enumerate((*_ONES, *_TEENS), 1)}
    | {word: 10 * value for value, word in enumerate(_TENS, 2)}
)
_MAX_DIGITS: Final = 9  # longer numbers are no offer in any domain, and huge ones are slow to convert

_DASH: Final = "[-\u2010-\u2015\u2212]"
_TO_99: Final = (
    rf"(?:(?:{'|'.join(_TENS)})(?:(?:\s+|{_DASH})(?:{'|'.join(_ONES)})\b)?"
    rf"|(?:{'|'.join((*reversed(_TEENS), *_ONES, 'zero'))}))"
)
_TO_999: Final = rf"(?:(?:(?:a|{_TO_99})\s+)?hundred(?:\s+(?:and\s+)?{_TO_99})?|{_TO_99})"
_WORDS: Final = rf"(?:(?:(?:a|{_TO_999})\s+)?thousand(?:\s+(?:and\s+)?{_TO_999})?|{_TO_999})(?![a-z])"
_DIGITS: Final = rf"(?:(?<!\S){_DASH})?[0-9]+(?:[.,][0-9]+)*"
_NUMBER: Final = rf"(?>{_DIGITS}|{_WORDS})"  # atomic, so that `forty-five` is never read as a range
_BETWEEN: Final = rf"(?:[\s*_'\"`)]|{_DASH})*"  # a blank, a hyphen, what Markdown puts around a number
_KIND: Final = "more|extra|additional|full|whole|calendar|business|working|straight|consecutive|short|long"
_ENGLISH: Final = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
_FACT_AFTER: Final = re.compile(r"\W{0,3}(?:ago|late|overdue|past[\s-]due|behind|delinquent|in arrears|old)\b", re.I)
_FACT_BEFORE: Final = re.compile(r"\b(?:every|each|per|past|last|previous)\s+$", re.I)
_MONEY_BEFORE: Final = re.compile(r"[$€£¥]\s*$")


@dataclass(frozen=True, slots=True)
class Stated:
    """One stated quantity.

    value: in the scenario's unit; None where that is not a whole number, or one of more than nine digits.
    start, end: where it stands in the text.
    """

    value: int | None
    start: int
    end: int


def read_offer(text: str, unit: str) -> int | None:
    """The last offer stated in `text`, in `unit`; None without one, or where it is not a whole number."""
    stated = offers_in(text, unit)
    return stated[-1].value if stated else None


def offers_in(text: str, unit: str) -> tuple[Stated, ...]:
    """Every offer stated in `text`, in order."""
    found: list[Stated] = []
    matches = [match for match in _pattern(unit).finditer(text) if _is_offer(text, match)]
    skip = -1
    for index, match in enumerate(matches):
        if index == skip:
            continue
        following = matches[index + 1] if index + 1 < len(matches) else None
        if following is not None and _continues(text, match, following, unit):
            parts = _amount(match, "last", unit), _amount(following, "last", unit)
            total = None if None in parts else sum(filter(None, parts), Fraction(0))
            found.append(Stated(_whole(total), match.start(), following.end()))
            skip = index + 1
            continue
        found += _quantities(match, unit)
    return tuple(found)


@lru_cache(maxsize=32)
def _pattern(unit: str) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in _factors(unit))
    return re.compile(
        r"(?<![a-z0-9])(?<![0-9][.,])"
        rf"(?:(?P<first>{_NUMBER}){_DASH}?\s*(?:{_DASH}|/|to|or|and|through)\s*)?"
        rf"(?P<last>{_NUMBER})(?:\s*\(\s*(?P<again>{_NUMBER})\s*\))?{_BETWEEN}"
        rf"(?:(?:{_KIND})\s+)?(?P<unit>{names})s?(?![a-z0-9])",
        re.I,
    )


def _factors(unit: str) -> Mapping[str, int]:
    """Singular names of the units that convert into `unit`, with their factors."""
    return _FACTORS.get(unit.lower()) or {unit.lower().removesuffix("s"): 1}


def _is_offer(text: str, match: re.Match[str]) -> bool:
    before, after = text[: match.start()], text[match.end() : match.end() + 24]
    if _MONEY_BEFORE.search(before[-4:]) or _FACT_BEFORE.search(before[-24:]) or _FACT_AFTER.match(after):
        return False
    return match["last"].lower() != "one" or match["unit"].lower() != "day"


def _continues(text: str, match: re.Match[str], following: re.Match[str], unit: str) -> bool:
    """Whether `following` adds to `match`, as in `2 weeks and 3 days`."""
    if any(each["first"] or each["again"] for each in (match, following)):
        return False
    factor = _factors(unit)[match["unit"].lower()]
    rest = _amount(following, "last", unit)
    joined = re.fullmatch(r"\s+(?:and\s+)?", text[match.end() : following.start()])
    return joined is not None and rest is not None and 0 < rest < factor


def _quantities(match: re.Match[str], unit: str) -> list[Stated]:
    """The distinct quantities of one match: one, or both ends of a range."""
    amounts = [_amount(match, group, unit) for group in ("first", "again", "last") if match[group]]
    return [Stated(_whole(amount), match.start(), match.end()) for amount in dict.fromkeys(amounts)]


def _amount(match: re.Match[str], group: str, unit: str) -> Fraction | None:
    number = _number(match[group])
    return None if number is None else number * _factors(unit)[match["unit"].lower()]


def _whole(amount: Fraction | None) -> int | None:
    return int(amount) if amount is not None and amount.denominator == 1 and abs(amount) < 10**_MAX_DIGITS else None


def _number(words: str) -> Fraction | None:
    """A number in digits or in English words; None for digits that are no English number, such as 12,5."""
    text = re.sub(_DASH, "-", words.lower())
    if any(character.isdigit() for character in text):
        digits = text.replace(",", "")
        return Fraction(digits) if _ENGLISH.fullmatch(text) and len(digits) <= 2 * _MAX_DIGITS else None
    total, group = 0, 0
    for word in re.findall(r"[a-z]+", text):
        if word in _SMALL:
            group += _SMALL[word]
        elif word == "hundred":
            group = max(1, group) * 100
        elif word == "thousand":
            total, group = total + max(1, group) * 1000, 0
    return Fraction(total + group)
