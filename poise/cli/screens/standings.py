"""Standings and schedules as tables for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poise.cli.output import plain
from poise.cli.screens.console import empty_table
from poise.common.errors import ScenarioError
from poise.common.words import counted
from poise.games.domains import domain_words
from poise.games.moves import SEATS, Seat
from poise.tournaments.charts.small import troubles
from poise.tournaments.statistics.bootstrap import FEW, Estimate
from poise.tournaments.statistics.numbers import p_value
from poise.tournaments.statistics.results import Cell, Difference, SeatStanding, Standings

_WIDE = 90  # columns from which intervals have a third digit
_WIDER = 104  # columns from which tests are shown beside differences
_NAME = 28  # columns of an agent's name in the matrix
_TO = "\u2026"  # between numbers with signs
_Column = tuple[str, Callable[[SeatStanding], Text]]


def standings_view(standings: Standings, width: int, *, pairs: bool = False) -> RenderableType:
    """Both seats' standings, their conduct and the matrix of utilities, for a terminal of `width` columns.

    pairs: also compare each agent with every other one of its seat.
    """
    parts: list[RenderableType] = []
    digits = 3 if width >= _WIDE else 2
    seats = SEATS[:1] if standings.worlds else SEATS  # hundreds of worlds are for the report
    for seat in seats:
        parts += [_heading(title(standings, seat)), _seat_table(standings, seat, width)]
        parts += _trouble(standings.seat(seat))
    for seat in seats if pairs else ():
        listed = [one for one in standings.pairwise if one.seat == seat]
        if listed:
            rows = (((one.label, one.baseline), one) for one in listed)
            parts += [_heading(f"{title(standings, seat)}: all pairs")]
            parts += [differences_table(("agent", "less"), rows, digits)]
    for seat in seats:
        columns = _conduct(standings, seat, digits)
        if columns:
            name = title(standings, seat)
            heading = _heading(f"Conduct of {name[0].lower()}{name[1:]}")
            parts += [heading, _columns(standings.seat(seat), columns)]
    if not standings.worlds and len(standings.matrix) * len(standings.matrix[0]) > 1:
        parts += _matrix(standings, width)
    parts.append(_footnote(standings, width))
    parts += [Text(f"\nwarning: {plain(doubt.text, 1000)}", style="bold red") for doubt in standings.doubts]
    return Group(*parts)


def _seat_table(standings: Standings, seat: Seat, width: int) -> Table:
    """One seat's standings, for a terminal of `width` columns."""
    digits = 3 if width >= _WIDE else 2
    listed = standings.seat(seat)
    compared = next((one.baseline for one in standings.differences if one.seat == seat), None)
    table = empty_table()
    table.add_column("", justify="right", style="dim")
    table.add_column("agent", overflow="fold", min_width=12)
    for name in ("n", "utility", "success", "savings", "rounds"):
        table.add_column(name, justify="right", no_wrap=True)
    if compared:
        table.add_column(f"vs {compared}", justify="right", min_width=11)
    tests = bool(compared) and width >= _WIDER
    for name in ("p", "d") if tests else ():
        table.add_column(name, justify="right", no_wrap=True)
    for rank, one in enumerate(listed, 1):
        difference = standings.against_baseline(one.label, seat)
        agent = Text(one.label, style="bold" if rank == 1 else "")
        if one.file:
            agent.append(f"\n{one.file}", style="not bold dim")
        cells = [Text(str(rank)), agent, Text(str(one.matches))]
        cells += _measures(one, digits)
        if compared:
            cells.append(_tested_gain(difference, digits))
        cells += _test(difference) if tests else []
        table.add_row(*cells)
    return table


def differences_table(heads: Sequence[str], rows: Iterable[tuple[Sequence[str], Difference]], digits: int) -> Table:
    """A row for each difference, after the columns `heads`: pairs, the gain in utility and success, p, d.

    Intervals have so many digits.
    """
    table = empty_table()
    for name in heads:
        table.add_column(name, overflow="fold", min_width=12)
    for name in ("pairs", "utility", "success", "p", "d"):
        table.add_column(name, justify="right", no_wrap=True)
    for named, one in rows:
        success = _estimate(one.success, "{:+.0%}", "{:+.0%}", between=_TO)
        table.add_row(*named, str(one.pairs), _tested_gain(one, digits), success, *_test(one))
    return table


