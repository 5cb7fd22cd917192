"""The overview's tables as CSV and its figures as SVG files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from poise.tournaments.charts.game import figure_file, game_figures
from poise.tournaments.charts.outcomes import histograms
from poise.tournaments.export import not_a_formula, table_rows
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.standings import make_standings
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.view.library import Missing

TABLES: Final = ("standings", "pairs", "matches")
_MEASURES: Final = ("utility", "success", "savings", "rounds")
_COUNTS: Final = ("matches", "deals", "failures", "forfeits", "repairs", "reasks")


def table_csv(snapshot: Snapshot, name: str) -> str:
    """One of TABLES as CSV; Missing for another name."""
    if name not in TABLES:
        raise Missing(f"there is no table called {name[:60]!r}; there are {', '.join(TABLES)}")
    made = {"standings": _standings, "pairs": _pairs}.get(name)
    rows = made(snapshot) if made else table_rows(snapshot, lambda _: iter(()), "matches")
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([not_a_formula(cell) for cell in row] for row in rows)
    return out.getvalue()


def _standings(snapshot: Snapshot) -> Iterable[Sequence[Any]]:
    standings = make_standings(snapshot)
    heads = [f"{name}{part}" for name in _MEASURES for part in ("", "_low", "_high")]
    compared = ["baseline", "difference", "difference_low", "difference_high", "p_holm", "d"]
    yield ["seat", "agent", "file", *_COUNTS, *heads, *compared]
    for one in standings.standings:
        gained = standings.against_baseline(one.label, one.seat)
        told: list[Any] = [None] * len(compared)
        if gained is not None:
            told = [gained.baseline, *_estimate(gained.utility), gained.p_holm, gained.effect]
        measures = [value for name in _MEASURES for value in _estimate(getattr(one, name))]
        yield [one.seat, one.label, one.file, *(getattr(one, name) for name in _COUNTS), *measures, *told]


def _pairs(snapshot: Snapshot) -> Iterable[Sequence[Any]]:
    yield ["seat", "agent", "less", "pairs", "difference", "difference_low", "difference_high", "p", "p_holm", "d"]
    for one in make_standings(snapshot).pairwise:
        gained = _estimate(one.utility)
        yield [one.seat, one.label, one.baseline, one.pairs, *gained, one.p, one.p_holm, one.effect]


def _estimate(estimate: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if estimate is None else (estimate.mean, estimate.low, estimate.high)


def figure_svg(snapshot: Snapshot, name: str) -> str:
    """A figure of the overview as a separate SVG file; Missing where there is none of that name."""
    pictures = {one.name: one.picture for one in histograms(snapshot.rows)}
    if name not in pictures:
        pictures |= {one.name: one.picture for one in game_figures(make_standings(snapshot), snapshot.rows).figures}
    if name not in pictures:
        raise Missing(f"there is no figure called {name[:60]!r} in this tournament")
    return figure_file(pictures[name])
