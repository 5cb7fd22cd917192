"""`poise agents`: list the agents there are, check your own, and trace it."""

from __future__ import annotations

from typing import Annotated

import typer

from poise.cli.groups import AsJson, command_group

app = command_group()


@app.command("list")
def list_agents_command(json: AsJson = False) -> None:
    """List all agents that have a name."""
    from poise.cli.screens.agents import show_agents
    from poise.cli.screens.console import console

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
    from poise.cli.screens.console import console

    raise typer.Exit(show_checks(console(), agent, message_seconds))


@app.command("trace")
def trace_command(
    agent: Annotated[str, typer.Argument(metavar="FILE[:NAME]|NAME", help="Your agent.")],
    against: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its opponent. Default: angry, or vanilla for a debtor.")
    ] = None,
    scenario: Annotated[str, typer.Option(metavar="SOURCE", help="A scenario, such as builtin:3.")] = "builtin:0",
    seed: Annotated[int, typer.Option(min=0, help="The match's seed.")] = 0,
    model: Annotated[str, typer.Option(metavar="URI", help="The model of agents that name none.")] = "scripted",
    messages: Annotated[int, typer.Option(min=1, help="Stop after so many messages.")] = 1000,
) -> None:
    """Play one match node by node, and show what each node of your agent changed."""
    from poise.cli.screens.console import console
    from poise.cli.screens.trace import show_trace

    raise typer.Exit(show_trace(console(), agent, against, scenario, seed, model, messages))