def title(standings: Standings, seat: Seat) -> str:
    """The title for the agents of a seat, in the words of the domain where all scenarios share one."""
    plain = f"{seat.capitalize()}s"
    try:
        named = domain_words(standings.domain).several(seat) if standings.domain else plain
    except ScenarioError:  # a user's domain that is not available here
        return plain
    return named if named == plain else f"{named} ({plain.lower()})"


def _conduct(standings: Standings, seat: Seat, digits: int) -> list[_Column]:
    """The figures on conduct; a column that is zero for all is left out."""
    listed = standings.seat(seat)
    bounds = f"{{:+z.{digits}f}}"
    columns: list[_Column] = []
    if any(one.violations for one in listed):
        columns.append(("violations", lambda one: Text(str(one.violations))))
        columns.append(("per 100 messages", lambda one: _estimate(one.violation_rate, "{:.1f}", "{:.1f}")))
    if any(one.promises for one in listed):
        columns.append(("promises", lambda one: Text(str(one.promises))))
        columns.append(("kept", lambda one: _estimate(one.promises_kept, "{:.0%}", "{:.0%}")))
    if seat == "creditor" and any(one.de_escalation for one in listed):
        columns.append(("de-escalation", lambda one: _estimate(one.de_escalation, "{:+z.3f}", bounds, between=_TO)))
        compared = next((one.baseline for one in standings.differences if one.seat == seat), None)
        if compared:
            columns.append((f"vs {compared}", lambda one: _calmer(standings, one, digits)))
    return columns


def _calmer(standings: Standings, one: SeatStanding, digits: int) -> Text:
    difference = standings.against_baseline(one.label, one.seat)
    return _gain(difference.de_escalation if difference else None, digits)


def _columns(listed: list[SeatStanding], columns: list[_Column]) -> Table:
    """The agents' standings, in a table for so many columns."""
    table = empty_table()
    table.add_column("agent", overflow="fold", min_width=12)
    for name, _ in columns:
        table.add_column(name, justify="right", min_width=11 if name.startswith("vs ") else None)
    for one in listed:
        table.add_row(one.label, *(cell(one) for _, cell in columns))
    return table


def _heading(words: str) -> Text:
    return Text(f"\n{words}", style="bold")


def _measures(one: SeatStanding, digits: int) -> list[Text]:
    return [
        _estimate(one.utility, "{:.3f}", f"{{:.{digits}f}}", style="bold"),
        _estimate(one.success, "{:.0%}", "{:.0%}"),
        _estimate(one.savings, "{:.3f}", f"{{:.{digits}f}}"),
        _estimate(one.rounds, "{:.1f}", "{:.1f}"),
    ]


def _estimate(estimate: Estimate | None, form: str, end: str, *, between: str = "\u2013", style: str = "") -> Text:
    """The mean, and its interval below it."""
    if estimate is None:
        return Text("-", style="dim")
    text = Text(form.format(_unsigned_zero(estimate.mean)), style=style)
    if estimate.low is not None and estimate.high is not None:
        ends = (end.format(_unsigned_zero(value)) for value in (estimate.low, estimate.high))
        text.append("\n" + between.join(ends), style="not bold dim")
    return text


def _unsigned_zero(value: float) -> float:
    """A value that is written as zero has no sign."""
    return 0.0 if abs(value) < 0.0005 else value


def _tested_gain(difference: Difference | None, digits: int) -> Text:
    """The utility gained over the baseline: green or red where the corrected test finds a difference."""
    if difference is None:
        return Text("-", style="dim")
    gain = difference.utility
    style = ("green" if gain.mean > 0 else "red") if difference.beyond_chance else ""
    return _estimate(gain, "{:+z.3f}", f"{{:+z.{digits}f}}", between=_TO, style=style)


