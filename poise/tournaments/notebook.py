"""Progress of a run in a notebook: a bar, the time left and running standings, drawn again in place."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from time import monotonic
from typing import Any, Final

from poise.common.plain_tables import PlainTable, html_tables
from poise.common.words import duration
from poise.games.moves import SEATS, Seat
from poise.tournaments.schedule import Schedule
from poise.tournaments.storage.rows import Finished
from poise.tournaments.watch import Board, Silent, Tallies, TournamentWatch, mean_utility

_REFRESH_SECONDS: Final = 0.5
_SHOWN: Final = 8  # agents of a seat


def usual_watch() -> TournamentWatch:
    """What watches a run that is given no watch: progress in a notebook, and nothing elsewhere."""
    asked = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return NotebookProgress() if hasattr(asked, "kernel") else Silent()


class NotebookProgress:
    """A watch whose output is one cell's."""

    def __init__(self) -> None:
        self._remarks: list[str] = []
        self._drawn = 0.0
        self._board: Board | None = None
        self._shown: Any = None

    def over(self, schedule: Schedule, earlier: Tallies) -> NotebookProgress:
        """Get ready for a run that goes on from `earlier` sums."""
        self._board = Board.of(schedule, earlier)
        return self

    def __enter__(self) -> NotebookProgress:
        self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        self._draw()

    def update(self, batch: Sequence[Finished]) -> None:
        """Take in finished matches and draw again when it is time."""
        if self._board is not None:
            self._board.add(batch)
            if monotonic() - self._drawn > _REFRESH_SECONDS:
                self._draw()

    def stopping(self) -> None:
        """The user asked to stop."""
        self.remark("finishing the matches in flight; interrupt again to drop them")

    def remark(self, sentence: str) -> None:
        """Show a sentence below the progress."""
        self._remarks.append(sentence)
        self._draw()

    def _draw(self) -> None:
        from IPython.display import HTML, display

        page = HTML(progress_html(self._board, self._remarks))
        if self._shown is None:
            self._shown = display(page, display_id=True)
        else:
            self._shown.update(page)
        self._drawn = monotonic()


def progress_html(board: Board | None, remarks: Sequence[str]) -> str:
    """How far a run is; all text is escaped."""
    if board is None:
        return html_tables([], " ".join(remarks))
    left = board.seconds_left
    ahead = "" if left is None or board.done >= board.total else f", about {duration(left)} left"
    words = f"{board.done:,} of {board.total:,} matches after {duration(board.seconds)}{ahead}"
    bar = f'<progress max="{max(1, board.total)}" value="{board.done}" aria-label="matches played"></progress>'
    tables = [_so_far(board, seat) for seat in SEATS] if 0 < board.done < board.total else []
    return bar + html_tables(tables, " ".join([f"{words}.", *remarks]))


def _so_far(board: Board, seat: Seat) -> PlainTable:
    listed = board.agents(seat)[:_SHOWN]
    rows = [
        [label, f"{mean_utility(tally, seat):.3f}", str(tally.matches)] if tally.matches else [label, "-", "0"]
        for label, tally in listed
    ]
    return PlainTable(f"{seat}s so far", ("agent", "utility", "matches"), rows)
