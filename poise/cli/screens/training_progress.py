"""Progress of a training: a bar in a terminal, elsewhere a line every few seconds."""

from __future__ import annotations

from time import monotonic
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_REFRESH_SECONDS: Final = 0.2
_LINE_SECONDS: Final = 5.0


class TrainingProgress:
    """A `poise.training.watch.TrainingWatch` on a console; use it in a `with` statement.

    It starts no thread, so that processes can be forked beside it.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("loading", total=None, note="")
        self._last_shown = monotonic()
        self._what, self._total, self._done = "", 0, 0

    def __enter__(self) -> TrainingProgress:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def begin(self, what: str, total: int, done: int) -> None:
        """`done` of `total` `what` were finished by earlier runs."""
        self._what, self._total, self._done = what, total, done
        self._bar.reset(self._task, total=total, completed=done, description=what, note="")
        self._console.print(f"{total} {what}" + (f", {done} of them done before" if done else ""))

    def advance(self, count: int, note: str) -> None:
        """So many more are finished; `note` is shown beside the bar."""
        self._done += count
        self._bar.update(self._task, completed=self._done, note=note)
        terminal, now = self._console.is_terminal, monotonic()
        if now - self._last_shown <= (_REFRESH_SECONDS if terminal else _LINE_SECONDS):
            return
        self._last_shown = now
        if terminal:
            self._bar.refresh()
        else:
            self._console.print(f"{self._done}/{self._total} {self._what}, {note}".rstrip(", "))
