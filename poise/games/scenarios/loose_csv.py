r"""Rows whose texts hold commas that nobody quoted, read by their structure.

Three of the published files have such rows:

    37,Forest, Lost_hiker_sepsis_from_wound,200,300,Antibiotics, Glucose,“The infection is being mapped.”

A plain CSV reader takes every comma for a border. Here a file's layout says which columns can be told by their looks
alone (*anchors*: whole numbers, one of a few words, a time of day), and which run of free texts stands between them.
A row is read in two steps:

1. The anchors are found. If they could stand in two ways, the row is refused; nothing is guessed.
2. The commas between the texts of a run are told from those inside them. A comma in quotes belongs to its text, be they
   straight quotes around a whole field or curly ones. Of the others, those without a blank after them are the borders,
   if they give as many texts as there are columns. Else all of them are, if *they* do ("Forest, Lost_hiker"). Else the
   row is refused.

A run may say that some rows write two neighbouring columns as one text (`Texts.joined`). Such a text is kept whole,
under a name of its own: which of the columns it belongs to cannot be told.

Files that are well-formed, with their texts in double quotes, are read the same way. A row is one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from poise.common.errors import ScenarioError, shorten
from poise.common.textfile import LINE_END, refusal

LONGEST_ROW: Final = 20_000
_HELD: Final = "\x1f"  # stands for a comma that is not a border
_FIELD: Final = re.compile(r'(^|,)(?:"((?:[^"]|"")*)"|(“[^“”]*”))(?=\s*(?:,|$))')
_BORDER: Final = re.compile(r",(?!\s)")
_QUOTE: Final = 'put a text that contains a comma into double quotes ("Water, Painkillers") and double any quote in it'


@dataclass(frozen=True, slots=True)
class RowAnchor:
    """A column that can be told by its looks: `pattern` matches all of it; `what` says so in words."""

    column: str
    pattern: str
    what: str


@dataclass(frozen=True, slots=True)
class Texts:
    """Neighbouring columns of free text.

    joined: (how many columns from the left may be one text, the name it then gets); (0, "") where none may.
    """

    columns: tuple[str, ...]
    joined: tuple[int, str] = (0, "")


@dataclass(frozen=True)
class Layout:
    """The columns of one kind of file, in order."""

    parts: tuple[RowAnchor | Texts, ...]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The header."""
        return tuple(
            name for part in self.parts for name in ((part.column,) if isinstance(part, RowAnchor) else part.columns)
        )

    @cached_property
    def shortest(self) -> re.Pattern[str]:
        """The row with every run as short as it can be."""
        return re.compile(_pattern(self.parts, ".*?") + r"\s*")

    @cached_property
    def longest(self) -> re.Pattern[str]:
        """The row with every run as long as it can be, the first first."""
        return re.compile(_pattern(self.parts, ".*") + r"\s*")

    def missing(self, row: str) -> RowAnchor | None:
        """The anchor that `row` lacks: the row would be whole if any text could stand there.

        Else the first from the left that cannot be found; None where all can.
        """
        places = [place for place, part in enumerate(self.parts) if isinstance(part, RowAnchor)]
        for place in places:
            parts = (*self.parts[:place], _ANYTHING, *self.parts[place + 1 :])
            if re.fullmatch(_pattern(parts, ".*?") + r"\s*", row):
                return self._anchor(place)
        for place in places:
            if not re.match(_pattern(self.parts[: place + 1], ".*?") + r"\s*(?:,|$)", row):
                return self._anchor(place)
        return None

    def _anchor(self, place: int) -> RowAnchor | None:
        part = self.parts[place]
        return part if isinstance(part, RowAnchor) else None


_ANYTHING: Final = RowAnchor("", "[^,]*", "text")


def _pattern(parts: Sequence[RowAnchor | Texts], run: str) -> str:
    fields = (rf"\s*({part.pattern})\s*" if isinstance(part, RowAnchor) else f"({run})" for part in parts)
    return ",".join(fields)


