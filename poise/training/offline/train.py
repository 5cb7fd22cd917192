"""`poise train iql`, `bc` and `cql`: from a folder of training data to an artifact.

Gradient steps come in chunks of 100; which rows a chunk takes follows from the seed and its number, so that a training
that was killed goes on from its last checkpoint to the very curve and the very networks it would have come to.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import platform
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from poise.agents.artifact import FILE, Artifact, load_artifact, save_artifact
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.policies.learned.network import Network
from poise.common.errors import ConfigError, StoreError
from poise.common.files import canonical, replace_file
from poise.common.interrupts import Interrupts
from poise.tournaments.storage.errors import only_run
from poise.training.data.dataset import TRANSITIONS, Transitions, read_transitions, select
from poise.training.offline.problem import OfflineProblem, OfflineSettings, problem_of
from poise.training.online.deep_q_torch import require_torch

if TYPE_CHECKING:
    from poise.training.offline.learner import OfflineLearner

from poise.agents.policies.learned.network import q_values
from poise.agents.policies.learned.states import network_input
from poise.training.offline.evaluation import offline_scores

CHECKPOINT: Final = "checkpoint.npz"
CHUNK: Final = 100  # gradient steps
_CHECKPOINT_SECONDS: Final = 5.0
_BROKEN: Final = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)


class OfflineWatch(Protocol):
    """Shown how a training goes."""

    def advance(self, done: int, total: int, losses: dict[str, float]) -> None:
        """`done` of `total` gradient steps are behind it, the last ones with these mean losses."""
        ...


class Unwatched:
    """Nobody looks."""

    def advance(self, done: int, total: int, losses: dict[str, float]) -> None:
        """Nothing."""


@dataclass(frozen=True)
class OfflineTrained:
    """What a training left behind. earlier: it was there already."""

    folder: Path
    artifact: Artifact
    earlier: bool = False


def train_offline(
    settings: OfflineSettings, data: Path | str, out: Path | str, watch: OfflineWatch | None = None
) -> OfflineTrained:
    """Train on the data set in the folder `data` into the folder `out`; what was begun there goes on.

    Raises:
        ConfigError: torch is missing, the data or the settings are refused, or the losses are no longer finite.
        StoreError: the folder cannot be used, or holds another training.
        KeyboardInterrupt: the user stopped it; a checkpoint was kept.
    """
    require_torch()
    folder, found = Path(out), read_transitions(data)
    run = _Run(settings, found, folder, watch or Unwatched())
    with only_run(folder):
        if (folder / FILE).exists():
            artifact = load_artifact(folder)
            run.same(artifact.provenance.get("identity"))
            return OfflineTrained(folder, artifact, earlier=True)
        return OfflineTrained(folder, run.go())


@dataclass
class _Run:
    settings: OfflineSettings
    data: Transitions
    folder: Path
    watch: OfflineWatch
    curve: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kept = _kept(self.data, self.settings.kept)
        taught = self.data if self.kept is None else select(self.data, ~self.kept)
        self.problem = problem_of(taught, self.settings)

    def identity(self) -> dict[str, Any]:
        """JSON data: two trainings with the same one come to the same artifact."""
        from poise import __version__

        return {
            "poise": __version__,
            "settings": self.settings.to_dict(),
            "data": self.data.manifest["files"][TRANSITIONS],
        }

    def same(self, found: Any) -> None:
        """Raise StoreError where `found` is the identity of another training."""
        now = self.identity()
        if found == now:
            return
        before = found if isinstance(found, dict) else {}
        settings = before.get("settings", {})
        told = [
            f"{name} was {settings.get(name)!r}, now {value!r}"
            for name, value in now["settings"].items()
            if settings.get(name) != value
        ]
        told += [f"the {name} are not the same" for name in ("data", "poise") if before.get(name) != now[name]]
        raise StoreError(
            f"{self.folder} holds another training ({'; '.join(told)}); choose another folder with --out, or repeat "
            "its own command"
        )

    def go(self) -> Artifact:
        """Train on from the checkpoint, if there is one, and write the artifact."""
        from poise.training.offline.learner import threads

        with threads(self.settings.threads), Interrupts() as stop:
            learner = _learner(self.problem, self.settings)
            self._resume(learner)
            kept = monotonic()
            while self._done < self.settings.steps:
                self._chunk(learner)
                stopped = stop()
                if stopped or monotonic() - kept > _CHECKPOINT_SECONDS:
                    self._keep(learner)
                    kept = monotonic()
                if stopped:
                    raise KeyboardInterrupt
            return self._finish(learner)

    @property
    def _done(self) -> int:
        return int(self.curve[-1][0]) if self.curve else 0

    def _chunk(self, learner: OfflineLearner) -> None:
        steps = min(CHUNK, self.settings.steps - self._done)
        losses = learner.train(len(self.curve), steps)
        done = self._done + steps
        if not all(map(math.isfinite, losses)):
            (self.folder / CHECKPOINT).unlink(missing_ok=True)
            raise ConfigError(
                f"a loss is no longer finite after {done} steps; use a smaller --rate (it was {self.settings.rate:g}), "
                "or --scale returns"
            )
        self.curve.append([done, *losses])
        self.watch.advance(done, self.settings.steps, dict(zip(learner.losses, losses, strict=True)))

    def _keep(self, learner: OfflineLearner) -> None:
        told = canonical({"identity": self.identity(), "curve": self.curve})
        arrays = {**learner.memory(), "told": np.frombuffer(told, np.uint8)}
        packed = io.BytesIO()
        np.savez(packed, **arrays)  # type: ignore[arg-type]  # the stubs take the names for other parameters
        content = packed.getvalue()
        # Not durable: it is written every few seconds, and one that a power failure spoiled is known by its digest.
        replace_file(self.folder / CHECKPOINT, hashlib.sha256(content).digest() + content, durable=False)

    def _resume(self, learner: OfflineLearner) -> None:
        path = self.folder / CHECKPOINT
        try:
            raw = path.read_bytes()
            if hashlib.sha256(raw[32:]).digest() != raw[:32]:
                raise ValueError("its digest differs")
            with np.load(io.BytesIO(raw[32:]), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            told = json.loads(arrays.pop("told").tobytes())
        except FileNotFoundError:
            return
        except _BROKEN as error:
            raise StoreError(
                f"{path} is damaged ({error}); remove it to begin anew, or choose another folder with --out"
            ) from None
        self.same(told["identity"])
        learner.restore(arrays)
        self.curve = told["curve"]

    def _finish(self, learner: OfflineLearner) -> Artifact:
        settings, network = self.settings, learner.policy()
        parameters = {"state": settings.state, "faithful": settings.faithful}
        found = {"curve": {"losses": list(learner.losses), "steps": self.curve}, **self._evaluated(network)}
        artifact = Artifact(settings.method, parameters, network, settings.to_dict(), self._provenance(), found)
        save_artifact(artifact, self.folder)
        (self.folder / CHECKPOINT).unlink(missing_ok=True)
        return load_artifact(self.folder)

    def _evaluated(self, network: Network) -> dict[str, Any]:
        if self.kept is None:
            return {}
        held = select(self.data, self.kept)
        return {"offline": evaluate(held, network, self.settings)}

    def _provenance(self) -> dict[str, Any]:
        from poise import __version__

        manifest = self.data.manifest
        return {
            "identity": self.identity(),
            "seed": self.settings.seed,
            "data": {name: manifest.get(name) for name in ("sources", "evaluation", "talks", "transitions")},
            "rows": len(self.problem.actions),
            "emotions": [label for label, held in zip(EMOTIONS28, self.problem.mask, strict=True) if held],
            "reward_unit": self.problem.unit,
            "poise": __version__,
            "python": platform.python_version(),
            "packages": {"numpy": np.__version__, "torch": str(require_torch().__version__)},
        }


def _learner(problem: OfflineProblem, settings: OfflineSettings) -> OfflineLearner:
    from poise.training.offline.baselines import Cloning, Cql
    from poise.training.offline.iql import Iql

    return {"iql": Iql, "bc": Cloning, "cql": Cql}[settings.method](problem, settings)


def _kept(data: Transitions, share: float) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """[M], the talks that are kept for the evaluation: those of every so many-th scenario; None for none."""
    count = int(data.scenario.max()) + 1 if len(data.scenario) else 0
    chosen = round(share * count)
    if not chosen:
        return None
    places = (np.arange(chosen) * count) // chosen
    found: np.ndarray[Any, np.dtype[np.bool_]] = np.isin(data.scenario, places)
    return found


def loss_curve(artifact: Artifact) -> Sequence[Sequence[float]]:
    """The mean losses of each chunk: [steps done, loss, ...]; names in `artifact.scores["curve"]["losses"]`."""
    found: Sequence[Sequence[float]] = artifact.scores["curve"]["steps"]
    return found


def evaluate(data: Transitions, network: Network, settings: OfflineSettings) -> dict[str, Any]:
    """What `network` would earn in the world of `data`, see `poise.training.offline.evaluation`."""
    from poise.training.offline.fitted_q import FitSettings, Logged, fitted_q
    from poise.training.offline.learner import threads

    states, following = (
        network_input(each, settings.state, faithful=settings.faithful)
        for each in (
            (data.state, data.next_state) if settings.state == "published" else (data.extended, data.next_extended)
        )
    )
    logits = q_values(network, states)
    first = np.flatnonzero(data.step == 0)
    logged = Logged(
        states=states,
        following=following,
        actions=data.action,
        ahead=q_values(network, following).argmax(axis=1),
        rewards=data.rewards["utility"],
        goes_on=(~data.done).astype(np.float32),
        group=np.unique(data.scenario[data.episode], return_inverse=True)[1].astype(np.int64),
        first=first,
        opening=logits[first].argmax(axis=1),
    )
    with threads(settings.threads):
        fitted = fitted_q(logged, logits.shape[1], FitSettings(seed=settings.seed))
    return offline_scores(data, logits, fitted, settings.seed)
