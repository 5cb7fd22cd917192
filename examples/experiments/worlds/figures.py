"""The page's drawings, as SVG that is the same for the same numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from poise.tournaments.statistics.bootstrap import Estimate

_style = mpl.rc_context({"svg.hashsalt": "poise", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9})
BLUE, GREY, RED = "#2c5f8a", "#777777", "#b5482f"


@_style
def strips(path: Path, names: Sequence[str], drawn: Sequence[np.ndarray], permuted: Sequence[np.ndarray]) -> None:
    """A dot for each world's gain, in drawn worlds above and in permuted ones below; a bar at the mean."""
    figure = Figure(figsize=(7.2, 0.8 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    for place, rows in enumerate(zip(drawn, permuted, strict=True)):
        for row, shift, colour, label in zip(rows, (-0.16, 0.16), (BLUE, RED), ("drawn", "permuted"), strict=True):
            axes.plot(
                row, np.full(len(row), place + shift), "o", color=colour, markersize=2.6, alpha=0.55, markeredgewidth=0
            )
            axes.plot(
                [row.mean()] * 2,
                [place + shift - 0.14, place + shift + 0.14],
                color=colour,
                linewidth=2,
                label=label if not place else None,
            )
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", linewidth=0.3)
    axes.set_xlabel("utility gained over vanilla in each world; bars: means")
    axes.legend(frameon=False, loc="lower right")
    _save(figure, path, axes)


@_style
def histograms(path: Path, rows: Mapping[str, np.ndarray]) -> None:
    """How often each tau occurs, one curve per row."""
    figure = Figure(figsize=(7.2, 2.4), layout="constrained")
    axes = figure.subplots()
    bins = np.linspace(-1, 1, 41)
    for (name, values), colour in zip(rows.items(), (GREY, BLUE, RED), strict=False):
        axes.hist(
            values,
            bins,
            density=True,
            histtype="step",
            color=colour,
            linewidth=1.6,
            label=f"{name}: mean {values.mean():.2f}",
        )
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set_xlabel("Kendall's tau between two rankings, each from half of the matches")
    axes.set_yticks([])
    axes.legend(frameon=False, loc="upper left")
    _save(figure, path, axes)


@_style
def curve(
    path: Path, lines: Mapping[str, Sequence[tuple[int, Estimate, Sequence[float]]]], rivals: Mapping[str, float]
) -> None:
    """Gains by number of training worlds with intervals, a dot for each training seed; baselines as level lines."""
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    axes = figure.subplots()
    for (name, points), colour in zip(lines.items(), (BLUE, RED), strict=False):
        places = [count for count, _, _ in points]
        axes.plot(places, [gain.mean for _, gain, _ in points], "o-", color=colour, label=name)
        for count, gain, seeds in points:
            axes.plot([count] * 2, [gain.low, gain.high], color=colour, linewidth=1)
            axes.plot([count] * len(seeds), seeds, "_", color=colour, markersize=9)
        axes.set_xscale("log")
        axes.set_xticks(places, list(map(str, places)))
        axes.minorticks_off()
    for (name, level), style in zip(rivals.items(), ("--", ":", "-."), strict=False):
        axes.axhline(level, color=GREY, linestyle=style, linewidth=1, label=name)
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xlabel("training worlds")
    axes.set_ylabel("gain over vanilla")
    axes.legend(frameon=False, fontsize=8)
    _save(figure, path, axes)


def _save(figure: Figure, path: Path, axes: object) -> None:
    axes.spines[["top", "right"]].set_visible(False)  # type: ignore[attr-defined]
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
