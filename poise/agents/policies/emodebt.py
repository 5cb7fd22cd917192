"""EmoDebt: an emotion chain whose 49 transition probabilities are found by Bayesian optimisation.

Paper: EmoDebt (https://arxiv.org/abs/2503.21080v7). `emodebt` plays the published prior; `poise train bayes` searches
from there (`poise.training.online.bayes`), and the artifact plays the result.

    P            7 x 7, P[i, j] the probability of showing j after i; it starts at neutral
    model        Gaussian process over vec(P) in R^49, Matern kernel with nu = 1.5
    acquisition  expected improvement with xi = 0.01 over the best so far
    candidates   20 an iteration, row_i ~ Dirichlet(10 P[i] + 0.1); 10 iterations
    reward       u / (1 + ln n) for a deal worth u to the creditor after n messages, -1 without a deal

Differs from the reference:
- The released reward is -100 ln(n) / x for a deal at x days and -180 without: more days make it better, and the best
  reward of all is a deal in the first message. Here u decides.
- The release begins with five random matrices whose rewards are set to 0 and never measured. No real reward reaches 0,
  so every candidate looks hopeless against them. Here the first observation is the prior itself, played.
- Candidates are drawn around the matrix tried last; here around the best so far. The model takes rewards as exact; here
  their noise is estimated, and the best is the one with the highest posterior mean.
- The release files each negotiation's reward under the matrix that is next by then. With its three negotiations an
  iteration, two of three rewards stand for matrices that were never played. Here a matrix gets the mean of its own.
- `poise train bayes --mode faithful --talks 3` runs the release's way, this included.
- The prior is that of the release's README (October 2025). The newest released code has a stickier one, with a diagonal
  of .25 to .40, and cannot be run: a file that it imports is missing. It has no form here.
"""

from __future__ import annotations

from typing import Final

from poise.agents.policies import policy
from poise.agents.policies.chains import Chain, EmotionChain, from_released_order

PRIOR: Final = from_released_order(
    (
        (0.30, 0.15, 0.05, 0.10, 0.05, 0.05, 0.30),
        (0.20, 0.20, 0.15, 0.10, 0.10, 0.10, 0.15),
        (0.10, 0.10, 0.25, 0.15, 0.15, 0.10, 0.15),
        (0.15, 0.10, 0.10, 0.20, 0.10, 0.15, 0.20),
        (0.10, 0.15, 0.20, 0.15, 0.15, 0.10, 0.15),
        (0.15, 0.10, 0.10, 0.20, 0.10, 0.15, 0.20),
        (0.15, 0.15, 0.15, 0.15, 0.10, 0.10, 0.20),
    )
)


@policy(
    "emodebt",
    "draws each emotion by the one before, from EmoDebt's prior; `poise train bayes` tunes it",
    restore=lambda parameters, _arrays: EmoDebt(Chain.from_parameters(parameters)),
    trainer="poise.training.online.plan:BAYES",
)
class EmoDebt(EmotionChain):
    """EmoDebt's policy; the published prior unless another chain is given."""

    def __init__(self, chain: Chain | None = None) -> None:
        super().__init__(chain or Chain(PRIOR))
