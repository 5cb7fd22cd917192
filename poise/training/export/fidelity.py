"""How far llama.cpp's distribution is from that of transformers, token by token.

The two never agree to the last digit: llama.cpp rounds the inputs of a quantised matrix to 8 bits, and transformers
computes with the dequantised matrix. The base without an adapter shows the size of this difference; a correctly
exported adapter adds nothing to it.

At each token of the trained model's own greedy reply, p is its distribution of the next token and q is llama.cpp's:

    KL(p || q) = sum over tokens of p log(p / q), in nats

with llama.cpp's likeliest tokens separate and all others pooled, which can only make it smaller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from poise.agents.models.embedded.engine import Engine
from poise.training.libraries import require_torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TINY: Final = 1e-9
_ALTERNATIVES: Final = 100


@dataclass(frozen=True, slots=True)
class Fidelity:
    """The result of a comparison.

    prompts, tokens: how many of each. kl: mean over tokens (nats). worst: the largest of a token.
    same_token: share of positions where both find the same token likeliest.
    same_reply: share of prompts where both give the same greedy reply, token for token.
    """

    prompts: int
    tokens: int
    kl: float
    worst: float
    same_token: float
    same_reply: float


@dataclass(frozen=True)
class ExportedReply:
    """The trained model's answer: a prompt, its greedy reply (tokens), and all log-probabilities at each token."""

    prompt: Sequence[int]
    reply: list[int]
    spread: NDArray[np.float32]


def compare(spoken: Sequence[ExportedReply], engine: Engine, adapter: str) -> Fidelity:
    """The answers of transformers compared with the engine with `adapter`, "" for none."""
    gaps: list[float] = []
    agreed = replies = 0
    for each in spoken:
        greedy = engine.continuation(each.prompt, len(each.reply), adapter, 1)
        replies += [best[0][0] for best in greedy] == each.reply
        for place, token in enumerate(each.reply):
            theirs = engine.continuation([*each.prompt, *each.reply[:place]], 1, adapter, _ALTERNATIVES)[0]
            gaps.append(divergence(each.spread[place], theirs))
            agreed += theirs[0][0] == token
    return Fidelity(
        len(spoken), len(gaps), math.fsum(gaps) / len(gaps), max(gaps), agreed / len(gaps), replies / len(spoken)
    )


def greedy_replies(model: Any, prompt: Sequence[int], steps: int = 16) -> ExportedReply:
    """The likeliest reply of at most `steps` tokens; the token that ends it is not part of it."""
    lib = require_torch()
    said: list[int] = []
    spread = []
    ends = model.config.eos_token_id
    ends = {ends} if isinstance(ends, int) else set(ends or ())
    fed, past = lib.tensor([list(prompt)]), None
    with lib.inference_mode():
        while len(said) < steps:
            out = model(input_ids=fed, past_key_values=past, use_cache=True)
            logs = lib.log_softmax(out.logits[0, -1].float(), dim=-1)
            best = int(logs.argmax())
            if best in ends and said:
                break
            said.append(best)
            spread.append(logs.numpy())
            fed, past = lib.tensor([[best]]), out.past_key_values
    return ExportedReply(prompt, said, np.stack(spread))


def divergence(own: NDArray[np.float32], theirs: Sequence[tuple[int, float]]) -> float:
    """KL(own || theirs) >= 0 (nats); own: logs of all tokens, theirs: (token, log) of the likeliest."""
    gap = own_rest = their_rest = 0.0
    for token, log in theirs:
        mine = float(own[token])
        gap += math.exp(mine) * (mine - log)
        own_rest += math.exp(mine)
        their_rest += math.exp(log)
    own_rest, their_rest = max(1 - own_rest, _TINY), max(1 - their_rest, _TINY)
    return max(0.0, gap + own_rest * math.log(own_rest / their_rest))
