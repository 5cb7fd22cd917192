"""What was said and how it came about: promises, conduct, trouble with wording, tokens and seconds.

Promises and violations are as in the standings (`poise.agents.conduct.promises.promises`, `poise.agents.conduct`).
Rates are sums over sums, so that long negotiations count for more. Tokens and seconds of a message are a model's; a
message that no model was asked for has none. Where no model was asked at all, they are None: not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from poise.games.moves import SEATS, Seat
from poise.games.transcript import Transcript, Usage
from poise.tournaments.process.group import SHARE, Group, column
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.ratio import Array
from poise.tournaments.storage.rows import conduct

COSTS: Final = ("prompt_tokens", "cached_tokens", "reply_tokens", "model_seconds")
TROUBLES: Final = ("forfeits", "repairs", "reasks")


class SpeechCounts(NamedTuple):
    """Counts of one negotiation.

    messages: of each seat. troubles: (seats, TROUBLES). costs: (seats, COSTS), summed over the messages where a model's
    server told them; told: (seats, COSTS), the number of these. seconds: of the whole negotiation.
    """

    messages: tuple[int, int]
    violations: int
    promises: int
    broken: int
    calmer: float | None
    troubles: Array
    told: Array
    costs: Array
    seconds: float


@dataclass(frozen=True, slots=True)
class SpeechMeasures:
    """Both seats' words.

    violations:  of the creditor, for 100 of its messages. promises: the debtor's. kept: the share of them that stood.
    calmer:      de-escalation, as `poise.agents.conduct.de_escalation`.
    troubles:    by seat, for 100 of its messages, by TROUBLES.
    costs:       by seat, for a message, by COSTS; None where nothing was measured.
    seconds:     wall-clock time of the whole negotiation, per message.
    """

    violations: Estimate | None
    promises: int
    kept: Estimate | None
    calmer: Estimate | None
    troubles: Mapping[Seat, Mapping[str, Estimate | None]]
    costs: Mapping[Seat, Mapping[str, Estimate | None]]
    seconds: Estimate | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data; None under `costs` is "not measured"."""
        return {
            "violations": _plain(self.violations),
            "promises": self.promises,
            "kept": _plain(self.kept),
            "de_escalation": _plain(self.calmer),
            "troubles": {seat: _plain_all(told) for seat, told in self.troubles.items()},
            "costs": {seat: _plain_all(told) for seat, told in self.costs.items()},
            "seconds": _plain(self.seconds),
        }


def _plain(one: Estimate | None) -> dict[str, float | None] | None:
    return None if one is None else one.to_dict()


def _plain_all(told: Mapping[str, Estimate | None]) -> dict[str, Any]:
    return {name: _plain(one) for name, one in told.items()}


def count_speech(transcript: Transcript, usage: Usage) -> SpeechCounts:
    """The counts of one negotiation."""
    violations, made, broken, calmer = conduct(transcript)
    troubles, costs, told = np.zeros((2, len(TROUBLES))), np.zeros((2, len(COSTS))), np.zeros((2, len(COSTS)))
    messages = [0, 0]
    spent = usage.per_message or ({},) * len(transcript.messages)
    for message, cost in zip(transcript.messages, spent, strict=False):
        seat = SEATS.index(message.seat)
        messages[seat] += 1
        wording = message.wording
        troubles[seat] += [message.move.kind == "forfeit", wording.repaired, max(0, wording.attempts - 1)]
        told[seat] += [name in cost for name in COSTS]
        costs[seat] += [cost.get(name, 0.0) for name in COSTS]
    counted = (messages[0], messages[1])
    return SpeechCounts(counted, violations, made, broken, calmer, troubles, told, costs, usage.seconds)


def speech(group: Group, negotiations: Sequence[SpeechCounts]) -> SpeechMeasures:
    """The figures over negotiations."""
    messages = np.array([one.messages for one in negotiations], dtype=np.float64).reshape(-1, 2)
    made = column([one.promises for one in negotiations])
    violations, seconds = group.rates(
        [
            (100 * column([one.violations for one in negotiations]), messages[:, 0]),
            (column([one.seconds for one in negotiations]), messages.sum(axis=1)),
        ]
    )
    (kept,) = group.rates([(made - column([one.broken for one in negotiations]), made)], SHARE)
    (calmer,) = group.means([column([one.calmer for one in negotiations])], (-1.0, 1.0))
    troubles, costs = {}, {}
    for at, seat in enumerate(SEATS):
        trouble = 100 * _stack(negotiations, "troubles", at)
        troubles[seat] = _by_name(group, trouble, np.broadcast_to(messages[:, at, None], trouble.shape), TROUBLES)
        costs[seat] = _by_name(group, _stack(negotiations, "costs", at), _stack(negotiations, "told", at), COSTS)
    return SpeechMeasures(violations, int(made.sum()), kept, calmer, troubles, costs, seconds)


def _stack(negotiations: Sequence[SpeechCounts], name: str, seat: int) -> Array:
    """Shape (negotiations, figures)."""
    return np.array([getattr(one, name)[seat] for one in negotiations], dtype=np.float64)


def _by_name(group: Group, amounts: Array, of: Array, names: Sequence[str]) -> dict[str, Estimate | None]:
    found = group.rates([(amounts[:, place], of[:, place]) for place in range(len(names))])
    return dict(zip(names, found, strict=True))
