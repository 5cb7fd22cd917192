"""A LoRA adapter (Hu et al. 2021) on a base model, and its folder.

    adapter_config.json, adapter_model.safetensors    as peft writes them; peft and other tools load the folder as it is
    provenance.json                                   the base, the data, the settings, seeds, versions, scores, digests
    curve.jsonl                                       the loss of each step

provenance.json is written last: a folder without it was never finished, and is refused.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from poise.common.errors import AgentError, ConfigError
from poise.common.files import digest_of, replace_file
from poise.common.seeds import child_seed
from poise.training.language.base import Base, same_base
from poise.training.language.settings import LoraSettings
from poise.training.libraries import library, quietly, require_torch

FORMAT: Final = 1
PROVENANCE: Final = "provenance.json"
WEIGHTS: Final = "adapter_model.safetensors"
CONFIG: Final = "adapter_config.json"
_PARTS: Final = ("format", "kind", "method", "base", "data", "settings", "versions", "scores", "parent", "files")
_REMEDY: Final = "restore it from a copy, or train it again"


def add_adapter(base: Base, settings: LoraSettings, seed: int) -> Any:
    """The base with a new adapter, whose parameters alone are trained (a PeftModel).

    Raises:
        ConfigError: the base has no such matrices.
    """
    peft, lib = library("peft"), require_torch()
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        task_type="CAUSAL_LM",
        base_model_name_or_path=base.id.name,
    )
    try:
        with quietly(), lib.random.fork_rng():
            lib.manual_seed(child_seed(seed, "adapter") >> 1)
            return peft.get_peft_model(base.model, config)
    except ValueError as error:
        raise ConfigError(f"{base.id.name} cannot take this adapter ({error}); name other --targets") from None


def load_adapter(base: Base, folder: Path, *, trainable: bool = False) -> Any:
    """The base with the adapter of `folder` (a PeftModel).

    Raises:
        AgentError: the folder holds no finished adapter, or it is damaged.
        ConfigError: the adapter is for another base.
    """
    same_base(base.id, read_provenance(folder)["base"], folder)
    peft = library("peft")
    try:
        with quietly():
            return peft.PeftModel.from_pretrained(base.model, str(folder), is_trainable=trainable)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        brief = str(error).strip().split("\n")[0][:300]
        raise AgentError(f"{folder} holds an adapter that cannot be loaded ({brief}); {_REMEDY}") from None


def parameters(model: Any) -> dict[str, Any]:
    """The parameters that are trained, by name."""
    return {name: each for name, each in model.named_parameters() if each.requires_grad}


def save_adapter(model: Any, folder: Path, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Write the adapter into `folder` and then its provenance, which is returned with the digests in it.

    provenance: method, base, data, settings, scores, and parent (the digest of the adapter it was trained from, or
        None).

    Raises:
        StoreError: the folder cannot be written.
    """
    files = _packed(model, provenance["base"]["name"])
    data = {"format": FORMAT, "kind": "adapter", "versions": versions(), **provenance}
    data["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    data["digest"] = digest_of({part: data[part] for part in _PARTS})
    for name, content in files.items():
        replace_file(folder / name, content)
    text = json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n"
    replace_file(folder / PROVENANCE, text.encode())
    return data


def _packed(model: Any, base: str) -> dict[str, bytes]:
    """What peft writes for the adapter, file by file; the base is recorded by its name, not its path."""
    draft = Path(tempfile.mkdtemp(prefix="poise-"))
    try:
        with quietly():
            model.save_pretrained(str(draft))
        config = json.loads((draft / CONFIG).read_bytes()) | {"base_model_name_or_path": base}
        text = json.dumps(config, indent=1, sort_keys=True) + "\n"
        return {WEIGHTS: (draft / WEIGHTS).read_bytes(), CONFIG: text.encode()}
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def read_provenance(folder: Path) -> dict[str, Any]:
    """provenance.json of an adapter's folder, checked against the files.

    Raises:
        AgentError: there is none, or it or a file is not what was written.
    """
    try:
        data = json.loads((folder / PROVENANCE).read_bytes())
    except FileNotFoundError:
        raise AgentError(
            f"{folder} holds no finished adapter: no {PROVENANCE} in it; name the --out folder of a finished "
            "`poise train sft` or `jpo`, or repeat the command that began it"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise AgentError(f"{folder / PROVENANCE} cannot be read ({error}); {_REMEDY}") from None
    if not isinstance(data, dict) or (data.get("format"), data.get("kind")) != (FORMAT, "adapter"):
        raise AgentError(f"{folder / PROVENANCE} is no adapter's of format {FORMAT}; {_REMEDY}")
    if any(part not in data for part in _PARTS) or digest_of({part: data[part] for part in _PARTS}) != data["digest"]:
        raise AgentError(f"{folder / PROVENANCE} is not what was written: its digest differs; {_REMEDY}")
    for name, digest in data["files"].items():
        _check_file(folder / name, digest)
    return data


def _check_file(path: Path, digest: str) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise AgentError(f"{path} cannot be read ({error.strerror}); {_REMEDY}") from None
    if found != digest:
        raise AgentError(f"{path} is not what was written: its digest differs; {_REMEDY}")


def versions() -> dict[str, str]:
    """The versions that what is trained depends on."""
    return {name: version(name) for name in ("poise", "torch", "transformers", "peft")}


def lora_dict(settings: LoraSettings) -> dict[str, Any]:
    """JSON data."""
    return asdict(settings) | {"targets": list(settings.targets)}
