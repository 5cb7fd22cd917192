"""Progress of a training: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

from time import monotonic
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_REFRESH_SECONDS: Final = 0.2
_LINE_SECONDS: Final = 5.0


class TrainProgress:
    """A `TrainWatch` on a console; use it in a `with` statement.

    It has no thread of its own, so that processes can be started beside it.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("utility {task.fields[utility]}"),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, utility="-")
        self._said = self._drawn = monotonic()
        self._total = self._done = 0

    def __enter__(self) -> TrainProgress:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def begin(self, total: int, done: int) -> None:
        """`done` of `total` negotiations are behind it."""
        self._total, self._done = total, done
        self._bar.update(self._task, total=total, completed=done)
        self._console.print(f"{total} negotiations" + (f", {done} of them played before" if done else ""))

    def advance(self, talks: int, utility: float) -> None:
        """So many more were played, in which the creditor's mean utility was this."""
        self._done += talks
        self._bar.update(self._task, completed=self._done, utility=f"{utility:.3f}")
        now = monotonic()
        if self._console.is_terminal and now - self._drawn > _REFRESH_SECONDS:
            self._bar.refresh()
            self._drawn = now
        if not self._console.is_terminal and now - self._said > _LINE_SECONDS:
            self._console.print(f"{self._done}/{self._total} negotiations, utility of the last round {utility:.3f}")
            self._said = now


class OfflineProgress:
    """An `OfflineWatch` on a console; use it in a `with` statement."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, losses="")
        self._said = self._drawn = monotonic()

    def __enter__(self) -> OfflineProgress:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def advance(self, done: int, total: int, losses: dict[str, float]) -> None:
        """`done` of `total` gradient steps are behind it, the last ones with these mean losses."""
        told = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
        now = monotonic()
        if self._console.is_terminal and now - self._drawn > _REFRESH_SECONDS:
            self._bar.update(self._task, total=total, completed=done, losses=told, refresh=True)
            self._drawn = now
        if not self._console.is_terminal and now - self._said > _LINE_SECONDS:
            self._console.print(f"{done}/{total} steps, {told}")
            self._said = now


class WordsProgress:
    """A `poise.training.language.loop.LanguageWatch` on a console; use it in a `with` statement."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("loading", total=None, note="")
        self._said = self._drawn = monotonic()
        self._what, self._total, self._done = "", 0, 0

    def __enter__(self) -> WordsProgress:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def begin(self, what: str, total: int, done: int) -> None:
        """`done` of `total` are behind it."""
        self._what, self._total, self._done = what, total, done
        self._bar.reset(self._task, total=total, completed=done, description=what, note="")
        self._console.print(f"{total} {what}" + (f", {done} of them done before" if done else ""))

    def advance(self, steps: int, note: str) -> None:
        """So many more; `note` is a figure worth showing."""
        self._done += steps
        self._bar.update(self._task, completed=self._done, note=note)
        now = monotonic()
        if self._console.is_terminal and now - self._drawn > _REFRESH_SECONDS:
            self._bar.refresh()
            self._drawn = now
        if not self._console.is_terminal and now - self._said > _LINE_SECONDS:
            self._console.print(f"{self._done}/{self._total} {self._what} {note}".rstrip())
            self._said = now
