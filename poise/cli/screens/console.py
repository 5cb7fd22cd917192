"""What every screen is drawn with: the terminal, tables, and somebody else's words made safe for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table


def console(*, stderr: bool = False) -> Console:
    """The terminal; elsewhere (a file, a pipe) text of a fixed width without colours."""
    out = Console(stderr=stderr, highlight=False, soft_wrap=False)
    return out if out.is_terminal else Console(stderr=stderr, highlight=False, width=120, color_system=None)


def show(data: dict[str, Any] | None, view: Callable[[int], RenderableType]) -> None:
    """JSON where there is data, else the view for the terminal's width; to standard output."""
    if data is not None:
        import orjson

        sys.stdout.write(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    screen = console()
    screen.print(view(screen.width))


def plain(text: str, most: int = 400) -> str:
    """Somebody else's words, fit for a terminal: one line, no control characters, not endless."""
    line = "".join(character if character.isprintable() else " " for character in text[: most + 1])
    return line if len(line) <= most else line[:most] + "..."


def empty_table() -> Table:
    """A table with narrow gaps, so that the usual standings fit 80 columns."""
    return Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)


def small_table(*columns: str) -> Table:
    """An empty table with narrow gaps: the first column folds, columns named agent or seat and the first stand left."""
    table = empty_table()
    for place, name in enumerate(columns):
        if name in ("agent", "seat") or not place:
            table.add_column(name, overflow="fold", min_width=min(12, len(name) + 7))
        else:
            table.add_column(name, justify="right", no_wrap=True)
    return table
