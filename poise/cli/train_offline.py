"""`poise train` from negotiations played before: sweep, dataset, iql, bc and cql."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from poise.cli.options import Out, command_group, takes
from poise.training.offline.problem import Method, OfflineSettings

if TYPE_CHECKING:
    from poise.training.offline.train import OfflineTrained

app = command_group()

Texts = list[str]
Seed = Annotated[int, typer.Option(help="The one seed; same seed, same result.")]
Workers = Annotated[int | None, typer.Option(help="Matches at a time. Default: chosen for the machine.")]
AllowTest = Annotated[bool, typer.Option("--allow-test", help="Let evaluation scenarios in; the data record it.")]
Data = Annotated[Path, typer.Option(metavar="DIR", help="A folder of `poise train dataset`.")]


@app.command("sweep")
def sweep_command(
    debtor: Annotated[Texts, typer.Option("--debtor", metavar="NAME", help="A debtor to negotiate with; repeat.")],
    scenarios: Annotated[str, typer.Option(metavar="SOURCE", help="The scenarios.")] = "builtin:train",
    trajectories: Annotated[int, typer.Option(help="Negotiations of each debtor on each scenario.")] = 50,
    creditor: Annotated[str, typer.Option(metavar="NAME", help="The creditor that explores.")] = "random",
    model: Annotated[
        str, typer.Option(metavar="URI", help="The model for the words; scripted needs none.")
    ] = "scripted",
    option: Annotated[Texts | None, typer.Option(metavar="NAME=VALUE", help="An option of the model; repeat.")] = None,
    offers: Annotated[str | None, typer.Option(metavar="policy|model", help="Who decides the number.")] = None,
    seed: Seed = 0,
    workers: Workers = None,
    out: Out = None,
    allow_test: AllowTest = False,
) -> None:
    """Play negotiations with random emotions to learn from. Repeat it to resume."""
    from poise.cli.screens.progress import watch_on
    from poise.cli.screens.standings import console
    from poise.common.settings import parse_options
    from poise.training.data.sweep import SweepSettings, sweep

    settings = SweepSettings(
        debtors=tuple(debtor),
        scenarios=scenarios,
        trajectories=trajectories,
        creditor=creditor,
        model=model,
        model_options=parse_options(option or []),
        offers=offers,
        seed=seed,
        allow_test=allow_test,
    )
    folder = out or Path("runs") / "sweep"
    result = sweep(settings, folder, workers=workers, watch=watch_on(console(stderr=True)))
    typer.echo(f"{result.finished} of {result.total} negotiations are in {folder}")
    if result.complete:
        typer.echo(f"learn from them with: poise train dataset --from {folder}")
    else:
        typer.echo("repeat the command to resume")
        raise typer.Exit(130)


@app.command("dataset")
def dataset_command(
    from_: Annotated[Texts | None, typer.Option("--from", metavar="DIR", help="A tournament's folder; repeat.")] = None,
    dialogues: Annotated[Texts | None, typer.Option(metavar="FILE", help="Published dialogues; repeat.")] = None,
    cases: Annotated[str, typer.Option(metavar="SOURCE", help="The scenarios that the dialogues are about.")] = "",
    scores: Annotated[Texts | None, typer.Option(metavar="FILE", help="Judges' scores, JSON lines; repeat.")] = None,
    parts: Annotated[str, typer.Option(metavar="all|transitions|pairs", help="What to make.")] = "all",
    seat: Annotated[str, typer.Option(metavar="creditor|debtor|both", help="Whose words become pairs.")] = "creditor",
    scripted: Annotated[bool, typer.Option("--scripted", help="Also pairs of words that no model produced.")] = False,
    out: Out = None,
    allow_test: AllowTest = False,
) -> None:
    """Make training data from tournaments and dialogues; evaluation scenarios stay out."""
    from poise.cli.screens.standings import console
    from poise.training.data.dataset import read_manifest
    from poise.training.data.make import DatasetSettings, make_dataset

    settings = DatasetSettings(
        runs=tuple(from_ or ()),
        dialogues=tuple(dialogues or ()),
        cases=cases,
        scores=tuple(scores or ()),
        parts=parts,
        seat=seat,
        scripted=scripted,
        allow_test=allow_test,
    )
    with console(stderr=True).status("reading") as status:
        folder = make_dataset(
            settings, out or Path("runs") / "dataset", lambda n: status.update(f"reading: {n} negotiations")
        )
    found = read_manifest(folder)
    typer.echo(
        f"{found['transitions']} transitions and {found['pairs']} pairs of {found['talks']} negotiations in {folder}"
    )
    for what, count in found["left_out"].items():
        typer.echo(f"left out: {count} {what}")
    if allow_test:
        typer.secho("evaluation scenarios were let in, and the data record it", fg=typer.colors.YELLOW)


_OTHERS = ("method", "cap", "polyak")  # fields of OfflineSettings that no command sets


@app.command("iql")
@takes(OfflineSettings, leave_out=(*_OTHERS, "alpha"))
def iql_command(given: dict[str, Any], data: Data, out: Out = None) -> None:
    """Learn which emotion to show by implicit Q-learning; needs pip install 'poise[train]'."""
    _train("iql", given, data, out)


@app.command("bc")
@takes(OfflineSettings, leave_out=(*_OTHERS, "reward", "scale", "gamma", "tau", "beta", "alpha"))
def bc_command(given: dict[str, Any], data: Data, out: Out = None) -> None:
    """Learn to show what the data show (behaviour cloning), for comparison."""
    _train("bc", given, data, out)


@app.command("cql")
@takes(OfflineSettings, leave_out=(*_OTHERS, "tau", "beta"))
def cql_command(given: dict[str, Any], data: Data, out: Out = None) -> None:
    """Learn which emotion to show by discrete conservative Q-learning, for comparison."""
    _train("cql", given, data, out)


def _train(method: Method, given: dict[str, Any], data: Path, out: Path | None) -> None:
    from poise.cli.screens.standings import console
    from poise.cli.screens.training_progress import TrainingProgress
    from poise.training.offline.train import train_offline

    settings = OfflineSettings(method=method, **given)
    with TrainingProgress(console(stderr=True)) as progress:
        trained = train_offline(settings, data, out or Path("runs") / method, progress)
    _show(trained)


def _show(trained: OfflineTrained) -> None:
    if trained.earlier:
        typer.secho(f"{trained.folder} was trained before; nothing was learned", fg=typer.colors.YELLOW)
    found = trained.artifact.scores.get("offline")
    if found:
        typer.echo(f"mean utility of {found['talks']} kept negotiations, and estimates of the policy's (95 %):")
        for name, label in {"data": "the data's own", "fitted_q": "fitted Q", "importance": "importance"}.items():
            one = found[name]
            if one is None:
                typer.echo(f"  {label:15} - (the data's own policy is not known)")
            else:
                typer.echo(f"  {label:15} {one['mean']:.3f} ({one['low']:.3f} to {one['high']:.3f})")
    typer.echo(f"play it with: --creditor {trained.folder}")
