"""A creditor that shows emotions as people do: the counterpart in comparisons of simulated debtors with human data.

It shows emotions as people do after their own last emotion and after what they read in the other's words (the world's
`dynamics`, in the same combination as the debtor's, without any state), by the labels of the world. It aims at nothing.
It concedes evenly and, where it must, all of the way: people do, and the default creditor's two thirds would cut off
the deals in which the debtor gives least. That human creditors concede evenly is an assumption.
"""

from __future__ import annotations

from operator import mul

from poise.agents.agent import Agent
from poise.agents.concessions import TimeDependent
from poise.agents.emotions.taxonomy import EMOTIONS7, TO_SEVEN
from poise.agents.protocols import View
from poise.agents.simulated.world import World
from poise.common.seeds import Dice


class HumanManners:
    """Draws the emotion to show from the world's dynamics."""

    def __init__(self, world: World) -> None:
        self.world = world

    def choose(self, view: View, dice: Dice) -> str:
        """One of the 28."""
        dynamics = self.world.dynamics
        weights = dynamics.marginal
        if view.readings:
            seven = view.readings[-1].emotions
            weights = tuple(sum(map(mul, seven, column)) for column in zip(*dynamics.reply, strict=True))
        last = view.shown[-1] if view.shown else None
        if last is not None:
            own = dynamics.own[EMOTIONS7.index(TO_SEVEN[last])]
            ratios = (share / base for share, base in zip(own, dynamics.marginal, strict=True))
            weights = tuple(map(mul, weights, ratios))
        return dice.pick(tuple(self.world.labels[EMOTIONS7[dice.weighted(weights)]]))


def human_creditor(world: World) -> Agent:
    """The creditor that shows emotions as people do, in `world`."""
    return Agent("human-manners", "creditor", lambda: HumanManners(world), lambda: TimeDependent(reach=1.0))
