"""The settings of everything that learns words: declared once, for Python, the command line and the reference page.

This module imports no library of training, so that help comes quickly.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from poise.agents.models.sampling import SMALL_MODEL
from poise.common.errors import ConfigError
from poise.common.seeds import Dice
from poise.common.settings import CliOption, check_settings

Emotions = Literal["intended", "read", "none"]
Who = Literal["creditor", "debtor", "both"]

_Seed = Annotated[int, Field(ge=0, description="The one seed; same seed, same result.")]
_Pairs = Annotated[
    Path, CliOption(metavar="DIR|FILE"), Field(description="Pairs: of `poise train dataset`, or of `sample`.")
]
_Adapter = Annotated[Path, CliOption(metavar="DIR"), Field(description="The folder of a finished `poise train sft`.")]
_Base = Annotated[
    str | None,
    CliOption(metavar="MODEL"),
    Field(description="smollm2, a GGUF file, a model's folder, or a name on the hub. Default: the adapter's."),
]
_Scores = Annotated[
    Path | None,
    CliOption(metavar="FILE"),
    Field(description="Scores of `poise train score`. Default: those in the data."),
]


@dataclass(frozen=True, slots=True)
class PairSelection:
    """Which pairs to choose.

    top: the share of the best. by: the measure. emotions: see `choose`.
    held_out: the least number of pairs to hold out (about a fifth at most), in whole scenarios.
    max_len: longer pairs are left out, because run time never cuts a prompt. max_reply: with the end token, as at run
    time. seed: decides which scenarios are held out.
    """

    top: Annotated[float, Field(gt=0, le=1, description="The share of pairs to learn from, the best ones.")] = 0.1
    by: Annotated[Literal["quality", "judge"], Field(description="The measure of the best.")] = "quality"
    seat: Annotated[Who, Field(description="Whose words.")] = "creditor"
    emotions: Annotated[
        Emotions, Field(description="The emotion that a prompt asks for; read: the one read in the reply.")
    ] = "intended"
    limit: Annotated[int, Field(ge=0, description="The most pairs, the best ones. 0: all.")] = 0
    held_out: Annotated[int, Field(ge=0, description="Pairs held out to measure the loss.")] = 32
    max_len: Annotated[int, Field(ge=16, description="Tokens of prompt and reply; longer ones are left out.")] = 1024
    max_reply: Annotated[int, Field(ge=2, description="Tokens of a reply; longer ones are left out.")] = 48
    seed: _Seed = 0

    def __post_init__(self) -> None:
        check_settings(self)


def _judged_pairs() -> PairSelection:
    """All pairs: replies that were sampled and judged, good and bad."""
    return PairSelection(top=1.0, held_out=0, max_reply=64)


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """W' = W + alpha / rank * B A for the target matrices W; A is random, B begins at 0. The defaults are published."""

    rank: Annotated[int, Field(ge=1, le=1024, description="Rank of LoRA.")] = 16
    alpha: Annotated[int, Field(ge=1, description="Alpha of LoRA.")] = 32
    dropout: Annotated[float, Field(ge=0, lt=1, description="Dropout of LoRA.")] = 0.05
    targets: Annotated[
        tuple[str, ...], CliOption(metavar="A,B", commas=True), Field(description="The matrices that LoRA changes.")
    ] = ("q_proj", "k_proj", "v_proj", "o_proj")

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.targets:
            raise ConfigError("targets is empty; name at least one matrix that LoRA changes, such as q_proj")


@dataclass(frozen=True)
class Steps:
    """How a training is stepped. The papers' rates are 1e-4 (SFT) and 5e-6 (JPO); seed: of batches and dropout."""

    rate: Annotated[float, CliOption("--lr"), Field(gt=0, le=1, description="The largest learning rate.")]
    epochs: Annotated[int, Field(ge=1, description="Passes over all pairs.")] = 1
    batch: Annotated[int, Field(ge=1, description="Pairs per step.")] = 16
    warmup: Annotated[
        float, Field(ge=0, lt=1, description="Share of the steps over which the learning rate rises.")
    ] = 0.03
    seed: _Seed = 0

    def __post_init__(self) -> None:
        check_settings(self)

    def rate_at(self, step: int, total: int) -> float:
        """The learning rate of a step, the first being 0."""
        rising = math.ceil(self.warmup * total)
        if step < rising:
            return self.rate * (step + 1) / rising
        return self.rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, total - rising)))

    def batches(self, groups: Sequence[Hashable]) -> list[list[int]]:
        """The batches of all epochs, as indices; examples of one group stand together, in random order of groups.

        groups: one for each example, such as its match: what shares the beginnings of prompts.
        """
        batches = []
        for epoch in range(self.epochs):
            order = _shuffled(groups, Dice(self.seed, f"epoch/{epoch}"))
            batches += [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
        return batches


def _shuffled(groups: Sequence[Hashable], dice: Dice) -> list[int]:
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    order = dice.rng().permutation(len(members))
    listed = list(members.values())
    return [index for place in order for index in listed[place]]


@dataclass(frozen=True)
class SftSettings:
    """One supervised fine-tuning. scores: for `choice.by="judge"`."""

    data: _Pairs
    base: Annotated[
        str,
        CliOption(metavar="MODEL"),
        Field(description="smollm2, a GGUF file, a model's folder, or a name on the hub."),
    ] = "smollm2"
    choice: PairSelection = field(default_factory=PairSelection)
    lora: LoraSettings = field(default_factory=LoraSettings)
    steps: Steps = field(default_factory=lambda: Steps(1e-4))
    scores: _Scores = None


@dataclass(frozen=True)
class _JudgedSettings:
    """The settings of every training on judged replies, from the adapter `sft`."""

    data: _Pairs
    sft: _Adapter
    base: _Base = None
    choice: PairSelection = field(default_factory=_judged_pairs)
    steps: Steps = field(default_factory=lambda: Steps(5e-6))
    scores: _Scores = None

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True)
class JpoSettings(_JudgedSettings):
    """One JPO training from the adapter `sft`."""

    kappa: Annotated[
        float, Field(ge=0, description="Weight of worse replies: 1 is JPO, 0 learns from better ones only.")
    ] = 1.0
    kl: Annotated[float, Field(ge=0, description="Weight of the K3 divergence from the SFT adapter.")] = 0.04
    within: Annotated[Literal["scenario", "prompt"], Field(description="The group in which replies are compared.")] = (
        "scenario"
    )


