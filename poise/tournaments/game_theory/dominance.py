"""Which agents of a seat do better than which, opponent by opponent, and whether beyond chance.

A gap is what one agent got more than another against one opponent, over pairs of matches on the same scenario and
repeat, with its 95 % interval: t quantiles over scenarios with the linearised error of a ratio, as everywhere for
differences of pairs (see `poise.tournaments.statistics.bootstrap`).

dominance  one agent gets more than another against every opponent; clear where every opponent's interval excludes 0.
           All of them have to, so that the chance of a clear edge without dominance stays below 2.5 % for each pair
           of agents (intersection-union test: Berger 1982, Technometrics 24:295). It is not corrected for the number of
           pairs.
best       the agent that gets most against one opponent; clear where its gap to every other one's interval excludes 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from poise.games.moves import SEATS, Seat, other
from poise.tournaments.game_theory.bimatrix import Bimatrix
from poise.tournaments.game_theory.solve import best_responses, dominance_network
from poise.tournaments.statistics.ratio import Array, ratio_error
from poise.tournaments.storage.rows import Row

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, eq=False)
class Gaps:
    """One seat's gaps, each of shape (agents, agents, opponents): the first agent's utility less the second's.

    NaN where no pair of matches tells; low and high are also where there are fewer than two scenarios.
    """

    mean: Array
    low: Array
    high: Array

    @property
    def clear(self) -> NDArray[np.bool_]:
        """Where the first agent is better beyond chance."""
        return np.asarray(self.low > 0)


def paired_gaps(rows: Sequence[Row], sizes: tuple[int, int], seat: Seat) -> Gaps:
    """The gaps between the agents of `seat`. sizes: creditors and debtors of the tournament."""
    values = _values(rows, sizes, seat)
    agents, opponents = values.shape[:2]
    found = np.full((3, agents, agents, opponents), np.nan)
    for one in range(agents):
        for two in range(one):
            mean, low, high = _interval(values[one] - values[two])
            found[:, one, two] = mean, low, high
            found[:, two, one] = -mean, -high, -low
    return Gaps(*found)


def _values(rows: Sequence[Row], sizes: tuple[int, int], seat: Seat) -> Array:
    """Utilities, shape (agents, opponents, scenarios, repeats); NaN where nothing was played."""
    own, opponents = sizes if seat == "creditor" else sizes[::-1]
    scenarios = {scenario: place for place, scenario in enumerate(sorted({row.scenario for row in rows}))}
    repeats = 1 + max((row.repeat for row in rows), default=0)
    values = np.full((own, opponents, len(scenarios), repeats), np.nan)
    for row in rows:
        place = (row.creditor, row.debtor) if seat == "creditor" else (row.debtor, row.creditor)
        values[(*place, scenarios[row.scenario], row.repeat)] = getattr(row, f"{seat}_utility")
    return values


def _interval(gained: Array) -> tuple[Array, Array, Array]:
    """Mean, low and high by opponent, of shape (opponents, scenarios, repeats)."""
    from scipy import special

    known = ~np.isnan(gained)
    number = known.sum(axis=2).astype(np.float64)
    total = np.where(known, gained, 0.0).sum(axis=2)
    ratio = ratio_error(total.T, number.T)
    quantile = special.stdtrit(np.maximum(1, ratio.scenarios - 1), 0.975)
    mean = np.where(ratio.scenarios > 0, ratio.mean, np.nan)
    half = np.where(ratio.scenarios > 1, quantile * ratio.error, np.nan)
    return mean, np.maximum(mean - half, -1.0), np.minimum(mean + half, 1.0)


def dominance_edges(game: Bimatrix, gaps: Gaps, seat: Seat) -> nx.DiGraph:
    """The seat's dominance as it is drawn: an edge, `clear` or not, unless a path of others of its kind says the same.

    Nodes are places in `game.labels(seat)`. A clear edge is drawn where it is needed, one of means alone where no path
    of clear ones leads the same way.
    """
    import networkx as nx

    labels = game.labels(seat)
    means = nx.relabel_nodes(dominance_network(game, seat), {label: place for place, label in enumerate(labels)})
    clear = nx.DiGraph()
    clear.add_nodes_from(range(len(labels)))
    clear.add_edges_from((u, v) for u, v in means.edges if gaps.clear[u, v].all())
    drawn = nx.DiGraph()
    drawn.add_nodes_from(range(len(labels)))
    drawn.add_edges_from(nx.transitive_reduction(clear).edges, clear=True)
    reached = nx.transitive_closure(clear)
    drawn.add_edges_from((e for e in nx.transitive_reduction(means).edges if not reached.has_edge(*e)), clear=False)
    return drawn


@dataclass(frozen=True, slots=True)
class Answer:
    """One agent of `seat` and one of the other seat's that answers it best, as places in their seats' labels.

    clear:  it is better than every other answer beyond chance; near: those it is not told apart from.
    mutual: each answers the other best, which makes the two a pure equilibrium.
    """

    seat: Seat
    agent: int
    answer: int
    clear: bool
    near: tuple[int, ...]
    mutual: bool


def best_answers(game: Bimatrix, gaps: dict[Seat, Gaps]) -> list[Answer]:
    """The best answers to every agent, of both seats. gaps: by seat."""
    best = {seat: best_responses(game, seat) for seat in SEATS}
    found = []
    for seat in SEATS:
        answering = other(seat)
        for agent, answers in enumerate(best[answering]):
            for answer in answers:
                rivals = [place for place in range(len(game.labels(answering))) if place != answer]
                near = tuple(rival for rival in rivals if not gaps[answering].clear[answer, rival, agent])
                mutual = agent in best[seat][answer]
                found.append(Answer(seat, agent, answer, not near, near, mutual))
    return found
