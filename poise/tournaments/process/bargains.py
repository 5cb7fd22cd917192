"""How far agreements lie from the solutions of the offer game, in the plane of both seats' utilities.

Two offers inside the gap leave the creditor u and the debtor 1 - u, times the discount of the message that settled it.
With nothing to be had without a deal,

    frontier     the line u_c + u_d = 1, deals without delay. A deal lies (1 - u_c - u_d) / sqrt(2) from it: what delay
                 cost both. 0 without a discount.
    Nash         (1/2, 1/2), the greatest product of gains (Nash 1950, Econometrica 18:155). Kalai and Smorodinsky's
                 solution (1975, Econometrica 43:513), gains in proportion to the most each could have, and Kalai's
                 egalitarian one (1977, Econometrica 45:1623), equal gains, are the same point on this line.
    equilibrium  (v, 1 - v), v = `poise.games.openspiel.theory.finite_share`: what subgame-perfect play of the
                 alternating offers gives the creditor, who begins (Stahl 1972). Without a discount the seat that makes
                 the last offer gets everything; a tolerance of a few units moves the point by a few units, which is
                 neglected.

Distances are Euclidean, of the referee's utilities, over deals. Custom games have other utilities and get no figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from poise.games.openspiel.theory import finite_share
from poise.tournaments.process.columns import Negotiation
from poise.tournaments.process.group import Group
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.ratio import Array

FARTHEST = math.sqrt(2)
NASH = (0.5, 0.5)
_UNKNOWN: Final = (math.nan,) * 3


class Distances(NamedTuple):
    """Of one deal (see the module), each from 0 to sqrt(2)."""

    equilibrium: float
    nash: float
    frontier: float


@dataclass(frozen=True, slots=True)
class Bargains:
    """Mean distances over `deals`; None without any."""

    deals: int
    equilibrium: Estimate | None
    nash: Estimate | None
    frontier: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data; Kalai's point is Nash's."""
        told = {name: getattr(self, name) for name in Distances._fields}
        plain = {name: None if one is None else one.to_dict() for name, one in told.items()}
        return {"deals": self.deals, **plain, "kalai": plain["nash"]}


def distances(negotiation: Negotiation) -> Distances | None:
    """Of one negotiation; None without a deal, or in a custom game."""
    rules = negotiation.rules
    if negotiation.outcome.ending != "deal" or rules.game:
        return None
    creditor, debtor = negotiation.outcome.utilities
    share = _first_share(rules.discount, rules.max_messages - 1)
    return Distances(
        equilibrium=math.dist((creditor, debtor), (share, 1 - share)),
        nash=math.dist((creditor, debtor), NASH),
        frontier=max(0.0, 1 - creditor - debtor) / FARTHEST,
    )


_first_share: Final = lru_cache(maxsize=64)(finite_share)  # the rules of a tournament are few


def distance_table(negotiations: Sequence[Negotiation]) -> Array:
    """[N, 3], the distances of each, nan for none."""
    return np.array([distances(one) or _UNKNOWN for one in negotiations], dtype=np.float64).reshape(-1, 3)


def bargains(group: Group, told: Array) -> Bargains:
    """The figures over negotiations; `told` as `distance_table` gives them."""
    return Bargains(int((~np.isnan(told[:, 0])).sum()), *group.means(list(told.T), (0.0, FARTHEST)))
