"""`poise play`: negotiate in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poise.cli.options import command_group

app = command_group()


@app.command("play")
def play_command(
    seat: Annotated[str | None, typer.Option("--as", metavar="creditor|debtor", help="Your seat.")] = None,
    against: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who sits across; see `poise agents list`.")
    ] = None,
    scenario: Annotated[
        str, typer.Option(metavar="SOURCE", help="A case, such as builtin:3; of several, the seed picks one.")
    ] = "builtin",
    model: Annotated[str | None, typer.Option(metavar="URI", help="The other side's model. Default: none.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Of the model, such as temperature=0.7; repeat.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same other side. Default: another every time.")] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="URI", help="Judges each message: rules, ollama:NAME, ...")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Come back to talks that were left.")] = False,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="The talks' folder. Default: under runs/play.")
    ] = None,
) -> None:
    """Sit down at the table yourself, in either seat, against any agent. You can leave and come back."""
    from poise.cli.screens.play import Terminal, converse
    from poise.tournaments.human.match import HumanMatch, invite

    screen = Terminal()
    if resume:
        with HumanMatch.resume(folder) as match:
            converse(match, screen)
        return
    from poise.common.settings import parse_options
    from poise.tournaments.human.match import seat_of, some_seed

    settings = {
        "model": model,
        "model_options": parse_options(option or []),
        "seed": some_seed() if seed is None else seed,
        "judge": judge,
    }
    own = seat_of(seat)
    config, case = invite(own, against or ("vanilla" if own == "debtor" else "angry"), scenario, settings)
    with HumanMatch.start(config, case, folder) as match:
        converse(match, screen)
