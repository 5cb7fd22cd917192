"""`poise train`: training by play. The modules `train_offline` and `train_words` have the group's other commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from poise.cli import train_offline, train_words
from poise.cli.groups import Out, command_group
from poise.cli.options import takes
from poise.cli.train_offline import Device, Minutes
from poise.training.online.settings import TrainSettings

if TYPE_CHECKING:
    from rich.console import Console

    from poise.training.online.train import Trained


Workers = Annotated[
    int | None, typer.Option(help="Processes. Default: chosen for the machine. The result is the same.")
]

_BY_METHOD = "by-method"


class _TrainCommands(TyperGroup):
    """`poise train METHOD` also for methods of policies from installed packages."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            from poise.training.online.plan import methods

            args = [_BY_METHOD, *args] if args[0] in methods() else args
        return super().resolve_command(ctx, args)


app = command_group(cls=_TrainCommands)


_CHAIN = ("method", "policy", "learning")  # settings that no command of a chain has
_SERIAL = (*_CHAIN, "mode", "rows")  # nor the command of a policy that learns from match to match


@app.command("evolve")
@takes(TrainSettings, leave_out=_CHAIN)
def evolve_command(given: dict[str, Any], workers: Workers = None, minutes: Minutes = None, out: Out = None) -> None:
    """Evolve an emotion chain (EvoEmo)."""
    _train(given | {"method": "evolve"}, out, workers, minutes)


@app.command("bayes")
@takes(TrainSettings, leave_out=_CHAIN)
def bayes_command(given: dict[str, Any], workers: Workers = None, minutes: Minutes = None, out: Out = None) -> None:
    """Tune an emotion chain by Bayesian optimisation (EmoDebt)."""
    _train(given | {"method": "bayes"}, out, workers, minutes)


@app.command("q")
@takes(TrainSettings, leave_out=_SERIAL)
def q_command(given: dict[str, Any], minutes: Minutes = None, out: Out = None) -> None:
    """Fill a Q-table (tabular Q-learning)."""
    _train(given | {"method": "q"}, out, minutes=minutes)


@app.command("dqn")
@takes(TrainSettings, leave_out=_SERIAL)
def dqn_command(given: dict[str, Any], device: Device = "auto", minutes: Minutes = None, out: Out = None) -> None:
    """Train a network (deep Q-learning); needs pip install 'poise[train]'."""
    _train(given | {"method": "dqn"}, out, minutes=minutes, device=device)


@app.command("learn")
@takes(TrainSettings, leave_out=("method", "policy", "mode", "rows"), defaults={"budget": 1000})
def learn_command(
    given: dict[str, Any],
    policy: Annotated[str, typer.Argument(metavar="NAME", help="A creditor that learns, such as eq-negotiator.")],
    minutes: Minutes = None,
    out: Out = None,
) -> None:
    """Play a series with a creditor that learns from each negotiation, and keep what it learned."""
    _train(given | {"method": "learn", "policy": policy}, out, minutes=minutes)


@app.command(_BY_METHOD, hidden=True)
@takes(TrainSettings, leave_out=_CHAIN)
def by_method_command(
    given: dict[str, Any],
    method: Annotated[str, typer.Argument(metavar="METHOD", help="The training method of a policy.")],
    workers: Workers = None,
    device: Device = "auto",
    minutes: Minutes = None,
    out: Out = None,
) -> None:
    """Train a policy of an installed package."""
    _train(given | {"method": method}, out, workers, minutes, device)


def _train(
    given: dict[str, Any],
    out: Path | None,
    workers: int | None = None,
    minutes: float | None = None,
    device: str = "auto",
) -> None:
    from poise.cli.screens.console import console
    from poise.common.progress import ProgressDisplay
    from poise.training.online.train import train

    settings = TrainSettings(**given)
    folder = out or Path("runs") / settings.method
    with ProgressDisplay(console(stderr=True)) as watch:
        trained = train(settings, folder, workers=workers, watch=watch, device=device, minutes=minutes)
    _show(trained, console())


def _show(trained: Trained, screen: Console) -> None:
    from rich.text import Text

    scores = trained.artifact.scores
    if trained.earlier:
        screen.print(Text(f"{trained.folder} is trained already; nothing was played", style="yellow"))
    if scores:
        screen.print(Text(f"{scores['talks']} new negotiations each, mean utility of the creditor:", style="bold"))
        for name in ("trained", "start", "vanilla"):
            line = f"  {name:8} {scores[name]['utility']:.3f}"
            gain = scores["gain"].get(name)
            if gain and gain["low"] is not None:
                interval = f"{gain['low']:+z.3f} to {gain['high']:+z.3f}"
                line += f"   the trained one gains {gain['mean']:+z.3f} over it (95 %: {interval})"
            screen.print(Text(line))
    screen.print(Text(f"play it with: --creditor {trained.folder}"))


app.add_typer(train_offline.app)
app.add_typer(train_words.app)
