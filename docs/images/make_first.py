"""Draws the README's picture of the first tournament: python docs/images/make_first.py runs/first"""  # noqa: D415

import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from poise.tournaments.statistics.standings import read_standings

PICTURE = Path(__file__).with_name("first.svg")
BLUE, GREY = "#2c5f8a", "#777777"


def draw(folder: str, picture: Path = PICTURE) -> None:
    """Each creditor's utility with its 95 % interval, and a line where the baseline stands."""
    mpl.rcParams |= {"svg.hashsalt": "poise", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}
    standings = read_standings(folder)
    creditors = [one for one in standings.standings if one.seat == "creditor"]
    figure = Figure(figsize=(7.2, 0.9 + 0.34 * len(creditors)), layout="constrained")
    axes = figure.subplots()
    for place, one in enumerate(creditors):
        colour = GREY if one.label == "vanilla" else BLUE
        axes.plot([one.utility.low, one.utility.high], [place, place], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot(one.utility.mean, place, "o", color=colour, markersize=5)
        if one.label == "vanilla":
            axes.axvline(one.utility.mean, color=GREY, linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(creditors)), [Path(one.label).name for one in creditors])
    axes.set_ylim(len(creditors) - 0.5, -0.5)
    axes.set_xlabel("utility: share of what the two sides bargain over, with its 95 % interval")
    axes.grid(axis="x", linewidth=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None}, transparent=False)


if __name__ == "__main__":
    draw(sys.argv[1])
