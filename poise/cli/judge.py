"""`poise tournament agreement` and `rescore`: what they take. They are wired into `poise.cli.app`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

Command = Callable[..., None]

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The tournament's folder.")]
Judge = Annotated[
    str | None,
    typer.Option(metavar="URI", help="Ask this judge now: rules, ollama:NAME, ... Default: the tournament's own."),
]
Options = Annotated[
    list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="Of the judge's model; repeat.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


def wire(app: typer.Typer, plainly: Callable[[Command], Command]) -> None:
    """Add the commands to `poise tournament`; `plainly` turns errors into words and an exit code."""
    commands: dict[str, Command] = {"agreement": agreement, "rescore": rescore}
    for name, command in commands.items():
        app.command(name)(plainly(command))


def agreement(
    folder: Folder,
    judge: Judge = None,
    option: Options = None,
    examples: Annotated[int, typer.Option(min=0, help="How many disagreements to show.")] = 6,
    json: AsJson = False,
) -> None:
    """Compare a judge's verdicts with the referee's, message by message."""
    from poise.cli.screens.judging import agreement_view
    from poise.tournaments.judging.agreement import measure_agreement

    _ask(folder, judge, option)
    found = measure_agreement(folder, judge, examples)
    _show(found.to_dict() if json else None, lambda _width: agreement_view(found))


def rescore(
    folder: Folder,
    rule: Annotated[str, typer.Option(metavar="referee|judge|faithful|either", help="When talks end in a deal.")],
    value: Annotated[
        str | None, typer.Option(metavar="last|midpoint", help="What a deal settles at. Default: last.")
    ] = None,
    judge: Judge = None,
    option: Options = None,
    json: AsJson = False,
) -> None:
    """Show the standings under another rule for deals, from the stored talks; nothing is played."""
    from poise.cli.screens.judging import rescored_view
    from poise.tournaments.judging.rescoring import rescore_tournament

    if rule in ("judge", "either"):
        _ask(folder, judge, option)
    found = rescore_tournament(folder, rule, value, judge)
    _show(found.to_dict() if json else None, lambda width: rescored_view(found, width))


def _ask(folder: Path, judge: str | None, option: list[str] | None) -> None:
    """Ask a judge that was named now, with a bar where somebody looks."""
    from rich.progress import Progress

    from poise.cli.screens.standings import console
    from poise.common.errors import BadInput
    from poise.tournaments.config import parse_options
    from poise.tournaments.judging.asking import ask_judge

    if judge is None:
        if option:
            raise BadInput("--option is of a judge that is asked now; add --judge URI")
        return
    notes = console(stderr=True)
    with Progress(console=notes, transient=True, disable=not notes.is_terminal) as progress:
        bar = progress.add_task(f"asking {judge}", total=None)
        path = ask_judge(
            folder,
            judge,
            parse_options(option or []),
            lambda done, total: progress.update(bar, completed=done, total=total),
        )
    notes.print(f"verdicts: {path}", style="dim", soft_wrap=True, markup=False)


def _show(data: dict[str, Any] | None, view: Callable[[int], Any]) -> None:
    """JSON where it was asked for, else the view for the terminal's width."""
    if data is not None:
        import orjson

        typer.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())
        return
    from poise.cli.screens.standings import console

    screen = console()
    screen.print(view(screen.width))
