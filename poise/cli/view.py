"""`poise view`: tournaments in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poise.cli.groups import command_group
from poise.cli.output import write_line

app = command_group()


@app.command("view")
def view_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A tournament's folder, or one that holds several.")],
    other: Annotated[list[Path] | None, typer.Argument(metavar="[OTHER]...", help="More folders, to compare.")] = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port. 0 takes a free one.")] = 0,
    browser: Annotated[
        bool | None, typer.Option("--open/--no-browser", help="Open a browser. Default: on a desktop.")
    ] = None,
    anyone: Annotated[
        bool, typer.Option("--anyone-may-read", help="With a --host that others can reach: there is no password.")
    ] = False,
    token: Annotated[
        bool, typer.Option("--token", help="Admit only who opens the printed address; for machines with other users.")
    ] = False,
    across: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Your own agent as an opponent to negotiate with: a file or a trained folder."
        ),
    ] = None,
) -> None:
    """Look at tournaments in the browser, live while they run: standings, replays, comparisons, and a seat for you.

    The tournaments are not changed.
    """
    from poise.tournaments.view.server import ServerAddress, serve

    serve(
        [folder, *(other or [])],
        ServerAddress(host, port, anyone, token),
        browse=browser,
        tell=write_line,
        across=across or (),
    )
