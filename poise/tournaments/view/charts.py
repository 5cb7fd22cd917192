"""Pictures as SVG: only classes and numbers, so that the pages' policy allows them and both colour schemes fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from poise.agents.emotions.tables import STATES
from poise.games.moves import SEATS, Seat
from poise.games.transcript import Transcript
from poise.tournaments.charts.svg import chart, tag

_WIDE: Final = 560
_LEFT, _RIGHT = 46, 108


def _number(value: float) -> str:
    return f"{value:.1f}"


@dataclass(frozen=True, slots=True)
class Ends:
    """How one agent's matches ended: (ending, matches) in the order of ENDINGS, none left out."""

    label: str
    seat: Seat
    matches: int
    counts: tuple[tuple[str, int], ...]


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
            place = {"x": _number(left), "width": f"{width:.2f}", "height": 10}
            parts.append(tag("rect", words, class_=f"e-{ending}", **place))
        left += share
    told = ", ".join(f"{ending} {count}" for ending, count in ends.counts if count)
    return tag(
        "svg", *parts, class_="ends", viewBox="0 0 100 10", preserveAspectRatio="none", role="img", aria_label=told
    )


def bars(data: Histogram, label: str, ends: tuple[str, str]) -> Markup:
    """A histogram; `ends` are written below its two ends."""
    high, base = 120, 132
    most = max([*data.counts, 1])
    width = _WIDE / len(data.counts)
    parts = []
    for place, count in enumerate(data.counts):
        low, top = (data.low + (data.high - data.low) * (place + side) / len(data.counts) for side in (0, 1))
        tall = high * count / most
        title = tag("title", text=f"{low:.2f} to {top:.2f}: {count:,} matches")
        parts.append(
            tag(
                "rect",
                title,
                class_="bar",
                x=_number(place * width + 1),
                y=_number(base - tall),
                width=_number(width - 2),
                height=_number(tall),
            )
        )
    if data.mean is not None:
        x = _WIDE * (data.mean - data.low) / (data.high - data.low)
        anchor = "end" if x > _WIDE * 0.8 else "start"
        parts.append(tag("line", class_="mark", x1=_number(x), x2=_number(x), y1=0, y2=base))
        shift = -5 if anchor == "end" else 5
        parts.append(tag("text", x=_number(x + shift), y=10, text_anchor=anchor, text=f"mean {data.mean:.2f}"))
    parts.append(tag("line", class_="ground", x1=0, x2=_WIDE, y1=base, y2=base))
    parts.append(tag("text", x=0, y=base + 15, text=ends[0]))
    parts.append(tag("text", x=_WIDE, y=base + 15, text_anchor="end", text=ends[1]))
    return chart("histogram", (_WIDE, base + 20), label, parts)


class Axis:
    """Where message `index` stands in a picture: all pictures of a match share it."""

    def __init__(self, messages: int) -> None:
        self.step = (_WIDE - _LEFT - _RIGHT) / max(1, messages - 1)

    def x(self, index: float) -> float:
        """Pixels from the left."""
        return _LEFT + index * self.step

    def cursor(self, height: int) -> Markup:
        """The line at the message that is looked at; the page's script moves it."""
        return tag("line", class_="cursor", x1=_LEFT, x2=_LEFT, y1=0, y2=height)

    def data(self) -> dict[str, object]:
        """What the script needs to move it."""
        return {"data_left": _LEFT, "data_step": f"{self.step:.4f}"}


def offers_chart(transcript: Transcript, prefix: str = "", scale: Sequence[int] = ()) -> Markup:
    """Offers over time with both targets; each point leads to its message. scale: values that must fit, too."""
    scenario, height = transcript.scenario, 190
    offers = [(one.index, one.seat, one.move.value) for one in transcript.messages if one.move.value is not None]
    values = [scenario.creditor_target, scenario.debtor_target, *(value for _, _, value in offers), *scale]
    low, span = min(values), max(values) - min(values) or 1
    axis = Axis(len(transcript.messages))

    def y(value: float) -> float:
        return height - 16 - (value - low) / span * (height - 30)

    parts = [axis.cursor(height)]
    for seat in SEATS:
        target = scenario.target(seat)
        parts += _level(f"target {seat}", y(target), f"{seat}\N{RIGHT SINGLE QUOTATION MARK}s target", target)
    if transcript.outcome.value is not None:
        parts += _level("settled", y(transcript.outcome.value), f"deal at {transcript.outcome.value}", None)
    for seat in SEATS:
        made = [(axis.x(index), y(value), index, value) for index, whose, value in offers if whose == seat]
        points = " ".join(f"{x:.1f},{at:.1f}" for x, at, *_ in made)
        parts.append(tag("polyline", class_=seat, points=points))
        for x, at, index, value in made:
            dot = tag("circle", class_=seat, cx=_number(x), cy=_number(at), r=4)
            title = tag("title", text=f"message {index + 1}: {value} {scenario.unit}")
            parts.append(tag("a", title, dot, href=f"#{prefix}m{index}", tabindex="-1", data_message=index))
    return chart("offers", (_WIDE, height), f"Offers in {scenario.unit}, message by message", parts, **axis.data())


def _level(kind: str, y: float, words: str, value: int | None) -> list[Markup]:
    parts = [tag("line", class_=kind, x1=_LEFT, x2=_WIDE - _RIGHT, y1=_number(y), y2=_number(y))]
    parts.append(tag("text", class_=kind, x=_WIDE - _RIGHT + 6, y=_number(y + 4), text=words))
    if value is not None:
        parts.append(tag("text", x=_LEFT - 8, y=_number(y + 4), text_anchor="end", text=value))
    return parts


def belief_chart(transcript: Transcript, seat: Seat) -> Markup | None:
    """What `seat` believed of the other side's hidden state, over time; None where it never read anything."""
    read = [(float(one.index), one.reading.belief) for one in transcript.messages if one.seat == seat and one.reading]
    if not read:
        return None
    height, axis = 74, Axis(len(transcript.messages))
    if len(read) == 1:
        read = [read[0], (read[0][0] + 0.6, read[0][1])]
    parts, below = [], [0.0] * len(read)
    for state, name in enumerate(STATES):
        above = [low + belief[state] for low, (_, belief) in zip(below, read, strict=True)]
        edge = [(axis.x(index), share) for (index, _), share in zip(read, above, strict=True)]
        base = [(axis.x(index), share) for (index, _), share in zip(read, below, strict=True)]
        points = " ".join(f"{x:.1f},{height - share * height:.1f}" for x, share in [*edge, *reversed(base)])
        parts.append(tag("polygon", tag("title", text=name), class_=f"s{state}", points=points))
        below = above
    parts.append(axis.cursor(height))
    return chart("belief", (_WIDE, height), f"{seat}: belief over time", parts, **axis.data())
