"""Pictures of a tournament in matplotlib, for notebooks and papers, in the colours of the report.

Each function draws into `ax`, or into a new picture, and returns its axes. `result` is what `run_tournament` returns,
or a tournament's folder; statistics are those of the report. All raise BadInput where nothing is finished that could be
drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.errors import BadInput
from poise.common.words import shortened
from poise.games.moves import Seat
from poise.tournaments.charts.pages import STYLES
from poise.tournaments.process.concession import GRID, as_scale
from poise.tournaments.process.measure import process_of
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.bradley_terry import ratings_of
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.rows import transcript_from
from poise.tournaments.storage.snapshot import Snapshot, spread_evenly
from poise.tournaments.storage.store import Store, read_snapshot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

MOST: Final = 2000  # transcripts that a picture is over, spread evenly over the schedule
_NAME: Final = 28  # characters of an agent's name
_EMOTION_COLOURS: Final = {  # warm ones for the negative, as in the viewer the seats' colours stay apart
    "anger": "#b3261e", "disgust": "#7a5b00", "fear": "#6d6fb5", "joy": "#14703c",
    "neutral": "#a3adb8", "sadness": "#3b6ea5", "surprise": "#e3a008",
}  # fmt: skip


class HasFolder(Protocol):
    """What knows its tournament's folder, as `poise.tournaments.results.Result`."""

    @property
    def folder(self) -> Path:
        """The tournament's folder."""
        ...


Source = HasFolder | Path | str
Measure = Literal["creditor", "debtor", "success"]
_MEASURES: Final = {
    "creditor": "creditor's mean utility",
    "debtor": "debtor's mean utility",
    "success": "share of deals",
}


def plot_standings(
    result: Source, ax: Axes | None = None, *, seat: Seat = "creditor", baseline: str | None = None
) -> Axes:
    """Each agent's mean utility with its 95 % interval, as in the standings, the best on top.

    baseline: draw what each agent gained over this one instead, paired by scenario, seed and opponent.
    """
    standings = make_standings(_snapshot(result).against(baseline))
    listed: list[tuple[str, Estimate]] = [(one.label, one.utility) for one in standings.seat(seat)]
    words = f"{seat}'s mean utility"
    if baseline is not None:
        compared = [(one.label, standings.against_baseline(one.label, seat)) for one in standings.seat(seat)]
        listed = [(label, one.utility) for label, one in compared if one is not None]
        words = f"utility gained over {shortened(baseline, _NAME)}"
    if not listed:
        raise BadInput(f"no {seat} has a match to draw; play one, or choose a baseline of that seat")
    ax = _axes(ax, height=0.9 + 0.36 * len(listed))
    _intervals(ax, listed, colour(seat))
    ax.set_xlabel(f"{words}, with 95 % interval")
    ax.set_title(f"{seat.capitalize()}s", loc="left")
    if baseline is None:
        ax.set_xlim(0, 1)
    else:
        ax.axvline(0, color=colour("soft"), linestyle=":", linewidth=1)
    return ax


def plot_payoffs(result: Source, ax: Axes | None = None, *, measure: Measure = "creditor") -> Axes:
    """The mean of each creditor against each debtor as a heat map; cells that were not played are blank."""
    if measure not in _MEASURES:
        raise BadInput(f"measure {measure!r}; there are {', '.join(_MEASURES)}")
    matrix = make_standings(_snapshot(result), draws=2).matrix
    name = "success" if measure == "success" else f"{measure}_utility"
    values = np.array([[getattr(cell, name) for cell in line] for line in matrix], dtype=np.float64)  # None is nan
    ax = _axes(ax, height=1.6 + 0.4 * len(matrix))
    picture = ax.imshow(values, cmap=_heat(), vmin=0, vmax=1, aspect="auto")
    ax.set_xticks(range(len(matrix[0])), [_named(cell.debtor) for cell in matrix[0]], rotation=30, ha="right")
    ax.set_yticks(range(len(matrix)), [_named(line[0].creditor) for line in matrix])
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            shade = "white" if value > 0.62 else colour("ink")  # as in the report: dark cells have light words
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=shade, fontsize="small")
    ax.set_xlabel("debtor")
    ax.set_ylabel("creditor")
    ax.figure.colorbar(picture, ax=ax, label=_MEASURES[measure])
    return ax


def plot_concessions(result: Source, ax: Axes | None = None, *, scale: str = "offers") -> Axes:
    """Where both seats' offers stand over the negotiation's time: means with 95 % intervals, as in `process`.

    scale: between the first offers, or between the targets; see `poise.tournaments.process.concession`.
    """
    known = as_scale(scale)
    with Store.read(_folder(result)) as store:
        curves = process_of(store.snapshot(), store.documents, known, pairs=False, most=MOST).pooled.curves
    ax = _axes(ax)
    for curve in curves:
        times = [time for time, point in zip(GRID, curve.points, strict=True) if point is not None]
        points = [point for point in curve.points if point is not None]
        flip = curve.seat == "debtor"  # the debtor comes down from the top, the creditor up from the bottom
        mean, low, high = (
            [1 - value if flip else value for value in values]
            for values in (
                [point.mean for point in points],
                [point.mean if point.low is None else point.low for point in points],
                [point.mean if point.high is None else point.high for point in points],
            )
        )
        ax.plot(times, mean, color=colour(curve.seat), label=f"{curve.seat}s")
        ax.fill_between(times, low, high, color=colour(curve.seat), alpha=0.2, linewidth=0)
    ends = {"offers": "first offer", "targets": "target"}[known]
    ax.set_xlabel("time, from a seat's first offer (0) to the last message (1)")
    ax.set_ylabel(f"offer, from the creditor's {ends} (0)\nto the debtor's (1)")
    ax.set_xlim(0, 1)
    ax.legend(frameon=False)
    return ax


