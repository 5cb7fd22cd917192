"""`poise tournament process`: the tables, and the file."""

from __future__ import annotations

from pathlib import Path

import orjson
from rich.console import Group, RenderableType
from rich.text import Text

from poise.cli.screens.console import console, small_table
from poise.common.files import replace_file
from poise.tournaments.process.measure import Process, measure_process
from poise.tournaments.process.tables import NOT_MEASURED


def process_view(process: Process, *, pairs: bool = False) -> RenderableType:
    """The tables for the terminal."""
    parts: list[RenderableType] = []
    for one in process.tables(pairs=pairs):
        drawn = small_table(*one.heads)
        for row in one.rows:
            drawn.add_row(*(Text(cell, style="dim" if cell in ("-", NOT_MEASURED) else "") for cell in row))
        parts += [Text(f"\n{one.caption}", style="bold"), drawn]
        parts += [Text(one.note, style="dim")] if one.note else []
    return Group(*parts, Text(f"\n{process.footnote}", style="dim"))


def show_process(folder: Path, scale: str, json: Path | None, *, pairs: bool) -> None:
    """Show the figures, or write them to `json`."""
    found = measure_process(folder, scale)
    screen = console()
    if json is None:
        screen.print(process_view(found, pairs=pairs))
        return
    replace_file(json, orjson.dumps(found.to_dict(), option=orjson.OPT_INDENT_2) + b"\n")
    screen.print(str(json), soft_wrap=True)
