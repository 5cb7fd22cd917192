"""What game theory says about the negotiation: closed forms, backward induction, best responses.

The closed forms hold for alternating offers over a pie of size 1 that shrinks by the factor d with each proposal:

    with n proposals left, the proposer gets v_n = 1 - d v_(n-1), v_1 = 1, hence v_n = (1 - (-d)^n) / (1 + d)
    (I. Stahl, Bargaining Theory, Stockholm School of Economics, 1972)

    without an end, it gets 1 / (1 + d), the limit of v_n
    (A. Rubinstein, "Perfect Equilibrium in a Bargaining Model", Econometrica 50:97-109, 1982)

In `poise_bargaining` with `plain`, tolerance 0 and a lattice that holds both targets, a proposal is an offer that can
still be answered: an offer in the last message cannot, so `max_messages` of M makes n = M - 1 proposals. An accepted
offer counts from the message it was made in, so the first proposal is not discounted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from poise.common.errors import BadInput

_TIE = 1e-12  # utilities in [0, 1] closer than this are the same but for rounding


class Node(Protocol):
    """What is needed of an OpenSpiel state: two players, perfect information, no chance."""

    def is_terminal(self) -> bool: ...  # noqa: D102  # OpenSpiel's own vocabulary
    def current_player(self) -> int: ...  # noqa: D102
    def legal_actions(self) -> list[int]: ...  # noqa: D102
    def child(self, action: int) -> Any: ...  # noqa: D102
    def returns(self) -> list[float]: ...  # noqa: D102


Strategy = Callable[[Any], Mapping[int, float]]
"""From a state to the probabilities of its actions; the same at states with the same key (see `solve`)."""


def finite_share(discount: float, proposals: int) -> float:
    """The first proposer's share with `proposals` proposals in all (Stahl 1972); 0 < discount <= 1."""
    _check(discount, proposals)
    return float((1 - (-discount) ** proposals) / (1 + discount))


def endless_share(discount: float) -> float:
    """The first proposer's share when the negotiation may go on for ever (Rubinstein 1982); 0 < discount < 1."""
    _check(discount, 1)
    if discount == 1:
        raise BadInput("discount 1: an endless negotiation without discounting settles nothing; use a discount below 1")
    return 1 / (1 + discount)


def lattice_error(discount: float, proposals: int, step: float) -> float:
    """How far a lattice of offers can move the first proposer's share away from `finite_share`.

    step: the lattice's step as a share of the gap between the targets. A proposer has to round the responder's share
    d w_(n-1) up to the lattice, and it may gain by waiting instead, but no more than rounding costs; so
    |w_n - v_n| <= d |w_(n-1) - v_(n-1)| + step with w_1 = v_1, which sums to the value returned.
    """
    _check(discount, proposals)
    return sum(step * discount**k for k in range(proposals - 1))


def _check(discount: float, proposals: int) -> None:
    if not 0 < discount <= 1:
        raise BadInput(f"discount {discount} is outside (0, 1]; use 1 for no discount")
    if proposals < 1:
        raise BadInput(f"{proposals} proposals; there must be at least 1")


def nash_bargain(creditor_target: int, debtor_target: int, outside: tuple[float, float] = (0.0, 0.0)) -> float:
    """The value of the unit at Nash's bargaining solution (Nash 1950, Econometrica 18:155-162).

    outside: the (creditor, debtor) utilities without a deal. The utilities of a deal sum to 1, so the product of gains
    is greatest where both gain the same. Raises BadInput where no deal is better than none for both.
    """
    creditor, debtor = outside
    if creditor + debtor > 1 or min(outside) < 0:
        raise BadInput(f"utilities {outside} without a deal leave nothing to gain; they must be >= 0 and sum to <= 1")
    share = (1 + creditor - debtor) / 2
    return debtor_target - share * (debtor_target - creditor_target)


@dataclass(frozen=True, slots=True)
class Solution:
    """The outcome of backward induction.

    values:   the (creditor, debtor) utilities from the given state on.
    line:     the actions from there to the end, or up to the first state where a given strategy mixes.
    strategy: the chosen action at every state reached from there, with probability 1; a given strategy as given.
    """

    values: tuple[float, float]
    line: tuple[int, ...]
    strategy: Strategy


