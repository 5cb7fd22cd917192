"""Trains a policy against a field of debtors: asks the trainer, plays, tells it, keeps a checkpoint, and so on.

Rounds are the unit of everything: the policies of a round play the same talks, checkpoints are written between rounds,
and a training that was stopped goes on from the last. What a round plays follows from the seed and its number alone, so
that neither a stop nor the number of workers changes the result.

In the end the trained policy, the one that training began with and `vanilla` play the same new talks, and the artifact
says how they did.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from poise.agents.artifact import Artifact
from poise.common.interrupts import Interrupts
from poise.tournaments.statistics.bootstrap import Sums, estimate_all
from poise.training.online.episodes import Episode, mean
from poise.training.online.field import FieldMatch, FieldPlayer, players
from poise.training.online.files import CHECKPOINT, keep_trainer, resume_trainer, trained_artifact
from poise.training.online.plan import TrainingPlan, TrainSettings, plan_training, trainer_of
from poise.training.online.trainers import Trainer, Trial
from poise.training.run_folder import RunFolder
from poise.training.watch import TrainingWatch, Unwatched

_CHECKPOINT_SECONDS: Final = 1.0  # between two; a stop on request is kept in any case
_WORTH_WORKERS: Final = 2000  # negotiations from which worker processes pay for their start


@dataclass(frozen=True)
class Trained:
    """What a training left behind. earlier: it was there already, and nothing was played."""

    folder: Path
    artifact: Artifact
    earlier: bool = False


def train(
    settings: TrainSettings, out: Path | str, *, workers: int | None = None, watch: TrainingWatch | None = None
) -> Trained:
    """Train into the folder `out`; one that was begun there with the same settings goes on, one that is done stays.

    workers: processes to play in; None takes as many as the machine has cores where that pays. It does not change what
        comes out.

    Raises:
        BadInput: a setting, a debtor or the scenarios are refused.
        StoreError: the folder cannot be used, or holds another training.
        KeyboardInterrupt: the user stopped it, after the round at hand; a checkpoint was kept.
    """
    plan = plan_training(settings)
    folder = RunFolder(Path(out), plan.identity(), CHECKPOINT)
    with folder.hold():
        if (artifact := folder.artifact()) is not None:
            return Trained(folder.path, artifact, earlier=True)
        trainer = trainer_of(plan)
        done = resume_trainer(folder, trainer)
        if trainer.learns or (workers is None and plan.total < _WORTH_WORKERS):
            workers = 1
        run = _Run(plan, trainer, folder, watch or Unwatched())
        try:
            return Trained(folder.path, run.go(done, workers or _cores()))
        except KeyboardInterrupt as stopped:
            if (folder.path / CHECKPOINT).exists():
                stopped.add_note(f"What was learned so far is kept in {folder.path}; repeat the command to resume.")
            raise


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class _Run:
    plan: TrainingPlan
    trainer: Trainer
    folder: RunFolder
    watch: TrainingWatch

    def go(self, done: int, workers: int) -> Artifact:
        """Play the rounds from `done` on and the final check, and write the artifact."""
        plan = self.plan
        with players(plan.against, workers) as play, Interrupts() as stop:
            self.watch.begin("negotiations", plan.total, done * plan.talks * plan.policies)
            kept = -math.inf
            for number in range(done, plan.rounds):
                self._round(play, number)
                stopped = stop()
                if stopped or monotonic() - kept > _CHECKPOINT_SECONDS:
                    keep_trainer(self.folder, self.trainer, number + 1)
                    kept = monotonic()
                if stopped:
                    raise KeyboardInterrupt
            return self.folder.finish(trained_artifact(plan, self.trainer, self._scores(play, stop)))

    def _round(self, play: FieldPlayer, number: int) -> None:
        plan = self.plan
        talks = plan.against.talks(plan.settings.seed, "training", number * plan.talks, plan.talks)
        trials = self.trainer.ask()
        played = play(trials, talks, learns=self.trainer.learns)
        self.trainer.tell(played)
        self._show([episode for trial in played for episode in trial.episodes])

    def _show(self, episodes: Sequence[Episode]) -> None:
        self.watch.advance(len(episodes), f"utility {mean(episode.utility for episode in episodes):.3f}")

    def _scores(self, play: FieldPlayer, stop: Callable[[], bool]) -> dict[str, Any]:
        plan = self.plan
        if not plan.check:
            return {}
        talks = plan.against.talks(plan.settings.seed, "check", 0, plan.check)
        compared = {"trained": self.trainer.best(), "start": trainer_of(plan).best(), "vanilla": _VANILLA}
        episodes: dict[str, Sequence[Episode]] = {}
        for name, trial in compared.items():
            learns = bool(trial.parameters.get("learning"))  # it goes on learning while it is checked
            episodes[name] = play([trial], talks, learns=learns)[0].episodes
            self._show(episodes[name])
            if stop():
                raise KeyboardInterrupt
        return training_scores(episodes, talks, plan.settings.seed)


_VANILLA: Final = Trial("policy", {"name": "vanilla"})


def training_scores(
    episodes: Mapping[str, Sequence[Episode]], talks: Sequence[FieldMatch], seed: int
) -> dict[str, Any]:
    """Each policy's mean utility and success, and the trained one's gain over the others, talk by talk.

    Intervals are at 95 %, by the bootstrap over scenarios.
    """
    import numpy as np

    scenarios = np.array([talk.scenario for talk in talks])
    count = int(scenarios.max()) + 1
    names = [name for name in episodes if name != "trained"]
    trained = np.array([episode.utility for episode in episodes["trained"]])
    gains = [trained - np.array([episode.utility for episode in episodes[name]]) for name in names]
    found = estimate_all([Sums.of_pairs(scenarios, gain, count) for gain in gains], seed)
    result: dict[str, Any] = {"talks": len(talks)}
    for name, played in episodes.items():
        result[name] = {
            "utility": mean(episode.utility for episode in played),
            "success": mean(float(episode.deal) for episode in played),
        }
    result["gain"] = {name: one.to_dict() for name, one in zip(names, found, strict=True) if one is not None}
    return result
