"""`poise tournament`: run, resume, standings and report; `judge` and `statistics` have the group's other commands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from poise.agents.registry import find_agent
from poise.cli import judge, statistics
from poise.cli.groups import AsJson, Baseline, Folder, command_group
from poise.cli.options import takes
from poise.cli.output import show_json, write_line
from poise.cli.screens.exit_codes import EXIT_CODES
from poise.common.errors import AgentError, BadInput
from poise.games.moves import Seat
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
    from poise.cli.screens.console import console

    settings = load_config(config, given)
    if dry_run:
        from poise.cli.screens.schedule import show_schedule

        show_schedule(settings, console())
        return
    from poise.cli.screens import conclusion
    from poise.common.progress import ProgressDisplay
    from poise.tournaments.runner import run_tournament

    notes = console(stderr=True)
    with ProgressDisplay(notes) as watch:
        result = run_tournament(settings, watch=watch)
    raise typer.Exit(conclusion.conclude(result, console(), notes))


@app.command("compare", epilog=EXIT_CODES)
@takes(TournamentConfig, required=False, leave_out=("baseline",))
def compare_command(
    given: dict[str, Any],
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="An agent, as NAME, FILE.py or NAME@MODEL_URI.")],
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help="The agent that it is compared with.")],
    difference: Annotated[float, typer.Option(help="The difference in utility to detect.")] = 0.05,
    power: Annotated[float, typer.Option(help="The chance to find the difference.")] = 0.8,
    json: AsJson = False,
) -> None:
    """Play two agents against the same opponents, and show what one gains over the other and what would show more.

    They are creditors, against debtors that --debtor names; with --creditor they are debtors. The same command with
    --out and more scenarios plays what is missing.
    """
    from poise.cli.screens import conclusion
    from poise.cli.screens.comparison import comparison_view
    from poise.cli.screens.console import console
    from poise.cli.screens.standings import standings_view
    from poise.common.progress import ProgressDisplay
    from poise.tournaments.runner import run_tournament
    from poise.tournaments.statistics.comparison import Comparison, compare_agents
    from poise.tournaments.statistics.power import PowerPlan
    from poise.tournaments.statistics.results import Standings
    from poise.tournaments.storage.store import read_snapshot

    plan = PowerPlan(difference, power=power)
    settings = load_config(None, _two_agents(agent, baseline, given))
    notes = console(stderr=True)
    with ProgressDisplay(notes) as watch:
        result = run_tournament(settings, watch=watch)

    def compared() -> Comparison:
        return compare_agents(read_snapshot(result.folder), agent, baseline, plan)

    def draw(standings: Standings, width: int) -> Any:
        if not standings.differences:  # stopped before both had played
            return standings_view(standings, width)
        return None if json else comparison_view(compared())

    code = conclusion.conclude(result, notes if json else console(), notes, draw)
    if json:
        show_json(compared().to_dict())
    raise typer.Exit(code)


def _two_agents(agent: str, baseline: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a tournament of two agents of one seat, with default opponents where none are named."""
    if given.get("creditors") and given.get("debtors"):
        raise BadInput(
            "AGENT and BASELINE play the same side; name opponents of creditors by --debtor, of debtors by --creditor"
        )
    debtors = bool(given.get("creditors"))
    if not debtors and not given.get("debtors"):
        debtors = not _plays(agent, "creditor") and _plays(agent, "debtor")
    own, other, against = (
        ("debtors", "creditors", ("vanilla", "wsls", "eq-negotiator"))
        if debtors
        else ("creditors", "debtors", ("vanilla", "angry", "sad", "simulated"))
    )
    return {other: against, **given, own: (agent, baseline), "baseline": baseline}


def _plays(agent: str, seat: Seat) -> bool:
    try:
        find_agent(agent, seat)
    except AgentError:
        return False
    return True


@app.command("resume", epilog=EXIT_CODES)
@takes(TournamentConfig, only=("workers",))
def resume_tournament_command(given: dict[str, Any], folder: Folder) -> None:
    """Resume a tournament that was stopped; no finished match is played again."""
    from poise.cli.screens.conclusion import conclude
    from poise.cli.screens.console import console
    from poise.common.progress import ProgressDisplay
    from poise.tournaments.runner import resume_tournament

    notes = console(stderr=True)
    with ProgressDisplay(notes) as watch:
        result = resume_tournament(folder, watch=watch, **given)
    raise typer.Exit(conclude(result, console(), notes))


@app.command("merge", epilog=EXIT_CODES)
def merge_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write.")],
    parts: Annotated[list[Path], typer.Argument(metavar="DIR...", help="The folders of all parts (--part).")],
) -> None:
    """Join the parts of a tournament that were played separately, which must hold every match. They are not changed."""
    from poise.cli.screens.conclusion import conclude
    from poise.cli.screens.console import console
    from poise.tournaments.merging import merge_tournaments

    raise typer.Exit(conclude(merge_tournaments(out, parts), console(), console(stderr=True)))


@app.command("standings")
def standings_command(
    folder: Folder,
    baseline: Baseline = None,
    pairs: Annotated[bool, typer.Option("--pairs", help="Also the difference of every two agents of a seat.")] = False,
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
    transcripts: Annotated[int, typer.Option(min=0, help="The most transcripts that the page holds.")] = 500,
    baseline: Baseline = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The page. Default: DIR/report.html.")] = None,
) -> None:
    """Write one page with the standings, the heat map and the transcripts; it opens without a network."""
    from poise.tournaments.report.page import write_report

    write_line(f"report: {write_report(folder, out, transcripts, baseline)}")


app.add_typer(judge.app)
app.add_typer(statistics.app)
