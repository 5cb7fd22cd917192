"""What a run of a tournament leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poise.tournaments.html_tables import html_tables
from poise.tournaments.storage.snapshot import Waiting

if TYPE_CHECKING:
    from poise.tournaments.statistics.results import Standings


def result_html(result: Result) -> str:
    """What a run left behind, with the standings where a match is finished."""
    facts = f"{result.finished} of {result.total} matches in {result.folder}"
    if not result.finished:
        return html_tables([], facts)
    return html_tables([], facts) + result.standings()._repr_html_()


@dataclass(frozen=True, slots=True)
class Result:
    """What a run left behind.

    total: matches of the tournament. finished: those in the store now. played: those of this run, in `seconds`.
    waiting: what a model's server did not let be played; a resumed run plays it.
    """

    folder: Path
    total: int
    finished: int
    played: int
    seconds: float = 0.0
    waiting: Sequence[Waiting] = ()

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

    def _repr_html_(self) -> str:
        """For notebooks."""
        return result_html(self)
