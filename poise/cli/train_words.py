"""`poise train` for the words: pick, sft, sample, score, jpo, dpo and export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from poise.cli.options import Out, command_group

if TYPE_CHECKING:
    from poise.training.language.adapter_run import TrainedWords
    from poise.training.language.choose import PairSelection
    from poise.training.language.loop import LanguageRun

app = command_group()

Data = Annotated[Path, typer.Option(metavar="DIR|FILE", help="Pairs: of `poise train dataset`, or of `sample`.")]
BaseModel = Annotated[
    str | None, typer.Option(metavar="MODEL", help="smollm2, a GGUF file, a model's folder, or a name on the hub.")
]
Sft = Annotated[Path, typer.Option(metavar="DIR", help="The folder of a finished `poise train sft`.")]
Top = Annotated[float, typer.Option(help="The share of pairs to learn from, the best ones.")]
By = Annotated[str, typer.Option(metavar="quality|judge", help="The measure of the best.")]
Scores = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Scores of `poise train score`. Default: those in the data.")
]
Seat = Annotated[str, typer.Option(metavar="creditor|debtor|both", help="Whose words.")]
Emotions = Annotated[
    str,
    typer.Option(
        metavar="intended|read|none", help="The emotion that a prompt asks for; read: the one read in the reply."
    ),
]
Limit = Annotated[int, typer.Option(help="The most pairs, the best ones. 0: all.")]
MaxLen = Annotated[int, typer.Option(help="Tokens of prompt and reply; longer ones are left out.")]
MaxReply = Annotated[int, typer.Option(help="Tokens of a reply; longer ones are left out.")]
HeldOut = Annotated[int, typer.Option(help="Pairs held out to measure the loss.")]
Rate = Annotated[float, typer.Option("--lr", help="The largest learning rate.")]
Epochs = Annotated[int, typer.Option(help="Passes over all pairs.")]
Batch = Annotated[int, typer.Option(help="Pairs per step.")]
Warmup = Annotated[float, typer.Option(help="Share of the steps over which the learning rate rises.")]
Seed = Annotated[int, typer.Option(help="The one seed; same seed, same result.")]
Minutes = Annotated[float | None, typer.Option(help="Stop after so many minutes and keep a checkpoint.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="The device to compute on.")]
Precision = Annotated[str, typer.Option(metavar="auto|float32|bfloat16", help="Precision of the matrix products.")]
Portion = Annotated[int, typer.Option(help="Tokens computed at once. 0: chosen for the machine.")]


@app.command("pick")
def pick_command(
    data: Annotated[list[str], typer.Option(metavar="DIR=N", help="Pairs and how many to pick; repeat.")],
    out: Out = None,
    seat: Seat = "creditor",
    least: Annotated[float, typer.Option(help="The verifiable judge's lowest score, 1 to 10.")] = 8.0,
    likely: Annotated[float, typer.Option(help="The lowest probability of an emotion that was not intended.")] = 0.15,
    neutral: Annotated[float, typer.Option(help="The largest share of neutral replies.")] = 0.15,
    talk: Annotated[int, typer.Option(help="The fewest good replies of a negotiation.")] = 2,
    words: Annotated[int, typer.Option(help="The most words of a reply.")] = 34,
    turns: Annotated[int, typer.Option(help="The most turns of a prompt.")] = 15,
    seed: Seed = 0,
) -> None:
    """Pick negotiations to learn words from, with the right number and an emotion that can be read."""
    from poise.training.language.picking import Picking, write_picked

    rules = {"least": least, "likely": likely, "neutral": neutral, "talk": talk, "words": words, "turns": turns}
    sources = [
        (path, Picking(pairs=number, seat=seat, seed=seed, **rules))  # type: ignore[arg-type]
        for path, number in map(_counted, data)
    ]
    folder = out or Path("runs") / "pick"
    with _running(folder):
        found = write_picked(sources, folder)
    emotions = sorted(found.header["picked"]["emotions"].items(), key=lambda each: -each[1])
    typer.echo(f"{len(found.pairs)} pairs: {', '.join(f'{count} {name}' for name, count in emotions)}")
    typer.echo(f"learn from them with: poise train sft --data {folder} --top 1")


def _counted(text: str) -> tuple[Path, int]:
    from poise.common.errors import ConfigError

    path, _, number = text.rpartition("=")
    if not path or not number.isdecimal():
        raise ConfigError(f"--data {text} is not DIR=N, such as runs/data=1000")
    return Path(path), int(number)


@app.command("sft")
def sft_command(
    data: Data,
    out: Out = None,
    base: BaseModel = "smollm2",
    top: Top = 0.1,
    by: By = "quality",
    scores: Scores = None,
    seat: Seat = "creditor",
    emotions: Emotions = "intended",
    no_emotion: Annotated[bool, typer.Option("--no-emotion", help="The same as --emotions none.")] = False,
    limit: Limit = 0,
    held_out: HeldOut = 32,
    max_len: MaxLen = 1024,
    max_reply: MaxReply = 48,
    rank: Annotated[int, typer.Option(help="Rank of LoRA.")] = 16,
    alpha: Annotated[int, typer.Option(help="Alpha of LoRA.")] = 32,
    dropout: Annotated[float, typer.Option(help="Dropout of LoRA.")] = 0.05,
    targets: Annotated[str, typer.Option(help="The matrices that LoRA changes.")] = "q_proj,k_proj,v_proj,o_proj",
    lr: Rate = 1e-4,
    epochs: Epochs = 1,
    batch: Batch = 16,
    warmup: Warmup = 0.03,
    seed: Seed = 0,
    minutes: Minutes = None,
    device: Device = "auto",
    precision: Precision = "auto",
    portion: Portion = 0,
) -> None:
    """Teach a model the words of the best replies: a LoRA adapter by supervised fine-tuning. Repeat it to resume."""
    from poise.training.language.adapter import LoraSettings
    from poise.training.language.loop import Steps
    from poise.training.language.sft import SftSettings, train_sft

    given = dict(locals()) | {"emotions": "none" if no_emotion else emotions}
    lora = LoraSettings(rank, alpha, dropout, tuple(name.strip() for name in targets.split(",") if name.strip()))
    steps = Steps(lr, epochs, batch, warmup, seed)
    settings = SftSettings(data, base or "smollm2", _choice(given), lora, steps, scores)
    folder = out or Path("runs") / "sft"
    with _running(folder, device, precision, portion, minutes) as run:
        _show(train_sft(settings, folder, run))


@app.command("sample")
def sample_command(
    data: Data,
    out: Out = None,
    sft: Annotated[Path | None, typer.Option(metavar="DIR", help="The adapter. Default: the base alone.")] = None,
    base: BaseModel = None,
    replies: Annotated[int, typer.Option(help="Replies to each prompt.")] = 4,
    temperature: Annotated[float, typer.Option(help="0 always takes the likeliest token.")] = 0.8,
    prompts: Annotated[int, typer.Option(help="Prompts answered at a time.")] = 4,
    longest: Annotated[int, typer.Option(help="The most tokens of a reply.")] = 48,
    top: Top = 1.0,
    seat: Seat = "creditor",
    emotions: Emotions = "intended",
    limit: Limit = 0,
    max_len: MaxLen = 1024,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Draw replies of a model to the prompts of the data, to be scored. Repeat it to resume."""
    from poise.training.language.sampler import Drawing
    from poise.training.language.sampling import SampleSettings
    from poise.training.language.sampling import sample as answer

    choice = _choice(dict(locals()) | {"by": "quality", "held_out": 0, "max_reply": max_len})
    drawing = Drawing(replies, temperature, longest=longest, prompts=prompts, seed=seed)
    folder = out or Path("runs") / "sample"
    with _running(folder, device, precision) as run:
        path = answer(SampleSettings(data, sft, base, choice, drawing), folder, run)
    typer.echo(f"score them with: poise train score --data {path.parent} --judge verifiable")


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
) -> None:
    """Score replies from 1 to 10, with reasons, into a file beside them. Repeat it to resume."""
    from poise.agents.models.settings import ModelSettings
    from poise.common.settings import parse_options
    from poise.training.language.scores import open_scorer, score_all, scores_path, to_score
    from poise.training.language.verifiable import mean_parts

    scorer = open_scorer(judge, ModelSettings.from_options(parse_options(option or [])))
    items, of, folder = to_score(data, seat)
    with _running(folder) as run:
        found = score_all(scorer, items, scores_path(folder, judge), of, watch=run.watch, stop=run.stop)
    typer.echo(f"{len(found.scores)} messages are scored in {found.path}, {found.new} of them now")
    for name, value in mean_parts([found.scores[key] for key in {item.key for item in items}]).items():
        typer.echo(f"  {name:10} {value:.3f}")


