"""The folder of a training: its checkpoint while it runs, its artifact in the end."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from poise.agents.artifact import FILE, Artifact, load_artifact, save_artifact
from poise.common.errors import StoreError
from poise.common.files import canonical, digest_of, replace_file
from poise.training.online.plan import TrainingPlan
from poise.training.online.trainers import Trainer

CHECKPOINT: Final = "checkpoint.json"
# What the result of a method may depend on.
_PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {"bayes": ("numpy", "scikit-learn"), "dqn": ("numpy", "torch")}


def finished(folder: Path, plan: TrainingPlan) -> Artifact | None:
    """The artifact of this very training, if it is there already.

    Raises:
        StoreError: the folder holds another's.
    """
    if not (folder / FILE).exists():
        return None
    found = load_artifact(folder)
    _same(folder, found.provenance.get("identity"), plan)
    return found


def resume(folder: Path, plan: TrainingPlan, trainer: Trainer) -> int:
    """Restore `trainer` from the folder's checkpoint; the rounds that are done, 0 where there is none.

    Raises:
        StoreError: the checkpoint is another training's, or damaged.
    """
    try:
        data = json.loads((folder / CHECKPOINT).read_bytes())
        identity, done, memory = data["identity"], data["rounds"], data["trainer"]
        if data["digest"] != digest_of([identity, done, memory]):
            raise ValueError("its digest differs")
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{folder / CHECKPOINT} is damaged ({error}); remove it to begin anew, or choose another folder with --out"
        ) from None
    _same(folder, identity, plan)
    trainer.restore(memory)
    return int(done)


def keep(folder: Path, plan: TrainingPlan, trainer: Trainer, done: int) -> None:
    """Write a checkpoint after `done` rounds."""
    identity, memory = plan.identity(), trainer.memory()
    data = {"identity": identity, "rounds": done, "trainer": memory, "digest": digest_of([identity, done, memory])}
    # Not durable: it is written every second, and one that a power failure spoiled is known by its digest.
    replace_file(folder / CHECKPOINT, canonical(data), durable=False)


def finish_training(folder: Path, plan: TrainingPlan, trainer: Trainer, scores: Mapping[str, Any]) -> Artifact:
    """Write the artifact and remove the checkpoint."""
    best = trainer.best()
    artifact = Artifact(
        best.engine, best.parameters, best.arrays, plan.settings.to_dict(), _provenance(plan), dict(scores)
    )
    save_artifact(artifact, folder)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return load_artifact(folder)


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
        "packages": {
            name: found for name in _PACKAGES.get(plan.settings.method, ("numpy",)) if (found := _version(name))
        },
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _same(folder: Path, identity: Any, plan: TrainingPlan) -> None:
    now = plan.identity()
    if identity == now:
        return
    before = identity if isinstance(identity, dict) else {}
    told = _difference(before.get("settings"), now["settings"]) or [
        f"{part} is not the same" for part in now if before.get(part) != now[part]
    ]
    raise StoreError(
        f"{folder} holds another training ({'; '.join(told)}); choose another folder with --out, or repeat its own "
        "command"
    )


def _difference(before: Any, now: Mapping[str, Any]) -> list[str]:
    before = before if isinstance(before, dict) else {}
    return [f"{key} was {before.get(key)!r}, now {now[key]!r}" for key in now if before.get(key) != now[key]]
