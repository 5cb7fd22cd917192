"""From the folder of a trained adapter, and of a policy, to the folder of an agent that plays.

    adapter.gguf     the adapter; see `poise.training.export.adapter_file`
    Modelfile        to make an Ollama model of it by hand
    artifact.json    the policy, the seats, which base the adapter is for, where both come from, and how they did
    arrays.npz       the policy's arrays, if it has any

The folder is written under a temporary name and renamed when it is complete and Ollama has the model: an interruption
or a full disk leaves no folder that could be played.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from poise.agents.artifact import ADAPTER, CREDITOR_ONLY, Artifact, load_artifact, save_artifact
from poise.common.errors import ConfigError, StoreError
from poise.common.files import draft, replace_file, sha256_of
from poise.common.words import did_you_mean
from poise.games.moves import Seat
from poise.training.data.files import folder_errors_explained
from poise.training.export.adapter_file import PRECISIONS, write_adapter
from poise.training.export.base_file import BaseFile, describe, read_base
from poise.training.export.ollama_model import Served, check_server, create, modelfile
from poise.training.export.peft_folder import WEIGHTS, Lora, read_lora
from poise.training.language.adapter import PROVENANCE, read_provenance

MODELFILE: Final = "Modelfile"
_NO_POLICY: Final = Artifact("policy", {"name": "vanilla"})


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """The settings of an export.

    adapter: its folder, as `poise train sft` or peft wrote it. policy: an artifact's folder, None for no emotion.
    out:     the folder of the agent; it must not exist yet.
    seats:   those that the agent may take.
    gguf:    the base's GGUF file; smollm2 or None is the embedded model's. Needed where the adapter does not say which
             base it is for, or was trained on another form of it.
    ollama:  the Ollama model to make, None for none.
    precision: of the adapter's file: f16, f32 or q8_0.
    other_weights: take an Ollama base of the same sizes and other weights.
    """

    adapter: Path
    out: Path
    policy: Path | None = None
    seats: tuple[Seat, ...] = CREDITOR_ONLY
    gguf: Path | None = None
    ollama: Served | None = None
    precision: str = "f16"
    other_weights: bool = False

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            hint = did_you_mean(self.precision, PRECISIONS)
            raise ConfigError(f"precision {self.precision!r} is refused; {hint}it can be {', '.join(PRECISIONS)}")


@dataclass(frozen=True)
class _Parts:
    """The parts of an export, read and checked to fit."""

    lora: Lora
    base: BaseFile
    policy: Artifact
    provenance: Mapping[str, Any] = field(default_factory=dict)


def export_agent(settings: ExportSettings) -> Artifact:
    """Make the folder of an agent, and the Ollama model if one is asked for.

    Raises:
        AgentError: the adapter or the policy is refused, or they do not fit the base.
        ConfigError: the base, or a setting, is refused; or the `train` extra is missing.
        ModelError: Ollama is not there, or refuses.
        StoreError: the folder exists, or cannot be written.
    """
    if settings.out.exists() and (not settings.out.is_dir() or any(settings.out.iterdir())):
        raise StoreError(f"{settings.out} already exists; name another folder with --out, or remove it")
    parts = _read(settings)
    if settings.ollama:
        check_server(settings.ollama, parts.base, other_weights=settings.other_weights)
    with folder_errors_explained(settings.out), draft(settings.out) as folder:
        folder.mkdir(parents=True)
        write_adapter(parts.lora, parts.base, folder / ADAPTER, settings.precision)
        replace_file(folder / MODELFILE, modelfile(parts.base, settings.ollama).encode())
        if settings.ollama:
            create(settings.ollama, parts.base, folder / ADAPTER)
        save_artifact(_artifact(settings, parts, folder / ADAPTER), folder)
        load_artifact(folder)
    return load_artifact(settings.out)


def _read(settings: ExportSettings) -> _Parts:
    provenance = read_provenance(settings.adapter) if (settings.adapter / PROVENANCE).exists() else {}
    lora = read_lora(settings.adapter)
    _know_base(settings, provenance)
    base = read_base(settings.gguf)
    _same_base(settings, provenance, base)
    base.fit(lora, settings.adapter)
    return _Parts(lora, base, load_artifact(settings.policy) if settings.policy else _NO_POLICY, provenance)


def _know_base(settings: ExportSettings, provenance: Mapping[str, Any]) -> None:
    """Never guess which base an adapter is for."""
    if settings.gguf is None and not provenance:
        raise ConfigError(
            f"{settings.adapter} does not say which base it is for (no {PROVENANCE} in it); name the base's GGUF file "
            "with --gguf (smollm2 is the embedded model's)"
        )
    if settings.gguf is None and provenance["base"]["kind"] != "gguf":
        raise ConfigError(
            f"{settings.adapter} was trained on {provenance['base']['name']!r}, which is not a GGUF file; name one "
            "made of it with --gguf"
        )


def _same_base(settings: ExportSettings, provenance: Mapping[str, Any], base: BaseFile) -> None:
    trained = provenance.get("base", {})
    if trained.get("kind") == "gguf" and trained["sha256"] != base.sha256:
        raise ConfigError(
            f"{settings.adapter} is an adapter for {trained['name']!r} (SHA-256 {trained['sha256'][:12]}...), and "
            f"{base.path.name} is another ({base.sha256[:12]}...); name the adapter's base with --gguf"
        )


def _artifact(settings: ExportSettings, parts: _Parts, file: Path) -> Artifact:
    from poise import __version__

    policy, lora, provenance = parts.policy, parts.lora, parts.provenance
    trained_on = provenance.get("base")
    adapter = {
        "sha256": sha256_of(file),
        "alpha": lora.alpha,
        "ranks": lora.ranks,
        "targets": lora.targets,
        "precision": settings.precision,
        "base": describe(parts.base, trained_on if trained_on and trained_on["sha256"] != parts.base.sha256 else None),
        "ollama": settings.ollama.to_dict() if settings.ollama else None,
    }
    origin = {
        "adapter": dict(provenance) or {"weights": sha256_of(settings.adapter / WEIGHTS)},
        "policy": {"digest": policy.digest, "provenance": policy.provenance} if settings.policy else None,
        "versions": {"poise": __version__, "python": platform.python_version(), "gguf": version("gguf")},
    }
    how = {"adapter": dict(provenance.get("settings") or {}), "policy": dict(policy.settings)}
    scores = {"adapter": dict(provenance.get("scores") or {}), "policy": dict(policy.scores)}
    return Artifact(
        policy.engine, policy.parameters, policy.arrays, how, origin, scores, adapter=adapter, seats=settings.seats
    )
