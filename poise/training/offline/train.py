"""`poise train iql`, `bc` and `cql`: from a folder of training data to an artifact.

Gradient steps come in chunks of 100; the rows of a chunk follow from the seed and its number, so that a training
that was killed resumes from its last checkpoint and gives the same curve and networks as without the stop.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from poise.agents.artifact import Artifact
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.policies.learned.network import Network, q_values
from poise.agents.policies.learned.states import network_input
from poise.common.errors import ConfigError
from poise.common.files import canonical
from poise.common.interrupts import Interrupts
from poise.common.progress import Watch, usual_watch
from poise.training.data.dataset import TRANSITIONS, Transitions, read_transitions, select
from poise.training.libraries import Device, choose_device, require_torch
from poise.training.offline.evaluation import offline_scores
from poise.training.offline.problem import OfflineSettings, problem_of
from poise.training.run_folder import RunFolder

if TYPE_CHECKING:
    from poise.training.offline.learner import OfflineLearner

CHECKPOINT: Final = "checkpoint.npz"
CHUNK: Final = 100  # gradient steps
_CHECKPOINT_SECONDS: Final = 5.0
_ABOUT: Final = "told"  # the checkpoint's array that holds identity and curve, as JSON


@dataclass(frozen=True)
class OfflineTrained:
    """The result of a training. earlier: it existed before this call."""

    folder: Path
    artifact: Artifact
    earlier: bool = False


def train_offline(  # noqa: PLR0913 - two of them by name only
    settings: OfflineSettings,
    data: Path | str,
    out: Path | str,
    watch: Watch | None = None,
    *,
    device: str = "auto",
    minutes: float | None = None,
) -> OfflineTrained:
    """Train on the data set in the folder `data` into the folder `out`; repeat the call to resume.

    Raises:
        ConfigError: torch is missing, the data or the settings are refused, or the losses are no longer finite.
        StoreError: the folder cannot be used, is in use, or holds another training.
        KeyboardInterrupt: the user stopped it, or its `minutes` are over; a checkpoint was kept.
    """
    from poise import __version__

    settings = settings.with_threads()
    transitions = read_transitions(data)
    where = choose_device(device)
    data_digest = transitions.manifest["files"][TRANSITIONS]
    identity = {"poise": __version__, "settings": settings.to_dict(), "data": data_digest}
    folder = RunFolder(Path(out), identity, CHECKPOINT)
    run = _Run(settings, transitions, folder, watch or usual_watch(), where, minutes)
    with folder.hold():
        if (artifact := folder.artifact()) is not None:
            return OfflineTrained(folder.path, artifact, earlier=True)
        try:
            return OfflineTrained(folder.path, run.go())
        except KeyboardInterrupt as stopped:
            stopped.add_note(f"The training so far is kept in {folder.path}; repeat the command to resume.")
            raise


@dataclass
class _Run:
    settings: OfflineSettings
    data: Transitions
    folder: RunFolder
    watch: Watch
    device: Device
    minutes: float | None
    curve: list[list[float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kept = _kept(self.data, self.settings.kept)
        taught = self.data if self.kept is None else select(self.data, ~self.kept)
        self.problem = problem_of(taught, self.settings)

    def go(self) -> Artifact:
        """Train from the checkpoint, if there is one, and write the artifact."""
        from poise.training.offline.baselines import Cloning, Cql
        from poise.training.offline.iql import Iql
        from poise.training.offline.learner import threads

        learner_type: type[OfflineLearner] = {"iql": Iql, "bc": Cloning, "cql": Cql}[self.settings.method]
        with threads(self.settings.threads or 1), Interrupts(minutes=self.minutes) as stop:
            learner = learner_type(self.problem, self.settings, self.device)
            if (state := self.folder.read_checkpoint(_decode)) is not None:
                arrays, self.curve = state
                learner.restore(arrays)
            self.watch.begin("steps", self.settings.steps, self._done)
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
            self.folder.clear()
            raise ConfigError(
                f"a loss is no longer finite after {done} steps; use a smaller --rate (it was {self.settings.rate:g}), "
                "or --scale returns"
            )
        self.curve.append([done, *losses])
        shown = zip(learner.losses, losses, strict=True)
        self.watch.advance(steps, ", ".join(f"{name} {loss:.4f}" for name, loss in shown))

    def _keep(self, learner: OfflineLearner) -> None:
        about = canonical({"identity": dict(self.folder.identity), "curve": self.curve})
        arrays = {**learner.memory(), _ABOUT: np.frombuffer(about, np.uint8)}
        packed = io.BytesIO()
        np.savez(packed, **arrays)  # type: ignore[arg-type]  # the stubs take the names for other parameters
        content = packed.getvalue()
        self.folder.write_checkpoint(hashlib.sha256(content).digest() + content)

    def _finish(self, learner: OfflineLearner) -> Artifact:
        settings, network = self.settings, learner.policy()
        parameters = {"state": settings.state, "faithful": settings.faithful}
        scores: dict[str, Any] = {"curve": {"losses": list(learner.losses), "steps": self.curve}}
        if self.kept is not None:
            scores["offline"] = evaluate(select(self.data, self.kept), network, settings)
        return self.folder.finish(
            Artifact(settings.method, parameters, network, settings.to_dict(), self._provenance(), scores)
        )

    def _provenance(self) -> dict[str, Any]:
        from poise import __version__

        manifest = self.data.manifest
        # The folders' names alone: agents are shared, and places of this machine are nobody's business.
        sources = [{**each, "path": Path(each["path"]).name} for each in manifest.get("sources", ())]
        data = {name: manifest.get(name) for name in ("evaluation", "talks", "transitions")}
        return {
            "identity": dict(self.folder.identity),
            "seed": self.settings.seed,
            "data": {"sources": sources, **data},
            "rows": len(self.problem.actions),
            "emotions": [label for label, held in zip(EMOTIONS28, self.problem.mask, strict=True) if held],
            "reward_unit": self.problem.unit,
            "poise": __version__,
            "python": platform.python_version(),
            "device": self.device,
            "packages": {"numpy": np.__version__, "torch": str(require_torch().__version__)},
        }


def _decode(content: bytes) -> tuple[Any, tuple[dict[str, Any], list[list[float]]]]:
    digest, packed = content[:32], content[32:]
    if hashlib.sha256(packed).digest() != digest:
        raise ValueError("its digest differs")
    with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    about = json.loads(arrays.pop(_ABOUT).tobytes())
    return about["identity"], (arrays, about["curve"])


def _kept(data: Transitions, share: float) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
    """[M], the negotiations kept for the evaluation, of evenly spaced scenarios; None for none."""
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
    with threads(settings.with_threads().threads or 1):
        fitted = fitted_q(logged, logits.shape[1], FitSettings(seed=settings.seed))
    return offline_scores(data, logits, fitted, settings.seed)
