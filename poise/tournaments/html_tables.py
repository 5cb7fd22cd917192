"""Small tables as HTML, all text escaped: what result objects look like in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from poise.common.words import visible


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table of text: heads are columns, the first of them names the row."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


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
    drawn = Markup("").join(Markup("<{0}>{1}</{0}>").format(Markup(kind), visible(cell)) for cell in cells)  # noqa: S704 - th or td
    return Markup("<tr>{}</tr>").format(drawn)


def _paragraph(words: str) -> Markup:
    return Markup("<p><small>{}</small></p>").format(escape(visible(words)))
