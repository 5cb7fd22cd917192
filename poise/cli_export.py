"""`poise train export`: what it takes, and what it shows. The command is wired into `poise.cli_train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from poise.games.moves import Seat


def export(
    adapter: Annotated[Path, typer.Option(metavar="DIR", help="What `poise train sft` or jpo, or peft, wrote.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The agent's folder; it must not exist yet.")],
    policy: Annotated[Path | None, typer.Option(metavar="DIR", help="A trained agent, for its emotions.")] = None,
    seat: Annotated[str, typer.Option(metavar="creditor|debtor|both", help="Whom it plays.")] = "creditor",
    ollama: Annotated[str | None, typer.Option(metavar="NAME", help="Make this Ollama model, too.")] = None,
    base: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Ollama's name of the base it is made from.")
    ] = None,
    gguf: Annotated[Path | None, typer.Option(metavar="FILE", help="The base's GGUF file, or smollm2.")] = None,
    precision: Annotated[str, typer.Option(metavar="f16|f32|q8_0", help="Of the adapter's numbers.")] = "f16",
    other_weights: Annotated[bool, typer.Option("--other-weights", help="MODEL may be quantised otherwise.")] = False,
) -> None:
    """Turn a LoRA adapter into an agent: adapter.gguf, a Modelfile and an artifact; --creditor DIR then plays it."""
    from poise.agents.learning.export.exporting import ExportSettings
    from poise.agents.learning.export.exporting import export as make
    from poise.agents.learning.export.ollama_model import Served
    from poise.games.errors import ConfigError

    if base and not ollama:
        raise ConfigError(f"--base {base} is what an Ollama model is made from; name the model with --ollama NAME")
    served = Served(ollama, base or "") if ollama else None
    settings = ExportSettings(adapter, out, policy, _seats(seat), gguf, served, precision, other_weights)
    artifact = make(settings)
    for each in artifact.seats:
        typer.echo(f"play it with: --{each} {out}{f'@ollama:{ollama}' if ollama else ''}")


def _seats(seat: str) -> tuple[Seat, ...]:
    from poise.games.errors import ConfigError

    seats: dict[str, tuple[Seat, ...]] = {
        "creditor": ("creditor",),
        "debtor": ("debtor",),
        "both": ("creditor", "debtor"),
    }
    if seat not in seats:
        raise ConfigError(f"seat {seat!r} is none of {', '.join(seats)}")
    return seats[seat]
