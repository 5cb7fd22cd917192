"""Two agents compared, for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from poise.cli.screens.standings import differences_table
from poise.games.moves import other as opponent
from poise.tournaments.statistics.bootstrap import FEW
from poise.tournaments.statistics.comparison import Comparison


def comparison_view(comparison: Comparison) -> RenderableType:
    """The difference, over all opponents and against each, and what a smaller one would need."""
    one, other = comparison.agents
    heading = Text()
    for place, agent in enumerate((one, other)):
        heading.append("\nless  " if place else "\n      ", "dim")
        heading.append(agent.label, "bold")
        heading.append(f"  {agent.file}" if agent.file else "", "dim")
        heading.append(f"  utility {agent.utility.mean:.3f}, {agent.success.mean:.0%} deals")
    rows = [(f"all {opponent(comparison.seat)}s", comparison.difference)]
    rows += comparison.opponents if len(comparison.opponents) > 1 else ()
    table = differences_table(("against",), (((against,), difference) for against, difference in rows), 3)
    return Group(heading, table, _verdict(comparison), Text(comparison.footnote), _footnote(comparison))


def _verdict(comparison: Comparison) -> Text:
    difference, (one, other) = comparison.difference, comparison.agents
    gain = difference.utility
    if gain.low is None or gain.high is None:
        return Text(f"One {comparison.unit} tells nothing about others: play more.", style="yellow")
    if difference.p is None or difference.p >= comparison.plan.level:
        words = f"No difference found: {gain.mean:+z.3f} [{gain.low:+z.3f}, {gain.high:+z.3f}]"
        return Text(f"{words}, which chance alone could explain.", style="bold")
    better, worse = (one, other) if gain.mean > 0 else (other, one)
    low, high = (gain.low, gain.high) if gain.mean > 0 else (-gain.high, -gain.low)
    words = f"{better.label} is better than {worse.label} by {abs(gain.mean):.3f} [{low:.3f}, {high:.3f}]."
    return Text(words, style="bold")


def _footnote(comparison: Comparison) -> Text:
    text = Text(
        f"\nPaired by scenario, seed and opponent; 95 % intervals by t over {comparison.unit}s; d in standard "
        f"deviations of the {comparison.unit}s' differences.",
        style="dim",
    )
    if len(comparison.opponents) > 1:
        text.append(" p of single opponents is corrected over them (Holm).")
    if comparison.needed.scenarios < FEW:
        text.append(f" With fewer than {FEW} {comparison.unit}s the intervals are too narrow.", style="yellow")
    return text
