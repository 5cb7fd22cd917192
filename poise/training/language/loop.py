"""Gradient steps over examples in batches; a training that was stopped, killed or out of time is resumed.

All that a step depends on follows from the seed and its number: the batch, the learning rate, the dropout. A training
that is resumed from a checkpoint therefore has the loss curve of one that was never interrupted (to the last digits,
which depend on the order of additions on several threads). The clock is checked between the portions of a step; the
gradients of an interrupted step are kept.

The optimiser is AdamW (beta 0.9 and 0.999, no weight decay) with gradients clipped to norm 1; the learning rate rises
over the warm-up's share of the steps and falls to 0 along a cosine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final, Protocol

from poise.common.errors import ConfigError
from poise.common.progress import Watch, usual_watch
from poise.common.seeds import child_seed
from poise.training.language.adapter import parameters
from poise.training.language.checkpoint import Progress, keep_checkpoint, resume_checkpoint, write_curve
from poise.training.language.forward import Machine, reply_logps, training_machine
from poise.training.language.prefix_tree import plant, portions
from poise.training.language.settings import Steps
from poise.training.language.tokens import TokenExample
from poise.training.libraries import require_torch
from poise.training.run_folder import RunFolder

CURVE: Final = "curve.jsonl"
_CHECKPOINT_SECONDS: Final = 30.0
_LARGEST_GRADIENT: Final = 1.0


class Objective(Protocol):
    """What is minimised. A batch's loss is the sum over its examples, divided by its size."""

    def loss(self, logps: Sequence[Any], which: Sequence[int]) -> Any:
        """The sum over the examples `which` (scalar); logps: [T] each, of their replies' tokens."""
        ...

    def size(self, which: Sequence[int]) -> float:
        """What the sum is divided by: tokens, or examples."""
        ...


@dataclass(frozen=True)
class LanguageRun:
    """How one training is run; this changes its result only within the precision.

    device, precision, portion: see `forward.training_machine`.
    minutes: after which it stops, counted from `started`. stop: whether the user asked to stop. clock: in seconds.
    """

    device: str = "auto"
    precision: str = "auto"
    portion: int = 0
    minutes: float | None = None
    watch: Watch = field(default_factory=usual_watch)
    stop: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = monotonic
    began: float | None = None

    def machine(self) -> Machine:
        """The machine that computes it."""
        return training_machine(self.device, self.precision, self.portion)

    def started(self) -> LanguageRun:
        """This run, its minutes counted from now on."""
        return replace(self, began=self.clock())

    def interruption(self) -> str:
        """Why it has to stop now; empty where it does not."""
        if self.minutes is not None and self.began is not None and self.clock() - self.began > 60 * self.minutes:
            return "the minutes are over"
        return "stopped" if self.stop() else ""

    def check(self) -> None:
        """Raise KeyboardInterrupt where it has to stop now."""
        if reason := self.interruption():
            raise KeyboardInterrupt(f"{reason}, in the measurement before or after the steps; allow more --minutes")


