"""A LoRA adapter in peft's format: its settings and matrices, read without peft.

    W' = W + scale * B A        A: [rank, in], B: [out, rank], scale = alpha / rank, or alpha / sqrt(rank) for rsLoRA

llama.cpp has one alpha for the whole file and scales by alpha / rank of each matrix. Other scales of peft
(another alpha for some matrices, rsLoRA) are multiplied into B here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from poise.common.errors import AgentError
from poise.training.libraries import library

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"
_TENSOR: Final = re.compile(
    r"base_model\.model\.model\.layers\.(?P<block>\d+)\.(?P<part>self_attn|mlp)\.(?P<matrix>\w+)"
    r"\.lora_(?P<side>[AB])\.weight"
)
_REMEDY: Final = "restore it from a copy, or train it again"
# Options that a plain A and B cannot express, each with the value that means "not used".
_PLAIN: Final[Mapping[str, Any]] = {
    "use_dora": False,
    "use_qalora": False,
    "use_bdlora": None,
    "lora_bias": False,
    "bias": "none",
    "fan_in_fan_out": False,
    "modules_to_save": None,
    "target_parameters": None,
    "trainable_token_indices": None,
    "layer_replication": None,
    "alora_invocation_tokens": None,
}
_CHANGES_BASE: Final = ("pissa", "olora", "corda", "loftq", "lora_ga")


@dataclass(frozen=True, slots=True)
class Low:
    """The two factors of one matrix's change; `b` has every scale but alpha / rank in it."""

    a: NDArray[np.float32]
    b: NDArray[np.float32]


@dataclass(frozen=True)
class Lora:
    """An adapter: alpha, and the factors by (block, matrix), such as (0, "q_proj")."""

    alpha: float
    matrices: Mapping[tuple[int, str], Low]

    @property
    def ranks(self) -> list[int]:
        """The different ranks, smallest first."""
        return sorted({low.a.shape[0] for low in self.matrices.values()})

    @property
    def targets(self) -> list[str]:
        """The names of the matrices that it changes."""
        return sorted({matrix for _, matrix in self.matrices})


def read_lora(folder: Path) -> Lora:
    """The adapter in a folder that peft wrote.

    Raises:
        AgentError: there is none, it is damaged or not finite, or it is more than a plain LoRA.
        ConfigError: safetensors is not installed.
    """
    config = _config(folder)
    alpha = float(config["lora_alpha"])
    tensors = _tensors(folder / WEIGHTS)
    matrices = {}
    for block, matrix in sorted({(block, matrix) for block, matrix, _ in tensors}):
        a, b = (tensors.get((block, matrix, side)) for side in "AB")
        if a is None or b is None or a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
            raise AgentError(f"{folder / WEIGHTS}: A and B of {matrix} in block {block} do not fit; {_REMEDY}")
        rank = a.shape[0]
        factor = _scale(config, f"model.layers.{block}.", matrix, rank) * rank / alpha
        matrices[block, matrix] = Low(a, (b * np.float32(factor)))
    if not matrices:
        raise AgentError(f"{folder / WEIGHTS} has no LoRA matrices; {_REMEDY}")
    return Lora(alpha, matrices)


def _config(folder: Path) -> Mapping[str, Any]:
    try:
        config: Any = json.loads((folder / CONFIG).read_bytes())
    except FileNotFoundError:
        raise AgentError(f"{folder} holds no adapter: no {CONFIG} in it; name a folder that peft wrote") from None
    except (OSError, ValueError, RecursionError) as error:
        raise AgentError(f"{folder / CONFIG} cannot be read ({error}); {_REMEDY}") from None
    kind = config.get("peft_type") if isinstance(config, dict) else None
    if not isinstance(config, dict) or kind != "LORA":
        raise AgentError(f"{folder} holds an adapter of kind {kind!r}; only LoRA can be exported")
    for name, plain in _PLAIN.items():
        if config.get(name) and config[name] != plain:
            raise AgentError(f"{folder}: {name} is {config[name]!r}, which a GGUF adapter cannot hold; train without")
    if str(config.get("init_lora_weights")).startswith(_CHANGES_BASE):
        raise AgentError(
            f"{folder} began with {config['init_lora_weights']!r}, which changes the base's own weights; train with "
            "the default initialisation"
        )
    alpha = config.get("lora_alpha")
    if not isinstance(alpha, int | float) or not math.isfinite(alpha) or alpha <= 0:
        raise AgentError(f"{folder / CONFIG}: lora_alpha is {alpha!r} and must be above 0; {_REMEDY}")
    return config


def _scale(config: Mapping[str, Any], block: str, matrix: str, rank: int) -> float:
    """The alpha of a matrix: that of the first pattern that matches it, or the general one."""
    alpha = float(config["lora_alpha"])
    for pattern, own in (config.get("alpha_pattern") or {}).items():
        part = "mlp" if matrix in ("gate_proj", "up_proj", "down_proj") else "self_attn"
        if re.fullmatch(rf"(.*\.)?({pattern})", f"{block}{part}.{matrix}"):
            alpha = float(own)
            break
    return alpha / math.sqrt(rank) if config.get("use_rslora") else alpha / rank


def _tensors(path: Path) -> dict[tuple[int, str, str], NDArray[np.float32]]:
    """Every matrix by block, name and side; AgentError for an unknown one."""
    safetensors = library("safetensors")
    try:
        raw = safetensors.deserialize(path.read_bytes())
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise AgentError(f"{path} is damaged or missing ({error}); {_REMEDY}") from None
    found = {}
    for name, tensor in raw:
        match = _TENSOR.fullmatch(name)
        if match is None:
            raise AgentError(
                f"{path} changes {name}, which is not a matrix of a block; train with the targets q_proj, "
                "k_proj, v_proj, o_proj, gate_proj, up_proj or down_proj"
            )
        values = _numbers(tensor)
        if values is None or not np.isfinite(values).all():
            raise AgentError(f"{path}: {name} has numbers that are not finite, or of kind {tensor['dtype']}; {_REMEDY}")
        found[int(match["block"]), match["matrix"], match["side"]] = values
    return found


def _numbers(tensor: Mapping[str, Any]) -> NDArray[np.float32] | None:
    """A tensor as float32; None for a kind of number that no adapter has."""
    kind, data = tensor["dtype"], bytes(tensor["data"])
    if kind == "BF16":  # the upper half of a float32
        values = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    elif kind in ("F16", "F32"):
        values = np.frombuffer(data, {"F16": "<f2", "F32": "<f4"}[kind]).astype(np.float32)
    else:
        return None
    return values.reshape(tensor["shape"])
