"""The file that the name of an embedded model stands for.

    smollm2        SmolLM2-135M-Instruct, which a package ships
    PATH           a GGUF file; a path begins with a slash or ends with `.gguf`
    NAME           NAME.gguf in the models folder, with an optional NAME.toml beside it
    NAME[:TAG]     a model of Ollama's own store on this machine, which is only read

NAME.toml may say `template` (see `ModelSettings`) and, in a table `sampling`, options as in sampling.toml.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import Field

from poise.agents.models.embedded.header import GgufHeader, read_header
from poise.agents.models.embedded.weights import SMOLLM2, SMOLLM2_WEIGHTS, find_weights, verified_digest
from poise.agents.models.sampling import named_template
from poise.common.checked_toml import Part, read_checked
from poise.common.errors import AgentError, ModelMissing, StoreError
from poise.common.files import draft, replace_file
from poise.common.settings import Scalar
from poise.common.words import did_you_mean

SUFFIX: Final = ".gguf"
_WEIGHTS: Final = "application/vnd.ollama.image.model"
_ADDED: Final = ("application/vnd.ollama.image.adapter", "application/vnd.ollama.image.projector")
_STORES: Final = ("~/.ollama/models", "/usr/share/ollama/.ollama/models", "/var/lib/ollama/.ollama/models")
_USUAL: Final = "registry.ollama.ai/library/"
_NAME: Final = re.compile(r"[\w][\w.:-]*")


class ModelNotes(Part):
    """The keys of NAME.toml."""

    template: str = ""
    sampling: dict[str, Scalar | list[str]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that can play in this process.

    name: as in its URI. path: its GGUF file. place: where that was found, for people. template, sampling: of NAME.toml.
    """

    name: str
    path: Path
    place: str
    template: str = ""
    sampling: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def header(self) -> GgufHeader:
        """What the file says of itself. Raises AgentError."""
        return read_header(self.path)

    @property
    def sha256(self) -> str:
        """The checksum of the file, computed once for each state of it."""
        return SMOLLM2_WEIGHTS.sha256 if self.name == SMOLLM2 else verified_digest(self.path)


def models_folder() -> Path:
    """POISE_MODELS, or poise/models below XDG_DATA_HOME or ~/.local/share."""
    if own := os.environ.get("POISE_MODELS"):
        return Path(own).expanduser()
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "poise" / "models"


def is_path(name: str) -> bool:
    """Whether the name of a model is a path."""
    return name.endswith(SUFFIX) or name.startswith(("/", "./", "../", "~"))


def find_model(name: str) -> ModelFile:
    """The model of that name. Raises AgentError where there is none, and ModelMissing for smollm2's weights."""
    if name == SMOLLM2:
        return ModelFile(name, find_weights(), "package")
    if is_path(name):
        path = Path(name).expanduser()
        if not path.is_file():
            raise AgentError(f"{path} does not exist; name a GGUF file")
        return ModelFile(name, path.resolve(), "path")
    if (found := _in_folder(name)) or (found := _in_store(name)):
        return found
    names = [SMOLLM2, *(model.name for model in list_models())]
    raise AgentError(
        f"embedded model {name!r} does not exist; {did_you_mean(name, names)}`poise models list` shows those "
        "that do, and embedded:PATH.gguf names a file"
    )


