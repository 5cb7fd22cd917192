"""`poise models`: the models that play in this process, from GGUF files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poise.cli.groups import AsJson, command_group
from poise.cli.output import write_line

app = command_group()


@app.command("list")
def list_models_command(json: AsJson = False) -> None:
    """List the models in the models folder and in Ollama's store on this machine; --model embedded:NAME plays one."""
    from poise.cli.screens.console import console
    from poise.cli.screens.models import show_models

    show_models(console(), as_json=json)


@app.command("add")
def add_model_command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A GGUF file.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="The model's name. Default: the file's.")] = "",
    template: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Its chat template: chatml, gemma, plain or a Jinja file.")
    ] = "",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the file instead of linking to it.")] = False,
) -> None:
    """Add a model to the models folder, so that embedded:NAME plays it."""
    from poise.agents.models.embedded.folder import add_model

    model = add_model(path.expanduser(), name, template, copy=copy)
    write_line(f"embedded:{model.name} is {model.path}")


@app.command("check")
def check_model_command(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A model's name, or a GGUF file.")],
    slots: Annotated[int, typer.Option(min=1, max=256, help="Seats whose prompts stay in memory.")] = 4,
    context: Annotated[int, typer.Option(min=256, help="Tokens of each seat.")] = 4096,
    template: Annotated[str, typer.Option(metavar="NAME|FILE", help="The chat template to use.")] = "",
) -> None:
    """Check that a model can play: it loads, has a chat template, fits into memory, and replies."""
    from poise.cli.screens.console import console
    from poise.cli.screens.models import show_model_check

    show_model_check(console(), name, {"slots": slots, "context": context, "template": template})
