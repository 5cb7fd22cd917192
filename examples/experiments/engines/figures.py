"""The page's two drawings, as SVG that is the same for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from poise.tournaments.statistics.bootstrap import Estimate

_style = mpl.rc_context({"svg.hashsalt": "poise", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9})
BLUE, GREY = "#2c5f8a", "#777777"


@_style
def forest(path: Path, names: Sequence[str], gains: Sequence[Estimate], title: str) -> None:
    """A dot and an interval for each name, the best on top."""
    figure = Figure(figsize=(7.2, 0.6 + 0.21 * len(names)), layout="constrained")
    axes = figure.subplots()
    for place, gain in enumerate(gains):
        certain = gain.low is not None and gain.high is not None and (gain.low > 0 or gain.high < 0)
        axes.plot([gain.low, gain.high], [place, place], color=BLUE if certain else GREY, linewidth=2)
        axes.plot(gain.mean, place, "o", color=BLUE if certain else GREY, markersize=4)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x", linewidth=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    axes.set_xlabel(title)
    _save(figure, path)


@_style
def heat(path: Path, rows: Sequence[str], columns: Sequence[str], values: np.ndarray, title: str) -> None:
    """A cell for each row and column, blue above zero and red below."""
    figure = Figure(figsize=(1.9 + 0.52 * len(columns), 1.1 + 0.22 * len(rows)), layout="constrained")
    axes = figure.subplots()
    reach = float(np.abs(values).max()) or 1.0
    axes.imshow(values, cmap="RdBu", vmin=-reach, vmax=reach, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        dark = abs(value) > 0.6 * reach
        told = f"{value:+.2f}".replace("0.", ".").replace("+.00", "0").replace("-.00", "0")
        axes.text(column, row, told, ha="center", va="center", fontsize=7, color="white" if dark else "black")
    axes.set_xticks(range(len(columns)), columns, rotation=40, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(title)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
