"""An adapter as a model of an Ollama server, made through its API.

Ollama converts adapters in safetensors for few architectures, so the GGUF file is uploaded. The server stores it
unchanged under its checksum, by which `poise.agents.models.providers.ollama` recognises it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from poise.agents.artifact import ADAPTER
from poise.agents.models.endpoint import Endpoint
from poise.agents.models.providers.ollama import PROVIDER, ollama_address
from poise.common.errors import ConfigError
from poise.training.export.base_file import BaseFile

T = TypeVar("T")
# The sampling settings of the embedded model that a Modelfile can hold; a small model degenerates without them.
PARAMETERS: Final[Mapping[str, Any]] = {
    "num_ctx": 4096,
    "temperature": 0.4,
    "min_p": 0.1,
    "repeat_last_n": 20,
    "repeat_penalty": 1.0,
}
_SECONDS: Final = 600.0  # to upload and to make a model


@dataclass(frozen=True, slots=True)
class Served:
    """What to make: the model's name, and the server's model to make it from ("" uploads the base's own file)."""

    name: str
    base: str = ""
    base_url: str = ""

    def to_dict(self) -> dict[str, str]:
        """As an artifact declares it."""
        return {"model": self.name, "base": self.base}


def modelfile(base: BaseFile, served: Served | None) -> str:
    """The Modelfile for `ollama create`: the base, the adapter beside this file, and parameters."""
    source = served.base if served and served.base else f"./{base.path.name}"
    beside = "" if served and served.base else f"# {base.path.name} must lie beside this file.\n"
    lines = [f"# The base has the SHA-256 {base.sha256}.\n{beside}FROM {source}", f"ADAPTER ./{ADAPTER}"]
    lines += [f"PARAMETER {name} {value}" for name, value in PARAMETERS.items()]
    return "\n".join(lines) + "\n"


def check_server(served: Served, base: BaseFile, *, other_weights: bool = False) -> None:
    """Refuse, before anything is made, a server that is down or a model that is not the base.

    other_weights: take a model of the same architecture and sizes, such as another quantisation of it.

    Raises:
        ConfigError: the model is another.
        ModelDown, ModelMissing: the server, or the model, is not there.
    """
    if not served.base:
        _asked(served, served.name, lambda client: client.list())
        return
    shown = _asked(served, served.base, lambda client: client.show(served.base))
    if f"sha256-{base.sha256}" in (shown.modelfile or ""):
        return
    info = shown.modelinfo or {}
    theirs = info.get("general.architecture")
    if theirs != base.architecture:
        raise ConfigError(
            f"Ollama's {served.base} is of architecture {theirs!r}, and the base {base.architecture!r}; {_OWN}"
        )
    for name, size in base.sizes.items():
        if (other := info.get(f"{theirs}.{name}")) != size:
            raise ConfigError(f"Ollama's {served.base} has {name} {other}, and the base {size}; {_OWN}")
    if not other_weights:
        raise ConfigError(
            f"Ollama's {served.base} has the base's sizes and other weights, perhaps another quantisation; {_OWN}, "
            "or accept it with --other-weights"
        )


_OWN: Final = "name the adapter's own base with --base, or leave --base out to upload the base itself"


def create(served: Served, base: BaseFile, adapter: Path) -> None:
    """Make the model: upload the adapter, and the base where the server has none, and put them together.

    Raises:
        ModelError: the server refuses. ModelDown: the connection breaks.
    """

    def make(client: Any) -> None:
        parts: dict[str, Any] = {"adapters": {adapter.name: client.create_blob(adapter)}}
        if served.base:
            parts["from_"] = served.base
        else:
            parts["files"] = {base.path.name: client.create_blob(base.path)}
        client.create(model=served.name, parameters=dict(PARAMETERS), stream=False, **parts)

    _asked(served, served.name, make)


def _asked(served: Served, name: str, what: Callable[[Any], T]) -> T:
    import ollama

    address = ollama_address(served.base_url or os.environ.get("OLLAMA_HOST"))
    try:
        with ollama.Client(host=address, timeout=_SECONDS) as client:
            return what(client)
    except Exception as error:
        raise PROVIDER.explain(error, Endpoint(name, address))[0] from error
