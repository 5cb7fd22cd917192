"""Progress of a running tournament: live in a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from poise.common.words import duration
from poise.games.moves import SEATS, Seat
from poise.tournaments.schedule import Schedule
from poise.tournaments.storage.rows import Finished
from poise.tournaments.watch import Board, Tallies, TournamentWatch, mean_utility

_REFRESH_SECONDS: Final = 0.25
_LINE_SECONDS: Final = 15.0
_READ_SECONDS: Final = 2.0
_SHOWN: Final = 8  # agents of a seat in the running standings


def watch_on(console: Console) -> TournamentWatch:
    """A watch that fits where its output goes."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)


def heading(schedule: Schedule) -> str:
    """What is played, in one line."""

    def many(count: int, thing: str) -> str:
        return f"{count} {thing}{'' if count == 1 else 'es' if thing == 'match' else 's'}"

    size = len(schedule.matches) // schedule.pairs
    sides = f"{many(len(schedule.creditors), 'creditor')} x {many(len(schedule.debtors), 'debtor')}"
    line = f"{sides} x {many(size, 'match')} = {many(len(schedule.matches), 'match')}"
    if schedule.part is None:
        return line
    number, parts = schedule.part
    return f"{line}; part {number}/{parts}: {len(schedule.played)} of them"


class _Progress:
    """What both kinds share: a board, and what to say when the user stops the run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._board: Board | None = None
        self._calls_model = False

    @property
    def board(self) -> Board:
        assert self._board is not None  # noqa: S101 - for the type checker: over() comes first
        return self._board

    def _get_ready(self, schedule: Schedule, earlier: Tallies) -> None:
        self._board = Board.of(schedule, earlier)
        self._calls_model = schedule.calls_model
        self._console.print(Text(heading(schedule), style="bold"))
        if self._board.before:
            self._console.print(Text(f"{self._board.before} of them were finished earlier", style="dim"))

    def remark(self, sentence: str) -> None:
        """Show what the user should know about a model."""
        self._console.print(Text(sentence, style="yellow"), soft_wrap=True)

    def stopping(self) -> None:
        """The user asked to stop: with a model, that takes a moment."""
        if self._calls_model:
            self._console.print(Text("finishing the matches in flight; Ctrl-C again drops them", style="yellow"))


class PlainProgress(_Progress):
    """A line at every tenth of the way, but no faster than one can read, and at least every quarter of a minute."""

    def over(self, schedule: Schedule, earlier: Tallies) -> PlainProgress:
        """Say what begins."""
        self._get_ready(schedule, earlier)
        self._said = monotonic()
        self._step = self.board.done * 10 // max(1, self.board.total)
        return self

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, batch: Sequence[Finished]) -> None:
        """Take in finished matches and say so when it is time."""
        board = self.board
        board.add(batch)
        step = board.done * 10 // max(1, board.total)
        waited = monotonic() - self._said
        if (step > self._step and waited > _READ_SECONDS) or (batch and waited > _LINE_SECONDS):
            self._step, self._said = step, monotonic()
            best = ", ".join(
                f"{label} {mean_utility(tally, 'creditor'):.3f}"
                for label, tally in board.agents("creditor")[:3]
                if tally.matches
            )
            self._console.print(f"{_where(board)}; creditors' utility: {best}", soft_wrap=True)


class LiveProgress(_Progress):
    """A bar, the time left and running standings, redrawn a few times a second.

    It has no thread of its own, so that processes can be started beside it.
    """

    def over(self, schedule: Schedule, earlier: Tallies) -> LiveProgress:
        """Say what begins."""
        self._get_ready(schedule, earlier)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._drawn = 0.0
        return self

    def __enter__(self) -> LiveProgress:
        self._live.__enter__()
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._draw()
        self._live.__exit__(kind, error, trace)

    def update(self, batch: Sequence[Finished]) -> None:
        """Take in finished matches and redraw when it is time."""
        self.board.add(batch)
        if monotonic() - self._drawn > _REFRESH_SECONDS:
            self._draw()

    def _draw(self) -> None:
        self._live.update(_view(self.board), refresh=True)
        self._drawn = monotonic()


def _where(board: Board) -> str:
    left = board.seconds_left
    share = board.done / max(1, board.total)
    ahead = "" if left is None or board.done >= board.total else f", about {duration(left)} left"
    return f"{board.done}/{board.total} ({share:.0%}) after {duration(board.seconds)}{ahead}"


def _view(board: Board) -> RenderableType:
    bar = ProgressBar(total=max(1, board.total), completed=board.done, width=40)
    line = Table.grid(padding=(0, 2))
    line.add_row(bar, Text(_where(board)))
    if not board.done:
        return line
    return Group(line, Columns([_running(board, seat) for seat in SEATS], padding=(0, 4)))


def _running(board: Board, seat: Seat) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column(f"{seat}s so far", overflow="ellipsis", max_width=32)
    for name in ("utility", "success", "n"):
        table.add_column(name, justify="right")
    listed = board.agents(seat)
    for label, tally in listed[:_SHOWN]:
        success = f"{tally.deals / tally.matches:.0%}" if tally.matches else "-"
        table.add_row(label, f"{mean_utility(tally, seat):.3f}" if tally.matches else "-", success, str(tally.matches))
    if len(listed) > _SHOWN:
        table.add_row(Text(f"and {len(listed) - _SHOWN} more", style="dim"))
    return table
