"""`poise tournament ratings`, `power`, `solve`, `process`, `verify` and `export`: figures of a finished tournament."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poise.cli.groups import AsJson, Baseline, Folder, command_group
from poise.cli.output import write_line
from poise.common.words import plural

app = command_group()


@app.command("ratings")
def ratings_command(
    folder: Folder,
    method: Annotated[str, typer.Option(metavar="bradley-terry|elo|openskill", help="How to rate.")] = "bradley-terry",
    json: AsJson = False,
) -> None:
    """Rate creditors and debtors by who came out ahead."""
    from poise.cli.screens.console import show
    from poise.cli.screens.ratings import ratings_view
    from poise.tournaments.statistics.ratings import rate_tournament
    from poise.tournaments.storage.store import read_snapshot

    ratings = rate_tournament(read_snapshot(folder), method)
    show(ratings.to_dict() if json else None, lambda _width: ratings_view(ratings))


@app.command("power")
def power_command(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Take the variances from this tournament; otherwise they are assumed."),
    ] = None,
    difference: Annotated[float, typer.Option(help="The difference in utility to detect.")] = 0.05,
    pairs: Annotated[
        int | None, typer.Option(help="Matches of each agent on each scenario. Default: as played; without DIR, 1.")
    ] = None,
    between: Annotated[
        float | None, typer.Option(min=0, help="Assumed standard deviation between scenarios (0.1).")
    ] = None,
    within: Annotated[float | None, typer.Option(min=0, help="Assumed standard deviation within one (0.3).")] = None,
    power: Annotated[float, typer.Option(help="The chance to find the difference.")] = 0.8,
    level: Annotated[float, typer.Option(help="The chance to find one where there is none.")] = 0.05,
    comparisons: Annotated[int, typer.Option(help="Comparisons made together; they share the level.")] = 1,
    baseline: Baseline = None,
    json: AsJson = False,
) -> None:
    """Compute how many scenarios and matches are needed to detect a difference between two agents."""
    from poise.cli.screens.console import show
    from poise.cli.screens.power import assumed_view, tournament_view
    from poise.common.errors import BadInput
    from poise.tournaments.statistics.power import PowerPlan, Spread, assumed_plain, matches_needed, power_data
    from poise.tournaments.storage.store import read_snapshot

    plan = PowerPlan(difference, pairs or 1, power, level, comparisons)
    if folder is None:
        spread = Spread(0.1 if between is None else between, 0.3 if within is None else within)
        show(assumed_plain(plan, spread) if json else None, lambda _width: assumed_view(plan, spread))
        return
    if between is not None or within is not None:
        raise BadInput(
            "--between and --within are assumed variances; leave them out to use those of DIR, or leave out DIR"
        )
    snapshot = read_snapshot(folder).against(baseline)
    needed = matches_needed(snapshot, plan, pairs)
    show(power_data(plan, needed) if json else None, lambda _width: tournament_view(plan, needed, snapshot.unit))


@app.command("solve")
def solve_command(
    folder: Folder,
    figures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write the game's figures there, as SVG files.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Solve the game between the two fields: equilibria, exploitability, dominance, alpha-rank."""
    from poise.cli.screens.console import show
    from poise.cli.screens.solutions import solution_view
    from poise.tournaments.charts.game import game_figures, write_figures
    from poise.tournaments.game_theory.bimatrix import bimatrix
    from poise.tournaments.game_theory.solve import solution_data
    from poise.tournaments.statistics.standings import make_standings
    from poise.tournaments.storage.store import read_snapshot

    snapshot = read_snapshot(folder)
    standings = make_standings(snapshot, draws=2)
    solution = solution_data(bimatrix(standings))
    written = write_figures(game_figures(standings, snapshot.rows), figures) if figures else []
    show(solution if json else None, lambda _width: solution_view(solution))
    if written:
        write_line(f"figures: {len(written)} files in {figures}", err=json)


@app.command("process")
def process_command(
    folder: Folder,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Also the figures of each creditor against each debtor.")
    ] = False,
    scale: Annotated[
        str,
        typer.Option(
            metavar="offers|targets", help="Concessions as shares of the gap between first offers, or targets."
        ),
    ] = "offers",
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write everything there, as JSON.")] = None,
) -> None:
    """Show how negotiations went: concessions, anchoring, time to deal, emotions, calibration, words and their cost."""
    from poise.cli.screens.process import show_process

    show_process(folder, scale, json, pairs=pairs)


@app.command("verify")
def verify_command(folder: Folder) -> None:
    """Check the store: its file, and the row of every match against its transcript. Exit code 1 where they differ.

    The digest covers everything played, without times: stores with the same digest hold the same matches and words.
    """
    from poise.cli.output import plain
    from poise.tournaments.storage.verify import verify_tournament

    verification = verify_tournament(folder)
    for problem in verification.problems[:20]:
        write_line(plain(problem))
    found = len(verification.problems)
    write_line(f"{folder}: {verification.matches} matches checked, {found or 'no'} {plural('problem', found)}")
    if not found:
        write_line(f"digest of what was played: {verification.digest}")
    raise typer.Exit(1 if found else 0)


@app.command("export")
def export_tournament_command(
    folder: Folder,
    to: Annotated[Path, typer.Option(metavar="FILE", help="A .parquet or .csv file.")],
    table: Annotated[
        str, typer.Option(metavar="matches|messages|process|provenance", help="What a row stands for.")
    ] = "matches",
) -> None:
    """Write matches, messages, process figures or provenance as CSV, or as Parquet (pip install 'poise[analysis]')."""
    from poise.tournaments.export import export_tournament

    write_line(str(export_tournament(folder, to, table)))
