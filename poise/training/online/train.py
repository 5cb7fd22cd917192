"""Trains a policy against a field of debtors, in rounds.

In each round the trainer is asked for policies, they play, and the trainer is told the results. The policies of a round
play the same matches. Checkpoints are written between rounds, and a stopped training resumes from the last one. What a
round plays depends only on the seed and the number of the round, so neither a stop nor the number of workers changes
the result.

Finally the trained policy, the one that training began with and `vanilla` play the same new matches, and the artifact
records their scores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from poise.agents.artifact import Artifact
from poise.agents.registry import EACH_WORLD
from poise.common.interrupts import Interrupts
from poise.common.processes import usable_cores
from poise.common.progress import Watch, usual_watch
from poise.tournaments.statistics.bootstrap import Sums, estimate_all
from poise.training.online.episodes import Episode, mean
from poise.training.online.field import FieldPlayer, players
from poise.training.online.files import CHECKPOINT, keep_trainer, resume_trainer, trained_artifact
from poise.training.online.plan import TrainingPlan, plan_training, trainer_of
from poise.training.online.settings import TrainSettings
from poise.training.online.trainers import Trainer, Trial
from poise.training.run_folder import RunFolder

_CHECKPOINT_SECONDS: Final = 1.0  # seconds between two checkpoints; a requested stop always writes one
_WORTH_WORKERS: Final = 2000  # number of negotiations from which worker processes save time


@dataclass(frozen=True)
class Trained:
    """The result of a training. earlier: it existed before this call, and nothing was played."""

    folder: Path
    artifact: Artifact
    earlier: bool = False


def train(  # noqa: PLR0913 - four of them by name only
    settings: TrainSettings,
    out: Path | str,
    *,
    workers: int | None = None,
    watch: Watch | None = None,
    device: str = "auto",
    minutes: float | None = None,
) -> Trained:
    """Train into the folder `out`; repeat the call with the same settings to resume. A finished artifact is kept.

    workers: processes to play in; None takes one for each core where that saves time. The result is the same.
    device:  where a network is trained: cpu, cuda, or auto for cuda where there is one.
    minutes: after which it stops, as if the user had stopped it.

    Raises:
        BadInput: a setting, a debtor or the scenarios are refused.
        StoreError: the folder cannot be used, is in use, or holds another training.
        KeyboardInterrupt: the user stopped it, or its `minutes` are over; a checkpoint of the finished rounds was kept.
    """
    plan = plan_training(settings, device)
    folder = RunFolder(Path(out), plan.identity(), CHECKPOINT)
    with folder.hold():
        if (artifact := folder.artifact()) is not None:
            return Trained(folder.path, artifact, earlier=True)
        trainer = trainer_of(plan)
        done = resume_trainer(folder, trainer)
        if trainer.learns or (workers is None and plan.total < _WORTH_WORKERS):
            workers = 1
        run = _Run(plan, trainer, folder, watch or usual_watch(), minutes)
        try:
            return Trained(folder.path, run.go(done, workers or usable_cores()))
        except KeyboardInterrupt as stopped:
            if (folder.path / CHECKPOINT).exists():
                stopped.add_note(f"The training so far is kept in {folder.path}; repeat the command to resume.")
            raise


@dataclass
class _Run:
    plan: TrainingPlan
    trainer: Trainer
    folder: RunFolder
    watch: Watch
    minutes: float | None = None

    def go(self, utilities: list[float | None], workers: int) -> Artifact:
        """Play the remaining rounds and the final check, and write the artifact."""
        plan, done = self.plan, len(utilities)
        with players(plan.against, workers) as play, Interrupts(minutes=self.minutes) as stop:
            self.watch.begin("negotiations", plan.total, done * plan.talks * plan.policies)
            kept = -math.inf
            for number in range(done, plan.rounds):
                utilities.append(self._round(play, number))
                stopped = stop()
                if stopped or monotonic() - kept > _CHECKPOINT_SECONDS:
                    keep_trainer(self.folder, self.trainer, utilities)
                    kept = monotonic()
                if stopped:
                    raise KeyboardInterrupt
            scores = {"curve": self._curve(utilities), **self._scores(play, stop)}
            return self.folder.finish(trained_artifact(plan, self.trainer, scores))

    def _curve(self, utilities: Sequence[float | None]) -> dict[str, Any]:
        """The known mean utilities of rounds, by number of negotiations; see `poise.training.curves`."""
        size = self.plan.talks * self.plan.policies
        steps = [[size * number, one] for number, one in enumerate(utilities, 1) if one is not None]
        return {"unit": "negotiations", "figures": ["utility"], "steps": steps}

    def _round(self, play: FieldPlayer, number: int) -> float:
        """Play a round; its mean utility."""
        plan = self.plan
        matches = plan.against.matches(plan.settings.seed, "training", number * plan.talks, plan.talks)
        trials = self.trainer.ask()
        played = play(trials, matches, learns=self.trainer.learns)
        self.trainer.tell(played)
        return self._show([episode for trial in played for episode in trial.episodes])

    def _show(self, episodes: Sequence[Episode], whose: str = "") -> float:
        utility = mean(episode.utility for episode in episodes)
        self.watch.advance(len(episodes), f"{whose}utility {utility:.3f}")
        return utility

    def _scores(self, play: FieldPlayer, stop: Callable[[], bool]) -> dict[str, Any]:
        plan = self.plan
        if not plan.check:
            return {}
        matches = plan.against.matches(plan.settings.seed, "check", 0, plan.check)
        compared = {"trained": self.trainer.best(), "start": trainer_of(plan).best(), "vanilla": _VANILLA}
        episodes: dict[str, Sequence[Episode]] = {}
        for name, trial in compared.items():
            learns = bool(trial.parameters.get("learning"))  # it still learns while it is checked
            episodes[name] = play([trial], matches, learns=learns)[0].episodes
            self._show(episodes[name], f"checking {name}: ")
            if stop():
                raise KeyboardInterrupt
        # Debtors that are a sample of worlds: what is gained is then told over worlds.
        worlds = any(name.startswith(EACH_WORLD) for name in plan.settings.debtors)
        clusters = [match.debtor if worlds else match.scenario for match in matches]
        return training_scores(episodes, clusters, plan.settings.seed)


_VANILLA: Final = Trial("policy", {"name": "vanilla"})


def training_scores(episodes: Mapping[str, Sequence[Episode]], clusters: Sequence[int], seed: int) -> dict[str, Any]:
    """Each policy's mean utility and success, and the trained one's gain over the others, match by match.

    clusters: of each match, its scenario or its world. Intervals are at 95 %, by t over them.
    """
    import numpy as np

    places = np.array(clusters)
    count = int(places.max()) + 1
    names = [name for name in episodes if name != "trained"]
    trained = np.array([episode.utility for episode in episodes["trained"]])
    gains = [trained - np.array([episode.utility for episode in episodes[name]]) for name in names]
    estimates = estimate_all([Sums.of_pairs(places, gain, count) for gain in gains], seed)
    result: dict[str, Any] = {"talks": len(clusters)}
    for name, played in episodes.items():
        result[name] = {
            "utility": mean(episode.utility for episode in played),
            "success": mean(float(episode.deal) for episode in played),
        }
    result["gain"] = {
        name: estimate.to_dict() for name, estimate in zip(names, estimates, strict=True) if estimate is not None
    }
    return result
