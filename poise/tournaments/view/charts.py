"""Pictures as SVG: only classes and numbers, so that the pages' policy allows them and both colour schemes fit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from markupsafe import Markup

from poise.agents.emotions.tables import STATES
from poise.games.moves import SEATS, Seat
from poise.games.transcript import Transcript
from poise.tournaments.charts.svg import chart, tag


def _number(value: float) -> str:
    return f"{value:.1f}"


_MATCH_WIDE: Final = 760
_MATCH_LEFT, _MATCH_RIGHT = 96, 106  # room for the words beside, which are larger on a phone
_BAND: Final = 72  # pixels of one seat's beliefs
_APART: Final = 20  # pixels between two lines of words


class Axis:
    """Where message `index` stands in a picture: all pictures of a match share it."""

    def __init__(self, messages: int) -> None:
        self._messages = messages
        self.step = (_MATCH_WIDE - _MATCH_LEFT - _MATCH_RIGHT) / max(1, messages - 1)

    def x(self, index: float) -> float:
        """Pixels from the left."""
        return _MATCH_LEFT + index * self.step

    def cursor(self, height: int) -> Markup:
        """The line at the message being viewed; the page's script moves it."""
        return tag("line", class_="cursor", x1=_MATCH_LEFT, x2=_MATCH_LEFT, y1=0, y2=height)

    def data(self) -> dict[str, object]:
        """What the script needs to move it."""
        return {"data_left": _MATCH_LEFT, "data_step": f"{self.step:.4f}"}

    def drawn(self, y: int) -> list[Markup]:
        """The axis at height `y`: the messages' numbers, from 1, at most ten of them."""
        every = next(step for step in (1, 2, 5, 10, 20, 50, 100, self._messages) if self._messages / step <= 10)
        numbers = [1, *range(every, self._messages + 1, every)] if every > 1 else range(1, self._messages + 1)
        parts = [tag("line", class_="axis", x1=_MATCH_LEFT, x2=_MATCH_WIDE - _MATCH_RIGHT, y1=y, y2=y)]
        places = ((number, _number(self.x(number - 1))) for number in numbers)
        parts += [tag("text", x=x, y=y + 16, text_anchor="middle", text=number) for number, x in places]
        words = tag("text", x=_MATCH_WIDE, y=y + 16, text_anchor="end", text="message")
        return [*parts, words]


def offers_chart(transcript: Transcript, prefix: str = "", scale: Sequence[int] = ()) -> Markup:
    """Offers over time with both targets; each point links to its message. scale: further values that must fit."""
    scenario, height = transcript.scenario, 170
    offers = [(one.index, one.seat, one.move.value) for one in transcript.messages if one.move.value is not None]
    values = [scenario.creditor_target, scenario.debtor_target, *(value for _, _, value in offers), *scale]
    low, span = min(values), max(values) - min(values) or 1
    axis = Axis(len(transcript.messages))

    def y(value: float) -> float:
        return height - 14 - (value - low) / span * (height - 28)

    parts = [*axis.drawn(height), axis.cursor(height)]
    targets = {y(scenario.target(seat)) for seat in SEATS}
    middle = low + span / 2
    if all(abs(y(middle) - at) > 18 for at in targets):
        parts += _level("grid", y(middle), "", f"{middle:g}")
    for seat in SEATS:
        target = scenario.target(seat)
        parts += _level(f"target {seat}", y(target), "target", target)
    if transcript.outcome.value is not None:
        deal = y(transcript.outcome.value)
        parts += _level("settled", deal, f"deal {transcript.outcome.value}", None, _clear(deal, targets, height))
    for seat in SEATS:
        own = [(axis.x(index), y(value), index, value) for index, whose, value in offers if whose == seat]
        points = " ".join(f"{x:.1f},{at:.1f}" for x, at, *_ in own)
        parts.append(tag("polyline", class_=seat, points=points))
        parts += [_point(seat, place, prefix, scenario.unit) for place in own]
    words = f"Offers in {scenario.unit}, message by message"
    return chart("offers", (_MATCH_WIDE, height + 22), words, parts, role="group", **axis.data())