def solve(
    state: Node, *, given: Mapping[int, Strategy] | None = None, key: Callable[[Any], Hashable] = str
) -> Solution:
    """Backward induction from `state`: subgame-perfect play, or best responses to `given` strategies.

    given: strategies of players (0 creditor, 1 debtor) that do not choose freely.
    key:   what identifies a state's future; each key is solved once. The words of a `poise_bargaining` state do.

    Between actions that pay a seat the same, the one that pays the other seat more is taken, then the one with the
    lowest number; so a seat that gains nothing by refusing accepts.

    The work grows with messages * offers ** 3: meant for lattices of tens of offers and for tens of messages.
    """
    induction = _Induction(dict(given or {}), key)
    values, _ = induction.value(state)
    return Solution(values, induction.line(state), induction.strategy)


class _Induction:
    """One run of backward induction; `_known` holds (values, chosen mix of actions) by state key."""

    def __init__(self, given: dict[int, Strategy], key: Callable[[Any], Hashable]) -> None:
        self._given = given
        self._key = key
        self._known: dict[Hashable, tuple[tuple[float, float], Mapping[int, float]]] = {}

    def value(self, state: Node) -> tuple[tuple[float, float], Mapping[int, float]]:
        if state.is_terminal():
            creditor, debtor = state.returns()
            return (creditor, debtor), {}
        key = self._key(state)
        if key not in self._known:
            player = state.current_player()
            if player in self._given:
                mix = self._given[player](state)
                paths = [(chance, self.value(state.child(action))[0]) for action, chance in mix.items() if chance > 0]
                self._known[key] = (sum(p * u for p, (u, _) in paths), sum(p * u for p, (_, u) in paths)), mix
            else:
                self._known[key] = self._choose(state, player)
        return self._known[key]

    def _choose(self, state: Node, player: int) -> tuple[tuple[float, float], Mapping[int, float]]:
        actions = iter(state.legal_actions())
        best = next(actions)
        values, _ = self.value(state.child(best))
        for action in actions:
            found, _ = self.value(state.child(action))
            mine, theirs = found[player] - values[player], found[1 - player] - values[1 - player]
            if mine > _TIE or (mine > -_TIE and theirs > _TIE):
                best, values = action, found
        return values, {best: 1.0}

    def strategy(self, state: Node) -> Mapping[int, float]:
        """The mix of actions at `state`."""
        return self.value(state)[1]

    def line(self, state: Node) -> tuple[int, ...]:
        """The actions from `state` on, as long as they are certain."""
        actions: list[int] = []
        while len(mix := {a: p for a, p in self.strategy(state).items() if p > 0}) == 1:
            actions.extend(mix)
            state = state.child(actions[-1])
        return tuple(actions)


def nash_conv(game: Any, strategy: Strategy) -> float:
    """How much the two seats could gain in all by best responses to each other; 0 exactly at a Nash equilibrium.

    OpenSpiel's own algorithm on the whole tree of histories, so only for small games (a lattice of few offers, few
    messages). game: from `poise.games.openspiel.variants.load_variant`.
    """
    from poise.games.openspiel.pyspiel import algorithm

    policy = algorithm("policy").tabular_policy_from_callable(game, lambda state: dict(strategy(state)))
    return float(algorithm("algorithms.exploitability").nash_conv(game, policy))


def cfr(game: Any, iterations: int) -> Strategy:
    """The average strategy of OpenSpiel's counterfactual regret minimisation (Zinkevich et al. 2007).

    It walks the whole tree of histories in each iteration, so only for small games.
    """
    from poise.games.openspiel.pyspiel import algorithm

    solver = algorithm("algorithms.cfr").CFRSolver(game)
    for _ in range(iterations):
        solver.evaluate_and_update_policy()
    average = solver.average_policy()
    return lambda state: {action: float(p) for action, p in average.action_probabilities(state).items()}
