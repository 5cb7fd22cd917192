"""Process figures for the report: SVG and heat maps of classes and numbers alone, as the page's policy wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.errors import BadInput
from poise.games.moves import SEATS
from poise.tournaments.html_tables import PlainTable
from poise.tournaments.process.concession import GRID, Curve
from poise.tournaments.process.measure import Process, of_store
from poise.tournaments.process.tables import tables
from poise.tournaments.process.transitions import human
from poise.tournaments.storage.store import Store

MOST: Final = 2000  # talks that the report's figures are over: about a millisecond each
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

    talks: int
    total: int
    curves: Markup
    chains: tuple[ChainTable, ...]
    emotions: tuple[str, ...]
    tables: tuple[PlainTable, ...]


def section(store: Store, name: str) -> Section | None:
    """The page's section; None where there is nothing to measure yet."""
    try:
        process = of_store(store, name, pairs=False, most=MOST)
    except BadInput:
        return None
    plain = [one for one in tables(process) if not one.caption.startswith("Next emotion")]
    return Section(
        talks=process.talks,
        total=store.count() - process.failed,
        curves=curves(process.pooled.curves),
        chains=chains(process),
        emotions=EMOTIONS7,
        tables=tuple(plain),
    )


def curves(both: Sequence[Curve]) -> Markup:
    """Both seats' mean curves with their intervals, between the first offers: where they meet is the middle."""
    parts = [_line("grid", 0, 1, level / 4, level / 4) for level in range(5)]
    parts += [_words(0, level / 2, f"{level / 2:g}", "end", (-6, 4)) for level in range(3)]
    parts += [_words(0, 0, "first offers", "start", (0, 20)), _words(1, 0, "end of the talks", "end", (0, 20))]
    for one in both:
        parts += _drawn(one)
    told = "Mean offers of both seats over the time of the talks"
    return Markup('<svg class="chart concession" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, _HEIGHT, told, Markup("").join(parts)
    )


def _drawn(one: Curve) -> list[Markup]:
    """The debtor comes down from the top, the creditor up from the bottom."""
    there = [(at, point) for at, point in zip(GRID, one.points, strict=True) if point is not None]
    if not there:
        return []
    flip = one.seat == "debtor"

    def at(time: float, value: float) -> str:
        return f"{_x(time):.1f},{_y(1 - value if flip else value):.1f}"

    low = [at(time, point.mean if point.low is None else point.low) for time, point in there]
    high = [at(time, point.mean if point.high is None else point.high) for time, point in there]
    mean = " ".join(at(time, point.mean) for time, point in there)
    band = Markup('<polygon class="band {}" points="{}"/>').format(one.seat, " ".join([*low, *reversed(high)]))
    return [band, Markup('<polyline class="{}" points="{}"/>').format(one.seat, mean)]


def _x(time: float) -> float:
    return _LEFT + time * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float) -> float:
    return _TOP + (1 - min(max(value, 0.0), 1.0)) * (_HEIGHT - _TOP - _BOTTOM)


def _line(kind: str, x1: float, x2: float, y1: float, y2: float) -> Markup:
    places = [f"{one:.1f}" for one in (_x(x1), _x(x2), _y(y1), _y(y2))]
    return Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(kind, *places)


def _words(time: float, value: float, text: str, anchor: str, shift: tuple[int, int]) -> Markup:
    places = f"{_x(time) + shift[0]:.1f}", f"{_y(value) + shift[1]:.1f}"
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(*places, anchor, text)


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
