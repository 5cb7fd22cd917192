"""Small tables as text and as HTML, all of it escaped: what result objects look like when printed and in a notebook."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from markupsafe import Markup, escape

from poise.common.words import visible

_WIDTH: Final = 100  # columns of a note


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table of text: heads are columns, the first of them names the row; a cell may have several lines."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


class Tabular:
    """What shows itself as tables: as text when it is printed, as HTML in a notebook."""

    __slots__ = ()

    def tables(self) -> list[PlainTable]:
        """Its tables."""
        raise NotImplementedError

    @property
    def footnote(self) -> str:
        """What has to be known to read them."""
        return ""

    def __str__(self) -> str:
        return text_tables(self.tables(), self.footnote)

    def _repr_html_(self) -> str:
        return html_tables(self.tables(), self.footnote)


def text_tables(tables: Iterable[PlainTable], note: str = "") -> str:
    """The tables one below the other and a note, in columns of text; numbers stand right."""
    parts = []
    for table in tables:
        cells = [[str(visible(cell)).split("\n") for cell in row] for row in (table.heads, *table.rows)]
        lines = [line for row in cells for line in zip_longest(*row, fillvalue="")]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        drawn = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines
        ]
        drawn.insert(1, "-" * max(map(len, drawn)))
        parts.append("\n".join([visible(table.caption), *drawn]))
        if table.note:
            parts.append(textwrap.fill(visible(table.note), _WIDTH))
    if note:
        parts.append(textwrap.fill(visible(note), _WIDTH))
    return "\n\n".join(parts)


def html_tables(tables: Iterable[PlainTable], note: str = "") -> str:
    """The tables one below the other, and a note; nothing in it runs or is fetched."""
    parts = []
    for table in tables:
        head, body = _row("th", table.heads), Markup("").join(_row("td", row) for row in table.rows)
        drawn = Markup("<table><caption>{}</caption><thead>{}</thead><tbody>{}</tbody></table>")
        parts.append(drawn.format(visible(table.caption), head, body))
        if table.note:
            parts.append(_paragraph(table.note))
    if note:
        parts.append(_paragraph(note))
    return str(Markup("<div>{}</div>").format(Markup("").join(parts)))


def _row(kind: str, cells: Sequence[str]) -> Markup:
    shown = (Markup("<br>").join(str(visible(cell)).split("\n")) for cell in cells)
    drawn = Markup("").join(Markup("<{0}>{1}</{0}>").format(Markup(kind), cell) for cell in shown)  # noqa: S704 - th or td
    return Markup("<tr>{}</tr>").format(drawn)


def _paragraph(words: str) -> Markup:
    return Markup("<p><small>{}</small></p>").format(escape(visible(words)))
