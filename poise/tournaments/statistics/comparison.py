"""Two agents of one seat: the gain of one over the other, by opponent, and what a smaller difference would need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from poise.common.errors import StoreError
from poise.common.plain_tables import PlainTable, Tabular
from poise.common.words import visible
from poise.games.moves import SEATS, Seat, other
from poise.tournaments.schedule import find_baseline
from poise.tournaments.statistics.bootstrap import holm
from poise.tournaments.statistics.numbers import p_value, signed, with_interval
from poise.tournaments.statistics.power import MOST, Needed, PowerPlan, matches_needed, power_data
from poise.tournaments.statistics.results import Difference, SeatStanding
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.snapshot import Snapshot

VERSION: Final = 1


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Tabular):
    """An agent less a baseline, over matches on the same scenario, with the same seed, against the same opponent.

    difference: over all opponents; its p is of one comparison. opponents: against each alone, p corrected over them.
    agents: the standings of both, the agent first. needed: what the plan's difference needs.
    unit: what intervals are over, "scenario" or "world"; single worlds are no opponents.
    """

    name: str
    seat: Seat
    difference: Difference
    opponents: tuple[tuple[str, Difference], ...]
    agents: tuple[SeatStanding, SeatStanding]
    plan: PowerPlan
    needed: Needed
    unit: str = "scenario"

    @property
    def more_scenarios(self) -> int | None:
        """How many more scenarios are needed than were played; 0 where they suffice, None beyond a million."""
        needed = self.needed.needed
        return None if needed is None else max(0, needed - self.needed.scenarios)

    @property
    def more_matches(self) -> int | None:
        """The matches of both agents together on those scenarios."""
        more = self.more_scenarios
        return None if more is None else 2 * more * self.needed.pairs

    def tables(self) -> list[PlainTable]:
        """The difference over all opponents and against each."""
        one, baseline = self.agents
        listed = [(f"all {other(self.seat)}s", self.difference), *self.opponents]
        rows = [
            [
                opponent,
                str(difference.pairs),
                with_interval(difference.utility, "{:+z.3f}"),
                with_interval(difference.success, "{:+.0%}"),
                p_value(difference.p_holm),
                "-" if difference.effect is None else signed(difference.effect, 2),
            ]
            for opponent, difference in listed
        ]
        heads = ["against", "pairs", "utility", "success", "p", "d"]
        return [PlainTable(f"{one.label} less {baseline.label}", heads, rows)]

    @property
    def footnote(self) -> str:
        """What the plan's difference needs, in a sentence."""
        plan, needed = self.plan, self.needed
        words = f"To find a difference of {abs(plan.difference):g} with power {plan.power:g} takes"
        if needed.spread is None:
            return f"{words} an unknown number of {self.unit}s: play two or more."
        if needed.needed is None:
            return f"{words} more than {MOST:,} {self.unit}s; {needed.scenarios} were played."
        text = f"{words} {needed.needed:,} {self.unit}s; {needed.scenarios:,} were played"
        if self.more_scenarios:
            text += f": {self.more_scenarios:,} more {self.unit}s, {self.more_matches:,} matches."
        else:
            text += ", which suffice."
        if needed.detectable is not None:
            text += f" Those played can find {max(needed.detectable, 0.001):.3f}."
        return text

    def __repr__(self) -> str:
        gained = with_interval(self.difference.utility, "{:+z.3f}")
        labels = " less ".join(visible(one.label) for one in self.agents)
        return f"<Comparison in {visible(self.name)}: {labels}, {gained}>"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, versioned."""
        power = power_data(self.plan, [self.needed])
        return {
            "version": VERSION,
            "name": self.name,
            "seat": self.seat,
            "unit": self.unit,
            "agents": [one.to_dict() for one in self.agents],
            "difference": self.difference.to_dict(),
            "opponents": [{"opponent": opponent, **one.to_dict()} for opponent, one in self.opponents],
            "plan": power["plan"],
            "needed": {
                **power["comparisons"][0],
                "more_scenarios": self.more_scenarios,
                "more_matches": self.more_matches,
            },
        }


def compare_agents(snapshot: Snapshot, agent: str, baseline: str, plan: PowerPlan | None = None) -> Comparison:
    """`agent` less `baseline`, each by its name or as it was entered, in the seat that both play.

    Raises:
        ConfigError: no agent is called so. StoreError: they have no matches to compare.
    """
    plan = plan or PowerPlan()
    snapshot.against(agent)
    snapshot = snapshot.against(baseline)
    standings = make_standings(snapshot)
    for seat in SEATS:
        label = find_baseline(agent, snapshot.labels(seat), snapshot.header.entered(seat))
        difference = standings.against_baseline(label, seat) if label else None
        if difference is not None:
            of = {one.label: one for one in standings.seat(seat)}
            found = next(
                one for one in matches_needed(snapshot, plan) if (one.label, one.seat) == (difference.label, seat)
            )
            return Comparison(
                name=snapshot.name,
                seat=seat,
                difference=replace(difference, p_holm=difference.p),
                opponents=() if standings.worlds else _by_opponent(snapshot, seat, difference.label),
                agents=(of[difference.label], of[difference.baseline]),
                plan=plan,
                unit=snapshot.unit,
                needed=found,
            )
    raise StoreError(f"{snapshot.name} has no matches yet in which {agent} and {baseline} can be compared")


def _by_opponent(snapshot: Snapshot, seat: Seat, label: str) -> tuple[tuple[str, Difference], ...]:
    opponent = other(seat)
    found = []
    for place, name in enumerate(snapshot.labels(opponent)):
        rows = [row for row in snapshot.rows if getattr(row, opponent) == place]
        difference = make_standings(replace(snapshot, rows=rows), draws=2).against_baseline(label, seat)
        if difference is not None:
            found.append((name, difference))
    adjusted = holm([one.p for _, one in found])
    return tuple((name, replace(one, p_holm=p)) for (name, one), p in zip(found, adjusted, strict=True))
