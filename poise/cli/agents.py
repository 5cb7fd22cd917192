"""`poise agents`: list the agents there are, and check your own."""

from __future__ import annotations

from typing import Annotated

import typer

from poise.cli.options import AsJson, command_group

app = command_group()


@app.command("list")
def list_agents_command(json: AsJson = False) -> None:
    """List every agent that can be named."""
    from poise.cli.screens.agents import show_agents
    from poise.cli.screens.standings import console

    show_agents(console(), as_json=json)


@app.command("check")
def check_agent_command(
    agent: Annotated[
        str, typer.Argument(metavar="FILE|NAME|DIR", help="file.py, a persona.toml, a trained folder, a name.")
    ],
    message_seconds: Annotated[float, typer.Option(help="The longest a message may take.")] = 5.0,
) -> None:
    """Check your own agent: legal moves, the same play for the same seed, no access to hidden facts, and more."""
    from poise.cli.screens.agents import show_checks
    from poise.cli.screens.standings import console

    raise typer.Exit(show_checks(console(), agent, message_seconds))
