"""The end of a run in the terminal: who won and where the report is, or how to resume."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.text import Text

from poise.cli.output import plain
from poise.cli.screens.agents import traceback_text
from poise.cli.screens.exit_codes import DOUBTFUL, INTERRUPTED, WAITING
from poise.common.words import counted, duration
from poise.tournaments.folder import resume_command
from poise.tournaments.results import Result
from poise.tournaments.storage.store import Store

if TYPE_CHECKING:
    from poise.tournaments.statistics.results import Standings


def conclude(
    result: Result,
    screen: Console,
    notes: Console,
    draw: Callable[[Standings, int], RenderableType | None] | None = None,
) -> int:
    """Show the standings and any doubts about them, write the report, and return the exit code (see EXIT_CODES).

    draw: what to show instead of the standings, given the columns; None shows nothing.
    """
    from poise.cli.screens.standings import standings_view
    from poise.tournaments.report.page import write_report

    standings = result.standings() if result.finished and not result.part else None
    view = (draw or standings_view)(replace(standings, doubts=()), screen.width) if standings else None
    if view is not None:
        screen.print(view)
    _tell_failures(result, notes)
    for doubt in standings.doubts if standings else ():
        notes.print(Text(f"warning: {plain(doubt.text, 1000)}", style="bold red"), soft_wrap=True)
    if result.stopped or result.waiting:
        notes.print(_way_on(result))
    if result.stopped:
        return INTERRUPTED
    if not result.played:
        which = "every match that can be played now" if result.waiting else "every match"
        notes.print(f"{which} was finished before; nothing was played (stored in {result.folder})")
    elif result.seconds:
        pace = f"{counted(result.played, 'match')} in {duration(result.seconds)}"
        notes.print(Text(f"{pace} ({result.played / result.seconds:.3g} a second)", style="dim"))
    if result.part:
        played = f"part {result.part}: {result.finished} matches in {result.folder}"
        screen.print(f"{played}; join all parts with: poise tournament merge OUT DIR...", soft_wrap=True)
    else:
        screen.print(f"report: {write_report(result.folder)}", soft_wrap=True)
    if result.waiting:
        return WAITING
    return DOUBTFUL if standings and standings.doubts else 0


def _way_on(result: Result) -> Text:
    so_far = f"Stopped after {result.finished} of {result.total} matches."
    if not result.stopped:
        so_far = f"{result.finished} of {result.total} matches are played. When the server answers again,"
    text = Text(f"{so_far} {'c' if result.waiting and not result.stopped else 'C'}ontinue with:\n", style="yellow")
    return text.append(f"  {resume_command(result.folder)}", style="bold")


def _tell_failures(result: Result, notes: Console) -> None:
    with Store.read(result.folder) as store:
        failures = store.failures(3)
        number = sum(tally.failed for tally in store.tally().values())
    if not failures:
        return
    failed = "1 match failed and counts" if number == 1 else f"{number} matches failed and count"
    notes.print(Text(f"{failed} as no deal, with utility 0 for both sides. The usual reasons:", style="yellow"))
    for reason, count, traceback in failures:
        notes.print(Text(f"  {count} x {plain(reason, 500)}", style="yellow"))
        if traceback and os.environ.get("POISE_DEBUG"):
            notes.print(traceback_text(traceback), soft_wrap=True)
    if any(traceback for *_, traceback in failures) and not os.environ.get("POISE_DEBUG"):
        notes.print("POISE_DEBUG=1 shows where in your code; so does `poise view`.", style="dim")
