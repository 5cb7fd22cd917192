"""EvoEmo: an emotion chain and its temperature, found by a genetic algorithm.

Paper: EvoEmo (https://arxiv.org/abs/2509.04310). `evoemo` plays the published initial matrix; `poise train evolve`
evolves it (`poise.training.online.evolution`), and the artifact plays the result.

    policy      P, a 7 x 7 matrix of the emotion shown next given the one shown last, and a temperature (tau_0, delta):
                tau_t = max(0.1, tau_0 (1 - delta)^t); see `poise.agents.policies.chains`
    population  20 policies, of which the best 5 stay as they are
    child       of two of the best with probability 0.7, each row and the temperature from either; else a copy of one
    blend       P <- 0.6 P + 0.4 MLE(counts + max(0.1, 5 / N)) with the N transitions of the better half of the talks
    mutation    each row and the temperature drawn again with probability 0.1
    fitness     100 u / (1 + ln(n + 1)) for a deal worth u to the creditor after n messages, 0 without a deal

Differs from the reference:
- The released fitness takes max(0, (x_c - x) / x_c) for u, with x_c the creditor's own target. Deals lie beyond that
  target, so it is zero on nearly all of them and selection is blind. Here u is the creditor's utility.
- The release evolves emotion sequences around a single matrix, and counts offspring that were never played. Here
  policies are evolved, as the paper says, and only what was played is counted. `poise train evolve --mode faithful`
  runs the release's own way, with the release's fitness (`poise.training.online.sequences`).
- In the release the temperature is the language model's and does not enter the choice of the emotion, so play without a
  model could not select it. Here it sharpens the draw; (1, 0), which draws from the row as it is, joins the six
  published ones and is where evolution starts.
- Every policy of a generation plays the same negotiations; one that survives is judged by all it has played so far.
"""

from __future__ import annotations

from typing import Final

from poise.agents.policies import policy
from poise.agents.policies.chains import PLAIN, Chain, EmotionChain, from_released_order

INITIAL: Final = from_released_order(
    (
        (0.30, 0.20, 0.05, 0.10, 0.05, 0.05, 0.25),
        (0.25, 0.25, 0.10, 0.10, 0.10, 0.10, 0.10),
        (0.10, 0.10, 0.20, 0.15, 0.15, 0.10, 0.20),
        (0.20, 0.10, 0.10, 0.20, 0.10, 0.10, 0.20),
        (0.10, 0.10, 0.15, 0.15, 0.20, 0.10, 0.20),
        (0.15, 0.10, 0.10, 0.20, 0.10, 0.15, 0.20),
        (0.15, 0.15, 0.10, 0.15, 0.10, 0.10, 0.25),
    )
)
# (tau_0, delta): those published, after the one that leaves the row as it is.
TEMPERATURES: Final = (PLAIN, *((start, decay) for start in (0.25, 0.5, 0.75) for decay in (0.1, 0.3)))


@policy(
    "evoemo",
    "draws each emotion by the one before, from EvoEmo's start; `poise train evolve` evolves it",
    restore=lambda parameters, _arrays: EvoEmo(Chain.from_parameters(parameters)),
    trainer="poise.training.online.plan:EVOLVE",
)
class EvoEmo(EmotionChain):
    """EvoEmo's policy; the published initial matrix unless another chain is given."""

    def __init__(self, chain: Chain | None = None) -> None:
        super().__init__(chain or Chain(INITIAL))
