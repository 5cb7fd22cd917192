"""DPO (Rafailov et al. 2023, arXiv 2305.18290) by trl, as a variant beside JPO.

Of the judged replies to each prompt the best and the worst make a pair, where they differ by `gap` points at least. The
adapter begins as the SFT adapter, whose frozen copy is the reference.

Differs from JPO's loop: trl's trainer has no checkpoint without pickle, so that a DPO that was stopped begins anew.
"""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from poise.common.errors import ConfigError
from poise.common.files import digest_of
from poise.common.seeds import child_seed
from poise.training.language import checkpoint
from poise.training.language.adapter import load_adapter, save_adapter
from poise.training.language.choose import Chosen, PairSelection, choose, score_of
from poise.training.language.jpo import JpoSettings, begun
from poise.training.language.judged_message import prompt_key
from poise.training.language.libraries import library, quietly, torch
from poise.training.language.loop import CURVE, LanguageRun, Steps
from poise.training.language.scores import read_reply_scores
from poise.training.language.sft import TrainedWords, finished_sft, source_of
from poise.training.language.tokens import Chat, TokenExample

RATE: Final = 5e-6


@dataclass(frozen=True)
class DpoSettings:
    """data, sft, base, choice, scores: see `JpoSettings`. beta: how much the reference holds back. gap: in points."""

    data: Path
    sft: Path
    base: str | None = None
    choice: PairSelection = field(default_factory=lambda: PairSelection(top=1.0, held_out=0))
    steps: Steps = field(default_factory=lambda: Steps(RATE))
    scores: Path | None = None
    beta: float = 0.1
    gap: float = 1.0

    def __post_init__(self) -> None:
        if not (self.beta > 0 and self.gap > 0):
            raise ConfigError(f"beta {self.beta} and gap {self.gap} are above 0")


@dataclass(frozen=True, slots=True)
class Preference:
    """Two replies to one prompt, the better one first."""

    better: TokenExample
    worse: TokenExample


def preferences(chosen: Chosen, scores: Sequence[float], gap: float) -> list[Preference]:
    """The best and the worst reply to each prompt, where they are `gap` points apart.

    Raises:
        ConfigError: there is no such prompt.
    """
    replies: dict[str, list[int]] = {}
    for index, pair in enumerate(chosen.pairs):
        replies.setdefault(prompt_key(pair), []).append(index)
    found = []
    for rows in replies.values():
        best, worst = max(rows, key=lambda row: scores[row]), min(rows, key=lambda row: scores[row])
        if scores[best] - scores[worst] >= gap:
            found.append(Preference(chosen.examples[best], chosen.examples[worst]))
    if not found:
        raise ConfigError(
            f"none of {len(replies)} prompts has two replies that are {gap:g} points apart; sample several replies to "
            "each (`poise train sample`) and score them, or ask for a smaller --gap"
        )
    return found


def train_dpo(settings: DpoSettings, out: Path, run: LanguageRun | None = None) -> TrainedWords:
    """Train into the folder `out`; what is done stays.

    Raises:
        BadInput: the data, the adapter or a setting is refused; a reply has no score; no two replies are apart.
        StoreError: the folder cannot be written, or holds another training.
    """
    run = run or LanguageRun()
    like = JpoSettings(settings.data, settings.sft, settings.base)
    base, parent, read = begun(like)
    chat = Chat(base.tokenizer)
    chosen = choose(read.pairs, settings.choice, chat)
    scores = read_reply_scores(settings.scores) if settings.scores else None
    judged = [score_of(pair, scores) for pair in chosen.sources]
    pairs = preferences(chosen, judged, settings.gap)
    data = {**source_of(read), **chosen.summary(), "preferences": len(pairs), "scores": digest_of(judged)}
    declared = _declared(settings, base.id.to_dict(), parent, data)
    if (earlier := finished_sft(out, declared["settings"]["plan"])) is not None:
        return TrainedWords(out, earlier, earlier=True)
    model = load_adapter(base, settings.sft, trainable=True)
    curve = _fit(model, base.tokenizer, pairs, settings, run)
    model.delete_adapter("ref")
    facts = {"steps": len(curve), "first_loss": curve[0]["loss"], "last_loss": curve[-1]["loss"]}
    found = save_adapter(model, out, {"method": "dpo", **declared, "scores": facts, "parent": parent["digest"]})
    checkpoint.write_curve(out / CURVE, curve)
    return TrainedWords(out, found)


