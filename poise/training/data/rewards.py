"""Rewards of one seat's messages, and their quality as examples: EmoDistill (arXiv 2605.26785).

With c this seat's offer, d the other side's, x_c and x_d their targets, G = max(1, |x_d - x_c|), t the number of this
seat's message (from 1), T the index of the last message there can be, the other side's answer to message t gives

    given  = clip((d_prev - d_now) / G, -2, 2)     how far the other side moved towards this seat
    taken  = clip((c_now - c_prev) / G, -2, 2)     how far this seat moved towards the other side

    v1   given                                     +1 for a deal, -1 without, with the last message
    v2   given - taken                             +1, -1
    v3   given - taken                             +2, -2
    v4   (given - taken) (1 - min(1, t / T))       +2, -2
    utility   0                                    the seat's utility in [0, 1], 0 without a deal

Before there is an offer, c is x_c and d is x_d. Signs are those of a creditor that wants less of the unit; for a seat
that wants more they are reversed.

v1 to v4 are the released code's; `utility` is Poise's own: tournaments compare it, while v4 rewards a deal at
any price. Differs from the reference: accepting counts as moving to the accepted offer, so that v2 sums to the
gain; the released code takes whatever number the last message mentions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from poise.games.moves import SEATS, Seat, other
from poise.games.transcript import Transcript
from poise.training.data.dataset import REWARDS

_TERMINAL: Final[Mapping[str, float]] = {"v1": 1.0, "v2": 1.0, "v3": 2.0, "v4": 2.0}
EPISODE_SHARE: Final = 0.5  # of the episode's reward in a message's quality


class RewardedExchange(NamedTuple):
    """One message of this seat and the answer to it (scenario units).

    own, other: offers standing before the message and after the answer.
    """

    own: tuple[float, float]
    other: tuple[float, float]


def step_rewards(exchange: RewardedExchange, gap: float, sign: int, t: int, last: int) -> dict[str, float]:
    """v1 to v4 of one message, without the reward for the end of the negotiation.

    gap: G. sign: +1 where this seat concedes by raising its offer, else -1. t: its message number, from 1. last: T.
    """
    given = _clip(sign * (exchange.other[0] - exchange.other[1]) / gap)
    taken = _clip(sign * (exchange.own[1] - exchange.own[0]) / gap)
    net, left = given - taken, 1.0 - min(1.0, t / last)
    return {"v1": given, "v2": net, "v3": net, "v4": net * left}


def _clip(value: float) -> float:
    return min(2.0, max(-2.0, value))


def episode_rewards(transcript: Transcript, seat: Seat = "creditor") -> list[dict[str, float]]:
    """The rewards, by the names in REWARDS, of each message of `seat` in a finished negotiation, oldest first."""
    case, outcome = transcript.scenario, transcript.outcome
    sign = case.polarity if seat == "creditor" else -case.polarity
    last = max(1, int(transcript.rules["max_messages"]) - 1)
    found = [
        {**step_rewards(exchange, case.gap, sign, t, last), "utility": 0.0}
        for t, exchange in enumerate(_exchanges(transcript, seat), 1)
    ]
    if found:
        for name, worth in _TERMINAL.items():
            found[-1][name] += worth if outcome.ending == "deal" else -worth
        found[-1]["utility"] = outcome.utilities[SEATS.index(seat)]
    return found


def _exchanges(transcript: Transcript, seat: Seat) -> list[RewardedExchange]:
    standing: dict[Seat, float] = {each: transcript.scenario.target(each) for each in SEATS}
    found: list[RewardedExchange] = []
    before = dict(standing)
    for message in transcript.messages:
        if message.seat == seat:
            before = dict(standing)
            found.append(RewardedExchange((0.0, 0.0), (0.0, 0.0)))
        if message.move.value is not None:
            standing[message.seat] = message.move.value
        elif message.move.kind == "accept":
            standing[message.seat] = standing[other(message.seat)]
        if found:
            whose = other(seat)
            found[-1] = RewardedExchange((before[seat], standing[seat]), (before[whose], standing[whose]))
    return found


def qualities(rewards: Sequence[Mapping[str, float]], name: str = "v4") -> list[float]:
    """The quality of each message as an example: its reward + 0.5 times the sum over the negotiation."""
    whole = sum(each[name] for each in rewards)
    return [each[name] + EPISODE_SHARE * whole for each in rewards]


assert set(_TERMINAL) | {"utility"} == set(REWARDS)  # noqa: S101 - these two lists of names must agree