def _test(difference: Difference | None) -> list[Text]:
    """The corrected p-value and the effect size."""
    if difference is None or difference.p_holm is None:
        return [Text("-", style="dim")] * 2
    return [Text(p_value(difference.p_holm)), Text("-" if difference.effect is None else f"{difference.effect:+.2f}")]


def _gain(gain: Estimate | None, digits: int) -> Text:
    """What was gained over the baseline: green or red where its interval leaves out zero."""
    if gain is None:
        return Text("-", style="dim")
    style = ""
    if gain.low is not None and gain.high is not None:
        style = "green" if gain.low > 0 else "red" if gain.high < 0 else ""
    return _estimate(gain, "{:+z.3f}", f"{{:+z.{digits}f}}", between=_TO, style=style)


def _trouble(listed: list[SeatStanding]) -> list[Text]:
    """A line for each agent that had failures or repairs."""
    lines = []
    for one in listed:
        told = [f"{one.failures} failed" if one.failures else "", troubles(one)]
        if any(told):
            lines.append(Text(f"  {one.label}: {', '.join(filter(None, told))}", style="yellow"))
    return lines


def _matrix(standings: Standings, width: int) -> list[RenderableType]:
    """The creditors' mean utility, creditors x debtors; columns that do not fit are left to the report."""
    longest = min(_NAME, max(len(row[0].creditor) for row in standings.matrix))
    columns = [cell.debtor for cell in standings.matrix[0]]
    fitting = 0
    used = longest + 2
    while fitting < len(columns) and (used := used + max(6, min(len(columns[fitting]), 16)) + 2) <= width:
        fitting += 1
    hidden = len(columns) - fitting
    title = "Creditor's mean utility" + (f" ({hidden} more debtors in the report)" if hidden else "")
    table = empty_table()
    table.add_column("", no_wrap=True, max_width=_NAME, overflow="ellipsis")
    for name in columns[:fitting]:
        table.add_column(name, justify="right", max_width=16, overflow="fold")
    for row in standings.matrix:
        table.add_row(row[0].creditor, *map(_cell, row[:fitting]))
    return [_heading(title), table]


def _cell(cell: Cell) -> Text:
    if cell.creditor_utility is None:
        return Text("-", style="dim")
    shade = min(4, int(cell.creditor_utility * 5))
    return Text(f"{cell.creditor_utility:.3f}", style=("red", "yellow", "", "cyan", "bold green")[shade])


def _footnote(standings: Standings, width: int) -> Text:
    of_all = f"{standings.finished} of " if standings.finished < standings.total else ""
    cases = counted(standings.scenarios, "scenario")
    unit = standings.unit
    in_worlds = f" in {standings.worlds} worlds" if standings.worlds else ""
    text = Text(
        f"\n{of_all}{standings.total} matches{in_worlds} on {cases}, seed {standings.seed}, model {standings.model}. "
        f"Below the means: 95 % intervals over {unit}s, by studentised bootstrap; of success Wilson's, at the "
        f"effective sample size. Differences are paired by scenario, seed and opponent, their intervals by t over "
        f"{unit}s.",
        style="dim",
    )
    if standings.worlds:
        text.append(" Each world's own figures are in the report, and in the matrix of --json.")
    if standings.differences:
        text.append(" Coloured: p below 0.05, corrected for all comparisons of a seat (Holm); d: the difference in")
        text.append(f" standard deviations of the {unit}s'.")
        text.append(f" p and d are shown from {_WIDER} columns on, and with --pairs." if width < _WIDER else "")
    if any(one.de_escalation for one in standings.standings):
        text.append(" De-escalation: how much less negative the debtor's words were late than early.")
    if failed := sum(one.failed for one in standings.seat("creditor")):
        text.append(f" {failed} failed matches count as no deal, with utility 0 for both sides, in all figures.")
    if (standings.worlds or standings.scenarios) < FEW:
        text.append(f" With fewer than {FEW} {unit}s the intervals are too narrow.", style="yellow")
    return text
