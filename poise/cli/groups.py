"""What groups of commands share: how they look, and the options of more than one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from typer.core import TyperGroup

OUT_HELP: Final = "The folder. Default: runs/ and the command's name."
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The tournament's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Baseline = Annotated[
    str | None, typer.Option(metavar="NAME", help="Compare with this agent. Default: as the tournament was run.")
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help=OUT_HELP)]


def command_group(cls: type[TyperGroup] = TyperGroup) -> typer.Typer:
    """A group of commands that looks like all of Poise's; `poise.cli.app` has its summary."""
    return typer.Typer(
        cls=cls,
        rich_markup_mode=None,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
