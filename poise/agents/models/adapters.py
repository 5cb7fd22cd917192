"""LoRA adapters: their base models, and the model URIs that speak with them.

An adapter belongs to one base model and is a GGUF file, which llama.cpp and Ollama load. Where it can be played:

    embedded:smollm2   the file itself, beside any number of others; each call names its own
    ollama:NAME        a model that `poise train export --ollama NAME` made of the base and the adapter
    llamacpp:NAME      a llama.cpp server that was started with `--lora FILE`; each call names its own
    openai:NAME        the name under which the server has it, named after the agent: AGENT@openai:NAME
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poise.common.errors import AgentError


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter that was exported.

    path:        its GGUF file. sha256: of that file.
    base:        the name of its base model. base_sha256: of the base's GGUF file.
    ollama:      the Ollama model that was made with it, "" for none. ollama_base: the Ollama model it was made from.
    """

    path: str
    sha256: str
    base: str
    base_sha256: str
    ollama: str = ""
    ollama_base: str = ""

    @classmethod
    def of(cls, declared: Mapping[str, Any], path: Path) -> Adapter:
        """The adapter that an artifact declares, in the file `path`.

        Raises:
            AgentError: the declaration lacks something.
        """
        try:
            base, served = declared["base"], declared.get("ollama") or {}
            return cls(
                path=str(path),
                sha256=str(declared["sha256"]),
                base=str(base["name"]),
                base_sha256=str(base["sha256"]),
                ollama=str(served.get("model", "")),
                ollama_base=str(served.get("base", "")),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise AgentError(f"{path.parent} does not say what its adapter is ({error}); export it again") from None

    @property
    def key(self) -> str:
        """Its identifier among adapters."""
        return self.sha256[:16]
