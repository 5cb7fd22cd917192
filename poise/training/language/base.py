"""The model that is trained: from a GGUF file, a folder, or a name on the hub.

A GGUF file is dequantised, so that training uses exactly the weights that llama.cpp plays with; its tokenizer and chat
template come with it. That takes half a minute, so the result is kept in the user's cache folder (4 bytes per
parameter, 540 MB for smollm2). A base is identified by the SHA-256 of what was read; an adapter fits that base only.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from poise.agents.models.embedded.weights import SMOLLM2, SMOLLM2_WEIGHTS, find_weights
from poise.common.errors import ConfigError, PoiseError
from poise.common.files import cache_folder, digest_of, draft, sha256_of
from poise.training.libraries import library, quietly

Kind = Literal["gguf", "folder", "hub"]
_FILES: Final = ("*.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
_DOWNLOADED: Final = (*_FILES, "*.json", "*.txt", "*.model")  # files of a repository on the hub; no pickled weights
_STRING: Final = 8  # the GGUF code of a string


@dataclass(frozen=True, slots=True)
class BaseId:
    """Identifies a base.

    name: as the user gave it; the last part of a path. kind: gguf, folder or hub. architecture: such as llama.
    sha256: of the GGUF file; of a folder, over the digests of its weights, configuration and tokenizer.
    """

    name: str
    kind: Kind
    architecture: str
    sha256: str

    def to_dict(self) -> dict[str, str]:
        """JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class Base:
    """A causal language model of transformers in float32, its tokenizer and its identity."""

    model: Any
    tokenizer: Any
    id: BaseId


def load_base(source: str = SMOLLM2) -> Base:
    """The base model that `source` names: smollm2, a .gguf file, a folder, or a name on the hub such as owner/model.

    Raises:
        ConfigError: it does not exist, cannot be read, or has no chat template.
        ModelMissing: smollm2's weights are not installed.
    """
    kind, path, name = _locate_base(source)
    digest = base_digest(path)
    try:
        with quietly():
            model, tokenizer = _from_gguf(path, digest) if kind == "gguf" else _from_folder(path)
    except PoiseError:
        raise
    except Exception as error:  # noqa: BLE001 - transformers, safetensors and gguf each raise their own kinds
        brief = str(error).strip().split("\n")[0][:300]
        raise ConfigError(f"{path.name} cannot be loaded as a model ({brief}); name another with --base") from None
    if not tokenizer.chat_template:
        raise ConfigError(f"{path.name} has no chat template; name an instruction-tuned model with --base")
    model.eval()
    return Base(model, tokenizer, BaseId(name, kind, model.config.model_type, digest))


def identify(source: str) -> str:
    """The SHA-256 that an adapter for `source` must name, without loading it."""
    return base_digest(_locate_base(source)[1])


def _locate_base(source: str) -> tuple[Kind, Path, str]:
    if source == SMOLLM2:
        return "gguf", find_weights(), SMOLLM2
    path = Path(source).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ConfigError(f"{path} has no config.json; name the folder of a model in transformers' format")
        return "folder", path, path.resolve().name
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ConfigError(f"{path} does not exist; name a GGUF file, a model's folder or a name on the hub")
        return "gguf", path, path.name
    if source.count("/") != 1 or source.startswith((".", "/", "~")):
        raise ConfigError(f"base {source!r} is neither {SMOLLM2}, a GGUF file, a model's folder nor a name on the hub")
    return "hub", _download(source), source


def _download(name: str) -> Path:
    """A complete local copy of a model on the hub; an interrupted download is resumed."""
    hub = library("huggingface_hub")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=list(_DOWNLOADED)))
    except (OSError, ValueError, RuntimeError) as error:
        brief = str(error).strip().split("\n")[0][:300]
        raise ConfigError(
            f"{name} cannot be downloaded from the hub ({type(error).__name__}: {brief}); repeat the command, or "
            "download it and name its folder"
        ) from None


def _from_gguf(path: Path, digest: str) -> tuple[Any, Any]:
    """The model and tokenizer of a GGUF file, from the cache where they have been converted before."""
    kept = cache_folder() / f"base-{digest[:16]}-{library('transformers').__version__}"
    if kept.is_dir():
        return _from_folder(kept)
    model, tokenizer = _convert_gguf(path)
    with suppress(OSError), draft(kept, durable=False) as folder:  # without space, it is converted every time
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return model, tokenizer


def _convert_gguf(path: Path) -> tuple[Any, Any]:
    transformers, torch = library("transformers"), library("torch")
    where = {"gguf_file": path.name, "local_files_only": True}
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(path.parent), **where)
    config = transformers.GgufConfig(dequantize=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        str(path.parent), dtype=torch.float32, quantization_config=config, **where
    )
    _split_digits(tokenizer, path)
    return model, tokenizer


def _from_folder(path: Path) -> tuple[Any, Any]:
    transformers, torch = library("transformers"), library("torch")
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(path), local_files_only=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        str(path), dtype=torch.float32, local_files_only=True, use_safetensors=True
    )
    return model, tokenizer


def base_digest(path: Path) -> str:
    """The SHA-256 of a GGUF file, or over the files of a model's folder that determine the model."""
    if path.is_file():
        known = path.name == SMOLLM2_WEIGHTS.file and path.stat().st_size == SMOLLM2_WEIGHTS.size
        return SMOLLM2_WEIGHTS.sha256 if known and path == find_weights() else sha256_of(path)
    files = sorted({file for pattern in _FILES for file in path.glob(pattern)})
    return digest_of({file.name: sha256_of(file) for file in files})


def _split_digits(tokenizer: Any, path: Path) -> None:
    """Split numbers into digits as llama.cpp does ("smollm"); transformers omits this step in its conversion."""
    if gguf_text(path, "tokenizer.ggml.pre") != "smollm":
        return
    pre = library("tokenizers").pre_tokenizers
    steps = [pre.Digits(individual_digits=True), pre.ByteLevel(add_prefix_space=False, use_regex=True)]
    tokenizer.backend_tokenizer.pre_tokenizer = pre.Sequence(steps)


def gguf_text(path: Path, key: str) -> str:
    """The text that a GGUF file stores under `key`; "" if there is none.

    gguf's own reader first parses all 100,000 entries of a vocabulary, which takes seconds.
    """
    wanted = struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", _STRING)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        offset = content.find(wanted)
        if offset < 0:
            return ""
        start = offset + len(wanted) + 8
        (length,) = struct.unpack("<Q", content[start - 8 : start])
        return content[start : start + min(length, 1 << 20)].decode("utf-8", errors="replace")


def same_base(base: BaseId, wanted: Mapping[str, Any], where: Path) -> None:
    """Refuse an adapter that was made for another base. wanted: the base in its provenance.

    Raises:
        ConfigError: with both names.
    """
    if wanted.get("sha256") != base.sha256:
        raise ConfigError(
            f"{where} is an adapter for {wanted.get('name')!r} ({str(wanted.get('sha256'))[:12]}...), and the base is "
            f"{base.name!r} ({base.sha256[:12]}...); name the adapter's base with --base"
        )
