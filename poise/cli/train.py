"""`poise train`: training by play. The other commands of the group are in other modules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from poise.cli import train_offline, train_words
from poise.cli.options import Out, command_group

if TYPE_CHECKING:
    from rich.console import Console

    from poise.training.online.train import Trained


Debtors = Annotated[list[str], typer.Option("--debtor", metavar="NAME", help="A debtor to train against; repeat.")]
Scenarios = Annotated[str, typer.Option(metavar="SOURCE", help="The scenarios: builtin:train, or rows of a file.")]
Budget = Annotated[int, typer.Option(help="All negotiations, the final check included.")]
Seed = Annotated[int, typer.Option(help="The one seed; same seed, same result.")]
Workers = Annotated[
    int | None, typer.Option(help="Processes. Default: chosen for the machine. The result is the same.")
]
Talks = Annotated[int | None, typer.Option(help="Negotiations of each policy in a round. Default: by method.")]
Mode = Annotated[str, typer.Option(metavar="corrected|faithful", help="With Poise's corrections, or as published.")]
Rows = Annotated[
    str, typer.Option(metavar="own|heard", help="The next emotion depends on the last one shown, or read.")
]
AllowTest = Annotated[bool, typer.Option("--allow-test", help="Train on evaluation scenarios too.")]


_BY_METHOD = "by-method"


class _TrainCommands(TyperGroup):
    """`poise train METHOD` also for methods of policies from installed packages."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            from poise.training.online.plan import methods

            args = [_BY_METHOD, *args] if args[0] in methods() else args
        return super().resolve_command(ctx, args)


app = command_group(cls=_TrainCommands)


@app.command("evolve")
def evolve_command(
    debtor: Debtors,
    scenarios: Scenarios = "builtin:train",
    budget: Budget = 4000,
    seed: Seed = 0,
    workers: Workers = None,
    out: Out = None,
    talks: Talks = None,
    mode: Mode = "corrected",
    rows: Rows = "own",
    allow_test: AllowTest = False,
) -> None:
    """Evolve an emotion chain (EvoEmo)."""
    _train("evolve", out, workers, dict(locals()))


@app.command("bayes")
def bayes_command(
    debtor: Debtors,
    scenarios: Scenarios = "builtin:train",
    budget: Budget = 4000,
    seed: Seed = 0,
    workers: Workers = None,
    out: Out = None,
    talks: Talks = None,
    mode: Mode = "corrected",
    rows: Rows = "own",
    allow_test: AllowTest = False,
) -> None:
    """Tune an emotion chain by Bayesian optimisation (EmoDebt)."""
    _train("bayes", out, workers, dict(locals()))


@app.command("q")
def q_command(
    debtor: Debtors,
    scenarios: Scenarios = "builtin:train",
    budget: Budget = 4000,
    seed: Seed = 0,
    out: Out = None,
    talks: Talks = None,
    allow_test: AllowTest = False,
) -> None:
    """Fill a Q-table (tabular Q-learning)."""
    _train("q", out, None, dict(locals()))


@app.command("dqn")
def dqn_command(
    debtor: Debtors,
    scenarios: Scenarios = "builtin:train",
    budget: Budget = 4000,
    seed: Seed = 0,
    out: Out = None,
    talks: Talks = None,
    allow_test: AllowTest = False,
) -> None:
    """Train a network (deep Q-learning); needs pip install 'poise[train]'."""
    _train("dqn", out, None, dict(locals()))


@app.command("learn")
def learn_command(
    policy: Annotated[str, typer.Argument(metavar="NAME", help="A creditor that learns, such as eq-negotiator.")],
    debtor: Debtors,
    scenarios: Scenarios = "builtin:train",
    budget: Budget = 1000,
    seed: Seed = 0,
    out: Out = None,
    talks: Talks = None,
    learning: Annotated[bool, typer.Option("--learning", help="The trained agent still learns when it plays.")] = False,
    allow_test: AllowTest = False,
) -> None:
    """Play a series with a creditor that learns from each negotiation, and keep what it learned."""
    _train("learn", out, None, dict(locals()))


@app.command(_BY_METHOD, hidden=True)
def by_method_command(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="The training method of a policy.")],
    debtor: Debtors,
    scenarios: Scenarios = "builtin:train",
    budget: Budget = 4000,
    seed: Seed = 0,
    workers: Workers = None,
    out: Out = None,
    talks: Talks = None,
    mode: Mode = "corrected",
    rows: Rows = "own",
    allow_test: AllowTest = False,
) -> None:
    """Train a policy of an installed package."""
    given = dict(locals())
    _train(given.pop("method"), out, workers, given)


def _train(method: str, out: Path | None, workers: int | None, given: dict[str, Any]) -> None:
    from poise.cli.screens.standings import console
    from poise.cli.screens.training_progress import TrainingProgress
    from poise.training.online.plan import TrainSettings
    from poise.training.online.train import train

    options = {name: value for name, value in given.items() if name not in ("debtor", "out", "workers")}
    settings = TrainSettings(method, tuple(given["debtor"]), **options)
    folder = out or Path("runs") / method
    with TrainingProgress(console(stderr=True)) as progress:
        trained = train(settings, folder, workers=workers, watch=progress)
    _show(trained, console())


def _show(trained: Trained, screen: Console) -> None:
    from rich.text import Text

    scores = trained.artifact.scores
    if trained.earlier:
        screen.print(Text(f"{trained.folder} was trained before; nothing was played", style="yellow"))
    if scores:
        screen.print(Text(f"{scores['talks']} new negotiations each, mean utility of the creditor:", style="bold"))
        for name in ("trained", "start", "vanilla"):
            screen.print(Text(f"  {name:8} {scores[name]['utility']:.3f}{_gain(scores['gain'].get(name))}"))
    screen.print(Text(f"play it with: --creditor {trained.folder}"))


def _gain(gain: dict[str, float | None] | None) -> str:
    if gain is None or gain["low"] is None:
        return ""
    return f"   the trained one gains {gain['mean']:+.3f} on it (95 %: {gain['low']:+.3f} to {gain['high']:+.3f})"


app.add_typer(train_offline.app)
app.add_typer(train_words.app)
