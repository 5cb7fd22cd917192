"""What a run of a tournament leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poise.common.plain_tables import PlainTable, Tabular
from poise.tournaments.storage.snapshot import Waiting

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from poise.tournaments.statistics.results import Standings


@dataclass(frozen=True, slots=True)
class Result(Tabular):
    """What a run left behind.

    total: matches of the tournament. finished: those in the store now. played: those of this run, in `seconds`.
    waiting: what a model's server did not let be played; a resumed run plays it.
    part:  K/N where only that part is played in the folder; then `total` is the part's.
    """

    folder: Path
    total: int
    finished: int
    played: int
    seconds: float = 0.0
    waiting: Sequence[Waiting] = ()
    part: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every match is finished."""
        return self.finished == self.total

    @property
    def stopped(self) -> bool:
        """Whether the user stopped the run before everything that could be played was."""
        return self.finished + sum(waiting.matches for waiting in self.waiting) < self.total

    def standings(self, baseline: str | None = None) -> Standings:
        """Who won, compared with any agent that played; default: as the tournament was run."""
        from poise.tournaments.statistics.standings import read_standings

        return read_standings(self.folder, baseline=baseline)

    def frame(self, table: str = "matches") -> pd.DataFrame:
        """A table of `poise.tournaments.export.TABLES` as a data frame, with the names of agents and scenarios."""
        from poise.tournaments.export import frame

        return frame(self.folder, table)

    def plot(self) -> list[Axes]:
        """Standings of both seats, payoffs, ratings, concessions and emotions; `poise.plots` has each alone."""
        from poise.tournaments.charts.plots import plot_overview

        return plot_overview(self)

    def tables(self) -> list[PlainTable]:
        """The standings, where a match is finished."""
        return self.standings().tables() if self.finished else []

    @property
    def footnote(self) -> str:
        """How far it is, and where it is kept."""
        facts = f"{self.finished} of {self.total} matches in {self.folder}"
        return f"{facts}. {self.standings().footnote}" if self.finished else facts
