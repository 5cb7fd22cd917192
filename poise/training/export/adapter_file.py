"""An adapter as a GGUF file, the form that llama.cpp and Ollama load.

Its header says general.type "adapter", adapter.type "lora" and adapter.lora.alpha; each matrix W of a block has two
tensors, W.lora_a: [rank, in] and W.lora_b: [out, rank].

llama.cpp turns pairs of neighbouring numbers of q and k by the rotary embedding, and transformers pairs the first half
of a head with the second. Llama's GGUF files therefore have the rows of q and k in another order, and B must follow
(A has no rows of the output). q and k have head counts of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from poise.common.errors import AgentError
from poise.training.export.base_file import NAMES, BaseFile
from poise.training.export.peft_folder import Lora
from poise.training.libraries import library

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRECISIONS: Final = ("f16", "f32", "q8_0")
_BLOCK: Final = 32  # numbers of a row in a block of q8_0


def reorder(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """`rows` [heads * size, n] as llama.cpp has them: within each head, row i + size/2 comes right after row i."""
    size = rows.shape[0] // heads
    return rows.reshape(heads, 2, size // 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def write_adapter(lora: Lora, base: BaseFile, path: Path, precision: str = "f16") -> None:
    """Write `lora`, which fits `base`, to the file `path`; the same adapter gives the same bytes.

    precision: f32, f16, or q8_0 (8 bits for A; B, whose rows are too short to pack, in f16).

    Raises:
        AgentError: a number is too large for the precision.
        ConfigError: gguf is not installed.
        OSError: the file cannot be written.
    """
    gguf = library("gguf")
    writer = gguf.GGUFWriter(str(path), base.architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", lora.alpha)
    for (block, matrix), low in sorted(lora.matrices.items()):
        heads = base.heads(matrix)
        name = f"blk.{block}.{NAMES[matrix]}.weight"
        _add(writer, f"{name}.lora_a", low.a, precision)
        _add(writer, f"{name}.lora_b", reorder(low.b, heads) if heads else low.b, precision)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _add(writer: Any, name: str, values: NDArray[np.float32], precision: str) -> None:
    gguf = library("gguf")
    if precision == "q8_0" and values.shape[1] % _BLOCK == 0:
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        return
    with np.errstate(over="ignore"):  # refused in the next line
        stored = np.ascontiguousarray(values, np.float32 if precision == "f32" else np.float16)
    if not np.isfinite(stored).all():
        raise AgentError(f"{name} has numbers beyond those of {precision}; export with --precision f32")
    writer.add_tensor(name, stored)
