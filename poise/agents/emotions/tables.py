"""The published numbers of EQ-Negotiator, and the tables that are ours.

Sources: EQ-Negotiator v1 (https://arxiv.org/abs/2503.21080v3: MIRROR, MANNER, PAYOFF) and v2
(https://arxiv.org/abs/2511.03370: STATES, INITIAL, TRANSITION, WEIGHTS). CHARACTER is Poise's own proposal.
FITTED_* were fitted to simulated debtors, whose states are known, by `benchmarks/tracker_tables.py`.
Emotions are in the order of EMOTIONS7: joy, sadness, anger, fear, surprise, disgust, neutral.

Differs from the reference: a row of MIRROR and a row of MANNER add up to 1.05 as published; here they are normalised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

Row = tuple[float, ...]
Table = tuple[Row, ...]


def stochastic(rows: Iterable[Sequence[float]]) -> Table:
    """`rows`, each divided by its sum."""
    return tuple(tuple(value / sum(row) for value in row) for row in rows)


STATES: Final = ("cooperative", "confrontational", "distressed", "strategic")

# P(s) before the first message.
INITIAL: Final[Row] = (0.4, 0.2, 0.2, 0.2)

# T[r, s] = P(state s at the next message | state r now).
TRANSITION: Final[Table] = (
    (0.50, 0.15, 0.15, 0.20),
    (0.20, 0.40, 0.20, 0.20),
    (0.25, 0.15, 0.40, 0.20),
    (0.20, 0.20, 0.15, 0.45),
)

# E[c, d] = P(the other side shows d | it reacts to c), whatever its state: mostly contagion.
MIRROR: Final[Table] = stochastic(
    (
        (0.60, 0.05, 0.05, 0.05, 0.10, 0.05, 0.10),
        (0.05, 0.50, 0.20, 0.10, 0.05, 0.05, 0.05),
        (0.05, 0.20, 0.50, 0.10, 0.05, 0.05, 0.05),
        (0.05, 0.20, 0.10, 0.50, 0.05, 0.05, 0.05),
        (0.10, 0.05, 0.05, 0.05, 0.60, 0.05, 0.10),
        (0.05, 0.10, 0.20, 0.10, 0.05, 0.50, 0.05),
        (0.10, 0.10, 0.10, 0.10, 0.10, 0.10, 0.40),
    )
)

# R[s, d] = P(the other side shows d | its state s), whatever it reacts to. Ours, not the paper's.
CHARACTER: Final[Table] = (
    (0.30, 0.04, 0.03, 0.03, 0.15, 0.02, 0.43),
    (0.02, 0.05, 0.48, 0.05, 0.03, 0.25, 0.12),
    (0.03, 0.45, 0.08, 0.27, 0.03, 0.02, 0.12),
    (0.08, 0.20, 0.10, 0.10, 0.07, 0.15, 0.30),
)

# The tracker's numbers, fitted: INITIAL, TRANSITION (0.3 of it the published one), CHARACTER, and the share of MIRROR.
FITTED_INITIAL: Final[Row] = (0.020, 0.318, 0.293, 0.369)
FITTED_TRANSITION: Final[Table] = (
    (0.536, 0.120, 0.220, 0.124),
    (0.108, 0.697, 0.089, 0.106),
    (0.115, 0.069, 0.753, 0.063),
    (0.087, 0.085, 0.055, 0.773),
)
FITTED_CHARACTER: Final[Table] = stochastic(
    (
        (0.398, 0.033, 0.064, 0.017, 0.058, 0.015, 0.414),
        (0.024, 0.009, 0.672, 0.003, 0.047, 0.102, 0.143),
        (0.034, 0.447, 0.026, 0.211, 0.044, 0.004, 0.234),
        (0.295, 0.062, 0.134, 0.035, 0.084, 0.029, 0.360),
    )
)
FITTED_MIX: Final = 0.19

# P(own emotion c2 next | own emotion c1 now). The release learns this table and nothing reads it.
MANNER: Final[Table] = stochastic(
    (
        (0.50, 0.10, 0.05, 0.05, 0.20, 0.05, 0.05),
        (0.20, 0.40, 0.10, 0.10, 0.05, 0.10, 0.05),
        (0.10, 0.20, 0.40, 0.10, 0.05, 0.10, 0.05),
        (0.10, 0.20, 0.10, 0.40, 0.05, 0.10, 0.05),
        (0.30, 0.05, 0.05, 0.05, 0.50, 0.05, 0.05),
        (0.10, 0.20, 0.10, 0.10, 0.05, 0.40, 0.05),
        (0.20, 0.10, 0.05, 0.05, 0.20, 0.05, 0.35),
    )
)

# w[s, c]: how well the creditor's emotion c suits the debtor's state s.
WEIGHTS: Final[Table] = (
    (0.35, 0.05, 0.02, 0.03, 0.25, 0.05, 0.25),
    (0.10, 0.10, 0.15, 0.10, 0.15, 0.10, 0.30),
    (0.10, 0.30, 0.05, 0.20, 0.05, 0.10, 0.20),
    (0.20, 0.10, 0.05, 0.05, 0.20, 0.10, 0.30),
)

# pi[d, c]: what the creditor gets from showing c to a debtor who shows d (0 to 4).
PAYOFF: Final[Table] = (
    (4.0, 3.0, 2.0, 1.0, 3.0, 2.0, 3.0),
    (2.0, 3.0, 2.0, 1.0, 2.0, 1.0, 3.0),
    (1.0, 1.0, 1.0, 0.0, 2.0, 1.0, 2.0),
    (2.0, 2.0, 1.0, 2.0, 2.0, 1.0, 3.0),
    (3.0, 2.0, 1.0, 1.0, 4.0, 2.0, 3.0),
    (2.0, 1.0, 0.0, 0.0, 1.0, 2.0, 2.0),
    (3.0, 3.0, 1.0, 2.0, 3.0, 2.0, 3.0),
)

# rho[d, c]: what a debtor who shows d gets when the creditor shows c (0 to 4).
CLIENT_PAYOFF: Final[Table] = (
    (4.0, 2.0, 1.0, 2.0, 3.0, 2.0, 3.0),
    (3.0, 3.0, 1.0, 2.0, 2.0, 1.0, 2.0),
    (2.0, 2.0, 1.0, 1.0, 1.0, 0.0, 1.0),
    (1.0, 1.0, 0.0, 2.0, 1.0, 0.0, 2.0),
    (3.0, 2.0, 2.0, 2.0, 4.0, 1.0, 3.0),
    (2.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0),
    (3.0, 2.0, 2.0, 3.0, 3.0, 2.0, 3.0),
)