@dataclass
class Training:
    """One training: the model, the data, the settings and the folder.

    model:   a PeftModel on the run's device.
    before:  measured before the first step; the result is `Progress.facts`.
    units:   what a batch is made of: the indices of the examples whose loss is one, such as two replies that are
             compared; each example by itself where there are none.
    groups:  one for each unit, see `Steps.batches`. dropout: whether LoRA's is on.
    folder, plan: see `checkpoint.resume_checkpoint`.
    """

    model: Any
    examples: Sequence[TokenExample]
    groups: Sequence[Hashable]
    objective: Objective
    steps: Steps
    run: LanguageRun
    folder: RunFolder
    plan: str = ""
    dropout: bool = True
    units: Sequence[Sequence[int]] = ()
    before: Callable[[], dict[str, Any]] = dict

    def __post_init__(self) -> None:
        self.units = self.units or [(index,) for index in range(len(self.examples))]
        self._weights = parameters(self.model)
        self._adam = require_torch().optim.AdamW(list(self._weights.values()), lr=self.steps.rate, weight_decay=0.0)

    def go(self) -> Progress:
        """Make the steps that are left; leaves the model trained.

        Raises:
            ConfigError: the loss is not a finite number.
            StoreError: the folder cannot be written, or holds another training.
            KeyboardInterrupt: stopped, or out of time; a checkpoint is kept, of an interrupted step too.
        """
        progress = resume_checkpoint(self.folder, self.plan, self._weights, self._adam)
        progress.facts = progress.facts or self.before()
        batches, run = self.steps.batches(self.groups), self.run
        run.watch.begin("steps", len(batches), progress.steps)
        kept = monotonic()
        self.model.train(self.dropout)
        while progress.steps < len(batches):
            reason = self._step(progress, batches)
            if progress.steps < len(batches):
                reason = reason or run.interruption()
            if reason or monotonic() - kept > _CHECKPOINT_SECONDS:
                self._keep(progress)
                kept = monotonic()
            if reason:
                raise KeyboardInterrupt(reason)
        self._keep(progress)
        self.model.eval()
        return progress

    def _keep(self, progress: Progress) -> None:
        keep_checkpoint(self.folder, progress, self._weights, self._adam)
        write_curve(self.folder.path / CURVE, progress.curve)

    def _step(self, progress: Progress, batches: list[list[int]]) -> str:
        """Make the next step and add it to the curve; why it was interrupted, "" where it is complete."""
        step, began = progress.steps, monotonic()
        batch = [self.units[place] for place in batches[step]]
        if not progress.partial:
            self._adam.zero_grad(set_to_none=True)
            progress.partial = {"portions": 0, "loss": 0.0, "computed": 0, "seconds": 0.0}
        part = progress.partial
        reason = self._add_gradients(step, batch, part)
        part["seconds"] += monotonic() - began
        if not math.isfinite(part["loss"]):
            raise ConfigError(
                f"the loss of step {step + 1} is {part['loss']}; nothing of it was kept. Use a lower --lr, or "
                "--precision float32"
            )
        if reason:
            return reason
        rate = self.steps.rate_at(step, len(batches))
        for group in self._adam.param_groups:
            group["lr"] = rate
        require_torch().nn.utils.clip_grad_norm_(list(self._weights.values()), _LARGEST_GRADIENT)
        self._adam.step()
        entry = {
            "step": step + 1,
            "loss": part["loss"],
            "rate": rate,
            "tokens": sum(len(self.examples[index]) for unit in batch for index in unit),
            "computed": part["computed"],
            "seconds": round(part["seconds"], 3),
        }
        progress.curve.append(entry)
        progress.steps, progress.partial = step + 1, {}
        self.run.watch.advance(1, f"loss {entry['loss']:.3f}")
        return ""

    def _add_gradients(self, step: int, batch: list[Sequence[int]], part: dict[str, float]) -> str:
        """Add up the gradients of a batch, from portion `part["portions"]` on; why it was interrupted, if it was."""
        lib, where = require_torch(), self.run.machine()
        size = self.objective.size([index for unit in batch for index in unit])
        split = list(portions(self.examples, batch, where.portion))
        with lib.random.fork_rng():
            for number in range(int(part["portions"]), len(split)):
                lib.manual_seed(child_seed(self.steps.seed, "dropout", step, number) >> 1)
                forest = plant([self.examples[index] for index in split[number]])
                loss = self.objective.loss(reply_logps(self.model, forest, where), split[number]) / size
                loss.backward()
                part["portions"] += 1
                part["loss"] += float(loss.detach())
                part["computed"] += len(forest)
                if number + 1 < len(split) and (reason := self.run.interruption()):
                    return reason
        return ""


def all_logps(
    model: Any, examples: Sequence[TokenExample], where: Machine, check: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, Any]]:
    """(index, log-probabilities [T] of its reply's tokens) of every example, without gradients or dropout.

    check: called between portions; it may raise KeyboardInterrupt.
    """
    lib = require_torch()
    model.eval()
    for number, portion in enumerate(portions(examples, [(index,) for index in range(len(examples))], where.portion)):
        if number:
            check()
        forest = plant([examples[index] for index in portion])
        with lib.no_grad():
            logps = reply_logps(model, forest, where)
        yield from zip(portion, logps, strict=True)
