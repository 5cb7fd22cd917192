"""`poise worlds`: the worlds that simulated debtors come from, checked and drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poise.cli.groups import command_group
from poise.cli.output import write_line

app = command_group()


@app.command("list")
def list_worlds_command() -> None:
    """List the worlds that come with Poise."""
    from poise.agents.simulated.files import world_names

    for name in world_names():
        write_line(name)


@app.command("check")
def check_world_command(
    world: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A world's name, or its file.")] = "default",
    matches: Annotated[
        int, typer.Option(min=20, max=1_000_000, help="Matches of each creditor. Fewer than 100 leave much to chance.")
    ] = 200,
    scenarios: Annotated[str, typer.Option(help="Which scenarios to play.")] = "builtin:test",
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The seed of the matches.")] = 20_250_401,
) -> None:
    """Check that a world rewards neither stubbornness nor giving in, and that emotion matters in it."""
    from poise.cli.screens.agents import show_verdicts
    from poise.cli.screens.console import console
    from poise.testing.worlds import each_world_check, world_trials

    trials = world_trials(world, matches=matches, scenarios=scenarios, seed=seed)
    title = f"world {trials.world.name} ({trials.world.digest}), {matches} matches of each creditor"
    raise typer.Exit(show_verdicts(console(), title, each_world_check(trials)))


@app.command("sample")
def sample_worlds_command(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write them to.")],
    worlds: Annotated[int, typer.Option("--worlds", "-n", min=0, help="How many to draw.")] = 200,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="The seed of the draws.")] = 0,
    prior: Annotated[Path | None, typer.Option(metavar="FILE", help="The prior. Default: Poise's own.")] = None,
    permuted: Annotated[
        int, typer.Option(min=0, help="Worlds to add whose reactions are assigned to other emotions.")
    ] = 0,
) -> None:
    """Draw worlds from a prior, half for training and half for judging; --debtor worlds:DIR/test plays the latter."""
    from poise.agents.simulated.prior import read_prior, sample_worlds

    paths = sample_worlds(out, read_prior(prior), worlds=worlds, seed=seed, permuted=permuted)
    counts = {name: sum(path.parent == out / name for path in paths) for name in ("train", "test", "permuted")}
    written = ", ".join(f"{count} in {out / name}" for name, count in counts.items() if count)
    write_line(f"{written}; the null world is {paths[-1]}".removeprefix("; "))
    if counts["test"]:
        write_line(f"train against --debtor worlds:{out / 'train'}, and judge with --debtor worlds:{out / 'test'}")
