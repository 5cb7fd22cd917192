"""Words for a person: durations, counted nouns, and texts in which all characters can be seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from poise.common.errors import BadInput

_DIVISION: Final = re.compile(r"0*(\d{1,6})/0*(\d{1,6})", re.ASCII)


def duration(seconds: float) -> str:
    """A time span for a person: "0.4 s", "42 s", "3 min 5 s", "2 h 10 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def division(written: str, name: str) -> tuple[int, int]:
    """(K, N) of "K/N", the K-th of N parts of something; `name` is what errors call the setting.

    Raises BadInput for anything else.
    """
    found = _DIVISION.fullmatch(written.strip())
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise BadInput(f"{name} {written} is not K/N, the K-th of N parts with K from 1 to N, such as 3/16")
    return int(found[1]), int(found[2])


def brief_duration(seconds: float) -> str:
    """A time span of a step: "12 \u00b5s", "3.4 ms", else as `duration`."""
    if seconds < 0.0001:
        return f"{seconds * 1e6:.0f} \N{MICRO SIGN}s"
    return f"{seconds * 1e3:.2g} ms" if seconds < 0.1 else duration(seconds)


def plural(noun: str, count: int = 2) -> str:
    """The noun for that many things, formed regularly: 1 "match", 2 "matches", 3 "replies"."""
    if count == 1:
        return noun
    if noun.endswith("y") and noun[-2:-1] not in "aeou":
        return f"{noun[:-1]}ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def counted(count: int, noun: str) -> str:
    """The number with its noun: "1 match", "2,000 matches"."""
    return f"{count:,} {plural(noun, count)}"


def with_unit(value: int, unit: str) -> str:
    """The number with its unit as a person says it: "1 day", "12 days".

    Units are given in the plural ("days"); a plural without a final s stays as it is.
    """
    return f"{value} {unit.removesuffix('s') if value == 1 else unit}"


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """For a message about an unknown name: "did you mean 'vanilla'? " with the nearest known one, "" where none is."""
    import difflib

    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(str(name).strip().lower()[:_LONGEST], by_lower, n=1)
    return f"did you mean {by_lower[near[0]]!r}? " if near else ""


_LONGEST: Final = 100  # of what is compared: the time grows with the square
_SILENT: Final = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
_JOINERS: Final = "\u200c\u200d"  # part of how some languages and emoji are written


def visible(value: Any) -> Any:
    """A text with what could not be seen written out; anything else, and what is markup already, as it is."""
    if type(value) is not str or (value.isascii() and value.isprintable()):
        return value
    return "".join(map(_visible, value))


def _visible(character: str) -> str:
    if character in "\n\t" or character in _JOINERS or unicodedata.category(character) not in _SILENT:
        return character
    return f"\u27e8U+{ord(character):04X}\u27e9"


def shortened(label: str, longest: int) -> str:
    """A name of at most so many characters, all of them visible."""
    name = str(visible(label))
    return name if len(name) <= longest else f"{name[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"
