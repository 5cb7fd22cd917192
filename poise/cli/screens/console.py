"""What all screens share: a terminal that shows names as plain text, and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from poise.cli.output import show_json
from poise.common.words import visible


class TextConsole(Console):
    """Shows every text literally: no markup, no emoji codes, no control sequences."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        """`text` made visible before its width is measured."""
        return super().render_str(visible(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of `renderable`; rich's own control codes pass, those in a text do not."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def console(*, stderr: bool = False) -> Console:
    """A console for the terminal; for a file or a pipe, text of a fixed width without colours."""
    out = TextConsole(stderr=stderr)
    return out if out.is_terminal else TextConsole(stderr=stderr, width=120, color_system=None)


def show(data: dict[str, Any] | None, view: Callable[[int], RenderableType]) -> None:
    """Print to standard output: JSON where data are given, else the view at the terminal's width."""
    if data is not None:
        show_json(data)
        return
    screen = console()
    screen.print(view(screen.width))


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
