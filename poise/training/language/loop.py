"""Gradient steps over examples in batches: stopped, killed or out of time, the same steps are gone on with later.

All that a step depends on follows from the seed and its number: the batch, the learning rate, the dropout. A training
that goes on from a checkpoint therefore has the loss curve of one that was never interrupted (to the last digits that
the order of additions on several threads leaves).

The optimiser is AdamW (beta 0.9 and 0.999, no weight decay) with gradients clipped to norm 1; the learning rate rises
over the warm-up's share of the steps and falls to 0 along a cosine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final, Protocol

from poise.common.errors import ConfigError
from poise.common.seeds import Dice, child_seed
from poise.training.language import checkpoint
from poise.training.language.adapter import parameters
from poise.training.language.checkpoint import Progress
from poise.training.language.forward import Machine, reply_logps, training_machine
from poise.training.language.libraries import torch
from poise.training.language.prefix_tree import plant, portions
from poise.training.language.tokens import TokenExample
from poise.training.watch import Unwatched, Watch

CURVE: Final = "curve.jsonl"
_CHECKPOINT_SECONDS: Final = 30.0
_LARGEST_GRADIENT: Final = 1.0


class Objective(Protocol):
    """What is made small. A batch's loss is the sum over its examples, divided by its size."""

    def loss(self, logps: Sequence[Any], which: Sequence[int]) -> Any:
        """The sum over the examples `which` (scalar); logps: [T] each, of their replies' tokens."""
        ...

    def size(self, which: Sequence[int]) -> float:
        """What the sum is divided by: tokens, or examples."""
        ...


@dataclass(frozen=True)
class LanguageRun:
    """How one training is run; nothing here changes what it comes to, but for the digits that precision leaves.

    device, precision, portion: see `forward.machine`. minutes: at most, this time.
    """

    device: str = "auto"
    precision: str = "auto"
    portion: int = 0
    minutes: float | None = None
    watch: Watch = field(default_factory=Unwatched)
    stop: Callable[[], bool] = lambda: False

    def machine(self) -> Machine:
        """Where it is computed."""
        return training_machine(self.device, self.precision, self.portion)


@dataclass(frozen=True)
class Steps:
    """How it is stepped.

    rate: the largest learning rate. epochs: over all examples. batch: examples a step. warmup: share of the steps.
    seed: of the batches and the dropout.
    """

    rate: float
    epochs: int = 1
    batch: int = 16
    warmup: float = 0.03
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise ConfigError(f"learning rate {self.rate} is not between 0 and 1; the papers use 1e-4 and 5e-6")
        if self.epochs < 1 or self.batch < 1 or not 0 <= self.warmup < 1:
            raise ConfigError(
                f"{self.epochs} epochs in batches of {self.batch} with a warm-up of {self.warmup}: epochs and batch "
                "are 1 or more, the warm-up from 0 to below 1"
            )

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
        found = []
        for epoch in range(self.epochs):
            order = _shuffled(groups, Dice(self.seed, f"epoch/{epoch}"))
            found += [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
        return found


def _shuffled(groups: Sequence[Hashable], dice: Dice) -> list[int]:
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    order = dice.rng().permutation(len(members))
    listed = list(members.values())
    return [index for place in order for index in listed[place]]


@dataclass
class Training:
    """One training: what is trained on what, how, and where it is kept.

    model: a PeftModel on the run's device. groups: see `Steps.batches`. dropout: whether LoRA's is on.
    plan: the digest of all that decides the result.
    """

    model: Any
    examples: Sequence[TokenExample]
    groups: Sequence[Hashable]
    objective: Objective
    steps: Steps
    run: LanguageRun
    folder: Path
    plan: str
    dropout: bool = True

    def go(self) -> Progress:
        """Make the steps that are left; leaves the model trained.

        Raises:
            ConfigError: the loss is no number.
            StoreError: the folder cannot be written, or holds another training.
            KeyboardInterrupt: stopped, or out of time; a checkpoint is kept.
        """
        weights = parameters(self.model)
        adam = torch().optim.AdamW(list(weights.values()), lr=self.steps.rate, weight_decay=0.0)
        progress = checkpoint.resume_checkpoint(self.folder, self.plan, weights, adam)
        batches = self.steps.batches(self.groups)
        run = self.run
        run.watch.begin("steps", len(batches), progress.steps)
        began = kept = monotonic()
        self.model.train(self.dropout)
        for step in range(progress.steps, len(batches)):
            entry = self._step(step, batches, weights, adam)
            progress.curve.append(entry)
            progress.steps = step + 1
            run.watch.advance(1, f"loss {entry['loss']:.3f}")
            late = run.minutes is not None and monotonic() - began > 60 * run.minutes
            stopped = progress.steps < len(batches) and (late or run.stop())
            if stopped or monotonic() - kept > _CHECKPOINT_SECONDS:
                self._keep(progress, weights, adam)
                kept = monotonic()
            if stopped:
                raise KeyboardInterrupt("the minutes are over" if late else "stopped")
        self._keep(progress, weights, adam)
        self.model.eval()
        return progress

    def _keep(self, progress: Progress, weights: dict[str, Any], adam: Any) -> None:
        checkpoint.keep_checkpoint(self.folder, self.plan, progress, weights, adam)
        checkpoint.write_curve(self.folder / CURVE, progress.curve)

    def _step(self, step: int, batches: list[list[int]], weights: dict[str, Any], adam: Any) -> dict[str, float]:
        batch, began = batches[step], monotonic()
        rate = self.steps.rate_at(step, len(batches))
        for group in adam.param_groups:
            group["lr"] = rate
        adam.zero_grad(set_to_none=True)
        loss, computed = self._gradient(step, batch)
        if not math.isfinite(loss):
            raise ConfigError(
                f"the loss of step {step + 1} is {loss}; nothing of it was kept. Use a lower --lr, or --precision "
                "float32"
            )
        torch().nn.utils.clip_grad_norm_(list(weights.values()), _LARGEST_GRADIENT)
        adam.step()
        tokens = sum(len(self.examples[index]) for index in batch)
        seconds = monotonic() - began
        return {
            "step": step + 1,
            "loss": loss,
            "rate": rate,
            "tokens": tokens,
            "computed": computed,
            "seconds": round(seconds, 3),
        }

    def _gradient(self, step: int, batch: list[int]) -> tuple[float, int]:
        """Add up the gradients of a batch, portion by portion; its loss, and the tokens that were computed."""
        lib, where = torch(), self.run.machine()
        size, loss, computed = self.objective.size(batch), 0.0, 0
        with lib.random.fork_rng():
            for number, portion in enumerate(portions(self.examples, batch, where.portion)):
                lib.manual_seed(child_seed(self.steps.seed, "dropout", step, number) >> 1)
                forest = plant([self.examples[index] for index in portion])
                part = self.objective.loss(reply_logps(self.model, forest, where), portion) / size
                part.backward()
                loss += float(part.detach())
                computed += len(forest)
        return loss, computed


def all_logps(model: Any, examples: Sequence[TokenExample], where: Machine) -> Iterator[tuple[int, Any]]:
    """(index, log-probabilities [T] of its reply's tokens) of every example, without gradients or dropout."""
    lib = torch()
    model.eval()
    for portion in portions(examples, range(len(examples)), where.portion):
        forest = plant([examples[index] for index in portion])
        with lib.no_grad():
            found = reply_logps(model, forest, where)
        yield from zip(portion, found, strict=True)
