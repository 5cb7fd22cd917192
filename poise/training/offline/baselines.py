"""The baselines of IQL: behaviour cloning and discrete conservative Q-learning.

    bc    L = - mean log pi(a|s): imitate the data
    cql   L = mean (r + gamma Q'(s', argmax_a Q(s', a)) - Q(s, a))^2 + alpha mean [log sum_a exp Q(s, a) - Q(s, a)]

A. Kumar, A. Zhou, G. Tucker and S. Levine 2020 (https://arxiv.org/abs/2006.04779), CQL(H) for discrete actions, on
double Q-learning with a slow copy Q'. Emotions that the data do not hold are left out of the maximum and the sum.

Differs from the reference: d3rlpy's DiscreteCQL replaces its slow copy every 8,000 steps and uses a Huber loss;
here the copy follows by Polyak averaging as IQL's does, and the loss is squared.
"""

from __future__ import annotations

import torch

from poise.training.offline.learner import OfflineLearner, Tensor, TransitionBatch, forward


class Cloning(OfflineLearner):
    """Behaviour cloning."""

    losses = ("policy",)

    def _losses(self, batch: TransitionBatch) -> list[Tensor]:
        out = forward(self.stack, batch.states) + self.barred
        return [-batch.chosen(torch.log_softmax(out, -1)).mean()]


class Cql(OfflineLearner):
    """Discrete CQL; the emotion it values most is shown."""

    targets = (0, 1)
    losses = ("temporal", "conservative")

    def _losses(self, batch: TransitionBatch) -> list[Tensor]:
        with torch.no_grad():
            best = (forward(self.stack, batch.following) + self.barred).argmax(2, keepdim=True)
            ahead = forward(self.slow, batch.following).gather(2, best)[0, :, 0]
            aim = batch.rewards + self.settings.gamma * batch.goes_on * ahead
        out = forward(self.stack, batch.states)
        shown = batch.chosen(out)[0]
        spread = torch.logsumexp(out[0] + self.barred, -1) - shown
        return [(shown - aim).square().mean(), self.settings.alpha * spread.mean()]
