r"""Implicit Q-learning, I. Kostrikov, A. Nair and S. Levine 2021 (https://arxiv.org/abs/2110.06169), for 28 emotions.

With the data's (s, a, r, s'), networks V, Q_1, Q_2 and pi, and slow copies Q'_1, Q'_2 of the critics:

    A(s, a) = min(Q'_1, Q'_2)(s, a) - V(s)
    L_V  = mean |tau - 1(A < 0)| A^2                                    expectile regression, tau 0.7
    L_Q  = mean (r + gamma V(s') - Q_1(s, a))^2 + the same of Q_2       gamma 0.99; V(s') is 0 after the end
    L_pi = - mean min(exp(beta A), 100) log pi(a|s)                     beta 3
    Q'  <- Q' + 0.005 (Q - Q')                                          after each step

Emotions that the data do not hold are never evaluated or shown: V is learned from shown ones, and pi(a|s) is 0 for
all others (their logits are masked).

Order of updates: the three losses are computed on the same batch from the networks before the step; one Adam step then
moves all networks, and the slow copies follow. Implementations differ here. The authors' own code steps V first, then
pi with the new V, then the critics with the new V; EmoDistill's release steps V, then the critics with the new V, moves
the slow copy, and steps pi with the advantage from before; d3rlpy steps critics and V together and pi after them. The
joint step shares its forward passes; its lag is one step of 3e-4.

Differs from the reference: EmoDistill's release has one dueling critic with layer norms and clips gradients; here twin
critics and plain layers, as in the paper.
"""

from __future__ import annotations

import torch

from poise.training.offline.learner import OfflineLearner, Tensor, TransitionBatch, forward, network_slice


def expectile_loss(difference: Tensor, tau: float) -> Tensor:
    """Mean of |tau - 1(u < 0)| u^2 over differences u, any shape."""
    weight = torch.where(difference < 0, 1 - tau, tau)
    return (weight * difference.square()).mean()


def advantage_weights(advantages: Tensor, beta: float, cap: float) -> Tensor:
    """The weights min(exp(beta A), cap), of any shape."""
    return torch.exp(beta * advantages).clamp(max=cap)


class Iql(OfflineLearner):
    """IQL; its networks are V (the first output), Q_1, Q_2 and pi."""

    networks = 4
    targets = (1, 3)
    losses = ("value", "critics", "policy")

    def _losses(self, batch: TransitionBatch) -> list[Tensor]:
        with torch.no_grad():
            goal = batch.chosen(forward(self.slow, batch.states)).amin(0)
            ahead = forward(network_slice(self.stack, 0, 1), batch.following)[0, :, 0]
            aim = batch.rewards + self.settings.gamma * batch.goes_on * ahead
        out = forward(self.stack, batch.states)
        advantage = goal - out[0, :, 0]
        critics = (batch.chosen(out[1:3]) - aim).square().mean(1).sum()
        likely = batch.chosen(torch.log_softmax(out[3:4] + self.barred, -1))[0]
        weights = advantage_weights(advantage.detach(), self.settings.beta, self.settings.cap)
        return [expectile_loss(advantage, self.settings.tau), critics, -(weights * likely).mean()]
