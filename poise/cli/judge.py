"""`poise tournament agreement` and `rescore`: a judge's verdicts beside the referee's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poise.cli.groups import AsJson, Folder, command_group
from poise.cli.output import write_line

app = command_group()

Judge = Annotated[
    str | None,
    typer.Option(metavar="URI", help="Ask this judge now: rules, ollama:NAME, ... Default: the tournament's own."),
]
Options = Annotated[
    list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="An option of the judge's model; repeat.")
]


@app.command("agreement")
def agreement_command(
    folder: Folder,
    judge: Judge = None,
    option: Options = None,
    examples: Annotated[int, typer.Option(min=0, help="How many disagreements to show.")] = 6,
    json: AsJson = False,
) -> None:
    """Compare a judge's verdicts with the referee's, message by message."""
    from poise.cli.screens.console import show
    from poise.cli.screens.judging import agreement_view
    from poise.tournaments.judging.agreement import measure_agreement

    _ask_judge(folder, judge, option)
    agreement = measure_agreement(folder, judge, examples)
    show(agreement.to_dict() if json else None, lambda _width: agreement_view(agreement))


@app.command("rescore")
def rescore_command(
    folder: Folder,
    rule: Annotated[
        str, typer.Option(metavar="referee|judge|faithful|either", help="When a negotiation ends in a deal.")
    ],
    value: Annotated[
        str | None, typer.Option(metavar="last|midpoint", help="What a deal settles at. Default: last.")
    ] = None,
    judge: Judge = None,
    option: Options = None,
    json: AsJson = False,
) -> None:
    """Show the standings under another rule for deals, from the stored negotiations; nothing is played."""
    from poise.cli.screens.console import show
    from poise.cli.screens.judging import rescored_view
    from poise.tournaments.judging.rescoring import rescore_tournament

    if rule in ("judge", "either"):
        _ask_judge(folder, judge, option)
    rescored = rescore_tournament(folder, rule, value, judge)
    show(rescored.to_dict() if json else None, lambda width: rescored_view(rescored, width))


def _ask_judge(folder: Path, judge: str | None, option: list[str] | None) -> None:
    """Ask the judge that `--judge` names, if it does."""
    from poise.cli.screens.console import console
    from poise.common.errors import BadInput
    from poise.common.progress import ProgressDisplay
    from poise.common.settings import parse_options
    from poise.tournaments.judging.asking import ask_judge

    if judge is None:
        if option:
            raise BadInput("--option is for the model of a judge named by --judge; add --judge URI")
        return
    with ProgressDisplay(console(stderr=True)) as watch:
        path = ask_judge(folder, judge, parse_options(option or []), watch)
    write_line(f"verdicts: {path}", err=True)
