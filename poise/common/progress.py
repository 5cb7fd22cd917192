"""The progress of a tournament or a training: a bar in a terminal, a cell's output in a notebook, lines elsewhere.

For example:

    with ProgressDisplay(console) as watch:
        run_tournament(config, watch=watch)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from markupsafe import escape

from poise.common.plain_tables import PlainTable, html_tables
from poise.common.words import duration

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_REFRESH_SECONDS: Final = 0.25  # between two drawings in the same place
_LINE_SECONDS: Final = 15.0  # after which a line is written, if something was finished
_READ_SECONDS: Final = 2.0  # at least, between two lines
_LEADERS: Final = 3  # rows of a table that a line shows

Tables = Callable[[], Sequence[PlainTable]]


class Watch(Protocol):
    """Receives the progress of a run."""

    def begin(self, what: str, total: int, done: int, about: str = "", tables: Tables = tuple) -> None:
        """`done` of `total` `what` (such as "steps") were finished by earlier runs.

        about: the work as a sentence. tables: makes the tables of results so far, whenever they are shown.
        """
        ...

    def advance(self, count: int, note: str = "") -> None:
        """`count` more are finished (may be 0); `note` is a figure worth showing, such as the loss."""
        ...

    def remark(self, sentence: str) -> None:
        """Tell the user something."""
        ...


class Unwatched:
    """A `Watch` that shows nothing."""

    def begin(self, what: str, total: int, done: int, about: str = "", tables: Tables = tuple) -> None:
        """Show nothing."""

    def advance(self, count: int, note: str = "") -> None:
        """Show nothing."""

    def remark(self, sentence: str) -> None:
        """Show nothing."""


def usual_watch() -> Watch:
    """The watch of a run that is given none: it shows progress in a notebook, and nothing elsewhere."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return ProgressDisplay() if hasattr(shell, "kernel") else Unwatched()


class ProgressDisplay:
    """A `Watch` that shows progress; with a console, use it in a `with` statement.

    It starts no thread, so that the process can be forked.

    console: the command line's; None to show progress as the output of a notebook's cell.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self._live: Live | None = None  # of a terminal
        self._cell: Any = None  # of a notebook
        self._remarks: list[str] = []
        self._start("", 0, 0, tuple)

    def _start(self, what: str, total: int, done: int, tables: Tables) -> None:
        self._what, self._note, self._tables = what, "", tables
        self._total, self._done, self._before, self._shown = total, done, done, done
        self._began = self._drawn = monotonic()

    def __enter__(self) -> ProgressDisplay:
        if self._console is not None and self._console.is_terminal:
            from rich.live import Live

            self._live = Live("loading", console=self._console, auto_refresh=False, transient=True)
            self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def begin(self, what: str, total: int, done: int, about: str = "", tables: Tables = tuple) -> None:
        """Print what is to be done, and begin to show progress."""
        self._start(what, total, done, tables)
        earlier = f"; {done:,} of them were finished earlier" if done else ""
        self._say(f"{about or f'{total:,} {what}'}{earlier}", "bold")
        if self._in_place:
            self._draw()

    def advance(self, count: int, note: str = "") -> None:
        """Count what was finished, and show it when it is time."""
        self._done, self._note = self._done + count, note or self._note
        waited, total = monotonic() - self._drawn, max(1, self._total)
        if self._in_place:
            due = waited > _REFRESH_SECONDS or self._shown < self._total <= self._done
        else:
            another_tenth = self._done * 10 // total > self._shown * 10 // total
            due = (another_tenth and waited > _READ_SECONDS) or (count > 0 and waited > _LINE_SECONDS)
        if due:
            self._draw()

    def remark(self, sentence: str) -> None:
        """Show a sentence."""
        self._remarks.append(sentence)
        self._say(sentence, "yellow")
        if self._console is None:
            self._draw()

    @property
    def _in_place(self) -> bool:
        """Whether each drawing replaces the previous one."""
        return self._console is None or self._live is not None

    def _say(self, sentence: str, style: str = "") -> None:
        if self._console is not None:
            from rich.text import Text

            self._console.print(Text(sentence, style=style), soft_wrap=True)

    def _draw(self) -> None:
        self._drawn, self._shown = monotonic(), self._done
        if self._live is not None:
            self._live.update(_picture(self._share, self._words, self._tables() if self._done else ()), refresh=True)
        elif self._console is not None:
            self._say("; ".join([self._words, *map(_leaders, self._tables())]))
        else:
            self._draw_cell()

    def _draw_cell(self) -> None:
        from IPython.display import HTML, display

        page = HTML(self.html())
        if self._cell is None:
            self._cell = display(page, display_id=True)
        else:
            self._cell.update(page)

    @property
    def _share(self) -> float:
        return self._done / max(1, self._total)

    @property
    def _words(self) -> str:
        """The progress, and the time left at this run's pace."""
        seconds, now = monotonic() - self._began, self._done - self._before
        left = seconds / now * (self._total - self._done) if now > 0 else 0.0
        ahead = f", about {duration(left)} left" if left > 0 else ""
        note = f"; {self._note}" if self._note else ""
        far = f"{self._done:,} of {self._total:,} {self._what} ({self._share:.0%})"
        return f"{far} after {duration(seconds)}{ahead}{note}"

    def html(self) -> str:
        """The same as HTML; all text is escaped."""
        if not self._what:
            return html_tables([], " ".join(self._remarks))
        label = escape(self._what)
        bar = f'<progress max="{max(1, self._total)}" value="{self._done}" aria-label="{label}"></progress>'
        tables = self._tables() if 0 < self._done < self._total else ()
        return bar + html_tables(tables, " ".join([f"{self._words}.", *self._remarks]))


def _leaders(table: PlainTable) -> str:
    """A table in a few words: the names and first figures of its first rows."""
    return f"{table.caption}: {', '.join(' '.join(row[:2]) for row in table.rows[:_LEADERS])}"


def _picture(share: float, words: str, tables: Sequence[PlainTable]) -> RenderableType:
    """A bar, its caption, and tables side by side, for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.columns import Columns
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    progress = Table.grid()
    progress.add_row(ProgressBar(total=1.0, completed=share, width=40))
    progress.add_row(Text(words))
    drawn = []
    for table in tables:
        one = Table(box=SIMPLE_HEAD, title=table.caption, title_justify="left", caption=table.note or None)
        for place, head in enumerate(table.heads):
            one.add_column(head, **({"justify": "right"} if place else {"overflow": "ellipsis", "max_width": 32}))
        for row in table.rows:
            one.add_row(*row)
        drawn.append(one)
    return Group(progress, Columns(drawn, padding=(0, 4)))
