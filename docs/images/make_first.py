"""Draws the README's picture of the first tournament: python docs/images/make_first.py runs/first"""  # noqa: D415

import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from poise import plots

PICTURE = Path(__file__).with_name("first.svg")


def draw(folder: str, picture: Path = PICTURE) -> None:
    """What each creditor gained over vanilla, with its interval; the same file for the same numbers."""
    with mpl.rc_context():
        mpl.rcdefaults()  # whatever else this process draws with
        mpl.rcParams |= {"svg.hashsalt": "poise", "svg.fonttype": "none", "font.family": "sans-serif"}
        figure = Figure(figsize=(7.2, 2.0), layout="constrained")
        plots.plot_standings(folder, figure.subplots(), baseline="vanilla")
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    draw(sys.argv[1])