def read_loose_csv(path: Path, text: str, layout: Layout) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(line, column -> text) of each row that is not blank; `path` is only named in errors.

    Raises ScenarioError with the line, the column where it can be told, the value and the remedy.
    """
    lines = [(number, line) for number, line in enumerate(LINE_END.split(text), start=1) if line.strip(" ,\t")]
    _check_header(path, lines[0][0], lines[0][1], layout)
    if len(lines) == 1:
        raise refusal(path, "the file has a header but no rows; add one row a scenario", line=lines[0][0])
    for number, line in lines[1:]:
        try:
            yield number, _read_row(line, layout)
        except _Refused as problem:
            raise refusal(path, problem.text, line=number, column=problem.column) from None


class _Refused(ScenarioError):
    def __init__(self, text: str, column: str | None = None) -> None:
        super().__init__(text)
        self.text, self.column = text, column


def header_columns(line: str) -> list[str]:
    """The names in a header."""
    return [name.strip().strip('"') for name in line.split(",")]


def _check_header(path: Path, number: int, line: str, layout: Layout) -> None:
    header = header_columns(line)
    if missing := [name for name in layout.columns if name not in header]:
        names = ", ".join(repr(name) for name in missing)
        raise refusal(path, f"missing from the header: {names}; add the column and fill it in", line=number)
    if header != list(layout.columns):
        order = ",".join(layout.columns)
        raise refusal(path, f"rows with unquoted commas can only be read with the columns {order}", line=number)


def _read_row(line: str, layout: Layout) -> dict[str, str]:
    if len(line) > LONGEST_ROW:
        raise _Refused(f"the row has {len(line):,} characters, {LONGEST_ROW:,} at most can be read; shorten it")
    if _HELD in line:
        raise _Refused(f"the row holds the control character {_HELD!r}; take it out")
    row = _FIELD.sub(_held, line)
    found = layout.shortest.fullmatch(row)
    if found is None:
        anchor = layout.missing(row)
        if anchor is None:
            raise _Refused(f"{shorten(line)} has too few or too many fields for the header; complete it, and {_QUOTE}")
        what = f"in {shorten(line)} there is no {anchor.what} where this column has to be"
        raise _Refused(f"{what}; correct it, and {_QUOTE}", anchor.column)
    other = layout.longest.fullmatch(row)
    if other is None or other.groups() != found.groups():
        raise _Refused(f"{shorten(line)} can be read in two ways; {_QUOTE}")
    fields: dict[str, str] = {}
    for part, value in zip(layout.parts, found.groups(), strict=True):
        fields |= {part.column: value} if isinstance(part, RowAnchor) else _split(value, part)
    return {name: " ".join(value.replace(_HELD, ",").split()) for name, value in fields.items()}


def _held(field: re.Match[str]) -> str:
    """A quoted field without its quotes, its commas held; curly quotes are part of a text and stay."""
    text = field[3] or field[2].replace('""', '"')
    return field[1] + text.replace(",", _HELD)


def _split(run: str, texts: Texts) -> dict[str, str]:
    names = texts.columns
    few, joined = texts.joined
    shorter = (joined, *names[few:]) if few else names
    bordered, every = _BORDER.split(run), run.split(",")
    for columns, pieces in ((names, bordered), (shorter, bordered), (names, every)):
        if len(pieces) == len(columns):
            if empty := [name for name, piece in zip(columns, pieces, strict=True) if not piece.strip()]:
                raise _Refused("the text is empty; fill it in (None will do)", empty[0])
            return dict(zip(columns, pieces, strict=True))
    raise _Refused(
        f"{shorten(run.replace(_HELD, ','))} has to be {len(names)} texts ({', '.join(names)}), and its commas "
        f"give {len(bordered)}; {_QUOTE}",
        names[0],
    )
