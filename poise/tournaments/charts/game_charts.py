"""Alpha-rank over the strength of selection, populations over time, and exploitability, as pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from poise.common.words import shortened, visible
from poise.games.moves import Seat
from poise.tournaments.charts.svg import chart, tag

Array = NDArray[np.float64]
_WIDE, _HIGH = 560, 210
_LEFT, _RIGHT, _TOP, _LOW = 40, 180, 12, 30
NAMED: Final = 4
_APART: Final = 14
_LONGEST: Final = 18
_BAR: Final = 24


@dataclass(frozen=True, eq=False)
class Lines:
    """Shares over something.

    named: which agents have a colour and a name, at most `NAMED`; the rest are grey, and their names in titles.
    x: increasing, of length n, drawn in logarithms; shares: (n, agents); marks: (x, words) below the axis.
    """

    labels: Sequence[str]
    named: Sequence[int]
    x: Array
    shares: Array
    marks: Sequence[tuple[float, str]]
    axis: str


def lines_picture(lines: Lines, kind: str, words: str) -> Markup:
    """Each agent's share as a line; those that are named are where they end."""
    low, high = float(np.log(lines.x[0])), float(np.log(lines.x[-1]))

    def across(x: float) -> float:
        return _LEFT + (float(np.log(x)) - low) / (high - low) * (_WIDE - _LEFT - _RIGHT)

    parts = _grid(lines, across)
    named = list(lines.named)
    order = named + [agent for agent in range(len(lines.labels)) if agent not in named]
    heights = _spread([_y(float(lines.shares[-1, agent])) for agent in named])
    for agent in reversed(order):
        colour = f"line-{named.index(agent)}" if agent in named else "line-rest"
        points = " ".join(f"{across(x):.1f},{_y(y):.1f}" for x, y in zip(lines.x, lines.shares[:, agent], strict=True))
        name = visible(lines.labels[agent])
        title = tag("title", text=f"{name}: {lines.shares[-1, agent]:.3f} at the end")
        parts.append(tag("polyline", title, class_=f"share-line {colour}", points=points))
    for place, agent in enumerate(named):
        text = f"{shortened(lines.labels[agent], _LONGEST)} {lines.shares[-1, agent]:.2f}"
        at = {"x": _WIDE - _RIGHT + 8, "y": f"{heights[place] + 4:.1f}"}
        parts.append(tag("text", class_=f"line-{place}", text=text, **at))
    return chart(f"shares-over {kind}", (_WIDE, _HIGH), words, parts)


def _y(share: float) -> float:
    return _HIGH - _LOW - share * (_HIGH - _LOW - _TOP)


def _grid(lines: Lines, across: Callable[[float], float]) -> list[Markup]:
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = f"{_y(share):.1f}"
        parts.append(tag("line", class_="grid", x1=_LEFT, x2=_WIDE - _RIGHT, y1=y, y2=y))
        parts.append(tag("text", x=_LEFT - 6, y=f"{_y(share) + 4:.1f}", text_anchor="end", text=f"{share:g}"))
    for x, words in lines.marks:
        parts.append(tag("text", x=f"{across(x):.1f}", y=_HIGH - _LOW + 14, text_anchor="middle", text=words))
    middle = (_LEFT + _WIDE - _RIGHT) / 2
    parts.append(tag("text", x=middle, y=_HIGH - 3, text_anchor="middle", text=lines.axis))
    return parts


def _spread(heights: Sequence[float]) -> list[float]:
    """The same heights in the same order, moved until no two names overlap and none is below the axis."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    moved, least = list(heights), float("-inf")
    for place in order:
        least = moved[place] = max(moved[place], least)
        least += _APART
    most = float(_HIGH - _LOW)
    for place in reversed(order):
        most = moved[place] = min(moved[place], most)
        most -= _APART
    return moved


def exploitability_picture(labels: Sequence[str], values: Sequence[float], seat: Seat, reach: float) -> Markup:
    """A bar for each agent, the least exploitable first. reach: what the longest bar stands for, over both seats."""
    order = sorted(range(len(labels)), key=lambda place: (round(values[place], 9), place))
    left, most = 190, _WIDE - 190 - 60
    parts = []
    for row, place in enumerate(order):
        y = row * _BAR
        long = most * values[place] / reach if reach else 0.0
        words = f"{visible(labels[place])}: {values[place]:.3f}"
        name = tag(
            "text", x=left - 8, y=y + 16, text_anchor="end", class_=seat, text=shortened(labels[place], _LONGEST)
        )
        bar = {"x": left, "y": y + 5, "width": f"{max(1.0, long):.1f}", "height": _BAR - 10, "rx": 3}
        told = tag("text", x=f"{left + max(1.0, long) + 6:.1f}", y=y + 16, text=f"{values[place]:.3f}")
        parts.append(tag("g", tag("title", text=words), name, tag("rect", class_=f"bar-{seat}", **bar), told))
    return chart("exploitability", (_WIDE, _BAR * len(labels) + 4), f"Exploitability of the {seat}s", parts)


_SIDE: Final = 300.0


def simplex_picture(labels: Sequence[str], paths: Sequence[Array], words: str) -> Markup:
    """Three agents' shares as a triangle: a corner is one agent alone. paths: each of shape (n, 3), the main one first.

    Each path begins at a small dot and ends at a large one.
    """
    low = 26 + _SIDE * 0.866
    corners = np.array([[130 + _SIDE / 2, 26.0], [130.0, low], [130 + _SIDE, low]])
    edge = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    parts = [tag("polygon", class_="simplex-edge", points=edge)]
    for number, path in reversed(list(enumerate(paths))):
        places = path @ corners
        kind = "line-rest" if number else "line-0"
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(tag("polyline", class_=f"share-line {kind}", points=points))
        for at, size in ((places[0], 2.5), (places[-1], 4.5)):
            parts.append(tag("circle", class_=f"dot {kind}", cx=f"{at[0]:.1f}", cy=f"{at[1]:.1f}", r=size))
    for (x, y), label, below in zip(corners, labels, (False, True, True), strict=True):
        parts.append(tag("text", x=f"{x:.1f}", y=f"{y + (16 if below else -8):.1f}", text_anchor="middle",
                         text=shortened(label, _LONGEST)))  # fmt: skip
    return chart("simplex", (_WIDE, int(low + 26)), words, parts)
