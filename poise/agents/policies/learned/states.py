"""What the trained policies see of a negotiation, as numbers computed only from what a seat may know.

`published`, 10 numbers: EmoDistill's (arXiv 2605.26785). With c this seat's standing offer, d the other side's, x_c
this seat's target, x_d what stands for the other's, G = max(1, |x_d - x_c|), T the last message's index:

    0  (d_prev - d_now) / G, clipped to +-2         5  mean of the last three concessions of the other side / G
    1  (d - c) / G, clipped to +-2                  6  its latest messages in a row that moved less than 1, / 10, <= 1
    2  min(1, t / T), t this message's number       7  0.5, the observer's probability of a deal
    3  d / x_d, clipped to [0, 2]                   8  0.3, the observer's risk of breakdown
    4  (c - x_c) / G, clipped to [0, 2]             9  index of the emotion shown last / 27, neutral before the first

Before there is an offer, c is x_c and d is x_d. Signs are turned round for a seat that wants more of the unit.

`extended`, EXTENDED numbers, looks back over the rounds, each an own message and the answer to it:

    offers     numbers 0 to 4 of the above; the share of the way (between the two first offers) given in all
    belief     of a tracker with the published tables that does not learn, 4
    rounds     of each of the last three, newest first, 0 where there was none: 1, the share of the way given, what was
               read in the answer (7), the emotion that this seat had shown (one-hot of 7)
    reactions  for each of the seven emotions: how often it was shown, / 10, and the mean share given in answer
    readings   the mean of all readings, 7

The published state says nothing of the other side's feelings; the extended one holds what a tracker of hidden states
needs, which is what emotions work on (docs/training.md has the measured difference).

Differs from the reference: x_d is private, and the released policy is told it; here the other side's first offer stands
for it, which lies next to it for those who open there. No observer is asked: its two numbers are the defaults. The last
emotion is a scalar there; a network is given it as one of 28 (`network_input`), unless it is trained as `faithful`. The
release repeats the other side's last offer at each own message, so that numbers 5 and 6 count each standstill twice and
average in zeros; here each message of the other side counts once, for `faithful` too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poise.agents.emotions.parameters import PUBLISHED as PUBLISHED_TABLES
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, NEUTRAL, SEVEN_INDEX
from poise.agents.emotions.tracker import Tracker, evidence_of
from poise.agents.protocols import View
from poise.games.moves import SEATS, other

STATES: Final = ("published", "extended")  # see `poise.agents.policies.learned.states`


_SEVEN: Final = len(EMOTIONS7)
_LABELS: Final = len(EMOTIONS28)
_ROUNDS: Final = 3
_STATES: Final = 4
_LAST: Final = 9  # the place of the last emotion in the published state
PUBLISHED: Final = 10
EXTENDED: Final = 6 + _STATES + _ROUNDS * (2 + 2 * _SEVEN) + 2 * _SEVEN + _SEVEN
_INDEX: Final[Mapping[str | None, int]] = {label: place for place, label in enumerate(EMOTIONS28)}
_NEUTRAL: Final = EMOTIONS28.index(NEUTRAL)
# The tables that the shipped networks were trained with, whatever tracker a seat has.
_TRACKER: Final = Tracker(parameters=PUBLISHED_TABLES)
_NOTHING: Final = (0.0,) * (2 + 2 * _SEVEN)


class Offers(NamedTuple):
    """Both sides' offers so far (scenario units), oldest first.

    own_target: x_c. sign: +1 where this seat concedes by raising its offer, else -1.
    """

    own: Sequence[float]
    other: Sequence[float]
    own_target: float
    sign: int


def published(offers: Offers, message: int, last: int, emotion: int) -> list[float]:
    """The 10 numbers. message: t, from 1. last: T. emotion: index of the one shown last, of the 28."""
    x_c, sign = offers.own_target, offers.sign
    x_d = offers.other[0] if offers.other else x_c
    gap = max(1.0, abs(x_d - x_c))
    c, d = offers.own[-1] if offers.own else x_c, offers.other[-1] if offers.other else x_d
    moves = [sign * (before - now) for before, now in zip(offers.other, offers.other[1:], strict=False)]
    recent = moves[-3:]
    return [
        _clip((moves[-1] if moves else 0.0) / gap),
        _clip(sign * (d - c) / gap) if offers.other else 1.0,
        min(1.0, message / last),
        min(2.0, max(0.0, d / x_d)) if offers.other and x_d else 1.0,
        min(2.0, max(0.0, sign * (c - x_c) / gap)) if offers.other else 0.0,
        _clip(sum(recent) / len(recent) / gap) if recent else 0.0,
        min(1.0, _stalled(moves) / 10),
        0.5,
        0.3,
        emotion / (_LABELS - 1),
    ]


def _stalled(moves: Sequence[float]) -> int:
    still = 0
    for move in reversed(moves):
        if abs(move) >= 1:
            break
        still += 1
    return still


def _clip(value: float) -> float:
    return min(2.0, max(-2.0, value))


class Round(NamedTuple):
    """An own message and the answer to it.

    shown: index in EMOTIONS7 of what this seat showed. given: share of the way that the answer gave. read: 7
    probabilities read in it, or none where it was not read.
    """

    shown: int
    given: float
    read: Sequence[float]


def offers_of(view: View) -> Offers:
    """The offers in `view`, its own seat's first."""
    seat = view.brief.seat
    return Offers(view.offers(seat), view.offers(other(seat)), view.brief.target, view.brief.direction)