@app.command("jpo")
def jpo_command(
    data: Data,
    sft: Sft,
    out: Out = None,
    base: BaseModel = None,
    scores: Scores = None,
    kappa: Annotated[
        float, typer.Option(help="Weight of worse replies: 1 is JPO, 0 learns from better ones only.")
    ] = 1.0,
    kl: Annotated[float, typer.Option(help="Weight of the K3 divergence from the SFT adapter.")] = 0.04,
    within: Annotated[
        str, typer.Option(metavar="scenario|prompt", help="The group in which replies are compared.")
    ] = "scenario",
    seat: Seat = "creditor",
    limit: Limit = 0,
    max_len: MaxLen = 1024,
    max_reply: MaxReply = 64,
    lr: Rate = 5e-6,
    epochs: Epochs = 1,
    batch: Batch = 16,
    warmup: Warmup = 0.03,
    seed: Seed = 0,
    minutes: Minutes = None,
    device: Device = "auto",
    precision: Precision = "auto",
    portion: Portion = 0,
) -> None:
    """Make judged replies more or less likely by score (JPO), starting from an SFT adapter. Repeat it to resume."""
    from poise.training.language.jpo import JpoSettings, train_jpo
    from poise.training.language.loop import Steps

    choice = _choice(dict(locals()) | _ALL)
    steps = Steps(lr, epochs, batch, warmup, seed)
    settings = JpoSettings(data, sft, base, choice, steps, scores, kappa, kl, within)  # type: ignore[arg-type]  # checked there
    folder = out or Path("runs") / "jpo"
    with _running(folder, device, precision, portion, minutes) as run:
        _show(train_jpo(settings, folder, run))


