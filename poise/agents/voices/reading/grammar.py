"""The grammar in `grammar.toml`, compiled."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).with_name("grammar.toml")
_WORD_LIST: Final = re.compile(r"\(\?: \(\?:([^()]*)\)\)\*")
_END: Final = r"(?![a-z0-9])"


@dataclass(frozen=True, slots=True)
class Frame:
    """A way to offer a quantity: what ends the clause in front of it. No domains or seats means all of them."""

    name: str
    before: re.Pattern[str]
    domains: tuple[str, ...]
    seats: tuple[str, ...]
    says: tuple[str, ...]


@dataclass(frozen=True)
class Grammar:
    """patterns: by "table.name". frames, reversals: in the order of the file. characters, window: the limits.

    A reversal is a frame of a statement that only the other seat can make.
    """

    patterns: Mapping[str, re.Pattern[str]]
    frames: tuple[Frame, ...]
    reversals: tuple[Frame, ...]
    characters: int
    window: int

    def found(self, name: str, text: str) -> re.Match[str] | None:
        """The first place in `text` that the named pattern matches."""
        return self.patterns[name].search(text)

    def is_reversed(self, text: str, domain: str, seat: str) -> bool:
        """Whether only the other seat can make the statement `text`."""
        return any(
            domain in each.domains and seat in each.seats and each.before.search(text) for each in self.reversals
        )

    def frames_for(self, domain: str, seat: str) -> tuple[Frame, ...]:
        """The frames of a seat; those of "*" where the domain has none of its own."""
        known = any(domain in frame.domains for frame in self.frames)
        home = domain if known else "*"
        return tuple(
            frame
            for frame in self.frames
            if (not frame.domains or home in frame.domains) and (not frame.seats or seat in frame.seats)
        )


@cache
def grammar() -> Grammar:
    """The grammar, read once."""
    data: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    limits, frames, reversals = data.pop("limits"), data.pop("frame"), data.pop("reversed")
    lists = {name: _any_of(words, possessive=name == "in") for name, words in data.pop("words").items()}
    pieces = data.pop("pieces") | lists
    patterns = {
        f"{table}.{name}": _compiled("|".join(text.strip().splitlines()), pieces)
        for table, texts in data.items()
        for name, text in texts.items()
    }
    made = [tuple(_frame(each, pieces) for each in listed) for listed in (frames, reversals)]
    return Grammar(patterns, made[0], made[1], limits["characters"], limits["window"])


def _frame(data: Mapping[str, Any], pieces: Mapping[str, str]) -> Frame:
    return Frame(
        name=data.get("name", "reversed"),
        before=_compiled(data["before"], pieces),
        domains=tuple(data.get("domains", ())),
        seats=tuple(data.get("seats", ())),
        says=tuple(data["says"]),
    )


def _compiled(text: str, pieces: Mapping[str, str]) -> re.Pattern[str]:
    for name, piece in pieces.items():
        text = text.replace(f"{{{name}}}", piece)
    return re.compile(_WORD_LIST.sub(_sorted_list, text))


def _sorted_list(found: re.Match[str]) -> str:
    """A pattern for a list of words that matches a stretch of text in only one way."""
    return _any_of(found[1].split("|"), possessive=found.string[found.end() : found.end() + 1] in ("$", ""))


def _any_of(words: list[str], *, possessive: bool) -> str:
    ordered = "|".join(sorted(dict.fromkeys(words), key=len, reverse=True))
    return rf"(?: (?:{ordered}){_END})*" + "+" * possessive
