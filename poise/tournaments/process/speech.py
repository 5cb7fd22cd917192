"""What was said and how it came about: promises, conduct, trouble with wording, tokens and seconds.

Promises and violations are as in the standings (`poise.agents.conduct.promises.promises`, `poise.agents.conduct`).
Rates are sums over sums, so that long negotiations count for more. Tokens and seconds of a message are a model's; a
message that no model was asked for has none. Where no model was asked at all, they are None: not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np

from poise.games.moves import SEATS, Seat
from poise.games.transcript import Usage
from poise.tournaments.process.group import SHARE, Group
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.ratio import Array
from poise.tournaments.storage.own_words import messages_of
from poise.tournaments.storage.rows import Row

COSTS: Final = ("prompt_tokens", "cached_tokens", "reply_tokens", "model_seconds")
TROUBLES: Final = ("forfeits", "repairs", "reasks")
_CONDUCT: Final = attrgetter("creditor_violations", "debtor_promises", "debtor_broken", "de_escalation")
_TROUBLES: Final = attrgetter(*(f"{seat}_{trouble}" for seat in SEATS for trouble in TROUBLES))


class SpeechCounts(NamedTuple):
    """Counts of N negotiations.

    messages: [N, 2], of each seat. conduct: [N, 4], as in a `Row`: violations, promises, broken ones, de-escalation or
    nan. troubles: [N, 2, TROUBLES]. costs: [N, 2, COSTS], summed over the messages where a model's server told them;
    told: [N, 2, COSTS], the number of these. seconds: [N], of the whole negotiation.
    """

    messages: Array
    conduct: Array
    troubles: Array
    costs: Array
    told: Array
    seconds: Array


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


def count_speech(rows: Sequence[Row], usages: Sequence[Usage]) -> SpeechCounts:
    """The counts of negotiations by their rows and what they cost."""
    costs, told = np.zeros((2, len(rows), len(SEATS), len(COSTS)))
    for number, usage in enumerate(usages):
        for place, cost in enumerate(usage.per_message[: rows[number].rounds]):
            for at, name in enumerate(COSTS):
                if name in cost:
                    costs[number, place % 2, at] += cost[name]
                    told[number, place % 2, at] += 1
    return SpeechCounts(
        messages=np.array([[messages_of(row, seat) for seat in SEATS] for row in rows], float).reshape(-1, 2),
        conduct=np.array([_CONDUCT(row) for row in rows], float).reshape(-1, 4),  # None becomes nan
        troubles=np.array([_TROUBLES(row) for row in rows], float).reshape(-1, len(SEATS), len(TROUBLES)),
        costs=costs,
        told=told,
        seconds=np.array([usage.seconds for usage in usages], float),
    )


def speech(group: Group, counts: SpeechCounts) -> SpeechMeasures:
    """The figures over negotiations."""
    messages = counts.messages
    violated, made, broken, calmness = counts.conduct.T
    violations, seconds = group.rates([(100 * violated, messages[:, 0]), (counts.seconds, messages.sum(axis=1))])
    (kept,) = group.rates([(made - broken, made)], SHARE)
    (calmer,) = group.means([calmness], (-1.0, 1.0))
    troubles, costs = {}, {}
    for at, seat in enumerate(SEATS):
        trouble = 100 * counts.troubles[:, at]
        troubles[seat] = _by_name(group, trouble, np.broadcast_to(messages[:, at, None], trouble.shape), TROUBLES)
        costs[seat] = _by_name(group, counts.costs[:, at], counts.told[:, at], COSTS)
    return SpeechMeasures(violations, int(made.sum()), kept, calmer, troubles, costs, seconds)


def _by_name(group: Group, amounts: Array, of: Array, names: Sequence[str]) -> dict[str, Estimate | None]:
    found = group.rates([(amounts[:, place], of[:, place]) for place in range(len(names))])
    return dict(zip(names, found, strict=True))