def add_model(path: Path, name: str = "", template: str = "", *, copy: bool = False) -> ModelFile:
    """Put the GGUF file at `path` into the models folder, as a link to it or a copy.

    name: the model's name; "" takes the file's. template: the one to use in place of its own. Raises AgentError for
    what is not a model or a name, and StoreError where the folder cannot be written.
    """
    name = name or path.name.removesuffix(SUFFIX)
    if not _NAME.fullmatch(name) or name == SMOLLM2:
        raise AgentError(f"{name!r} cannot be the name of a model; give it another with --name, of letters and digits")
    file = models_folder() / f"{name}{SUFFIX}"
    if file.exists() or file.is_symlink():
        raise AgentError(f"{file} already exists; remove it first, or give the new one another name with --name")
    if not read_header(path).template and not template:
        raise AgentError(f"{path} has no chat template; name one with --template chatml (or gemma, plain, or a file)")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if template:
            source = template if named_template(template)[1] else str(Path(template).expanduser().resolve())
            replace_file(file.with_suffix(".toml"), f"template = {json.dumps(source)}\n".encode())
        with draft(file) as beside:
            shutil.copyfile(path, beside) if copy else beside.symlink_to(path.resolve())
    except OSError as error:
        raise StoreError(f"{file} cannot be written ({error.strerror or error}); set POISE_MODELS") from None
    return find_model(name)


def find_by_digest(sha256: str) -> ModelFile | None:
    """The model whose file has this checksum; those of the models folder are looked through."""
    if sha256 == SMOLLM2_WEIGHTS.sha256:
        return find_model(SMOLLM2)
    own = (found for path in sorted(models_folder().glob(f"*{SUFFIX}")) if (found := _in_folder(path.stem)))
    return next((model for model in own if model.sha256 == sha256), None)


def list_models() -> list[ModelFile]:
    """The models of the models folder and of Ollama's store, by name; smollm2 first where it is installed."""
    found: dict[str, ModelFile] = {}
    with suppress(ModelMissing):
        found[SMOLLM2] = find_model(SMOLLM2)
    own = sorted(path.stem for path in models_folder().glob(f"*{SUFFIX}"))
    for name, find in [*((name, _in_folder) for name in own), *((name, _in_store) for name in sorted(_stored()))]:
        with suppress(AgentError):  # a broken model does not hide others
            if name not in found and (model := find(name)):
                found[name] = model
    return list(found.values())


def _in_folder(name: str) -> ModelFile | None:
    path = models_folder() / f"{name}{SUFFIX}"
    if not _NAME.fullmatch(name) or not path.is_file():
        return None
    notes = path.with_suffix(".toml")
    known = read_checked(notes, ModelNotes, "model", "docs/models.md") if notes.is_file() else ModelNotes()
    return ModelFile(name, path, "models folder", known.template, known.sampling)


def _in_store(name: str) -> ModelFile | None:
    """A model of Ollama's. Raises AgentError for one with more than weights, as these alone reply differently."""
    found = _stored().get(name) or _stored().get(f"{name}:latest")
    if found is None:
        return None
    store, manifest = found
    try:
        listed = orjson.loads(manifest.read_bytes())["layers"]
        layers = {str(layer["mediaType"]): str(layer["digest"]) for layer in listed}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AgentError(f"{manifest} of Ollama's store cannot be read ({error})") from None
    if added := [kind for kind in _ADDED if kind in layers]:
        raise AgentError(f"Ollama's {name} is a model with {added[0].rpartition('.')[2]}; play it as ollama:{name}")
    path = store / "blobs" / layers.get(_WEIGHTS, "none").replace(":", "-")
    return ModelFile(name, path, "Ollama") if path.is_file() else None


def _stored() -> dict[str, tuple[Path, Path]]:
    """The store and the manifest of each model that Ollama has on this machine."""
    own = os.environ.get("OLLAMA_MODELS")
    stores = [Path(place).expanduser() for place in ([own] if own else _STORES)]
    return {name: (store, manifest) for store in reversed(stores) for name, manifest in _manifests(store)}


def _manifests(store: Path) -> Iterator[tuple[str, Path]]:
    root = store / "manifests"
    for manifest in root.glob("*/*/*/*") if os.access(root, os.R_OK) else ():
        if manifest.is_file():
            *place, model, tag = manifest.relative_to(root).parts
            name = "/".join((*place, model)).removeprefix(_USUAL).removeprefix("registry.ollama.ai/")
            yield f"{name}:{tag}", manifest
