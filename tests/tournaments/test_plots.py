"""Pictures in matplotlib: they draw the report's figures in the report's colours, into the axis that they are given."""

import re

import matplotlib as mpl
import numpy as np
import pytest
from helpers.view_fakes import HOSTILE, fake_folder, fake_plan, fake_store, real_folder
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from poise import plots
from poise.common.errors import BadInput, ConfigError
from poise.tournaments.charts.pages import STYLES
from poise.tournaments.charts.plots import colour
from poise.tournaments.process import measure_process
from poise.tournaments.results import Result
from poise.tournaments.statistics.bradley_terry import bradley_terry, games_of
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.store import read_snapshot

mpl.use("agg")
OF_TOURNAMENTS = [name for name in plots.__all__ if name not in ("plot_training", "plot_overview")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return real_folder(tmp_path_factory.mktemp("plots") / "real", creditors=("vanilla", "eq-negotiator", "wsls"))


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", OF_TOURNAMENTS)
def test_each_draws_into_the_given_axis_and_says_what_its_axes_are(folder, name):
    draw, own = getattr(plots, name), plt.subplots()[1]
    assert draw(folder, own) is own
    new = draw(Result(folder, 36, 36, 0))
    assert new is not own
    for ax in (own, new):
        assert ax.get_xlabel()
        assert ax.get_ylabel() or [label.get_text() for label in ax.get_yticklabels()]
        ax.figure.canvas.draw()


def test_standings_are_the_means_the_best_on_top(folder):
    listed = read_standings(folder).seat("creditor")
    ax = plots.plot_standings(folder)
    *intervals, means = ax.lines
    assert list(means.get_xdata()) == [one.utility.mean for one in listed]
    assert [list(line.get_xdata()) for line in intervals] == [[one.utility.low, one.utility.high] for one in listed]
    assert [label.get_text() for label in ax.get_yticklabels()] == [one.label for one in listed]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    gained = plots.plot_standings(folder, baseline="wsls")
    drawn = next(line for line in gained.lines if line.get_marker() == "o")
    expected = {one.label: one.utility.mean for one in read_standings(folder, baseline="wsls").differences}
    names = [label.get_text() for label in gained.get_yticklabels()]
    assert dict(zip(names, drawn.get_xdata(), strict=True)) == expected
    with pytest.raises(ConfigError, match="did you mean 'wsls'"):
        plots.plot_standings(folder, baseline="wsl")
    with pytest.raises(BadInput, match="no debtor"):
        plots.plot_standings(folder, seat="debtor", baseline="wsls")


@pytest.mark.parametrize("measure", ["creditor", "debtor", "success"])
def test_payoffs_are_the_matrix(folder, measure):
    ax = plots.plot_payoffs(folder, measure=measure)
    name = "success" if measure == "success" else f"{measure}_utility"
    matrix = [[getattr(cell, name) for cell in line] for line in read_standings(folder).matrix]
    assert ax.images[0].get_array().tolist() == matrix
    assert [text.get_text() for text in ax.texts] == [f"{value:.2f}" for line in matrix for value in line]
    with pytest.raises(BadInput, match="there are creditor, debtor, success"):
        plots.plot_payoffs(folder, measure="utility")


def test_concessions_are_those_of_the_process_figures(folder):
    curves = measure_process(folder, pairs=False).pooled.curves
    ax = plots.plot_concessions(folder)
    for line, curve in zip(ax.lines, curves, strict=True):
        means = [point.mean for point in curve.points if point is not None]
        assert list(line.get_ydata()) == pytest.approx([1 - mean if curve.seat == "debtor" else mean for mean in means])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["creditors", "debtors"]


@pytest.mark.parametrize("seat", ["creditor", "debtor"])
def test_shares_of_emotions_add_up_to_one(folder, seat):
    ax = plots.plot_emotions(folder, seat=seat)
    tops = [np.max(band.get_paths()[0].vertices[:, 1]) for band in ax.collections]
    assert tops == sorted(tops)
    assert tops[-1] == pytest.approx(1, abs=1e-5)
    assert len(tops) == 7


def test_ratings_are_bradley_and_terry_s(folder):
    ratings = bradley_terry(games_of(read_snapshot(folder)))
    ax = plots.plot_ratings(folder)
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    drawn = {(float(x), int(y)) for line in dots for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)}
    assert drawn == {(one.strength, place) for place, one in enumerate(ratings)}


def test_the_colours_are_the_report_s(folder):
    style = (STYLES / "report.css").read_text()
    for seat in ("creditor", "debtor"):
        ax = plots.plot_standings(folder, seat=seat)
        assert f"--{seat}: {to_hex(ax.lines[-1].get_color())};" in style
        assert colour(seat) in style
    heat = plots.plot_payoffs(folder).images[0].get_cmap()
    shades = dict(re.findall(r"^\.h(\d+)\{background:(#[0-9a-f]{6})", style, re.MULTILINE))
    assert [to_hex(heat(0.0)), to_hex(heat(1.0))] == [shades["0"], shades["20"]]


def test_result_plot_draws_them_all(folder):
    axes = Result(folder, 36, 36, 0).plot()
    assert len(axes) == 6
    assert len({ax.figure for ax in axes}) == 1
    axes[0].figure.canvas.draw()


def test_hostile_names_are_drawn_as_text_and_nothing_to_draw_is_said(tmp_path):
    hostile = fake_folder(tmp_path / "hostile", hostile=True)
    for name in ("plot_standings", "plot_payoffs", "plot_ratings"):
        getattr(plots, name)(hostile).figure.canvas.draw()
    assert HOSTILE[:10] in plots.plot_payoffs(hostile).get_yticklabels()[0].get_text()
    fake_store(tmp_path / "empty", fake_plan()).close()
    for name in OF_TOURNAMENTS:
        with pytest.raises(BadInput):
            getattr(plots, name)(tmp_path / "empty")
