"""A small base model's GGUF file and LoRA adapters for it, as peft writes them; no model is run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import save_file

from poise.common.files import digest_of
from poise.training.language import adapter as words

HEADS, KV_HEADS, HEAD, WIDTH, INNER, BLOCKS = 4, 2, 8, 32, 48, 2
SHAPES = {"q_proj": (HEADS * HEAD, WIDTH), "k_proj": (KV_HEADS * HEAD, WIDTH), "v_proj": (KV_HEADS * HEAD, WIDTH)} | {
    "o_proj": (WIDTH, HEADS * HEAD),
    "gate_proj": (INNER, WIDTH),
    "up_proj": (INNER, WIDTH),
    "down_proj": (WIDTH, INNER),
}
NAMES = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"} | {
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}


def write_base(path: Path, architecture: str = "llama", width: int = WIDTH) -> Path:
    """A base with the sizes above and no weights to speak of."""
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_block_count(BLOCKS)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    for block in range(BLOCKS):
        for matrix, (rows, columns) in SHAPES.items():
            values = np.zeros((rows, width if columns == WIDTH else columns), np.float32)
            writer.add_tensor(f"blk.{block}.{NAMES[matrix]}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def factors(rank: int = 4, targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj"), seed: int = 0) -> Any:
    """Random A and B by peft's names."""
    dice = np.random.default_rng(seed)
    found = {}
    for block in range(BLOCKS):
        for matrix in targets:
            part = "mlp" if matrix in ("gate_proj", "up_proj", "down_proj") else "self_attn"
            stem = f"base_model.model.model.layers.{block}.{part}.{matrix}"
            rows, columns = SHAPES[matrix]
            found[f"{stem}.lora_A.weight"] = dice.normal(size=(rank, columns)).astype(np.float32)
            found[f"{stem}.lora_B.weight"] = dice.normal(size=(rows, rank)).astype(np.float32)
    return found


def write_peft(folder: Path, tensors: Any = None, **config: Any) -> Path:
    """A folder as peft writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = factors() if tensors is None else tensors
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "none", **config}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def write_provenance(folder: Path, file: Path, **more: Any) -> Path:
    """Say, as training does, that the adapter in `folder` is for the base in `file`."""
    data: dict[str, Any] = {
        "format": words.FORMAT,
        "kind": "adapter",
        "method": "sft",
        "base": {"name": file.name, "kind": "gguf", "architecture": "llama", "sha256": _sha256(file)},
        "data": {"digest": "d" * 64},
        "settings": {"seed": 5},
        "versions": {"torch": "0"},
        "scores": {"loss": 1.5},
        "parent": None,
        **more,
    }
    data["files"] = {name: _sha256(folder / name) for name in (words.WEIGHTS, words.CONFIG)}
    data["digest"] = digest_of({part: data[part] for part in words._PARTS})
    (folder / words.PROVENANCE).write_text(json.dumps(data))
    return folder


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
