"""What SFT, JPO and DPO share: the identity of a training, its folder and its result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from poise.common.errors import ConfigError
from poise.common.files import digest_of, replace_file
from poise.training.data.dataset import PromptReplies, read_pairs
from poise.training.language import checkpoint
from poise.training.language.adapter import PROVENANCE, read_provenance, save_adapter
from poise.training.language.base import Base, load_base
from poise.training.language.checkpoint import Progress
from poise.training.language.choose import Chosen, choose, score_of
from poise.training.language.loop import CURVE, LanguageRun, all_logps
from poise.training.language.scores import read_reply_scores
from poise.training.language.settings import DpoSettings, JpoSettings
from poise.training.language.tokens import Chat, TokenExample
from poise.training.libraries import library, require_torch
from poise.training.run_folder import RunFolder

REFERENCE: Final = "reference.safetensors"


@dataclass(frozen=True)
class TrainedWords:
    """folder: the adapter's. provenance: its provenance.json. earlier: it was trained before this call."""

    folder: Path
    provenance: Mapping[str, Any]
    earlier: bool = False


@dataclass(frozen=True)
class AdapterRun:
    """One training of an adapter: everything that decides its result, and its folder.

    base, data, settings: as provenance.json records them. parent: the digest of the adapter it begins with, or None.
    """

    method: str
    path: Path
    base: Mapping[str, Any]
    data: Mapping[str, Any]
    settings: Mapping[str, Any]
    parent: str | None = None

    @property
    def plan(self) -> str:
        """The digest of everything that decides the result."""
        decisive = {"base": self.base, "data": self.data, "settings": self.settings}
        return digest_of(decisive if self.parent is None else {**decisive, "parent": self.parent})

    @property
    def folder(self) -> RunFolder:
        """Its folder."""
        return RunFolder(self.path, self._identity(vars(self)), checkpoint.FILE)

    def finished(self) -> TrainedWords | None:
        """The result of this training, None before it is finished.

        Raises:
            StoreError: the folder holds another adapter.
            AgentError: the adapter is damaged.
        """
        if not (self.path / PROVENANCE).exists():
            return None
        provenance = read_provenance(self.path)
        settings = {name: value for name, value in provenance["settings"].items() if name != "plan"}
        self.folder.refuse_other(self._identity({**provenance, "settings": settings}))
        return TrainedWords(self.path, provenance, earlier=True)

    @staticmethod
    def _identity(source: Mapping[str, Any]) -> dict[str, Any]:
        return {name: source[name] for name in ("method", "base", "data", "settings", "parent")}

    def finish(self, model: Any, progress: Progress, scores: Mapping[str, Any]) -> TrainedWords:
        """Write the adapter, its provenance and its curve, and delete the files that only resuming needs."""
        identity = self._identity(vars(self))
        settings = {**self.settings, "plan": self.plan}
        provenance = save_adapter(model, self.path, {**identity, "settings": settings, "scores": dict(scores)})
        checkpoint.write_curve(self.path / CURVE, progress.curve)
        self.folder.clear(REFERENCE)
        return TrainedWords(self.path, provenance)

    def references(self, model: Any, examples: Sequence[TokenExample], run: LanguageRun) -> list[Any]:
        """Each reply's log-probabilities [T] under `model` before training, on the CPU.

        They are computed once and kept in the folder.

        Raises:
            StoreError: they cannot be written.
            KeyboardInterrupt: stopped, or out of time, before they were complete.
        """
        path, lengths = self.path / REFERENCE, [len(example.reply) for example in examples]
        if path.exists():
            with library("safetensors").safe_open(str(path), framework="pt") as file:
                if file.metadata() == {"plan": self.plan}:
                    return list(file.get_tensor("logps").split(lengths))
        logps = measure_logps(model, examples, run)
        packed = library("safetensors.torch").save({"logps": require_torch().cat(logps)}, metadata={"plan": self.plan})
        replace_file(path, packed, durable=False)
        return logps


@dataclass(frozen=True)
class JudgedStart:
    """What JPO and DPO start from: the base and the provenance of the SFT adapter, and scored pairs.

    source: which data it was. scores: the judge's, one for each of the chosen pairs.
    """

    base: Base
    parent: Mapping[str, Any]
    source: Mapping[str, Any]
    chosen: Chosen
    scores: Sequence[float]

    @classmethod
    def load(cls, settings: JpoSettings | DpoSettings) -> JudgedStart:
        """Read what the settings name.

        Raises:
            BadInput: the data or the adapter is refused, or a reply has no score.
        """
        parent, read = read_provenance(settings.sft), read_pairs(settings.data)
        base = load_base(settings.base or base_named(parent))
        chosen = choose(read.pairs, settings.choice, Chat(base.tokenizer))
        scores = read_reply_scores(settings.scores) if settings.scores else None
        return cls(base, parent, source_of(read), chosen, [score_of(pair, scores) for pair in chosen.sources])

    def training(
        self,
        method: str,
        out: Path,
        settings: JpoSettings | DpoSettings,
        particular: Mapping[str, Any],
        counts: Mapping[str, Any] = MappingProxyType({}),
    ) -> AdapterRun:
        """The training into the folder `out`. particular: the method's own settings. counts: of its data."""
        data = {**self.source, **self.chosen.summary(), **counts, "scores": digest_of(self.scores)}
        common = {"choice": asdict(settings.choice), "steps": asdict(settings.steps)}
        recorded = {**common, **particular, "lora": self.parent["settings"].get("lora")}
        return AdapterRun(method, out, self.base.id.to_dict(), data, recorded, self.parent["digest"])


def measure_logps(model: Any, examples: Sequence[TokenExample], run: LanguageRun) -> list[Any]:
    """Each reply's log-probabilities [T], on the CPU.

    Raises:
        KeyboardInterrupt: stopped, or out of time.
    """
    logps: list[Any] = [None] * len(examples)
    for index, each in all_logps(model, examples, run.machine(), run.check):
        logps[index] = each.cpu()
    return logps


def base_named(provenance: Mapping[str, Any]) -> str:
    """The source from which to load an adapter's base.

    Raises:
        ConfigError: it was a file or a folder of the user's, whose path is not recorded.
    """
    base = provenance["base"]
    if base["kind"] == "hub" or base["name"] == "smollm2":
        return str(base["name"])
    raise ConfigError(f"the adapter's base was the {base['kind']} {base['name']!r}; name its path with --base")


def source_of(read: PromptReplies) -> dict[str, Any]:
    """Which data it was, and whether evaluation scenarios were let in, as the data say."""
    return {"sha256": read.digest, "evaluation": read.header.get("evaluation", "unknown")}


def speed_of(curve: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Figures from the curve of a training: steps, first and last loss, and speed.

    tokens_per_second counts the tokens of all sequences, computed_per_second those computed once for shared beginnings.
    """
    seconds = math.fsum(entry["seconds"] for entry in curve)
    return {
        "steps": len(curve),
        "first_loss": curve[0]["loss"],
        "last_loss": curve[-1]["loss"],
        "seconds": round(seconds, 1),
        "tokens_per_second": round(sum(entry["tokens"] for entry in curve) / max(seconds, 1e-9), 1),
        "computed_per_second": round(sum(entry["computed"] for entry in curve) / max(seconds, 1e-9), 1),
    }