def _fit(
    model: Any, tokenizer: Any, pairs: Sequence[Preference], settings: DpoSettings, run: LanguageRun
) -> list[dict[str, float]]:
    """Train with trl, and give the loss of each step.

    Raises:
        ConfigError: the loss is no number.
        KeyboardInterrupt: stopped, or out of time.
    """
    trl, where = library("trl"), run.machine()
    run.watch.begin("steps", settings.steps.epochs * math.ceil(len(pairs) / settings.steps.batch), 0)
    with quietly(), _own_randomness(settings.steps.seed), tempfile.TemporaryDirectory(prefix="poise-") as scratch:
        trainer = trl.DPOTrainer(
            model=model,
            args=_arguments(settings, where.device, where.precision, scratch),
            train_dataset=_dataset(pairs, tokenizer),
            processing_class=tokenizer,
            callbacks=[_callback(run)],
        )
        trainer.remove_callback(library("transformers").PrinterCallback)
        _same_tokens(trainer.train_dataset, pairs)
        trainer.train()
    curve = [
        {"step": entry["step"], "loss": entry["loss"], "rate": entry["learning_rate"]}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    if run.stop() or trainer.state.global_step < trainer.state.max_steps:
        raise KeyboardInterrupt("stopped")
    if not curve or not all(math.isfinite(entry["loss"]) for entry in curve):
        raise ConfigError("the loss became no number; nothing of it was kept. Use a lower --lr")
    return curve


def _arguments(settings: DpoSettings, device: str, precision: str, scratch: str) -> Any:
    steps = settings.steps
    return library("trl").DPOConfig(
        output_dir=scratch,
        beta=settings.beta,
        learning_rate=steps.rate,
        lr_scheduler_type="cosine",
        warmup_steps=steps.warmup,
        num_train_epochs=steps.epochs,
        per_device_train_batch_size=1 if device == "cpu" else min(8, steps.batch),
        gradient_accumulation_steps=steps.batch if device == "cpu" else math.ceil(steps.batch / min(8, steps.batch)),
        max_length=None,
        bf16=precision == "bfloat16",
        use_cpu=device == "cpu",
        gradient_checkpointing=False,
        save_strategy="no",
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        seed=child_seed(steps.seed, "dpo") % (1 << 31),
    )


def _dataset(pairs: Sequence[Preference], tokenizer: Any) -> Any:
    """As texts, which is how trl takes them."""

    def text(tokens: Sequence[int]) -> str:
        return str(tokenizer.decode(list(tokens), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    rows = [
        {"prompt": text(each.better.prompt), "chosen": text(each.better.reply), "rejected": text(each.worse.reply)}
        for each in pairs
    ]
    return library("datasets").Dataset.from_list(rows)


def _same_tokens(dataset: Any, pairs: Sequence[Preference]) -> None:
    """Refuse to train on anything but the tokens of run time.

    Raises:
        ConfigError: trl cut the texts in another way.
    """
    for row, pair in zip(dataset, pairs, strict=True):
        made = (row["prompt_ids"], row["chosen_ids"], row["rejected_ids"])
        if made != (list(pair.better.prompt), list(pair.better.reply), list(pair.worse.reply)):
            raise ConfigError("trl cuts these texts into other tokens than run time does; use `poise train jpo`")


def _callback(run: LanguageRun) -> Any:
    """Shows each step, and stops when asked to."""

    class Shown(library("transformers").TrainerCallback):  # type: ignore[misc]  # its base is known at run time only
        def on_log(self, _args: Any, _state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> Any:
            if logs and "loss" in logs:
                run.watch.advance(1, f"loss {logs['loss']:.3f}")
            control.should_training_stop = run.stop() or not math.isfinite(float((logs or {}).get("loss", 0.0)))
            return control

    return Shown()


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Trl and transformers draw from the global generators; these are as they were afterwards."""
    before, numbers = random.getstate(), np.random.get_state()
    try:
        with torch().random.fork_rng():
            torch().manual_seed(child_seed(seed, "dpo") >> 1)
            yield
    finally:
        random.setstate(before)
        np.random.set_state(numbers)


def _declared(
    settings: DpoSettings, base: Mapping[str, str], parent: Mapping[str, Any], data: Mapping[str, Any]
) -> dict[str, Any]:
    given = {
        "choice": asdict(settings.choice),
        "steps": asdict(settings.steps),
        "beta": settings.beta,
        "gap": settings.gap,
        "lora": parent["settings"].get("lora"),
    }
    shown = {"base": dict(base), "data": dict(data), "settings": given}
    plan = digest_of({**shown, "parent": parent["digest"]})
    return {**shown, "settings": {**given, "plan": plan}}
