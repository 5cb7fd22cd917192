"""The files of a training by play: checkpoint.json while it runs, the artifact at the end."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from poise.agents.artifact import Artifact
from poise.common.files import canonical, digest_of
from poise.training.online.plan import TrainingPlan
from poise.training.online.trainers import Trainer
from poise.training.run_folder import RunFolder

CHECKPOINT: Final = "checkpoint.json"
# Packages that the result of a method may depend on.
_PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {"bayes": ("numpy", "scikit-learn"), "dqn": ("numpy", "torch")}


def resume_trainer(folder: RunFolder, trainer: Trainer) -> list[float | None]:
    """Restore `trainer` from the folder's checkpoint; the mean utility of each finished round, [] without a checkpoint.

    It is None for rounds of an older version, which kept none.

    Raises:
        StoreError: the checkpoint is another training's, or damaged.
    """
    state = folder.read_checkpoint(_decode)
    if state is None:
        return []
    utilities, memory = state
    trainer.restore(memory)
    return utilities


def _decode(content: bytes) -> tuple[Any, tuple[list[float | None], dict[str, Any]]]:
    data = json.loads(content)
    identity, done, memory = data["identity"], data["rounds"], data["trainer"]
    if data["digest"] != digest_of([identity, done, memory]):
        raise ValueError("its digest differs")
    return identity, ([None] * int(done) if isinstance(done, int) else done, memory)


def keep_trainer(folder: RunFolder, trainer: Trainer, utilities: Sequence[float | None]) -> None:
    """Write a checkpoint after the rounds of these mean utilities."""
    identity, memory, done = dict(folder.identity), trainer.memory(), list(utilities)
    digest = digest_of([identity, done, memory])
    folder.write_checkpoint(canonical({"identity": identity, "rounds": done, "trainer": memory, "digest": digest}))


def trained_artifact(plan: TrainingPlan, trainer: Trainer, scores: Mapping[str, Any]) -> Artifact:
    """The artifact of `trainer`, with its provenance and scores."""
    best = trainer.best()
    return Artifact(best.engine, best.parameters, best.arrays, plan.settings.to_dict(), _provenance(plan), dict(scores))


def _provenance(plan: TrainingPlan) -> dict[str, Any]:
    from poise import __version__

    return {
        "identity": plan.identity(),
        "command": plan.settings.command(),
        "seed": plan.settings.seed,
        "field": {
            "debtors": plan.declared,
            "scenarios": len(plan.against.scenarios),
            "source": plan.settings.scenarios,
        },
        "poise": __version__,
        "python": platform.python_version(),
        "packages": _versions(_PACKAGES.get(plan.settings.method, ("numpy",))),
    }


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    """The versions of the installed ones."""
    versions = {}
    for name in packages:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
