"""`poise tournament`: run, resume, standings and report; `judge` and `statistics` beside have the other commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from poise.cli import judge, statistics
from poise.cli.options import AsJson, Baseline, Folder, command_group, takes
from poise.cli.output import write_line
from poise.cli.screens.exit_codes import EXIT_CODES
from poise.tournaments.config import TournamentConfig, load_config

app = command_group()


@app.command("run", epilog=EXIT_CODES)
@takes(TournamentConfig, required=False)
def run_tournament_command(
    given: dict[str, Any],
    config: Annotated[Path | None, typer.Argument(help="A TOML file with any of the settings below.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the schedule, calls and time; play nothing.")
    ] = False,
) -> None:
    """Play every creditor against every debtor and show who won. Stopped halfway, it can be resumed."""
    from poise.cli.screens import conclusion
    from poise.cli.screens.console import console
    from poise.cli.screens.progress import watch_on
    from poise.tournaments.runner import run_tournament

    settings = load_config(config, given)
    if dry_run:
        conclusion.show_schedule(settings, console())
        return
    notes = console(stderr=True)
    raise typer.Exit(conclusion.conclude(run_tournament(settings, watch=watch_on(notes)), console(), notes))


@app.command("resume", epilog=EXIT_CODES)
@takes(TournamentConfig, only=("workers",))
def resume_tournament_command(given: dict[str, Any], folder: Folder) -> None:
    """Resume a tournament that was stopped; no finished match is played again."""
    from poise.cli.screens.conclusion import conclude
    from poise.cli.screens.console import console
    from poise.cli.screens.progress import watch_on
    from poise.tournaments.runner import resume_tournament

    notes = console(stderr=True)
    raise typer.Exit(conclude(resume_tournament(folder, watch=watch_on(notes), **given), console(), notes))


@app.command("standings")
def standings_command(
    folder: Folder,
    baseline: Baseline = None,
    pairs: Annotated[bool, typer.Option("--pairs", help="Each agent less each other one of its seat, too.")] = False,
    json: AsJson = False,
) -> None:
    """Show who won, or who leads while it runs."""
    from poise.cli.screens.console import show
    from poise.cli.screens.standings import standings_view
    from poise.tournaments.statistics.standings import read_standings

    standings = read_standings(folder, baseline=baseline)
    show(standings.to_dict() if json else None, lambda width: standings_view(standings, width, pairs=pairs))


@app.command("report")
def report_command(
    folder: Folder,
    transcripts: Annotated[int, typer.Option(min=0, help="How many transcripts the page holds at most.")] = 500,
    baseline: Baseline = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The page. Default: DIR/report.html.")] = None,
) -> None:
    """Write one page with the standings, the heat map and every transcript; it needs no network."""
    from poise.tournaments.report.page import write_report

    write_line(f"report: {write_report(folder, out, transcripts, baseline)}")


app.add_typer(judge.app)
app.add_typer(statistics.app)
