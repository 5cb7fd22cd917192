"""How matches ended, where deals settle and how long matches take: pictures of the report and of the viewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from poise.games.moves import SEATS, Seat
from poise.tournaments.charts.svg import chart, tag
from poise.tournaments.storage.rows import Row
from poise.tournaments.storage.snapshot import Snapshot

ENDINGS: Final = ("deal", "walked", "timeout", "failed")
BINS: Final = 20
_WIDE: Final = 560
_LEFT: Final = 44


@dataclass(frozen=True, slots=True)
class Ends:
    """How one agent's matches ended: (ending, matches) in the order of ENDINGS, none left out."""

    label: str
    seat: Seat
    matches: int
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class OutcomeFigure:
    """A picture; name: of its file."""

    name: str
    title: str
    picture: Markup


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in bins of equal width from `low` to `high`; what lies outside is in the bin next to it."""

    low: float
    high: float
    counts: tuple[int, ...]
    mean: float | None


def ending_bar(ends: Ends) -> Markup:
    """One agent's endings as one bar, of 100 by 10."""
    parts, left = [], 0.0
    for ending, count in ends.counts:
        share = 100 * count / ends.matches
        if count:
            words = tag("title", text=f"{ending}: {count:,} of {ends.matches:,} ({share:.0f} %)")
            width = max(0.0, share - 0.3)
            place = {"x": f"{left:.1f}", "width": f"{width:.2f}", "height": 10}
            parts.append(tag("rect", words, class_=f"e-{ending}", **place))
        left += share
    told = ", ".join(f"{ending} {count}" for ending, count in ends.counts if count)
    return tag(
        "svg", *parts, class_="ends", viewBox="0 0 100 10", preserveAspectRatio="none", role="img", aria_label=told
    )


def bars(data: Histogram, label: str, ends: tuple[str, str]) -> Markup:
    """A histogram of matches; `ends` are written below its two ends."""
    high, base = 120, 146
    most = max([*data.counts, 1])
    width = (_WIDE - _LEFT) / len(data.counts)
    parts = [tag("text", x=0, y=11, text="matches")]
    for count, y in ((most, base - high), (0, base)):
        parts.append(tag("line", class_="grid", x1=_LEFT, x2=_WIDE, y1=y, y2=y))
        parts.append(tag("text", x=_LEFT - 6, y=y + 4, text_anchor="end", text=f"{count:,}"))
    for place, count in enumerate(data.counts):
        low, top = (data.low + (data.high - data.low) * (place + side) / len(data.counts) for side in (0, 1))
        tall = high * count / most
        title = tag("title", text=f"{low:.2f} to {top:.2f}: {count:,} matches")
        parts.append(
            tag(
                "rect",
                title,
                class_="bar",
                x=f"{_LEFT + place * width + 1:.1f}",
                y=f"{base - tall:.1f}",
                width=f"{width - 2:.1f}",
                height=f"{tall:.1f}",
            )
        )
    if data.mean is not None:
        x = _LEFT + (_WIDE - _LEFT) * (data.mean - data.low) / (data.high - data.low)
        anchor = "end" if x > _WIDE * 0.8 else "start"
        parts.append(tag("line", class_="mark", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=16, y2=base))
        shift = -5 if anchor == "end" else 5
        parts.append(tag("text", x=f"{x + shift:.1f}", y=12, text_anchor=anchor, text=f"mean {data.mean:.2f}"))
    parts.append(tag("line", class_="ground", x1=_LEFT, x2=_WIDE, y1=base, y2=base))
    parts.append(tag("text", x=_LEFT, y=base + 15, text=ends[0]))
    parts.append(tag("text", x=_WIDE, y=base + 15, text_anchor="end", text=ends[1]))
    return chart("histogram", (_WIDE, base + 20), label, parts)


def histograms(rows: Sequence[Row]) -> list[OutcomeFigure]:
    """Where deals settle and how long matches take."""
    share, length = gap_shares(rows), lengths(rows)
    ends = ("0: the debtor's target", "1: the creditor's target")
    messages = ("1 message", f"{length.high - 0.5:.0f} messages")
    return [
        OutcomeFigure("deals", "Where deals settle", bars(share, "The creditor's share of the gap over deals", ends)),
        OutcomeFigure("lengths", "How long negotiations take", bars(length, "Messages of a match", messages)),
    ]


def endings(snapshot: Snapshot) -> list[Ends]:
    """Every agent with a finished match, creditors first, as entered."""
    found: dict[tuple[Seat, int], dict[str, int]] = {}
    for row in snapshot.rows:
        for seat, place in (("creditor", row.creditor), ("debtor", row.debtor)):
            counts = found.setdefault((seat, place), dict.fromkeys(ENDINGS, 0))  # type: ignore[arg-type]  # two seats
            counts[row.ending] = counts.get(row.ending, 0) + 1
    listed = sorted(found.items(), key=lambda item: (SEATS.index(item[0][0]), item[0][1]))
    return [
        Ends(snapshot.labels(seat)[place], seat, sum(counts.values()), tuple(counts.items()))
        for (seat, place), counts in listed
    ]


def histogram(values: Sequence[float], low: float, high: float, bins: int = BINS) -> Histogram:
    """How `values` lie between `low` and `high` (low < high)."""
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, max(0, int((value - low) / (high - low) * bins)))] += 1
    return Histogram(low, high, tuple(counts), sum(values) / len(values) if values else None)


def gap_shares(rows: Sequence[Row]) -> Histogram:
    """The creditor's share of the gap, over deals."""
    return histogram([row.creditor_savings for row in rows if row.creditor_savings is not None], 0.0, 1.0)


def lengths(rows: Sequence[Row]) -> Histogram:
    """Messages of a match."""
    longest = max((row.rounds for row in rows), default=1)
    return histogram([row.rounds for row in rows], 0.5, longest + 0.5, min(longest, 40) or 1)
