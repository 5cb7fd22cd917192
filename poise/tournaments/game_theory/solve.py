"""What game theory says about a tournament: its agents as strategies of a game between the two seats.

The game is the bimatrix of mean utilities, A[i, j] for creditor i and B[i, j] for debtor j. Choosing an agent is one
move; what it does at the table is behind it.

exploitability  of creditor i: how much less than the best creditor of the field i gets against the debtor that answers
                it best, max_k A[k, j*] - A[i, j*] with j* in argmax_j B[i, j] (the worst for i among equals); for a
                debtor with the seats swapped. 0 exactly where some best answer to it is answered best by it.
dominance       strict: one agent gets more than another against every opponent of the field.
equilibria      the pairs (i, j) that answer each other best, and a mixed equilibrium: exact, by trying all pairs of
                equally large supports, where there are at most SUPPORTS of them; else, and in degenerate games without
                one, of the constant-sum reading by linear programming (von Neumann 1928; A alone, where B = c - A
                nearly holds) or where replicator dynamics come to rest, which may be none. Its regret in the true game,
                the most either seat could gain by another agent, is always told: 0 at a Nash equilibrium.
alpha-rank      how long evolution dwells on each pair where agents that do better take over; see
                `poise.tournaments.game_theory.alpha_rank`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from math import comb
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from poise.games.moves import SEATS, Seat
from poise.tournaments.game_theory.alpha_rank import alpha_rank
from poise.tournaments.game_theory.bimatrix import TIE, Array, Bimatrix

if TYPE_CHECKING:
    import networkx as nx

VERSION: Final = 1
SUPPORTS: Final = 3_500
"""Pairs of supports that are tried, at most; C(m + n, m) for m creditors and n debtors: up to 7 and 7, or 3 and 24."""
STEP: Final = 0.1
STEPS: Final = 5_000


def best_responses(game: Bimatrix, seat: Seat) -> list[tuple[int, ...]]:
    """By opponent, which agents of `seat` answer it best."""
    own = game.payoff(seat)
    return [tuple(np.flatnonzero(column >= column.max() - TIE).tolist()) for column in own.T]


def pure_equilibria(game: Bimatrix) -> list[tuple[int, int]]:
    """The pairs (creditor, debtor) that answer each other best."""
    creditors, debtors = best_responses(game, "creditor"), best_responses(game, "debtor")
    return [(i, j) for j, best in enumerate(creditors) for i in best if j in debtors[i]]


def response_network(game: Bimatrix) -> nx.DiGraph:
    """From each agent to those of the other seat that answer it best; nodes are (seat, label)."""
    import networkx as nx

    graph = nx.DiGraph()
    for seat in SEATS:
        other: Seat = SEATS[1 - SEATS.index(seat)]
        graph.add_nodes_from((seat, label) for label in game.labels(seat))
        for place, best in enumerate(best_responses(game, other)):
            graph.add_edges_from(((seat, game.labels(seat)[place]), (other, game.labels(other)[one])) for one in best)
    return graph


def dominance_network(game: Bimatrix, seat: Seat) -> nx.DiGraph:
    """From each agent to those of its seat that it strictly dominates; labels are nodes."""
    import networkx as nx

    own, labels = game.payoff(seat), game.labels(seat)
    graph = nx.DiGraph()
    graph.add_nodes_from(labels)
    graph.add_edges_from(
        (labels[better], labels[worse])
        for better in range(len(labels))
        for worse in range(len(labels))
        if np.all(own[better] > own[worse] + TIE)
    )
    return graph


def exploitability(game: Bimatrix, seat: Seat) -> list[float]:
    """Of each agent of `seat`: how much less it gets than the best of the field, against its best responder."""
    other: Seat = SEATS[1 - SEATS.index(seat)]
    own = game.payoff(seat)
    answers = best_responses(game, other)
    return [max(float(own[:, j].max() - own[place, j]) for j in answers[place]) for place in range(len(own))]


@dataclass(frozen=True, eq=False)
class Mixed:
    """A pair of mixtures over agents, how it was found, what it pays each seat, and its regret (see the module)."""

    creditor: Array
    debtor: Array
    method: str
    values: tuple[float, float]
    regret: float


def mixed(game: Bimatrix, creditor: Array, debtor: Array, method: str) -> Mixed:
    """A pair of mixtures with its values and regret."""
    values = tuple(float(creditor @ payoff @ debtor) for payoff in (game.creditor, game.debtor))
    gains = float((game.creditor @ debtor).max()) - values[0], float((creditor @ game.debtor).max()) - values[1]
    return Mixed(creditor, debtor, method, (values[0], values[1]), max(0.0, *gains))


def equilibrium(game: Bimatrix) -> Mixed:
    """An equilibrium where one is found, pure before mixed; else the candidate of least regret (see the module)."""
    pure = pure_equilibria(game)
    if pure:
        creditor, debtor = pure[0]
        return mixed(game, np.eye(len(game.creditors))[creditor], np.eye(len(game.debtors))[debtor], "pure")
    return next(mixed_equilibria(game), None) or min((zero_sum(game), replicator(game)), key=lambda one: one.regret)


def mixed_equilibria(game: Bimatrix) -> Iterator[Mixed]:
    """Every equilibrium whose two supports are equally large, small supports first; in a nondegenerate game, all.

    For supports I of the creditors and J of the debtors the mixtures make the other side's supported agents equally
    good: y on J with (A y)_i = v for i in I, and x on I with (x B)_j = w for j in J. They are an equilibrium if no
    share is negative and no other agent does better (support enumeration; Nisan et al. 2007, Algorithmic Game Theory,
    section 3.4).
    Nothing where there are more than SUPPORTS pairs of supports.
    """
    rows, columns = len(game.creditors), len(game.debtors)
    if comb(rows + columns, rows) > SUPPORTS:
        return
    for size in range(1, min(rows, columns) + 1):
        for own, other in product(combinations(range(rows), size), combinations(range(columns), size)):
            debtor = _indifferent(game.creditor[np.ix_(own, other)])
            creditor = _indifferent(game.debtor[np.ix_(own, other)].T)
            if creditor is None or debtor is None:
                continue
            x, y = np.zeros(rows), np.zeros(columns)
            x[list(own)], y[list(other)] = creditor, debtor
            found = mixed(game, x, y, "support enumeration")
            if found.regret <= TIE:
                yield found


def _indifferent(payoff: Array) -> Array | None:
    """The mixture over columns that makes every row of the square `payoff` worth the same; None where there is none."""
    size = len(payoff)
    system = np.block([[payoff, -np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
    try:
        shares = np.linalg.solve(system, np.append(np.zeros(size), 1.0))[:size]
    except np.linalg.LinAlgError:
        return None
    return _normal(shares) if shares.min() >= -TIE else None


def zero_sum(game: Bimatrix) -> Mixed:
    """The maximin mixtures of the constant-sum reading (A - B) / 2, by linear programming.

    It is a Nash equilibrium where the two utilities sum to a constant; elsewhere the regret says how far off it is.
    """
    margin = (game.creditor - game.debtor) / 2
    return mixed(game, _maximin(margin), _maximin(-margin.T), "linear programming")


def _maximin(payoff: Array) -> Array:
    """The mixture x over rows that makes min_j (x A)_j largest."""
    from scipy.optimize import linprog

    rows, columns = payoff.shape
    found = linprog(
        c=np.append(np.zeros(rows), -1.0),
        A_ub=np.hstack([-payoff.T, np.ones((columns, 1))]),
        b_ub=np.zeros(columns),
        A_eq=np.append(np.ones(rows), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0, None)] * rows + [(None, None)],
        method="highs",
    )
    return _normal(found.x[:rows])


def _normal(shares: Array) -> Array:
    kept = np.maximum(np.asarray(shares, dtype=np.float64), 0.0)
    return np.asarray(kept / kept.sum(), dtype=np.float64)


def replicator(game: Bimatrix) -> Mixed:
    """Where both seats' populations come to rest as better agents grow (see `populations`), from uniform.

    It is the end, or the average of the path's second half: where play circles, that comes to rest at an equilibrium of
    a constant-sum game (Hofbauer, Sorin and Viossat 2009, Math. Oper. Res. 34:263). The one of less regret is told.
    """
    path = list(populations(game))
    late = path[len(path) // 2 :]
    x, y = (_normal(np.sum([one[side] for one in late], axis=0)) for side in range(2))
    found = [mixed(game, *state, "replicator dynamics") for state in (path[-1], (x, y))]
    return min(found, key=lambda one: one.regret)


def populations(game: Bimatrix, start: tuple[Array, Array] | None = None) -> Iterator[tuple[Array, Array]]:
    """Both seats' shares of agents, moment by moment, as better agents grow (Taylor and Jonker 1978).

    By OpenSpiel's replicator dynamics and Euler's steps of `STEP`; time is in units in which the largest difference
    of utilities makes a share grow by e. start: uniform unless given.
    """
    from poise.games.openspiel.pyspiel import algorithm

    grow = algorithm("egt.dynamics").replicator
    x, y = start or tuple(np.full(len(labels), 1 / len(labels)) for labels in (game.creditors, game.debtors))
    span = max(float(np.ptp(game.creditor)), float(np.ptp(game.debtor)), TIE)
    for _ in range(STEPS):
        yield x, y
        dx, dy = grow(x, game.creditor @ y / span), grow(y, game.debtor.T @ x / span)
        x, y = _normal(x + STEP * dx), _normal(y + STEP * dy)


def solution_data(game: Bimatrix) -> dict[str, Any]:
    """Everything of this module about one game, as plain data."""
    nash, ranks = equilibrium(game), alpha_rank(game)
    seats = {}
    for axis, seat in ((1, SEATS[0]), (0, SEATS[1])):
        dominated = dominance_network(game, seat)
        labels = game.labels(seat)
        seats[f"{seat}s"] = [
            {
                "label": label,
                "exploitability": exploited,
                "equilibrium": float(getattr(nash, seat)[place]),
                "alpha_rank": float(ranks.sum(axis=axis)[place]),
                "dominates": sorted(dominated.successors(label)),
                "dominated_by": sorted(dominated.predecessors(label)),
            }
            for place, (label, exploited) in enumerate(zip(labels, exploitability(game, seat), strict=True))
        ]
    pure = [[game.creditors[i], game.debtors[j]] for i, j in pure_equilibria(game)]
    found = {"method": nash.method, "values": list(nash.values), "regret": nash.regret, "pure": pure}
    return {"version": VERSION, "equilibrium": found, **seats}
