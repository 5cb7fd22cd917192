"""Numbers as people write them: `45`, `1,000`, `1 000`, `1.5`, `2 1/2`, `forty-five`, `a hundred and twenty`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from poise.agents.voices.reading.normal import Token

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
_LARGE: Final[Mapping[str, int]] = MappingProxyType({"dozen": 12, "hundred": 100, "thousand": 1000})
_PARTS: Final = MappingProxyType({"half": Fraction(1, 2), "quarter": Fraction(1, 4), "third": Fraction(1, 3)})
_DENOMINATORS: Final = ("2", "3", "4")
_MOST_DIGITS: Final = 18  # longer numbers are slow to convert, and no domain reaches them
_SEPARATORS: Final = ",.'"

Number = tuple[Fraction | None, int]  # the value, None where it cannot be told, and the token after the number


def number_at(words: Sequence[Token], start: int) -> Number | None:
    """The number that begins at token `start`; None where none does. The sign is the caller's."""
    if start >= len(words):
        return None
    first = words[start]
    if first.text.isdigit():
        return _with_fraction(words, start, *_digits(words, start))
    found = _in_words(words, start)
    return None if found is None else _with_half(words, *found)


def part_at(words: Sequence[Token], start: int) -> Number | None:
    """`and a half`, `and three quarters` and the like at token `start`, with the token after it."""
    place = _past_hyphen(words, start)
    if _text(words, place) != "and":
        return None
    place = _past_hyphen(words, place + 1)
    count = {"a": 1, "one": 1, "three": 3}.get(_text(words, place))
    if count is None:
        return None
    place = _past_hyphen(words, place + 1)
    part = _PARTS.get(_text(words, place).removesuffix("s"))
    return None if part is None else (count * part, place + 1)


def _text(words: Sequence[Token], place: int) -> str:
    return words[place].text if place < len(words) else ""


def _past_hyphen(words: Sequence[Token], place: int) -> int:
    return place + (_text(words, place) == "-")


def _touches(words: Sequence[Token], place: int) -> bool:
    """Whether token `place` follows the one before it without a blank."""
    return place < len(words) and words[place].start == words[place - 1].end


def _digits(words: Sequence[Token], start: int) -> Number:
    """Digits with the marks that group them or part their decimals; blanks group where three digits follow each."""
    pieces, marks, place = [words[start].text], [], start + 1
    while place < len(words):
        if _touches(words, place) and words[place].text in _SEPARATORS:
            if not (_touches(words, place + 1) and words[place + 1].text.isdigit()):
                break
            marks.append(words[place].text)
            pieces.append(words[place + 1].text)
            place += 2
        elif _groups(words, place, pieces[0]) and (not marks or marks[-1] == " "):
            marks.append(" ")
            pieces.append(words[place].text)
            place += 1
        else:
            break
    return _value(pieces, marks), place


def _groups(words: Sequence[Token], place: int, first: str) -> bool:
    """Whether the token is a group of three digits that one blank parts from the digits before it: `1 000`."""
    token = words[place]
    return token.text.isdigit() and len(token.text) == 3 and len(first) <= 3 and token.start <= words[place - 1].end + 1


def _value(pieces: list[str], marks: list[str]) -> Fraction | None:
    """What the digits mean; None where languages differ (`12,5`, `1.000`) and where they mean nothing (`1.2.3`)."""
    if sum(map(len, pieces)) > _MOST_DIGITS:
        return None
    decimals = pieces.pop() if marks and marks[-1] == "." else ""
    if decimals:
        marks.pop()
        if len(decimals) == 3 and not marks:
            return None
    grouped = len(set(marks)) == 1 and len(pieces[0]) <= 3 and all(len(piece) == 3 for piece in pieces[1:])
    if marks and (not grouped or marks[0] == "."):
        return None
    return Fraction(f"{''.join(pieces)}.{decimals or 0}")


def _with_fraction(words: Sequence[Token], start: int, value: Fraction | None, place: int) -> Number:
    """The same with `1/2` after it, or read as a fraction itself."""
    if place == start + 1 and (part := _fraction(words, start)) is not None:
        return part, start + 3
    if place < len(words) and (part := _fraction(words, place)) is not None:
        return (None if value is None else value + part), place + 3
    return _with_half(words, value, place)


def _fraction(words: Sequence[Token], place: int) -> Fraction | None:
    above, below = _text(words, place), _text(words, place + 2)
    if _text(words, place + 1) != "/" or below not in _DENOMINATORS or not above.isdigit() or len(above) > 1:
        return None
    return Fraction(int(above), int(below)) if 0 < int(above) < int(below) else None


def _with_half(words: Sequence[Token], value: Fraction | None, place: int) -> Number:
    """The same with `and a half` after it."""
    more = part_at(words, place)
    if more is None or more[0] is None:
        return value, place
    return (None if value is None else value + more[0]), more[1]


def _in_words(words: Sequence[Token], start: int) -> Number | None:
    """A number in English words, each of which has to fit after the one before it."""
    place, total, group, room = start, 0, 0, 10**9  # room: the next word's value has to be smaller
    if _text(words, place) == "a" and _text(words, place + 1) in _LARGE:
        place, group, room = place + 1, 1, 1
    while place < len(words):
        after_and = place + 1 if place > start and words[place].text == "and" and room >= 100 else place
        step = after_and if after_and != place else _past_hyphen(words, place) if room == 10 else place
        word = _text(words, step)
        if word in _SMALL and 0 <= _SMALL[word] < room and (_SMALL[word] or place == start):
            group += _SMALL[word]
            room = 10 if _SMALL[word] >= 20 else 1
        elif word in _LARGE and 0 < group % 1000 < 100 and room <= 10 and after_and == place:
            total, group = (total + group * 1000, 0) if word == "thousand" else (total, group * _LARGE[word])
            room = 1 if word == "dozen" else 1000 if word == "thousand" else 100
        else:
            break
        place = step + 1
    return None if place == start else (Fraction(total + group), place)
