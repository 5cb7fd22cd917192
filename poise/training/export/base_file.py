"""The properties of a base model's GGUF file that an adapter must match: architecture and shapes of matrices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from poise.agents.models.embedded.weights import SMOLLM2, find_weights
from poise.common.errors import AgentError, ConfigError
from poise.training.export.peft_folder import Lora
from poise.training.language.base import base_digest
from poise.training.libraries import library

# llama.cpp's names of peft's matrices, the same in all the architectures below.
NAMES: Final[Mapping[str, str]] = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
# Whether the file has the rows of q and k in another order than transformers: see `adapter_file.reorder`.
REORDERED: Final[Mapping[str, bool]] = {"llama": True, "qwen2": False, "qwen3": False}


@dataclass(frozen=True)
class BaseFile:
    """A base model on disk.

    sizes: by name, as the file's header and Ollama have them: heads, blocks, widths. shapes: [out, in] by tensor.
    """

    path: Path
    sha256: str
    architecture: str
    sizes: Mapping[str, int]
    shapes: Mapping[str, tuple[int, ...]]

    def heads(self, matrix: str) -> int | None:
        """How many heads share the rows of `matrix`, where the file has those reordered."""
        name = {"q_proj": "attention.head_count", "k_proj": "attention.head_count_kv"}.get(matrix)
        return self.sizes[name] if name and REORDERED[self.architecture] else None

    def fit(self, lora: Lora, where: Path) -> None:
        """Refuse an adapter that is not of this base's shapes.

        Raises:
            AgentError: naming the matrix, its shape and the base's.
        """
        for (block, matrix), low in lora.matrices.items():
            name = f"blk.{block}.{NAMES.get(matrix, matrix)}.weight"
            shape, own = (low.b.shape[0], low.a.shape[1]), self.shapes.get(name)
            if shape != own:
                has = f"has {list(own)}" if own else "has no such matrix"
                raise AgentError(
                    f"{where} is an adapter for another base: its {matrix} in block {block} is {list(shape)}, and "
                    f"{self.path.name} {has}; name the adapter's base with --gguf"
                )


_SIZES: Final = (
    "block_count",
    "embedding_length",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
)


def read_base(path: Path | None) -> BaseFile:
    """The base in a GGUF file; None or smollm2 is the embedded model's.

    Raises:
        ConfigError: it cannot be read, or its architecture cannot be exported for.
        ModelMissing: the embedded model's weights are not installed.
    """
    path = find_weights() if path is None or str(path) == SMOLLM2 else path
    gguf = library("gguf")
    try:
        reader = gguf.GGUFReader(str(path))
        architecture = str(reader.get_field("general.architecture").contents())
        if architecture not in REORDERED:
            raise ConfigError(
                f"{path} is of architecture {architecture!r}; adapters can be exported for {', '.join(REORDERED)}"
            )
        sizes = {name: int(reader.get_field(f"{architecture}.{name}").contents()) for name in _SIZES}
    except (OSError, ValueError, AttributeError, TypeError, IndexError) as error:
        raise ConfigError(f"{path} cannot be read as a model's GGUF file ({error}); name another with --gguf") from None
    shapes = {each.name: tuple(int(size) for size in reversed(each.shape)) for each in reader.tensors}
    return BaseFile(path, base_digest(path), architecture, sizes, shapes)


def describe(base: BaseFile, trained_on: Mapping[str, Any] | None) -> dict[str, Any]:
    """The base as an artifact declares it; trained_on: the base of the training, where that is not this file."""
    data: dict[str, Any] = {"name": base.path.name, "sha256": base.sha256, "architecture": base.architecture}
    return data | ({"trained_on": dict(trained_on)} if trained_on else {})
