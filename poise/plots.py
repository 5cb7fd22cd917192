"""Pictures in matplotlib: of a tournament, and of how a training went.

from poise import plots

plots.plot_standings(result)
plots.plot_payoffs(result, ax)
"""

from poise.tournaments.charts.plots import (
    plot_concessions,
    plot_emotions,
    plot_overview,
    plot_payoffs,
    plot_ratings,
    plot_standings,
)
from poise.training.curves import plot_training

__all__ = [
    "plot_concessions",
    "plot_emotions",
    "plot_overview",
    "plot_payoffs",
    "plot_ratings",
    "plot_standings",
    "plot_training",
]
