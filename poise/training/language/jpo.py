"""JPO: preference optimisation on judged replies (EmoDistill, arXiv 2605.26785), offline and not pairwise.

Continues the training of an SFT adapter. The log-probabilities of each reply under the frozen snapshot of that adapter
are computed once and kept. The losses are in `objectives.py`; AdamW, 5e-6, one epoch.

Dropout is off, so that every ratio begins at 1. The group within which advantages are normalised is the scenario, as
published; `within="prompt"` compares replies to the same prompt only, so that no reply is marked down because its
moment of the negotiation is a harder one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poise.training.language.adapter import load_adapter
from poise.training.language.adapter_run import (
    AdapterRun,
    JudgedStart,
    TrainedWords,
    measure_logps,
    speed_of,
)
from poise.training.language.judged_message import prompt_key
from poise.training.language.loop import LanguageRun, Training
from poise.training.language.objectives import advantages, jpo_loss, k3, sequence_ratio
from poise.training.language.settings import JpoSettings


class JudgedReplies:
    """JPO's loss, the mean over replies."""

    def __init__(self, reference: Sequence[Any], advantage: Sequence[float], settings: JpoSettings) -> None:
        """reference: [T] each, on the device. advantage: one for each reply."""
        self._reference, self._advantage = reference, advantage
        self._settings = settings

    def loss(self, logps: Sequence[Any], which: Sequence[int]) -> Any:
        """The sum over the replies."""
        kappa, kl = self._settings.kappa, self._settings.kl
        return sum(
            jpo_loss(own, self._reference[index], self._advantage[index], kappa, kl)
            for own, index in zip(logps, which, strict=True)
        )

    def size(self, which: Sequence[int]) -> float:
        """How many replies there are."""
        return float(len(which))


def train_jpo(settings: JpoSettings, out: Path, run: LanguageRun | None = None) -> TrainedWords:
    """Train into the folder `out`; repeat the call with the same settings to resume. A finished adapter is kept.

    Raises:
        BadInput: the data, the adapter or a setting is refused; a reply has no score; the scores are all equal.
        StoreError: the folder cannot be written, is in use, or holds another training.
        KeyboardInterrupt: stopped, or out of time; a checkpoint is kept.
    """
    run = (run or LanguageRun()).started()
    start = JudgedStart.load(settings)
    groups = [
        (pair.domain, pair.scenario) if settings.within == "scenario" else (prompt_key(pair),)
        for pair in start.chosen.pairs
    ]
    advantage = advantages(start.scores, groups)
    particular = {"kappa_negative": settings.kappa, "kl": settings.kl, "within": settings.within}
    training = start.training("jpo", out, settings, particular)
    with training.folder.hold():
        return training.finished() or _optimise(training, settings, start, advantage, run)


def _optimise(
    training: AdapterRun, settings: JpoSettings, start: JudgedStart, advantage: NDArray[np.float64], run: LanguageRun
) -> TrainedWords:
    chosen = start.chosen
    model = load_adapter(start.base, settings.sft, trainable=True).to(run.machine().device)
    reference = training.references(model, chosen.examples, run)
    progress = Training(
        model,
        chosen.examples,
        [prompt_key(pair) for pair in chosen.pairs],
        JudgedReplies([logps.to(run.machine().device) for logps in reference], advantage.tolist(), settings),
        settings.steps,
        run,
        training.folder,
        training.plan,
        dropout=False,
    ).go()
    compared = list(zip(measure_logps(model, chosen.examples, run), reference, strict=True))
    moved = {
        "kl": float(np.mean([float(k3(*pair)) for pair in compared])),
        **mean_ratios([float(sequence_ratio(*pair)) for pair in compared], advantage),
    }
    return training.finish(
        model, progress, {**speed_of(progress.curve), **moved, "score": float(np.mean(start.scores))}
    )


def mean_ratios(ratios: Sequence[float], advantage: Sequence[float] | NDArray[np.float64]) -> dict[str, float]:
    """The mean ratio of the replies that were better than average, and of those that were worse.

    A reply of advantage 0 is neither. A mean over no reply is left out.
    """
    signs = {"ratio_better": np.asarray(advantage) > 0, "ratio_worse": np.asarray(advantage) < 0}
    return {name: float(np.asarray(ratios)[rows].mean()) for name, rows in signs.items() if rows.any()}
