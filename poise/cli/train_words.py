"""`poise train` for the words: pick, sft, sample, score, jpo, dpo and export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from poise.cli.groups import Out, command_group
from poise.cli.options import takes
from poise.cli.output import write_line
from poise.cli.train_offline import Device, Minutes
from poise.training.language.settings import DpoSettings, JpoSettings, Picking, SampleSettings, SftSettings

if TYPE_CHECKING:
    from poise.training.language.adapter_run import TrainedWords
    from poise.training.language.loop import LanguageRun

app = command_group()

Precision = Annotated[str, typer.Option(metavar="auto|float32|bfloat16", help="Precision of the matrix products.")]
Portion = Annotated[int, typer.Option(help="Tokens computed at once. 0: chosen for the machine.")]


@app.command("pick")
@takes(Picking, leave_out=("pairs", "share"))
def pick_command(
    given: dict[str, Any],
    data: Annotated[
        list[str],
        typer.Option(metavar="DIR=N|N%", help="Pairs and how many to pick, or their largest share of all; repeat."),
    ],
    out: Out = None,
) -> None:
    """Pick negotiations to learn words from, with the right number and an emotion that can be read."""
    from poise.training.language.picking import write_picked

    sources = [(path, Picking(**how, **given)) for path, how in map(_counted, data)]
    folder = out or Path("runs") / "pick"
    with _running(folder):
        found = write_picked(sources, folder)
    emotions = sorted(found.header["picked"]["emotions"].items(), key=lambda each: -each[1])
    write_line(f"{len(found.pairs)} pairs: {', '.join(f'{count} {name}' for name, count in emotions)}")
    write_line(f"learn from them with: poise train sft --data {folder} --top 1")


def _counted(text: str) -> tuple[Path, dict[str, Any]]:
    from poise.common.errors import ConfigError

    path, _, number = text.rpartition("=")
    if not path or not number.removesuffix("%").isdecimal():
        raise ConfigError(f"--data {text} is not DIR=N, such as runs/data=1000, or DIR=N%, such as runs/scripted=30%")
    return Path(path), {"share": int(number[:-1]) / 100} if number.endswith("%") else {"pairs": int(number)}


@app.command("sft")
@takes(SftSettings)
def sft_command(
    given: dict[str, Any],
    no_emotion: Annotated[bool, typer.Option("--no-emotion", help="The same as --emotions none.")] = False,
    out: Out = None,
    minutes: Minutes = None,
    device: Device = "auto",
    precision: Precision = "auto",
    portion: Portion = 0,
) -> None:
    """Teach a model the words of the best replies: a LoRA adapter by supervised fine-tuning. Repeat it to resume."""
    from poise.training.language.sft import train_sft

    settings = SftSettings(**given)
    if no_emotion:
        settings = replace(settings, choice=replace(settings.choice, emotions="none"))
    folder = out or Path("runs") / "sft"
    with _running(folder, device, precision, portion, minutes) as run:
        _show(train_sft(settings, folder, run))


@app.command("sample")
@takes(SampleSettings, leave_out=("by", "held_out", "max_reply", "min_p", "penalty", "window"))
def sample_command(
    given: dict[str, Any], out: Out = None, device: Device = "auto", precision: Precision = "auto"
) -> None:
    """Draw replies of a model to the prompts of the data, to be scored. Repeat it to resume."""
    from poise.training.language.sampling import sample as answer

    folder = out or Path("runs") / "sample"
    with _running(folder, device, precision) as run:
        path = answer(SampleSettings(**given), folder, run)
    write_line(f"score them with: poise train score --data {path.parent} --judge verifiable")


@app.command("score")
def score_command(
    data: Annotated[Path, typer.Option(metavar="DIR", help="A folder of pairs, or of a tournament.")],
    judge: Annotated[str, typer.Option(metavar="verifiable|URI", help="The judge.")] = "verifiable",
    seat: Annotated[
        str, typer.Option(metavar="creditor|debtor", help="Whose messages of a tournament to score.")
    ] = "creditor",
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the model; repeat.")
    ] = None,
    detector: Annotated[
        str, typer.Option(metavar="FILE", help="The fitted detector of verifiable. Default: the shipped one.")
    ] = "",
) -> None:
    """Score replies from 1 to 10, with reasons, into a file beside them. Repeat it to resume."""
    from poise.agents.models.settings import ModelSettings
    from poise.common.settings import parse_options
    from poise.training.language.scores import open_scorer, score_all, scores_path, to_score
    from poise.training.language.verifiable import mean_parts

    scorer = open_scorer(judge, ModelSettings.from_options(parse_options(option or [])), detector)
    items, of, folder = to_score(data, seat)
    with _running(folder) as run:
        found = score_all(scorer, items, scores_path(folder, judge), of, watch=run.watch, stop=run.stop)
    write_line(f"{len(found.scores)} messages are scored in {found.path}, {found.new} of them now")
    for name, value in mean_parts([found.scores[key] for key in {item.key for item in items}]).items():
        write_line(f"  {name:10} {value:.3f}")


def _add_judged(method: Literal["jpo", "dpo"], model: type[JpoSettings | DpoSettings], summary: str) -> None:
    """Add the command of a method that continues from an SFT adapter with judged replies."""

    @app.command(method, help=summary)
    @takes(model, leave_out=("top", "by", "emotions", "held_out"))  # what only SFT selects by
    def judged_command(
        given: dict[str, Any],
        out: Out = None,
        minutes: Minutes = None,
        device: Device = "auto",
        precision: Precision = "auto",
        portion: Portion = 0,
    ) -> None:
        from poise.training.language.dpo import train_dpo
        from poise.training.language.jpo import train_jpo

        train: Callable[[Any, Path, LanguageRun], TrainedWords] = train_jpo if method == "jpo" else train_dpo
        settings = model(**given)
        folder = out or Path("runs") / method
        with _running(folder, device, precision, portion, minutes) as run:
            _show(train(settings, folder, run))


_add_judged(
    "jpo",
    JpoSettings,
    "Make judged replies more or less likely by score (JPO), starting from an SFT adapter. Repeat it to resume.",
)
_add_judged(
    "dpo",
    DpoSettings,
    "Prefer the best reply to each prompt over the worst (DPO), starting from an SFT adapter. Repeat it to resume.",
)


@contextmanager
def _running(
    folder: Path, device: str = "auto", precision: str = "auto", portion: int = 0, minutes: float | None = None
) -> Iterator[LanguageRun]:
    """Show the progress of a run that can be stopped."""
    from poise.cli.screens.console import console
    from poise.common.interrupts import Interrupts
    from poise.common.progress import ProgressDisplay
    from poise.training.language.loop import LanguageRun

    with ProgressDisplay(console(stderr=True)) as watch, Interrupts() as stop:
        try:
            yield LanguageRun(device, precision, portion, minutes, watch, stop)
        except KeyboardInterrupt as stopped:
            stopped.add_note(f"What was done so far is kept in {folder}; repeat the command to resume.")
            raise


def _show(trained: TrainedWords) -> None:
    scores = trained.provenance["scores"]
    if trained.earlier:
        write_line(f"{trained.folder} is trained already; nothing was done", "yellow")
    for name, value in scores.items():
        if value is not None:
            write_line(f"  {name:20} {value:.4g}" if isinstance(value, float) else f"  {name:20} {value}")
    write_line(f"make an agent of it with: poise train export --adapter {trained.folder} --out DIR")


@app.command("export")
def export_agent_command(
    adapter: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder of `poise train sft`, jpo or dpo, or of peft.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The new folder of the agent.")],
    policy: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A trained agent that chooses the emotions.")
    ] = None,
    seat: Annotated[str, typer.Option(metavar="creditor|debtor|both", help="The seats it plays.")] = "creditor",
    ollama: Annotated[str | None, typer.Option(metavar="NAME", help="Also make this Ollama model.")] = None,
    base: Annotated[str | None, typer.Option(metavar="MODEL", help="Ollama's name of the base model.")] = None,
    gguf: Annotated[Path | None, typer.Option(metavar="FILE", help="The base's GGUF file, or smollm2.")] = None,
    precision: Annotated[str, typer.Option(metavar="f16|f32|q8_0", help="Precision of the adapter's numbers.")] = "f16",
    other_weights: Annotated[
        bool, typer.Option("--other-weights", help="Accept a MODEL with another quantisation.")
    ] = False,
) -> None:
    """Turn a LoRA adapter into an agent: adapter.gguf, a Modelfile and an artifact; --creditor DIR then plays it."""
    from poise.common.errors import ConfigError
    from poise.training.export.exporting import ExportSettings
    from poise.training.export.exporting import export_agent as make
    from poise.training.export.ollama_model import Served

    if base and not ollama:
        raise ConfigError(f"--base {base} is what an Ollama model is made from; name the model with --ollama NAME")
    served = Served(ollama, base or "") if ollama else None
    settings = ExportSettings(adapter, out, policy, _seats(seat), gguf, served, precision, other_weights)
    artifact = make(settings)
    for player in artifact.seats:
        write_line(f"play it with: --{player} {out}{f'@ollama:{ollama}' if ollama else ''}")


def _seats(seat: str) -> tuple[Literal["creditor", "debtor"], ...]:
    from poise.common.errors import ConfigError

    seats: dict[str, tuple[Literal["creditor", "debtor"], ...]] = {
        "creditor": ("creditor",),
        "debtor": ("debtor",),
        "both": ("creditor", "debtor"),
    }
    if seat not in seats:
        raise ConfigError(f"seat {seat!r} is not one of {', '.join(seats)}")
    return seats[seat]
