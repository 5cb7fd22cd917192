"""Supervised fine-tuning of the words (EmoDistill, arXiv 2605.26785): LoRA, loss on the reply alone.

    rank 16, alpha 32, dropout 0.05 on q, k, v and o; AdamW, 1e-4, cosine with a warm-up of 3 %; batches of 16, one
    epoch, at most 1024 tokens; the best tenth of the creditor's messages

Differs from the reference: sequences that begin alike are computed once (`forest.py`), for which the messages of one
match come in one batch as far as they fit; LoRA's dropout is then the same for them where they are one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from poise.common.errors import StoreError
from poise.common.files import digest_of
from poise.training.data.dataset import PromptReplies, PromptReply, read_pairs
from poise.training.language import checkpoint
from poise.training.language.adapter import (
    PROVENANCE,
    LoraSettings,
    add_adapter,
    lora_dict,
    read_provenance,
    save_adapter,
)
from poise.training.language.base import Base, load_base
from poise.training.language.checkpoint import Progress
from poise.training.language.choose import PairSelection, choose
from poise.training.language.forward import Machine
from poise.training.language.loop import LanguageRun, Steps, Training, all_logps
from poise.training.language.scores import read_reply_scores
from poise.training.language.tokens import Chat, TokenExample

RATE: Final = 1e-4


@dataclass(frozen=True)
class SftSettings:
    """data: a pairs.jsonl or its folder. base: see `load_base`. scores: a file of scores, for choice.by="judge"."""

    data: Path
    base: str = "smollm2"
    choice: PairSelection = field(default_factory=PairSelection)
    lora: LoraSettings = field(default_factory=LoraSettings)
    steps: Steps = field(default_factory=lambda: Steps(RATE))
    scores: Path | None = None


@dataclass(frozen=True)
class TrainedWords:
    """folder: the adapter's. provenance: what it says of itself. earlier: it was there already."""

    folder: Path
    provenance: Mapping[str, Any]
    earlier: bool = False


class TokenLoss:
    """-log p of the replies' tokens, a mean over them."""

    def __init__(self, examples: Sequence[TokenExample]) -> None:
        self._examples = examples

    def loss(self, logps: Sequence[Any], which: Sequence[int]) -> Any:  # noqa: ARG002 - the objectives have one face
        """The sum over the tokens."""
        return -sum(each.sum() for each in logps)

    def size(self, which: Sequence[int]) -> float:
        """How many tokens there are."""
        return float(sum(len(self._examples[index].reply) for index in which))


def train_sft(settings: SftSettings, out: Path, run: LanguageRun | None = None) -> TrainedWords:
    """Fine-tune into the folder `out`; what was begun there with the same settings goes on, what is done stays.

    Raises:
        BadInput: the data, the base or a setting is refused.
        StoreError: the folder cannot be written, or holds another training.
        KeyboardInterrupt: stopped, or out of time; a checkpoint is kept.
    """
    run = run or LanguageRun()
    read = read_pairs(settings.data)
    scores = read_reply_scores(settings.scores) if settings.scores else None
    base = load_base(settings.base)
    chosen = choose(read.pairs, settings.choice, Chat(base.tokenizer), scores)
    data = {**source_of(read), **chosen.summary()}
    declared = _declared(settings, data, base)
    if (earlier := finished_sft(out, declared["plan"])) is not None:
        return TrainedWords(out, earlier, earlier=True)
    model = add_adapter(base, settings.lora, settings.steps.seed)
    examples, groups = chosen.examples, [match_of(pair) for pair in chosen.pairs]
    training = Training(model, examples, groups, TokenLoss(examples), settings.steps, run, out, declared["plan"])
    facts, progress = _fit(training, chosen.held)
    provenance = {"method": "sft", **declared["shown"], "scores": facts, "parent": None}
    found = save_adapter(model, out, provenance)
    checkpoint.write_curve(out / "curve.jsonl", progress.curve)
    (out / checkpoint.FILE).unlink(missing_ok=True)
    return TrainedWords(out, found)


def _fit(training: Training, held: Sequence[TokenExample]) -> tuple[dict[str, Any], Progress]:
    """Train, and measure the loss on what was set aside before and after."""
    where = training.run.machine()
    training.model.to(where.device)
    before = held_out_loss(training.model, held, where, at_base=True)
    progress = training.go()
    after = held_out_loss(training.model, held, where)
    return {**speed_of(progress.curve), "loss_before": before, "loss_after": after}, progress


def held_out_loss(model: Any, held: Sequence[TokenExample], where: Machine, *, at_base: bool = False) -> float | None:
    """-log p per token on what was set aside; None where nothing was. at_base: without the adapter."""
    if not held:
        return None
    if at_base:
        with model.disable_adapter():
            return held_out_loss(model, held, where)
    found = [logps for _, logps in all_logps(model, held, where)]
    return float(-sum(each.sum() for each in found) / sum(len(each) for each in found))


def source_of(read: PromptReplies) -> dict[str, Any]:
    """Which data it was, and whether evaluation scenarios were let in, as the data say."""
    return {"sha256": read.digest, "evaluation": read.header.get("evaluation", "unknown")}


def match_of(pair: PromptReply) -> tuple[str, str]:
    """What shares the beginnings of prompts: the messages of a match."""
    return (pair.source, pair.match)


def finished_sft(folder: Path, plan: str) -> dict[str, Any] | None:
    """The provenance of the finished training in `folder`, None where there is none.

    Raises:
        StoreError: it is another training's.
        AgentError: it is damaged.
    """
    if not (folder / PROVENANCE).exists():
        return None
    found = read_provenance(folder)
    if found["settings"].get("plan") != plan:
        raise StoreError(f"{folder} holds another adapter, of other settings or data; name another folder with --out")
    return found


def _declared(settings: SftSettings, data: Mapping[str, Any], base: Base) -> dict[str, Any]:
    given = {
        "choice": asdict(settings.choice),
        "lora": lora_dict(settings.lora),
        "steps": asdict(settings.steps),
    }
    shown = {"base": base.id.to_dict(), "data": data, "settings": given}
    plan = digest_of(shown)
    return {"plan": plan, "shown": {**shown, "settings": {**given, "plan": plan}}}


def speed_of(curve: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What the curve says of a training: steps, its first and last loss, and how fast it was.

    tokens_per_second counts those of the sequences, computed_per_second those that were computed once for all.
    """
    seconds = math.fsum(each["seconds"] for each in curve)
    return {
        "steps": len(curve),
        "first_loss": curve[0]["loss"],
        "last_loss": curve[-1]["loss"],
        "seconds": round(seconds, 1),
        "tokens_per_second": round(sum(each["tokens"] for each in curve) / max(seconds, 1e-9), 1),
        "computed_per_second": round(sum(each["computed"] for each in curve) / max(seconds, 1e-9), 1),
    }