@dataclass(frozen=True)
class DpoSettings(_JudgedSettings):
    """One DPO training from the adapter `sft`. The paper's beta is 0.1."""

    beta: Annotated[float, Field(gt=0, description="How strongly the SFT adapter restrains the training.")] = 0.1
    gap: Annotated[float, Field(gt=0, description="The fewest points between the better and the worse reply.")] = 1.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """How replies are sampled.

    min_p: a word must be at least this times as likely as the likeliest. penalty: on a word, for each time that it was
    among the last `window`.
    """

    replies: Annotated[int, Field(ge=1, le=64, description="Replies to each prompt.")] = 4
    temperature: Annotated[float, Field(ge=0, le=5, description="0 always takes the likeliest token.")] = 0.8
    min_p: Annotated[float, Field(ge=0, lt=1)] = SMALL_MODEL["min_p"]
    penalty: float = SMALL_MODEL["frequency_penalty"]
    window: Annotated[int, Field(ge=1)] = SMALL_MODEL["repeat_last_n"]
    longest: Annotated[int, Field(ge=1, le=1024, description="The most tokens of a reply.")] = 48
    prompts: Annotated[int, Field(ge=1, le=256, description="Prompts answered at a time.")] = 4
    seed: _Seed = 0

    def __post_init__(self) -> None:
        check_settings(self)
        if self.temperature == 0 and self.replies > 1:
            raise ConfigError(f"at temperature 0 the {self.replies} replies would be one; ask for --replies 1")


@dataclass(frozen=True)
class SampleSettings:
    """Replies to be drawn to the prompts of the data."""

    data: _Pairs
    sft: Annotated[
        Path | None, CliOption(metavar="DIR"), Field(description="The adapter. Default: the base alone.")
    ] = None
    base: _Base = None
    choice: PairSelection = field(default_factory=_judged_pairs)
    drawing: Drawing = field(default_factory=Drawing)


@dataclass(frozen=True, slots=True)
class Picking:
    """What is picked from one set of data. pairs: how many; the last negotiation may exceed it.

    share: instead of pairs, the largest share of all that is picked; 0: pairs decides. likely: what the detector must
    give an emotion that was not intended. turns: later messages are left out. detector: its file; "" for the shipped
    one.
    """

    pairs: Annotated[int, Field(ge=1)] = 1000
    share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    seat: Annotated[Who, Field(description="Whose words.")] = "creditor"
    least: Annotated[float, Field(ge=1, le=10, description="The verifiable judge's lowest score.")] = 7.0
    likely: Annotated[
        float, Field(ge=0, le=1, description="The lowest probability of an emotion that was not intended.")
    ] = 0.15
    neutral: Annotated[float, Field(ge=0, le=1, description="The largest share of neutral replies.")] = 0.15
    talk: Annotated[int, Field(ge=1, description="The fewest good replies of a negotiation.")] = 2
    words: Annotated[int, Field(ge=1, description="The most words of a reply.")] = 34
    turns: Annotated[int, Field(ge=1, description="The most turns of a prompt.")] = 15
    detector: Annotated[
        str, CliOption(metavar="FILE"), Field(description="The fitted detector. Default: the shipped one.")
    ] = ""
    seed: _Seed = 0

    def __post_init__(self) -> None:
        check_settings(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON data; the detector by its digest, and only what older picks have where it says nothing else."""
        from poise.agents.emotions.detectors import detector_digest

        data = asdict(self)
        data["detector"] = self.detector and detector_digest(self.detector)
        return {name: value for name, value in data.items() if value or name not in ("share", "detector")}
