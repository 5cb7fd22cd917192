"""What a running tournament tells whoever watches: progress so far and running standings, from sums alone."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Any, Final, Protocol

from poise.common.plain_tables import PlainTable, html_tables
from poise.common.words import duration
from poise.games.moves import SEATS, Seat
from poise.tournaments.schedule import Schedule
from poise.tournaments.storage.rows import _AT, Finished, Tally

_REFRESH_SECONDS: Final = 0.5  # of a notebook's progress
_SHOWN: Final = 8  # agents of a seat in it
Tallies = Mapping[tuple[int, int], Tally]  # by (creditor, debtor)


@dataclass
class Board:
    """Progress and running standings of one run.

    pairs:  sums by (creditor, debtor), of earlier runs too. before: matches finished by earlier runs.
    """

    schedule: Schedule
    pairs: dict[tuple[int, int], Tally]
    before: int = 0
    began: float = field(default_factory=monotonic)

    @classmethod
    def of(cls, schedule: Schedule, earlier: Tallies) -> Board:
        """A board that goes on from the sums of earlier runs."""
        return cls(schedule, dict(earlier), sum(tally.matches for tally in earlier.values()))

    def add(self, batch: Sequence[Finished]) -> None:
        """Take in finished matches."""
        for finished in batch:
            pair = finished.row[_AT["creditor"]], finished.row[_AT["debtor"]]
            self.pairs.setdefault(pair, Tally()).add_row(finished.row)

    @property
    def total(self) -> int:
        """Matches of the tournament, or of the part that is played here."""
        return len(self.schedule.played)

    @property
    def done(self) -> int:
        """Finished matches."""
        return sum(tally.matches for tally in self.pairs.values())

    @property
    def seconds(self) -> float:
        """Since this run began."""
        return monotonic() - self.began

    @property
    def seconds_left(self) -> float | None:
        """At this run's pace; None before its first match."""
        now = self.done - self.before
        return None if now <= 0 else self.seconds / now * (self.total - self.done)

    def agents(self, seat: Seat) -> list[tuple[str, Tally]]:
        """Label and sums of each agent of `seat`, the best mean utility first."""
        names = self.schedule.names(seat)
        sums = [Tally() for _ in names]
        for (creditor, debtor), tally in self.pairs.items():
            sums[creditor if seat == "creditor" else debtor].add(tally)
        return sorted(zip(names, sums, strict=True), key=lambda item: -mean_utility(item[1], seat))


def mean_utility(tally: Tally, seat: Seat) -> float:
    """Mean utility of `seat`, 0 before the first match."""
    total = tally.creditor_utility if seat == "creditor" else tally.debtor_utility
    return total / tally.matches if tally.matches else 0.0


class TournamentWatch(Protocol):
    """Watches a run; `with watch.over(...)` spans it."""

    def over(self, schedule: Schedule, earlier: Tallies) -> TournamentWatch:
        """Get ready for a run that goes on from `earlier` sums."""
        ...

    def __enter__(self) -> TournamentWatch: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def update(self, batch: Sequence[Finished]) -> None:
        """Take in finished matches; called ten times a second or more, also with none."""
        ...

    def stopping(self) -> None:
        """The user asked to stop."""
        ...

    def remark(self, sentence: str) -> None:
        """Something the user should know about a model, before the run begins."""
        ...


class Silent:
    """Watches nothing."""

    def over(self, schedule: Schedule, earlier: Tallies) -> Silent:  # noqa: ARG002 - as TournamentWatch has it
        """Nothing to get ready."""
        return self

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, batch: Sequence[Finished]) -> None:
        """Nothing to show."""

    def stopping(self) -> None:
        """Nothing to say."""

    def remark(self, sentence: str) -> None:
        """Nothing to say."""


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
