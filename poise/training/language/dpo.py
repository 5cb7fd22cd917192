"""DPO (Rafailov et al. 2023, arXiv 2305.18290): prefers the better of two replies to one prompt.

Of the judged replies to each prompt the best and the worst are compared, where they are at least `gap` points apart.
The adapter begins as the SFT adapter, whose frozen snapshot is the reference; its log-probabilities are computed once
and kept. The loss is in `objectives.py`. Dropout is off, so that every loss begins at log 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poise.common.errors import ConfigError
from poise.training.language.adapter import load_adapter
from poise.training.language.adapter_run import (
    AdapterRun,
    JudgedStart,
    TrainedWords,
    measure_logps,
    speed_of,
)
from poise.training.language.base import Base
from poise.training.language.choose import Chosen
from poise.training.language.judged_message import prompt_key
from poise.training.language.loop import LanguageRun, Training
from poise.training.language.objectives import dpo_loss, implicit_reward
from poise.training.language.settings import DpoSettings
from poise.training.language.tokens import TokenExample


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
    compared = []
    for rows in replies.values():
        best, worst = max(rows, key=lambda row: scores[row]), min(rows, key=lambda row: scores[row])
        if scores[best] - scores[worst] >= gap:
            compared.append(Preference(chosen.examples[best], chosen.examples[worst]))
    if not compared:
        raise ConfigError(
            f"none of {len(replies)} prompts has two replies that are {gap:g} points apart; sample several replies to "
            "each (`poise train sample`) and score them, or ask for a smaller --gap"
        )
    return compared


class PreferredReplies:
    """DPO's loss, a mean over preferences; example 2 i is the better reply of preference i, 2 i + 1 the worse one."""

    def __init__(self, reference: Sequence[Any], beta: float) -> None:
        """reference: [T] each, on the device."""
        self._reference, self._beta = reference, beta

    def rewards(self, logps: Sequence[Any], which: Sequence[int]) -> list[Any]:
        """The implicit reward of each reply (scalars)."""
        return [implicit_reward(own, self._reference[i], self._beta) for own, i in zip(logps, which, strict=True)]

    def loss(self, logps: Sequence[Any], which: Sequence[int]) -> Any:
        """The sum over the preferences."""
        rewards = self.rewards(logps, which)
        return sum(dpo_loss(*pair) for pair in zip(rewards[::2], rewards[1::2], strict=True))

    def size(self, which: Sequence[int]) -> float:
        """How many preferences there are."""
        return len(which) / 2


def train_dpo(settings: DpoSettings, out: Path, run: LanguageRun | None = None) -> TrainedWords:
    """Train into the folder `out`; one that was begun there with the same settings is resumed, a finished one stays.

    Raises:
        BadInput: the data, the adapter or a setting is refused; a reply has no score; no two replies are apart.
        StoreError: the folder cannot be written, is in use, or holds another training.
        KeyboardInterrupt: stopped, or out of time; a checkpoint is kept.
    """
    run = (run or LanguageRun()).started()
    start = JudgedStart.load(settings)
    compared = preferences(start.chosen, start.scores, settings.gap)
    particular = {"beta": settings.beta, "gap": settings.gap}
    training = start.training("dpo", out, settings, particular, {"preferences": len(compared)})
    with training.folder.hold():
        return training.finished() or _optimise(training, settings, start.base, compared, run)


def _optimise(
    training: AdapterRun, settings: DpoSettings, base: Base, compared: Sequence[Preference], run: LanguageRun
) -> TrainedWords:
    model = load_adapter(base, settings.sft, trainable=True).to(run.machine().device)
    examples = [example for preference in compared for example in (preference.better, preference.worse)]
    reference = training.references(model, examples, run)
    progress = Training(
        model,
        examples,
        range(len(compared)),
        PreferredReplies([logps.to(run.machine().device) for logps in reference], settings.beta),
        settings.steps,
        run,
        training.folder,
        training.plan,
        dropout=False,
        units=[(2 * index, 2 * index + 1) for index in range(len(compared))],
    ).go()
    rewards = PreferredReplies(reference, settings.beta).rewards(
        measure_logps(model, examples, run), range(len(examples))
    )
    margins = [float(better - worse) for better, worse in zip(rewards[::2], rewards[1::2], strict=True)]
    agreement = {
        "preferred": sum(margin > 0 for margin in margins) / len(margins),
        "margin": sum(margins) / len(margins),
    }
    return training.finish(model, progress, {**speed_of(progress.curve), **agreement})
