"""`poise train` from negotiations played before: sweep, baselines, dataset, iql, bc and cql."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from poise.cli.groups import Out, command_group
from poise.cli.options import number_or_text, takes
from poise.cli.output import write_line
from poise.training.data.settings import BaselineSettings, DatasetSettings, SweepSettings
from poise.training.offline.problem import Method, OfflineSettings

if TYPE_CHECKING:
    from poise.training.offline.train import OfflineTrained

app = command_group()

Workers = Annotated[
    str | None,
    typer.Option(
        metavar="N|ray[:HOST:PORT]", help="Matches at a time, or a Ray cluster to play on. Default: by machine."
    ),
]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="The device to compute on.")]
Minutes = Annotated[float | None, typer.Option(min=0.0, help="Stop after so many minutes and keep a checkpoint.")]
Data = Annotated[Path, typer.Option(metavar="DIR", help="A folder of `poise train dataset`.")]


@app.command("sweep")
@takes(SweepSettings)
def sweep_command(given: dict[str, Any], workers: Workers = None, out: Out = None) -> None:
    """Play negotiations with random emotions to learn from. Repeat it to resume."""
    from poise.cli.screens.console import console
    from poise.common.progress import ProgressDisplay
    from poise.training.data.sweep import sweep

    settings = SweepSettings(**given)
    folder = out or Path("runs") / "sweep"
    with ProgressDisplay(console(stderr=True)) as watch:
        result = sweep(settings, folder, workers=number_or_text(workers), watch=watch)
    write_line(f"{result.finished} of {result.total} negotiations are in {folder}")
    if result.complete:
        write_line(f"learn from them with: poise train dataset --from {folder}")
    else:
        write_line("repeat the command to resume")
        raise typer.Exit(130)


@app.command("baselines")
@takes(BaselineSettings)
def baselines_command(given: dict[str, Any], workers: Workers = None, out: Out = None) -> None:
    """Choose the best fixed emotion, and the best concession without emotion. Repeat it to resume."""
    from poise.cli.screens.console import console
    from poise.common.progress import ProgressDisplay
    from poise.training.baselines import choose_baselines

    settings, folder = BaselineSettings(**given), out or Path("runs") / "baselines"
    with ProgressDisplay(console(stderr=True)) as watch:
        found = choose_baselines(settings, folder, workers=number_or_text(workers), watch=watch)
    if found is None:
        write_line("repeat the command to resume")
        raise typer.Exit(130)
    utilities = dict(found.utilities)
    for words, label in {"fixed emotion": found.fixed, "concession without emotion": found.blind}.items():
        write_line(f"best {words}: --creditor {label} (utility {utilities[label]:.3f})")
    write_line(f"judge them against other debtors; all {len(utilities)} are in: poise tournament standings {folder}")


@app.command("dataset")
@takes(DatasetSettings)
def dataset_command(given: dict[str, Any], out: Out = None) -> None:
    """Make training data from tournaments and dialogues; evaluation scenarios stay out."""
    from poise.cli.screens.console import console
    from poise.training.data.dataset import read_manifest
    from poise.training.data.make import make_dataset

    settings = DatasetSettings(**given)
    with console(stderr=True).status("reading") as status:
        folder = make_dataset(
            settings, out or Path("runs") / "dataset", lambda n: status.update(f"reading: {n} negotiations")
        )
    found = read_manifest(folder)
    write_line(
        f"{found['transitions']} transitions and {found['pairs']} pairs of {found['talks']} negotiations in {folder}"
    )
    for what, count in found["left_out"].items():
        write_line(f"left out: {count} {what}")
    if settings.allow_test:
        write_line("evaluation scenarios were let in, which the data record", "yellow")


_OTHERS = ("method", "cap", "polyak")  # fields of OfflineSettings that no command sets


@app.command("iql")
@takes(OfflineSettings, leave_out=(*_OTHERS, "alpha"))
def iql_command(
    given: dict[str, Any], data: Data, device: Device = "auto", minutes: Minutes = None, out: Out = None
) -> None:
    """Learn which emotion to show by implicit Q-learning; needs pip install 'poise[train]'."""
    _train("iql", given, data, out, device, minutes)


@app.command("bc")
@takes(OfflineSettings, leave_out=(*_OTHERS, "reward", "scale", "gamma", "tau", "beta", "alpha"))
def bc_command(
    given: dict[str, Any], data: Data, device: Device = "auto", minutes: Minutes = None, out: Out = None
) -> None:
    """Imitate the emotions of the data (behaviour cloning), for comparison."""
    _train("bc", given, data, out, device, minutes)


@app.command("cql")
@takes(OfflineSettings, leave_out=(*_OTHERS, "tau", "beta"))
def cql_command(
    given: dict[str, Any], data: Data, device: Device = "auto", minutes: Minutes = None, out: Out = None
) -> None:
    """Learn which emotion to show by discrete conservative Q-learning, for comparison."""
    _train("cql", given, data, out, device, minutes)


def _train(
    method: Method, given: dict[str, Any], data: Path, out: Path | None, device: str, minutes: float | None
) -> None:
    from poise.cli.screens.console import console
    from poise.common.progress import ProgressDisplay
    from poise.training.offline.train import train_offline

    settings, folder = OfflineSettings(method=method, **given), out or Path("runs") / method
    with ProgressDisplay(console(stderr=True)) as watch:
        trained = train_offline(settings, data, folder, watch, device=device, minutes=minutes)
    _show(trained)


def _show(trained: OfflineTrained) -> None:
    if trained.earlier:
        write_line(f"{trained.folder} is trained already; nothing was learned", "yellow")
    found = trained.artifact.scores.get("offline")
    if found:
        write_line(f"mean utility of {found['talks']} kept negotiations, and estimates of the policy's (95 %):")
        for name, label in {"data": "the data's policy", "fitted_q": "fitted Q", "importance": "importance"}.items():
            one = found[name]
            if one is None:
                write_line(f"  {label:15} - (the data's policy is unknown)")
            else:
                write_line(f"  {label:15} {one['mean']:.3f} ({one['low']:.3f} to {one['high']:.3f})")
    write_line(f"play it with: --creditor {trained.folder}")
