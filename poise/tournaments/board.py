"""The running standings of a tournament, from sums alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from poise.common.plain_tables import PlainTable
from poise.games.moves import SEATS, Seat
from poise.tournaments.schedule import Schedule
from poise.tournaments.storage.rows import Finished, Tally

_SHOWN: Final = 8  # agents of a seat


class Board:
    """Who leads so far.

    pairs: sums by (creditor, debtor), those of earlier runs to begin with.
    """

    def __init__(self, schedule: Schedule, earlier: Mapping[tuple[int, int], Tally]) -> None:
        self._schedule = schedule
        self.pairs = dict(earlier)

    def add(self, batch: Sequence[Finished]) -> None:
        """Take in finished matches."""
        for finished in batch:
            self.pairs.setdefault(finished.pair, Tally()).add_row(finished.row)

    def tables(self) -> list[PlainTable]:
        """Of each seat the agents with the best mean utility so far."""
        return [self._table(seat) for seat in SEATS]

    def _table(self, seat: Seat) -> PlainTable:
        names = self._schedule.names(seat)
        sums = [Tally() for _ in names]
        for (creditor, debtor), tally in self.pairs.items():
            sums[creditor if seat == "creditor" else debtor].add(tally)
        best = sorted(zip(names, sums, strict=True), key=lambda item: -item[1].mean_utility(seat))
        rows = [
            (
                name,
                f"{tally.mean_utility(seat):.3f}" if tally.matches else "-",
                f"{tally.deals / tally.matches:.0%}" if tally.matches else "-",
                str(tally.matches),
            )
            for name, tally in best[:_SHOWN]
        ]
        more = f"and {len(best) - _SHOWN} more" if len(best) > _SHOWN else ""
        return PlainTable(f"{seat}s so far", ("agent", "utility", "success", "n"), rows, more)