@app.command("dpo")
def dpo_command(
    data: Data,
    sft: Sft,
    out: Out = None,
    base: BaseModel = None,
    scores: Scores = None,
    beta: Annotated[float, typer.Option(help="How strongly the SFT adapter restrains the training.")] = 0.1,
    gap: Annotated[float, typer.Option(help="The fewest points between the better and the worse reply.")] = 1.0,
    seat: Seat = "creditor",
    limit: Limit = 0,
    max_len: MaxLen = 1024,
    max_reply: MaxReply = 64,
    lr: Rate = 5e-6,
    epochs: Epochs = 1,
    batch: Batch = 16,
    warmup: Warmup = 0.03,
    seed: Seed = 0,
    minutes: Minutes = None,
    device: Device = "auto",
    precision: Precision = "auto",
    portion: Portion = 0,
) -> None:
    """Prefer the best reply to each prompt over the worst (DPO), starting from an SFT adapter. Repeat it to resume."""
    from poise.training.language.dpo import DpoSettings, train_dpo
    from poise.training.language.loop import Steps

    choice = _choice(dict(locals()) | _ALL)
    steps = Steps(lr, epochs, batch, warmup, seed)
    settings = DpoSettings(data, sft, base, choice, steps, scores, beta, gap)
    folder = out or Path("runs") / "dpo"
    with _running(folder, device, precision, portion, minutes) as run:
        _show(train_dpo(settings, folder, run))


_ALL = {"top": 1.0, "by": "quality", "emotions": "intended", "held_out": 0}


def _choice(given: dict[str, Any]) -> PairSelection:
    from dataclasses import fields

    from poise.training.language.choose import PairSelection

    return PairSelection(**{each.name: given[each.name] for each in fields(PairSelection)})


@contextmanager
def _running(
    folder: Path, device: str = "auto", precision: str = "auto", portion: int = 0, minutes: float | None = None
) -> Iterator[LanguageRun]:
    """A run that shows its progress and can be stopped."""
    from poise.cli.screens.standings import console
    from poise.cli.screens.training_progress import TrainingProgress
    from poise.common.interrupts import Interrupts
    from poise.training.language.loop import LanguageRun

    with TrainingProgress(console(stderr=True)) as progress, Interrupts() as stop:
        try:
            yield LanguageRun(device, precision, portion, minutes, progress, stop)
        except KeyboardInterrupt as stopped:
            stopped.add_note(f"What was done so far is kept in {folder}; repeat the command to resume.")
            raise


def _show(trained: TrainedWords) -> None:
    scores = trained.provenance["scores"]
    if trained.earlier:
        typer.secho(f"{trained.folder} was trained before; nothing was done", fg=typer.colors.YELLOW)
    for name, value in scores.items():
        if value is not None:
            typer.echo(f"  {name:20} {value:.4g}" if isinstance(value, float) else f"  {name:20} {value}")
    typer.echo(f"make an agent of it with: poise train export --adapter {trained.folder} --out DIR")


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
        typer.echo(f"play it with: --{player} {out}{f'@ollama:{ollama}' if ollama else ''}")


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