def published_state(view: View) -> list[float]:
    """The 10 numbers, for the message about to be made."""
    last = max(1, view.brief.rules.max_messages - 1)
    shown = _INDEX.get(view.shown[-1], _NEUTRAL) if view.shown else _NEUTRAL
    return published(offers_of(view), len(view.shown) + 1, last, shown)


def extended_state(view: View) -> list[float]:
    """The EXTENDED numbers, for the message about to be made."""
    rounds = _rounds(view)
    beliefs = _TRACKER.filter(evidence_of(view))
    numbers = [*published_state(view)[:5], _clip(sum(each.given for each in rounds))]
    numbers += beliefs[-1] if beliefs else (0.0,) * _STATES
    for back in range(1, _ROUNDS + 1):
        if back > len(rounds):
            numbers += _NOTHING
            continue
        past = rounds[-back]
        shown = [float(emotion == past.shown) for emotion in range(_SEVEN)]
        numbers += [1.0, past.given, *(past.read or (0.0,) * _SEVEN), *shown]
    readings = [each.read for each in rounds if each.read]
    means = [sum(column) / len(readings) for column in zip(*readings, strict=True)] or [0.0] * _SEVEN
    return numbers + _reactions(rounds) + means


def _rounds(view: View) -> list[Round]:
    firsts = [next(iter(view.offers(seat)), None) for seat in SEATS]
    way = 1.0 if firsts[0] is None or firsts[1] is None else max(1.0, abs(firsts[0] - firsts[1]))
    shown, readings = iter(view.shown), iter(view.readings)
    found: list[Round] = []
    own = SEVEN_INDEX[_NEUTRAL]
    standing: float | None = None
    for line in view.lines:
        if line.seat == view.brief.seat:
            own = SEVEN_INDEX[_INDEX.get(next(shown, None), _NEUTRAL)]
            continue
        value = standing if line.move.value is None else line.move.value
        given = 0.0 if standing is None or value is None else view.brief.direction * (standing - value) / way
        standing = value
        reading = next(readings, None)
        found.append(Round(own, _clip(given), reading.emotions if reading else ()))
    return found


def _reactions(rounds: Sequence[Round]) -> list[float]:
    numbers: list[float] = []
    for emotion in range(_SEVEN):
        answers = [each.given for each in rounds if each.shown == emotion]
        numbers += [len(answers) / 10, sum(answers) / len(answers) if answers else 0.0]
    return numbers


BUILDERS: Final[Mapping[str, Callable[[View], list[float]]]] = MappingProxyType(
    {"published": published_state, "extended": extended_state}
)


def network_input(states: NDArray[np.floating], kind: str, *, faithful: bool = False) -> NDArray[np.float32]:
    """States as a network takes them, [N, width]: the published one with its last emotion as one of 28 (10 - 1 + 28).

    faithful: the published state as it is, 10 numbers. The extended state is always as it is.
    """
    states = np.asarray(states, np.float32)
    if kind != "published" or faithful:
        return states
    place = np.rint(states[:, _LAST] * (_LABELS - 1)).astype(np.int64)
    return np.concatenate([states[:, :_LAST], np.eye(_LABELS, dtype=np.float32)[place]], axis=1)


def input_width(kind: str, *, faithful: bool = False) -> int:
    """How many numbers `network_input` gives for one state."""
    if kind == "extended":
        return EXTENDED
    return PUBLISHED if faithful else PUBLISHED - 1 + _LABELS
