"""Tiny random chat models as GGUF files, of other architectures than the embedded one: some hundred kilobytes each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import gguf
import numpy as np

CHATML: Final = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WIDTH: Final = 64
BLOCKS: Final = 2
HEADS: Final = 4
KV_HEADS: Final = 2
FEED: Final = 96
_SPECIAL: Final = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def write_tiny_model(
    path: Path,
    architecture: str = "qwen2",
    template: str | None = CHATML,
    context: int = 4096,
    seed: int = 0,
    kind: Any = gguf.GGMLQuantizationType.F16,
) -> Path:
    """A random model of `architecture` (qwen2 or llama) with a tokenizer of single bytes, in the file `path`."""
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name(f"tiny {architecture}")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    vocabulary = _add_tokenizer(writer)
    if template is not None:
        writer.add_chat_template(template)
    _add_weights(writer, architecture, vocabulary, np.random.default_rng(seed), kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: Any) -> int:
    """Each byte is a token, as GPT-2 writes bytes; returns how many tokens there are."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in printable]
    letters = [*map(chr, printable), *(chr(256 + index) for index in range(len(hidden)))]
    tokens = [*letters, "th", *_SPECIAL]
    kinds = [gguf.TokenType.NORMAL] * (len(letters) + 1) + [gguf.TokenType.CONTROL] * len(_SPECIAL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["t h"])
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_bos_token_id(len(tokens) - 3)
    writer.add_add_bos_token(False)
    return len(tokens)


def _add_weights(writer: Any, architecture: str, vocabulary: int, dice: np.random.Generator, kind: Any) -> None:
    def add(name: str, *shape: int) -> None:
        values = np.ones(shape) if len(shape) == 1 and name.endswith("weight") else dice.normal(0, 0.2, shape)
        if len(shape) == 1:
            writer.add_tensor(name, values.astype(np.float32))
        else:
            writer.add_tensor(name, gguf.quants.quantize(values.astype(np.float32), kind), raw_dtype=kind)

    size, narrow = WIDTH, WIDTH // HEADS * KV_HEADS
    add("token_embd.weight", vocabulary, size)
    add("output_norm.weight", size)
    add("output.weight", vocabulary, size)
    for block in (f"blk.{number}" for number in range(BLOCKS)):
        add(f"{block}.attn_norm.weight", size)
        add(f"{block}.ffn_norm.weight", size)
        for name, rows in (("q", size), ("k", narrow), ("v", narrow)):
            add(f"{block}.attn_{name}.weight", rows, size)
            if architecture == "qwen2":
                add(f"{block}.attn_{name}.bias", rows)
        add(f"{block}.attn_output.weight", size, size)
        add(f"{block}.ffn_gate.weight", FEED, size)
        add(f"{block}.ffn_up.weight", FEED, size)
        add(f"{block}.ffn_down.weight", size, FEED)
