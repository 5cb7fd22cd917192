"""What comparisons need, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from poise.cli.screens.console import small_table
from poise.tournaments.statistics.power import MOST, Needed, PowerPlan, Spread, power_of, scenarios_needed


def tournament_view(plan: PowerPlan, found: Sequence[Needed], unit: str) -> RenderableType:
    """What each comparison of a tournament needs; `unit` is "scenario" or "world"."""
    table = small_table(
        "agent", "seat", "observed", "sd between", "sd within", "played", "each", "needed", "matches", "detectable"
    )
    for one in found:
        spread = (
            (f"{one.spread.between:.3f}", "-" if one.spread.within is None else f"{one.spread.within:.3f}")
            if one.spread
            else ("-", "-")
        )
        table.add_row(
            Text(one.label),
            one.seat,
            f"{one.observed:+z.3f}",
            *spread,
            str(one.scenarios),
            str(one.pairs),
            _many(one.needed) if one.spread else "-",
            _many(one.matches) if one.spread else "-",
            "-" if one.detectable is None else f"{one.detectable:.3f}",
        )
    return Group(table, Text(_tournament_note(plan, found, unit), style="dim"))


def _tournament_note(plan: PowerPlan, found: Sequence[Needed], unit: str) -> str:
    return (
        f"Needed: {unit}s that find a difference of {abs(plan.difference):g} from {found[0].baseline} with power "
        f"{plan.power:g} at level {plan.level:g}{_shared(plan)}, where each agent plays that many matches on each; "
        f"matches: of both together. Detectable: the smallest difference that the {unit}s played find with that "
        "power. The observed difference is not used."
    )


def _shared(plan: PowerPlan) -> str:
    return f" over {plan.comparisons} comparisons" if plan.comparisons > 1 else ""


def assumed_view(plan: PowerPlan, spread: Spread) -> RenderableType:
    """The scenarios that a difference needs under assumed variances, and the power with fewer and more."""
    needed = scenarios_needed(plan, spread)
    words = f"a difference of {abs(plan.difference):g}, power {plan.power:g}, level {plan.level:g}{_shared(plan)}"
    if needed is None:
        return Text(f"{words}: more than {MOST:,} scenarios", style="yellow")
    table = small_table("scenarios", "matches", "power")
    for count in sorted({max(2, round(needed * share)) for share in (0.25, 0.5, 0.75, 1, 1.5, 2)}):
        style = "bold" if count == needed else ""
        table.add_row(
            Text(_many(count), style=style),
            Text(_many(2 * count * plan.pairs), style=style),
            Text(f"{power_of(plan, spread, count):.2f}", style=style),
        )
    note = (
        f"Assumed standard deviations of a pair's difference: {spread.between:g} between scenarios, "
        f"{spread.within or 0:g} within one. Each agent plays {plan.pairs} on each scenario; matches are of both."
    )
    return Group(Text(f"\n{needed:,} scenarios: {words}", style="bold"), table, Text(note, "dim"))


def _many(count: int | None) -> str:
    return f"> {MOST:,}" if count is None else f"{count:,}"
