"""`poise play`: negotiate in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from poise.cli.groups import command_group
from poise.cli.options import takes
from poise.tournaments.config import TournamentConfig

app = command_group()


@app.command("play")
@takes(TournamentConfig, only=("model", "option", "judge"))
def play_command(
    given: dict[str, Any],
    seat: Annotated[str | None, typer.Option("--as", metavar="creditor|debtor", help="Your seat.")] = None,
    against: Annotated[str | None, typer.Option(metavar="NAME", help="Your opponent; see `poise agents list`.")] = None,
    scenario: Annotated[
        str, typer.Option(metavar="SOURCE", help="A scenario, such as builtin:3; of several, the seed picks one.")
    ] = "builtin",
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same opponent. Default: a new seed.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume a negotiation that you left.")] = False,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="The negotiation's folder. Default: under runs/play.")
    ] = None,
) -> None:
    """Negotiate yourself, in either seat, against any agent. You can leave and come back."""
    from poise.cli.screens.play import Terminal, converse
    from poise.tournaments.human.match import HumanMatch, invite, seat_of, some_seed

    screen = Terminal()
    if resume:
        with HumanMatch.resume(folder) as match:
            converse(match, screen)
        return
    own_seat = seat_of(seat)
    opponent = against or ("vanilla" if own_seat == "debtor" else "angry")
    config, chosen = invite(own_seat, opponent, scenario, {**given, "seed": some_seed() if seed is None else seed})
    with HumanMatch.start(config, chosen, folder) as match:
        converse(match, screen)
