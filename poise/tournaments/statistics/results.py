"""The figures of a tournament's standings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from poise.common.plain_tables import PlainTable, Tabular
from poise.common.words import visible
from poise.games.moves import SEATS, Seat
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.doubts import Doubt
from poise.tournaments.statistics.numbers import p_value, with_interval


def _seat_table(standings: Standings, seat: Seat) -> PlainTable:
    compared = next((one.baseline for one in standings.differences if one.seat == seat), None)
    heads = ["agent", "matches", "utility", "success", "savings", "rounds"]
    heads += [f"vs {compared}", "p"] if compared else []
    rows = []
    for one in standings.seat(seat):
        figures = (one.utility, "{:.3f}"), (one.success, "{:.0%}"), (one.savings, "{:.3f}"), (one.rounds, "{:.1f}")
        row = [f"{one.label}\n{one.file}" if one.file else one.label, str(one.matches)]
        row += [with_interval(estimate, form, below=True) for estimate, form in figures]
        if compared:
            gained = standings.against_baseline(one.label, seat)
            row.append(with_interval(gained.utility if gained else None, "{:+z.3f}", below=True))
            row.append(p_value(gained.p_holm if gained else None))
        rows.append(row)
    return PlainTable(f"{standings.name}: {seat}s", heads, rows)


VERSION: Final = 1
LEVEL: Final = 0.05


@dataclass(frozen=True, slots=True)
class SeatStanding:
    """One agent in one seat.

    file:       the user's file that the agent comes from; "" for any other.
    utility:    mean of its utility, 0 without a deal. savings: mean of its share of the gap over deals.
    success:    share of matches that ended in a deal (Wilson). rounds: mean number of messages.
    collection: mean of min(1, target / deal), the creditor's; see `poise.games.metrics`. None for a debtor.
    failures:   failed matches that this agent, or neither, caused. failed: all failed matches, which count as no
                deal, with utility 0 for both sides.
    forfeits, repairs, reasks: of its own messages; see `poise.tournaments.storage.rows.Row`.
    violations: rules of conduct that its messages broke; violation_rate: the same for 100 of its messages. 0 and None
                for a debtor, whom no rule binds.
    promises, broken: offers made with its word on them, and those that it broke; promises_kept: the share kept,
                None where nothing was promised. 0 and None for a creditor.
    de_escalation: mean over matches of how much less negative the debtor's words were late than early, as the creditor
                read them (see `poise.agents.conduct`); None where no match shows it.
    """

    label: str
    seat: Seat
    matches: int
    deals: int
    utility: Estimate
    success: Estimate
    savings: Estimate | None
    rounds: Estimate
    collection: Estimate | None
    failures: int
    forfeits: int
    repairs: int
    reasks: int
    violations: int
    violation_rate: Estimate | None
    promises: int
    broken: int
    promises_kept: Estimate | None
    de_escalation: Estimate | None
    failed: int = 0
    file: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return dict(_plain(self))

    @property
    def troubled(self) -> bool:
        """Whether the agent had failures, forfeits or repairs."""
        return bool(self.failures or self.forfeits or self.repairs or self.reasks)


@dataclass(frozen=True, slots=True)
class Difference:
    """An agent's gain over the baseline in paired matches, with intervals.

    p:        of "its utility is the baseline's", two-sided (see `poise.tournaments.statistics.bootstrap`); None with
    one scenario.
    p_holm:   the same, corrected for all differences of this seat's table (Holm 1979).
    effect:   the utility gained in standard deviations of the scenarios' means; None where they do not differ.
    de_escalation: over the pairs in which both matches show it; None without any.
    """

    label: str
    baseline: str
    seat: Seat
    pairs: int
    utility: Estimate
    success: Estimate
    de_escalation: Estimate | None
    p: float | None = None
    p_holm: float | None = None
    effect: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return dict(_plain(self))

    @property
    def beyond_chance(self) -> bool:
        """Whether the corrected test finds a difference at 5 %."""
        return self.p_holm is not None and self.p_holm < LEVEL


@dataclass(frozen=True, slots=True)
class Cell:
    """One creditor against one debtor; means are None before the first match."""

    creditor: str
    debtor: str
    matches: int
    creditor_utility: float | None
    debtor_utility: float | None
    success: float | None


@dataclass(frozen=True, slots=True, repr=False)
class Standings(Tabular):
    """The result of a tournament, the best of each seat first; `matrix` is creditors x debtors as entered.

    differences: of each agent from the baseline. pairwise: of each agent from each one below it.
    domain: of all its scenarios; "" where they are of several. doubts: reasons to doubt the figures.
    worlds: how many were played where the debtors are a folder of them, and the creditors' figures are over worlds;
    else 0.
    """

    name: str
    total: int
    finished: int
    scenarios: int
    seed: int
    model: str
    standings: tuple[SeatStanding, ...]
    differences: tuple[Difference, ...]
    matrix: tuple[tuple[Cell, ...], ...]
    domain: str = ""
    doubts: tuple[Doubt, ...] = ()
    pairwise: tuple[Difference, ...] = ()
    worlds: int = 0

    @property
    def unit(self) -> Literal["world", "scenario"]:
        """The unit of the creditors' intervals and tests, to which results generalise."""
        return "world" if self.worlds else "scenario"

    def seat(self, seat: Seat) -> list[SeatStanding]:
        """The agents of one seat, the best first."""
        return [standing for standing in self.standings if standing.seat == seat]

    def against_baseline(self, label: str, seat: Seat) -> Difference | None:
        """How the agent compares with the baseline; None for the baseline itself, or without one."""
        return next((one for one in self.differences if (one.label, one.seat) == (label, seat)), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, versioned."""
        return {
            "version": VERSION,
            "name": self.name,
            "matches": {"total": self.total, "finished": self.finished},
            "scenarios": self.scenarios,
            "unit": self.unit,
            **({"worlds": self.worlds} if self.worlds else {}),
            "domain": self.domain,
            "seed": self.seed,
            "model": self.model,
            "creditors": [_plain(one) for one in self.seat("creditor")],
            "debtors": [_plain(one) for one in self.seat("debtor")],
            "differences": [_plain(one) for one in self.differences],
            "pairwise": [_plain(one) for one in self.pairwise],
            "matrix": [[_plain(cell) for cell in row] for row in self.matrix],
            "doubts": [_plain(doubt) for doubt in self.doubts],
        }

    def tables(self) -> list[PlainTable]:
        """A table for each seat."""
        return [_seat_table(self, seat) for seat in SEATS]

    @property
    def footnote(self) -> str:
        """What was played, and what the intervals are."""
        return (
            f"{self.finished} of {self.total} matches on {self.scenarios} scenarios, seed {self.seed}, model "
            f"{self.model}. Below the means: 95 % intervals over {self.unit}s."
            + "".join(f" Warning: {doubt.text}." for doubt in self.doubts)
        )

    def __repr__(self) -> str:
        sides = ", ".join(f"{len(self.seat(seat))} {seat}s" for seat in SEATS)
        return f"<Standings of {visible(self.name)}: {sides}, {self.finished} of {self.total} matches>"


def _plain(value: Any) -> Any:
    """A dataclass of this file as plain data."""
    if isinstance(value, Estimate):
        return value.to_dict()
    if hasattr(value, "__slots__"):
        return {name: _plain(getattr(value, name)) for name in value.__slots__}
    return value
