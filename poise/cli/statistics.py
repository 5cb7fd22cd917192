"""`poise tournament ratings`, `power` and the like: what they take. They are wired into `poise.cli.app`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

Command = Callable[..., None]

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The tournament's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


def wire(app: typer.Typer, plainly: Callable[[Command], Command]) -> None:
    """Add the commands to `poise tournament`; `plainly` turns errors into words and an exit code."""
    commands: dict[str, Command] = {
        "ratings": ratings,
        "power": power,
        "solve": solve,
        "process": process,
        "export": export,
    }
    for name, command in commands.items():
        app.command(name)(plainly(command))


def ratings(
    folder: Folder,
    method: Annotated[str, typer.Option(metavar="bradley-terry|elo|openskill", help="How to rate.")] = "bradley-terry",
    json: AsJson = False,
) -> None:
    """Rate creditors and debtors by who came out ahead of whom."""
    from poise.cli.screens.ratings import ratings_view
    from poise.tournaments.statistics.ratings import rate_tournament

    found = rate_tournament(folder, method)
    _show(found.to_dict() if json else None, lambda _width: ratings_view(found))


def power(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A tournament whose variances are used; else assumed ones.")
    ] = None,
    difference: Annotated[float, typer.Option(help="In utility, to be told from none.")] = 0.05,
    pairs: Annotated[
        int | None, typer.Option(help="Matches of each agent on each scenario. Default: as played; without DIR, 1.")
    ] = None,
    between: Annotated[
        float | None, typer.Option(min=0, help="Assumed standard deviation between scenarios (0.1).")
    ] = None,
    within: Annotated[float | None, typer.Option(min=0, help="Assumed standard deviation within one (0.3).")] = None,
    power: Annotated[float, typer.Option(help="The chance to find the difference.")] = 0.8,
    level: Annotated[float, typer.Option(help="The chance to find one where there is none.")] = 0.05,
    comparisons: Annotated[int, typer.Option(help="Made at a time; the level is shared among them.")] = 1,
    json: AsJson = False,
) -> None:
    """Say how many scenarios and matches separate two agents that differ by so much."""
    from poise.cli.screens.power import assumed_view, tournament_view
    from poise.common.errors import BadInput
    from poise.tournaments.statistics.power import PowerPlan, Spread, assumed_plain, matches_needed, power_data

    plan = PowerPlan(difference, pairs or 1, power, level, comparisons)
    if folder is None:
        spread = Spread(0.1 if between is None else between, 0.3 if within is None else within)
        _show(assumed_plain(plan, spread) if json else None, lambda _width: assumed_view(plan, spread))
        return
    if between is not None or within is not None:
        raise BadInput("--between and --within are assumed; leave them out to use what was played in DIR, or leave DIR")
    found = matches_needed(folder, plan, pairs)
    _show(power_data(plan, found) if json else None, lambda _width: tournament_view(plan, found))


def solve(
    folder: Folder,
    figures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also write the game's figures there, as SVG files.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Solve the game between the two fields: equilibria, exploitability, dominance, alpha-rank."""
    from poise.cli.screens.solutions import solution_view
    from poise.tournaments.game_theory.bimatrix import bimatrix
    from poise.tournaments.game_theory.solve import solution_data
    from poise.tournaments.statistics.standings import read_standings

    found = solution_data(bimatrix(read_standings(folder, draws=2)))
    written = _figures(folder, figures) if figures else []
    _show(found if json else None, lambda _width: solution_view(found))
    if written:
        typer.echo(f"figures: {len(written)} files in {figures}", err=json)


def _figures(folder: Path, into: Path) -> list[Path]:
    from poise.tournaments.charts.game import read_figures, write_figures

    return write_figures(read_figures(folder), into)


def process(
    folder: Folder,
    pairs: Annotated[bool, typer.Option("--pairs", help="Each creditor against each debtor, too.")] = False,
    scale: Annotated[
        str,
        typer.Option(metavar="offers|targets", help="Concessions between first offers, or targets."),
    ] = "offers",
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write everything there, as JSON.")] = None,
) -> None:
    """Show how talks went: concessions, anchoring, time to deal, emotions, calibration, words and their cost."""
    from poise.cli.screens.process import show_process

    show_process(folder, scale, json, pairs=pairs)


def export(
    folder: Folder,
    to: Annotated[Path, typer.Option(metavar="FILE", help="A .parquet or .csv file.")],
    table: Annotated[
        str, typer.Option(metavar="matches|messages|process|provenance", help="A line for each of them.")
    ] = "matches",
) -> None:
    """Write matches, messages, process figures or provenance as Parquet or CSV; needs pip install 'poise[analysis]'."""
    from poise.tournaments.export import export_tournament as write

    typer.echo(str(write(folder, to, table)))


def _show(data: dict[str, Any] | None, view: Callable[[int], Any]) -> None:
    """JSON where it was asked for, else the view for the terminal's width."""
    from poise.cli.screens.standings import show

    show(data, view)
