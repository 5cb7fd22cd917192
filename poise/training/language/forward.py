"""From a forest to the log-probabilities of its replies, through a causal language model of transformers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from poise.common.errors import ConfigError
from poise.common.words import did_you_mean
from poise.training.language.prefix_tree import Forest
from poise.training.libraries import choose_device, require_torch

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and how it is computed.

    device:    cpu or cuda. precision: of the matrix products; float32, or bfloat16 by autocast.
    portion:   tokens that are computed at once; more need more memory.
    """

    device: str
    precision: Literal["float32", "bfloat16"]
    portion: int

    @contextmanager
    def casting(self) -> Iterator[None]:
        """Matrix products in this precision."""
        lib = require_torch()
        with lib.autocast(self.device, dtype=lib.bfloat16, enabled=self.precision == "bfloat16"):
            yield


def training_machine(device: str = "auto", precision: str = "auto", portion: int = 0) -> Machine:
    """The requested machine, with "auto" and 0 replaced by what suits this one.

    Raises:
        ConfigError: it is not there.
    """
    chosen = choose_device(device)
    if precision not in get_args(Precision):
        hint = did_you_mean(precision, get_args(Precision))
        raise ConfigError(f"precision {precision!r} is refused; {hint}it can be {', '.join(get_args(Precision))}")
    if portion < 0:
        raise ConfigError(f"portion {portion} is negative; give a number of tokens, or 0 for what suits the machine")
    exact: Any = "bfloat16" if precision == "auto" else precision
    return Machine(chosen, exact, portion or (768 if chosen == "cpu" else 6144))


def reply_logps(model: Any, forest: Forest, where: Machine) -> list[Any]:
    """The log-probability of every token of every reply, one float32 tensor [T] a sequence.

    Only the positions that predict a reply's token go through the output layer, whose vocabulary costs as much as
    dozens of layers.
    """
    lib = require_torch()
    wanted, places = np.unique(np.concatenate(forest.sources), return_inverse=True)

    def tensor(values: Any) -> Any:
        return lib.as_tensor(values, device=where.device)

    mask = None if forest.is_chain else tensor(forest.mask())[None, None]
    with where.casting():
        logits = model(
            input_ids=tensor(forest.tokens)[None],
            position_ids=tensor(forest.depths)[None],
            attention_mask=mask,
            use_cache=False,
            logits_to_keep=tensor(wanted),
        ).logits[0]
    logps = lib.log_softmax(logits.float(), dim=-1)
    chosen = logps[tensor(places), tensor(np.concatenate(forest.targets))]
    return list(chosen.split([len(each) for each in forest.targets]))
