"""What was said and how it came about: promises, conduct, trouble with wording, tokens and seconds.

Promises and violations are as in the standings (`poise.agents.conduct.promises.promises`, `poise.agents.conduct`).
Rates are sums over sums, so that long negotiations count for more. Tokens and seconds of a message are a model's; a
message that no model was asked for has none. Where no model was asked at all, they are None: not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
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
_NOBODY_ASKED: Final = [[0] * len(COSTS)] * 2  # kept once for all such negotiations, as is
_FREE: Final = [[0.0] * len(COSTS)] * 2


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
    troubles: Sequence[Sequence[int]]
    told: Sequence[Sequence[int]]
    costs: Sequence[Sequence[float]]
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


def count_speech(
    transcript: Transcript, usage: Usage, known: tuple[int, int, int, float | None] | None = None
) -> SpeechCounts:
    """The counts of one negotiation. known: what `conduct` says of it, where its row has that."""
    troubles, messages = [[0, 0, 0], [0, 0, 0]], [0, 0]
    told, costs = [[0] * len(COSTS), [0] * len(COSTS)], [[0.0] * len(COSTS), [0.0] * len(COSTS)]
    for message, cost in zip_longest(transcript.messages, usage.per_message[: len(transcript.messages)]):
        seat = 0 if message.seat == "creditor" else 1
        wording, trouble = message.wording, troubles[seat]
        messages[seat] += 1
        trouble[0] += message.move.kind == "forfeit"
        trouble[1] += wording.repaired
        trouble[2] += max(0, wording.attempts - 1)
        if cost:
            for place, name in enumerate(COSTS):
                told[seat][place] += name in cost
                costs[seat][place] += cost.get(name, 0.0)
    told, costs = (told, costs) if told != _NOBODY_ASKED else (_NOBODY_ASKED, _FREE)
    said = (messages[0], messages[1]), *(known or conduct(transcript))
    return SpeechCounts(*said, troubles, told, costs, usage.seconds)


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