def plot_emotions(result: Source, ax: Axes | None = None, *, seat: Seat = "debtor", bins: int = 10) -> Axes:
    """Which emotions the other side reads in a seat's messages over the negotiation's time, as shares that add up to 1.

    bins: time is cut into so many equal parts, from the first message to the last.
    """
    if bins < 2:
        raise BadInput(f"bins {bins}: at least 2")
    total, number = np.zeros((bins, len(EMOTIONS7))), np.zeros(bins)
    with Store.read(_folder(result)) as store:
        rows = spread_evenly(store.snapshot().rows, MOST)
        for position, document, _ in store.documents([row.position for row in rows]):
            messages = transcript_from(position, document).messages
            for message in messages:
                if message.reading is not None and message.seat != seat:  # it reads the message before
                    place = min(bins - 1, int(bins * (message.index - 1) / max(1, len(messages) - 1)))
                    total[place] += message.reading.emotions
                    number[place] += 1
    if not number.any():
        raise BadInput(f"nobody read anything in a {seat}'s messages")
    there = number > 0
    middle = (np.arange(bins)[there] + 0.5) / bins
    ax = _axes(ax)
    colours = [_EMOTION_COLOURS[name] for name in EMOTIONS7]
    ax.stackplot(middle, (total[there] / number[there, None]).T, labels=list(EMOTIONS7), colors=colours, alpha=0.85)
    ax.set_xlim(middle[0], middle[-1])
    ax.set_ylim(0, 1)
    ax.set_xlabel("time, from the first message (0) to the last (1)")
    ax.set_ylabel(f"share of emotions read in {seat}s' words")
    handles, names = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], names[::-1], frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def plot_ratings(result: Source, ax: Axes | None = None) -> Axes:
    """The strength of each agent by Bradley and Terry, both seats in one fit, with its 95 % interval."""
    snapshot = _snapshot(result)
    ratings = ratings_of(snapshot)
    ax = _axes(ax, height=1.2 + 0.36 * len(ratings))
    for seat in snapshot.rivals:
        own = [(one, place) for place, one in enumerate(ratings) if one.seat == seat]
        listed = [(one.label, Estimate(one.strength, one.low, one.high)) for one, _ in own]
        _intervals(ax, listed, colour(seat), [place for _, place in own], f"{seat}s")
    ax.set_yticks(range(len(ratings)), [_named(one.label) for one in ratings])
    ax.set_ylim(len(ratings) - 0.5, -0.5)
    ax.axvline(0, color=colour("soft"), linestyle=":", linewidth=1)
    ax.set_xlabel("strength in log-odds, with 95 % interval")
    ax.legend(frameon=False)
    return ax


def plot_overview(result: Source) -> list[Axes]:
    """Both standings, payoffs, ratings, concessions and emotions, in one picture."""
    from matplotlib import pyplot as plt

    snapshot = _snapshot(result)
    agents = max(len(snapshot.creditors), len(snapshot.debtors))
    _, grid = plt.subplots(3, 2, figsize=(12, 9 + 0.3 * agents), layout="constrained")
    top, middle, low = grid
    return [
        plot_standings(result, top[0]),
        plot_standings(result, top[1], seat="debtor"),
        plot_payoffs(result, middle[0]),
        plot_ratings(result, middle[1]),
        plot_concessions(result, low[0]),
        plot_emotions(result, low[1]),
    ]


@cache
def colour(name: str) -> str:
    """A colour of the report's light scheme, such as creditor, debtor, ink or soft, as #rrggbb."""
    found = re.search(rf"--{name}:\s*(#[0-9a-f]{{6}})", (STYLES / "report.css").read_text(encoding="utf-8"))
    if found is None:
        raise BadInput(f"the report has no colour called {name!r}")
    return found[1]


@cache
def _heat() -> Colormap:
    """The colours of the report's heat map."""
    from matplotlib.colors import LinearSegmentedColormap

    style = (STYLES / "report.css").read_text(encoding="utf-8")
    shades = re.findall(r"^\.h\d+\{background:(#[0-9a-f]{6})", style, re.MULTILINE)  # the dark scheme's are indented
    return LinearSegmentedColormap.from_list("poise", shades)


def _folder(result: Source) -> Path:
    return Path(result) if isinstance(result, str | Path) else result.folder


def _snapshot(result: Source) -> Snapshot:
    snapshot = read_snapshot(_folder(result))
    if not snapshot.rows:
        raise BadInput(f"no match of {snapshot.name} is finished, so there is nothing to draw; play one first")
    return snapshot


def _axes(ax: Axes | None, height: float = 4.0) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    made: Axes = plt.subplots(figsize=(7, max(2.4, height)), layout="constrained")[1]
    return made


def _named(label: str) -> str:
    """A name as matplotlib shows it: $ begins a formula there."""
    return shortened(label, _NAME).replace("$", r"\$")


def _intervals(
    ax: Axes,
    listed: Sequence[tuple[str, Estimate]],
    shade: str,
    places: Sequence[int] | None = None,
    words: str | None = None,
) -> None:
    """A dot for each mean and a line for its interval, the first on top."""
    at: Any = range(len(listed)) if places is None else places
    for place, (_, one) in zip(at, listed, strict=True):
        if one.low is not None and one.high is not None:
            ax.plot([one.low, one.high], [place, place], color=shade, alpha=0.35, linewidth=6, solid_capstyle="butt")
    ax.plot([one.mean for _, one in listed], list(at), "o", color=shade, label=words)
    if places is None:
        ax.set_yticks(range(len(listed)), [_named(label) for label, _ in listed])
        ax.set_ylim(len(listed) - 0.5, -0.5)
