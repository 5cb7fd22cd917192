"""The checkpoint of a training, one file that is replaced atomically: parameters, Adam's moments, step, curve so far.

In checkpoint.safetensors the tensors are "now.NAME", "first.NAME" and "second.NAME"; the metadata of its header holds
a JSON text with the identity, the steps done and the loss of each. A training that was interrupted within a step also
keeps the gradients that it had added up, as "gradient.NAME".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from poise.common.files import replace_file
from poise.training.libraries import library
from poise.training.run_folder import RunFolder

FILE: Final = "checkpoint.safetensors"
_KEY: Final = "poise"


@dataclass
class Progress:
    """The progress of a training.

    steps: finished ones. curve: one entry a step, {"step", "loss", ...}. facts: JSON data of the method's own.
    partial: of a step that was interrupted, {"portions", "loss", "computed", "seconds"} so far; else empty.
    """

    steps: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    partial: dict[str, float] = field(default_factory=dict)


def keep_checkpoint(folder: RunFolder, progress: Progress, parameters: Mapping[str, Any], adam: Any) -> None:
    """Write the checkpoint. Raises StoreError where the folder cannot be written."""
    tensors = {}
    for name, parameter in parameters.items():
        tensors[f"now.{name}"] = parameter.detach()
        if moments := adam.state.get(parameter):
            tensors[f"first.{name}"] = moments["exp_avg"]
            tensors[f"second.{name}"] = moments["exp_avg_sq"]
        if progress.partial and parameter.grad is not None:
            tensors[f"gradient.{name}"] = parameter.grad
    state = {"identity": dict(folder.identity), **vars(progress)}
    packed = library("safetensors.torch").save(
        {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, metadata={_KEY: json.dumps(state)}
    )
    folder.write_checkpoint(packed)


def resume_checkpoint(folder: RunFolder, plan: str, parameters: Mapping[str, Any], adam: Any) -> Progress:
    """Restore parameters, moments and gradients from the checkpoint in `folder`; start at 0 where there is none.

    plan: the digest that stands for the identity in checkpoints of before.

    Raises:
        StoreError: it belongs to another training, or is damaged.
    """

    def decode(content: bytes) -> tuple[Any, tuple[dict[str, Any], dict[str, Any]]]:
        header_end = 8 + int.from_bytes(content[:8], "little")
        state = json.loads(json.loads(content[8:header_end])["__metadata__"][_KEY])
        identity = state.get("identity")
        if state.get("plan") == plan:  # the digest stands for the identity
            identity = json.loads(json.dumps(folder.identity))
        try:
            tensors = library("safetensors.torch").load(content)
        except Exception as error:  # noqa: BLE001 - safetensors raises its own kind, and a damaged file anything
            raise ValueError(str(error)) from None
        if missing := [name for name in parameters if f"now.{name}" not in tensors]:
            raise ValueError(f"{missing[0]} is missing")
        return identity, (state, tensors)

    found = folder.read_checkpoint(decode)
    if found is None:
        return Progress()
    state, tensors = found
    _restore(tensors, state["steps"], parameters, adam)
    return Progress(state["steps"], state["curve"], state["facts"], state.get("partial", {}))


def _restore(tensors: Mapping[str, Any], steps: int, parameters: Mapping[str, Any], adam: Any) -> None:
    torch = library("torch")
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[f"now.{name}"])
            if f"first.{name}" in tensors:
                adam.state[parameter] = {
                    "step": torch.tensor(float(steps)),
                    "exp_avg": tensors[f"first.{name}"].to(parameter.device),
                    "exp_avg_sq": tensors[f"second.{name}"].to(parameter.device),
                }
            if f"gradient.{name}" in tensors:
                parameter.grad = tensors[f"gradient.{name}"].to(parameter.device)


def write_curve(path: Path, curve: Sequence[Mapping[str, float]]) -> None:
    """The loss of each step as JSON Lines."""
    replace_file(path, "".join(json.dumps(entry) + "\n" for entry in curve).encode(), durable=False)
