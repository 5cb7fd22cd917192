"""Supervised fine-tuning of the words (EmoDistill, arXiv 2605.26785): LoRA, loss on the reply alone.

    rank 16, alpha 32, dropout 0.05 on q, k, v and o; AdamW, 1e-4, cosine with a warm-up of 3 %; batches of 16, one
    epoch, at most 1024 tokens; the best tenth of the creditor's messages

Differs from the reference: the common beginnings of sequences are computed once (`prefix_tree.py`). Therefore the
messages of one match come in one batch as far as they fit, and LoRA's dropout is the same for the tokens they share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from poise.training.data.dataset import PromptReply, read_pairs
from poise.training.language.adapter import add_adapter, lora_dict
from poise.training.language.adapter_run import AdapterRun, TrainedWords, measure_logps, source_of, speed_of
from poise.training.language.base import Base, load_base
from poise.training.language.choose import Chosen, choose
from poise.training.language.loop import LanguageRun, Training
from poise.training.language.scores import read_reply_scores
from poise.training.language.settings import SftSettings
from poise.training.language.tokens import Chat, TokenExample


class TokenLoss:
    """The mean of -log p over the tokens of the replies."""

    def __init__(self, examples: Sequence[TokenExample]) -> None:
        self._examples = examples

    def loss(self, logps: Sequence[Any], which: Sequence[int]) -> Any:  # noqa: ARG002 - all objectives have the same interface
        """The sum over the tokens."""
        return -sum(each.sum() for each in logps)

    def size(self, which: Sequence[int]) -> float:
        """How many tokens there are."""
        return float(sum(len(self._examples[index].reply) for index in which))


def train_sft(settings: SftSettings, out: Path, run: LanguageRun | None = None) -> TrainedWords:
    """Fine-tune into the folder `out`; repeat the call with the same settings to resume. A finished adapter is kept.

    Raises:
        BadInput: the data, the base or a setting is refused.
        StoreError: the folder cannot be written, is in use, or holds another training.
        KeyboardInterrupt: stopped, or out of time; a checkpoint is kept.
    """
    run = (run or LanguageRun()).started()
    read = read_pairs(settings.data)
    scores = read_reply_scores(settings.scores) if settings.scores else None
    base = load_base(settings.base)
    chosen = choose(read.pairs, settings.choice, Chat(base.tokenizer), scores)
    given = {
        "choice": asdict(settings.choice),
        "lora": lora_dict(settings.lora),
        "steps": asdict(settings.steps),
    }
    training = AdapterRun("sft", out, base.id.to_dict(), {**source_of(read), **chosen.summary()}, given)
    with training.folder.hold():
        return training.finished() or _fine_tune(training, settings, base, chosen, run)


def _fine_tune(
    training: AdapterRun, settings: SftSettings, base: Base, chosen: Chosen, run: LanguageRun
) -> TrainedWords:
    model = add_adapter(base, settings.lora, settings.steps.seed).to(run.machine().device)

    def held_out_loss_at_base() -> dict[str, Any]:
        with model.disable_adapter():
            return {"loss_before": held_out_loss(model, chosen.held, run)}

    progress = Training(
        model,
        chosen.examples,
        [match_of(pair) for pair in chosen.pairs],
        TokenLoss(chosen.examples),
        settings.steps,
        run,
        training.folder,
        training.plan,
        before=held_out_loss_at_base,
    ).go()
    after = {"loss_after": held_out_loss(model, chosen.held, run)}
    return training.finish(model, progress, {**speed_of(progress.curve), **progress.facts, **after})


def held_out_loss(model: Any, held: Sequence[TokenExample], run: LanguageRun) -> float | None:
    """-log p per token on the held-out pairs; None if there are none.

    Raises:
        KeyboardInterrupt: stopped, or out of time.
    """
    logps = measure_logps(model, held, run)
    return float(-sum(each.sum() for each in logps) / sum(len(each) for each in logps)) if logps else None


def match_of(pair: PromptReply) -> tuple[str, str]:
    """Names the pair's match, whose prompts share their beginnings."""
    return (pair.source, pair.match)
