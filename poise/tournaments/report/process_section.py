"""Process figures for the report: SVG and heat maps of classes and numbers alone, as the page's policy wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.errors import BadInput
from poise.common.plain_tables import PlainTable
from poise.games.moves import SEATS
from poise.tournaments.charts.svg import chart, tag
from poise.tournaments.process.concession import GRID, Curve
from poise.tournaments.process.measure import Process, process_of
from poise.tournaments.process.transitions import human
from poise.tournaments.storage.snapshot import Documents, Snapshot

MOST: Final = 2000  # negotiations that the report's figures are over: about a millisecond each
_WIDTH, _HEIGHT = 560, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 10, 30
_SHADES: Final = 20
_READ: Final = {"creditor": "shown by creditors", "debtor": "read in debtors\N{RIGHT SINGLE QUOTATION MARK} words"}


@dataclass(frozen=True, slots=True)
class ChainTable:
    """One seat's transitions beside people's; a row's cells are (percent, shade), empty for one never seen."""

    title: str
    pairs: int
    distance: float
    chance: float
    rows: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
    human: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """What the page shows."""

    negotiations: int
    total: int
    curves: Markup
    chains: tuple[ChainTable, ...]
    emotions: tuple[str, ...]
    tables: tuple[PlainTable, ...]


def section(snapshot: Snapshot, documents: Documents) -> Section | None:
    """The page's section; None where there is nothing to measure yet."""
    try:
        process = process_of(snapshot, documents, pairs=False, most=MOST)
    except BadInput:
        return None
    return Section(
        negotiations=process.negotiations,
        total=len(snapshot.rows) - process.failed,
        curves=curves(process.pooled.curves),
        chains=chains(process),
        emotions=EMOTIONS7,
        tables=tuple(table for table in process.tables() if not table.caption.startswith("Next emotion")),
    )


def curves(both: Sequence[Curve]) -> Markup:
    """Both seats' mean curves with their intervals, between the first offers: where they meet is the middle."""
    parts = []
    for level in range(5):
        y = f"{_y(level / 4):.1f}"
        parts.append(tag("line", class_="grid", x1=f"{_x(0):.1f}", x2=f"{_x(1):.1f}", y1=y, y2=y))
    parts += [_words((_x(0) - 6, _y(level / 2) + 4), f"{level / 2:g}", "end") for level in range(3)]
    parts.append(_words((_x(0), _y(0) + 20), "first offers", "start"))
    parts.append(_words((_x(1), _y(0) + 20), "end of the negotiation", "end"))
    for curve in both:
        parts += _drawn(curve)
    return chart("concession", (_WIDTH, _HEIGHT), "Mean offers of both seats over the negotiation's time", parts)


def _drawn(curve: Curve) -> list[Markup]:
    """The debtor comes down from the top, the creditor up from the bottom."""
    points = [(time, point) for time, point in zip(GRID, curve.points, strict=True) if point is not None]
    if not points:
        return []
    flip = curve.seat == "debtor"

    def at(time: float, value: float) -> str:
        return f"{_x(time):.1f},{_y(1 - value if flip else value):.1f}"

    low = [at(time, point.mean if point.low is None else point.low) for time, point in points]
    high = [at(time, point.mean if point.high is None else point.high) for time, point in points]
    mean = " ".join(at(time, point.mean) for time, point in points)
    band = tag("polygon", class_=f"band {curve.seat}", points=" ".join([*low, *reversed(high)]))
    return [band, tag("polyline", class_=curve.seat, points=mean)]


def _x(time: float) -> float:
    return _LEFT + time * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float) -> float:
    return _TOP + (1 - min(max(value, 0.0), 1.0)) * (_HEIGHT - _TOP - _BOTTOM)


def _words(at: tuple[float, float], text: str, anchor: str) -> Markup:
    return tag("text", x=f"{at[0]:.1f}", y=f"{at[1]:.1f}", text_anchor=anchor, text=text)


def chains(process: Process) -> tuple[ChainTable, ...]:
    """The seats' own transitions, of those that have any."""
    found = []
    for seat in SEATS:
        told = process.pooled.transitions[seat, "own"]
        if told.distance is not None and told.chance is not None:
            rows, people = _rows(told.shares()), _rows(human("own").tolist())
            found.append(ChainTable(_READ[seat], told.pairs, told.distance, told.chance, rows, people))
    return tuple(found)


def _rows(shares: Sequence[list[float] | None]) -> tuple[tuple[str, tuple[tuple[int, int], ...]], ...]:
    return tuple(
        (name, tuple((round(100 * share), round(_SHADES * share)) for share in row or ()))
        for name, row in zip(EMOTIONS7, shares, strict=True)
    )
