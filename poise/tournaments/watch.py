"""What a running tournament tells whoever watches: progress so far and running standings, from sums alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Protocol

from poise.games.moves import Seat
from poise.tournaments.schedule import Schedule
from poise.tournaments.storage.rows import _AT, Finished, Tally

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
