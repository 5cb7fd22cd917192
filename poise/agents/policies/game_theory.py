"""Small pieces of game theory that policies share; indices stand for actions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from poise.common.seeds import Dice

Action = TypeVar("Action")


def best_reply(payoffs: Sequence[float], actions: Collection[int]) -> int:
    """The action of `actions` (in rising order, not empty) with the highest payoff; of equals the first."""
    return max(actions, key=payoffs.__getitem__)


def any_best_reply(payoffs: Sequence[float], dice: Dice) -> int:
    """The action with the highest payoff; of equals any."""
    top = max(payoffs)
    best = [action for action, payoff in enumerate(payoffs) if payoff == top]
    return best[0] if len(best) == 1 else dice.pick(best)


def win_stay_lose_shift(last: Action, payoff: float, aspiration: float, shift_to: Action) -> Action:
    """Win-stay, lose-shift (Nowak & Sigmund 1993, https://doi.org/10.1038/364056a0).

    Repeat `last` when the payoff it brought reaches the aspiration, else take `shift_to`. With two actions, each the
    other's alternative, and an aspiration between the prisoner's dilemma's P and R this is Pavlov: the probabilities of
    cooperating after R, S, T, P are (1, 0, 0, 1).
    """
    return last if payoff >= aspiration else shift_to
