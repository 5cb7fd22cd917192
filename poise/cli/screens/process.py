"""`poise tournament process`: the tables, and the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import orjson
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poise.cli.screens.console import console, small_table
from poise.common.files import replace_file
from poise.common.words import visible
from poise.tournaments.process.measure import Process, measure_process
from poise.tournaments.process.tables import NOT_MEASURED

_GAP: Final = 2  # between two columns
_EDGE: Final = 2
_NAME: Final = 14  # the least width of the first column, in which names then fold


def tables_within(width: int, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[Table]:
    """The table split into as many parts as `width` requires, each with the first column and whole cells."""
    sizes = [max(cell_len(visible(row[place])) for row in (heads, *rows)) + _GAP for place in range(len(heads))]
    first = max(_NAME, min(sizes[0], width - sum(sizes[1:]) - _EDGE))
    parts: list[list[int]] = [[]]
    for place, size in enumerate(sizes[1:], start=1):
        if parts[-1] and first + size + sum(sizes[one] for one in parts[-1]) + _EDGE > width:
            parts.append([])
        parts[-1].append(place)
    for part in parts:
        table = small_table(*(heads[place] for place in (0, *part)))
        for row in rows:
            cells = (row[place] for place in (0, *part))
            table.add_row(*(Text(cell, style="dim" if cell in ("-", NOT_MEASURED) else "") for cell in cells))
        yield table


def process_view(process: Process, width: int, *, pairs: bool = False) -> RenderableType:
    """The tables for a terminal of `width` columns."""
    parts: list[RenderableType] = []
    for one in process.tables(pairs=pairs):
        parts += [Text(f"\n{one.caption}", style="bold"), *tables_within(width, one.heads, one.rows)]
        parts += [Text(one.note, style="dim")] if one.note else []
    return Group(*parts, Text(f"\n{process.footnote}", style="dim"))


def show_process(folder: Path, scale: str, json: Path | None, *, pairs: bool) -> None:
    """Show the figures, or write them to `json`."""
    found = measure_process(folder, scale)
    screen = console()
    if json is None:
        screen.print(process_view(found, screen.width, pairs=pairs))
        return
    replace_file(json, orjson.dumps(found.to_dict(), option=orjson.OPT_INDENT_2) + b"\n")
    screen.print(str(json), soft_wrap=True)
