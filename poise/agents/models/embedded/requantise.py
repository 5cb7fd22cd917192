"""The weights of smollm2 in the form that llama.cpp computes with fastest, made once and kept in the cache folder.

The published file is Q4_1, for which llama.cpp has no kernel that works on several rows at a time. Q8_0 of the same
numbers is as good as lossless (a block of 32 keeps 8 bits of each where Q4_1 had 4) and quicker: see docs/models.md for
the measurement. What identifies the model, to adapters too, stays the checksum of the published file.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from poise.agents.models.embedded.folder import ModelFile
from poise.agents.models.embedded.weights import SMOLLM2
from poise.agents.models.settings import ModelSettings
from poise.common.files import cache_folder, draft

QUICK: Final = "q8_0"
_LOCK: Final = threading.Lock()
_OF_THE_FILE: Final = ("GGUF.", "general.architecture", "general.file_type")  # fields that the writer sets itself


def is_requantised(name: str, settings: ModelSettings) -> bool:
    """Whether the model of that name plays from a copy in another form."""
    return name == SMOLLM2 and settings.weights != "published"


def playable(model: ModelFile, settings: ModelSettings) -> Path:
    """The file to load: the model's own, or its quicker copy, which is made where it does not exist yet.

    Without a writable folder, the model plays from its own file: the same words, but more slowly.
    """
    if not is_requantised(model.name, settings):
        return model.path
    copy = cache_folder() / "weights" / f"{model.sha256[:16]}-{QUICK}.gguf"
    with _LOCK:
        if not copy.is_file():
            try:
                copy.parent.mkdir(parents=True, exist_ok=True)
                with draft(copy) as beside:
                    requantise(model.path, beside)
            except OSError:
                return model.path
    return copy


def requantise(source: Path, target: Path) -> None:
    """Write the model in `source` with its Q4_1 matrices as Q8_0, and all else as it is, to `target`."""
    import gguf
    from gguf import quants

    reader = gguf.GGUFReader(source)
    architecture = reader.get_field("general.architecture")
    writer = gguf.GGUFWriter(target, str(architecture.contents() if architecture else None))
    for name, field in reader.fields.items():
        if not name.startswith(_OF_THE_FILE):
            kind, items = field.types[0], field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(name, field.contents(), kind, sub_type=items)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    old, new = gguf.GGMLQuantizationType.Q4_1, gguf.GGMLQuantizationType.Q8_0
    for tensor in reader.tensors:
        kind, data = tensor.tensor_type, tensor.data
        if kind == old:
            kind, data = new, quants.quantize(quants.dequantize(data, old), new)
        writer.add_tensor(tensor.name, data, raw_dtype=kind)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
