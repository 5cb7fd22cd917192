"""Where a training stands, as one file that is replaced whole: parameters, Adam's moments, the step, the curve so far.

In checkpoint.safetensors the tensors are "now.NAME", "first.NAME" and "second.NAME"; the metadata of its header holds
a JSON text with the plan's digest, the steps done and the loss of each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from poise.common.errors import StoreError
from poise.common.files import replace_file
from poise.training.language.libraries import library

FILE: Final = "checkpoint.safetensors"
_KEY: Final = "poise"


@dataclass
class Progress:
    """steps: done. curve: one entry a step, {"step", "loss", ...}. facts: JSON data of the method's own."""

    steps: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def keep_checkpoint(folder: Path, plan: str, progress: Progress, parameters: Mapping[str, Any], adam: Any) -> None:
    """Write the checkpoint. Raises StoreError where the folder cannot be written."""
    tensors = {}
    for name, each in parameters.items():
        tensors[f"now.{name}"] = each.detach().cpu().contiguous()
        if moments := adam.state.get(each):
            tensors[f"first.{name}"] = moments["exp_avg"].cpu().contiguous()
            tensors[f"second.{name}"] = moments["exp_avg_sq"].cpu().contiguous()
    state = {"plan": plan, "steps": progress.steps, "curve": progress.curve, "facts": progress.facts}
    packed = library("safetensors.torch").save(tensors, metadata={_KEY: json.dumps(state)})
    replace_file(folder / FILE, packed, durable=False)


def resume_checkpoint(folder: Path, plan: str, parameters: Mapping[str, Any], adam: Any) -> Progress:
    """Go on from the checkpoint in `folder`; from the beginning where there is none.

    Raises:
        StoreError: it belongs to another training, or is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return Progress()
    try:
        with library("safetensors").safe_open(str(path), framework="pt") as file:
            state = json.loads(file.metadata()[_KEY])
            if state["plan"] != plan:
                raise StoreError(
                    f"{folder} holds another training, with other settings or data; name another folder with --out, or "
                    "delete this one"
                )
            _restore(file, state["steps"], parameters, adam)
        return Progress(state["steps"], state["curve"], state["facts"])
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - safetensors raises its own kind, and a damaged file anything
        raise StoreError(f"{path} is damaged ({error}); delete it to begin anew") from None


def _restore(file: Any, steps: int, parameters: Mapping[str, Any], adam: Any) -> None:
    torch = library("torch")
    names = set(file.keys())
    with torch.no_grad():
        for name, each in parameters.items():
            each.copy_(file.get_tensor(f"now.{name}"))
            if f"first.{name}" in names:
                adam.state[each] = {
                    "step": torch.tensor(float(steps)),
                    "exp_avg": file.get_tensor(f"first.{name}").to(each.device),
                    "exp_avg_sq": file.get_tensor(f"second.{name}").to(each.device),
                }


def write_curve(path: Path, curve: Sequence[Mapping[str, float]]) -> None:
    """The loss of each step as JSON Lines."""
    replace_file(path, "".join(json.dumps(each) + "\n" for each in curve).encode(), durable=False)