def _clear(y: float, taken: Collection[float], height: int) -> float:
    """The height nearest to `y` at which words lie within the picture and on none of those at `taken`."""
    places = [y, *(at + way * _APART for at in taken for way in (-1, 1))]
    free = [at for at in places if 10 <= at <= height - 10 and all(abs(at - other) > _APART - 1 for other in taken)]
    return min(free, key=lambda at: abs(at - y), default=y)


def _level(kind: str, y: float, words: str, value: object, words_y: float | None = None) -> list[Markup]:
    """A line from left to right at `y`, its value before it and its words behind it, at `words_y` if that is given."""
    parts = [tag("line", class_=kind, x1=_MATCH_LEFT, x2=_MATCH_WIDE - _MATCH_RIGHT, y1=_number(y), y2=_number(y))]
    if words:
        parts.append(
            tag(
                "text",
                class_=kind,
                x=_MATCH_WIDE - _MATCH_RIGHT + 8,
                y=_number((y if words_y is None else words_y) + 4),
                text=words,
            )
        )
    if value is not None:
        parts.append(tag("text", x=_MATCH_LEFT - 8, y=_number(y + 4), text_anchor="end", text=value))
    return parts


def _point(seat: Seat, place: tuple[float, float, int, int], prefix: str, unit: str) -> Markup:
    x, y, index, value = place
    dot = tag("circle", class_=seat, cx=_number(x), cy=_number(y), r=4)
    words = f"message {index + 1}: {value} {unit}"
    to = {"href": f"#{prefix}m{index + 1}", "tabindex": "-1", "aria_label": words}
    return tag("a", tag("title", text=words), dot, data_message=index, **to)


def belief_chart(transcript: Transcript) -> Markup | None:
    """What each seat believed about the other's hidden state, over time; None where nothing was ever read."""
    axis, parts, top = Axis(len(transcript.messages)), list[Markup](), 2
    for seat in SEATS:
        bands = _bands(transcript, seat, axis, top)
        if bands:
            parts += bands
            parts += [
                tag("text", class_=seat, x=_MATCH_LEFT - 8, y=top + 40, text_anchor="end", text=seat),
                tag("text", x=_MATCH_WIDE - _MATCH_RIGHT + 8, y=top + 14, text="100 %"),
                tag("text", x=_MATCH_WIDE - _MATCH_RIGHT + 8, y=top + _BAND, text="0 %"),
            ]
            top += _BAND + 8
    if not parts:
        return None
    height = top - 4
    drawn = [*parts, *axis.drawn(height), axis.cursor(height)]
    words = "Beliefs about the other side's state, in percent, message by message"
    return chart("belief", (_MATCH_WIDE, height + 22), words, drawn, **axis.data())


def _bands(transcript: Transcript, seat: Seat, axis: Axis, top: int) -> list[Markup]:
    """One seat's beliefs as bands that add up to one."""
    read = [(float(one.index), one.reading.belief) for one in transcript.messages if one.seat == seat and one.reading]
    if len(read) == 1:
        start = min(read[0][0], len(transcript.messages) - 1.6)
        read = [(start, read[0][1]), (start + 0.6, read[0][1])]
    parts, below = [], [0.0] * len(read)
    for state, name in enumerate(STATES) if read else ():
        above = [low + belief[state] for low, (_, belief) in zip(below, read, strict=True)]
        edge = [(axis.x(index), share) for (index, _), share in zip(read, above, strict=True)]
        base = [(axis.x(index), share) for (index, _), share in zip(read, below, strict=True)]
        points = " ".join(f"{x:.1f},{top + _BAND - share * _BAND:.1f}" for x, share in [*edge, *reversed(base)])
        parts.append(tag("polygon", tag("title", text=name), class_=f"s{state}", points=points))
        below = above
    return parts
