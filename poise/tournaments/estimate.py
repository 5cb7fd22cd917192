"""What a tournament would cost, without playing it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import Final

from poise.agents.game_players import GAME_PLAYERS
from poise.agents.models.settings import SCRIPTED
from poise.tournaments.config import TournamentConfig
from poise.tournaments.schedule import Schedule
from poise.tournaments.workers.play import How, workers_of
from poise.tournaments.workers.queue import OpenPairing

_USUAL_MESSAGES: Final = 12
_REPLY_TOKENS: Final = 45
_TOKENS_PER_SECOND: Final = 60.0  # of the embedded model on two cores, all negotiations together
_MATCH_SECONDS: Final = 0.004  # without a model, of the agents that come with Poise, on one core of a usual machine
_PROBE_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """An estimate of a tournament, or of the part that is played here.

    calls:      model calls, if negotiations take a dozen messages. most_calls: if all run to the end and each message
                is asked for twice.
    seconds:    wall-clock time. basis: what that figure rests on, for a person.
    """

    matches: int
    calls: int
    most_calls: int
    seconds: float
    basis: str


def estimate(config: TournamentConfig, schedule: Schedule, open_pairing: OpenPairing) -> CostEstimate:
    """Calls and time of what is played here.

    Where no model is asked and a match takes longer than usual or nobody knows how long (a user's code, OpenSpiel's
    players), a few are played to take the time.
    """
    usual = min(_USUAL_MESSAGES, config.max_messages)
    calls = _calls(schedule, usual)
    most = 2 * _calls(schedule, config.max_messages)
    if schedule.calls_model:
        seconds = calls * _REPLY_TOKENS / _TOKENS_PER_SECOND
        basis = (
            f"if negotiations take {usual} messages of {_REPLY_TOKENS} tokens at {_TOKENS_PER_SECOND:g} tokens/s, "
            "which is what the embedded model does on two cores"
        )
        return CostEstimate(len(schedule.played), calls, most, seconds, basis)
    workers = workers_of(How(config.workers, config.match_seconds), schedule)
    tried = schedule.own_code or any(
        re.split("[:,]", entrant.label)[0] in GAME_PLAYERS for entrant in schedule.creditors
    )
    each = _probe(schedule, open_pairing) if tried else _MATCH_SECONDS
    seconds = each * len(schedule.played) / workers
    basis = f"{each * 1000:.2g} ms a match, {'tried here' if tried else 'as usual'}; workers: {workers}"
    if isinstance(config.workers, str):
        basis += " on each node, for one node like this machine"
    return CostEstimate(len(schedule.played), 0, 0, seconds, basis)


def _calls(schedule: Schedule, messages: int) -> int:
    """Model calls if every match has so many messages and each is asked for once; the creditor speaks first.

    A judge's model is asked about every message but the first, and a detector's about every one but the last.
    """
    spoken = {"creditor": (messages + 1) // 2, "debtor": messages // 2}
    heard = (messages - 1) * schedule.listeners
    return sum(
        matches * (heard + sum(spoken[one.seat] for one in schedule.pair(pair) if one.model != SCRIPTED))
        for pair, matches in Counter(match.pair for match in schedule.played).items()
    )


def _probe(schedule: Schedule, open_pairing: OpenPairing) -> float:
    """Seconds that a match takes, after a first one that loads what is needed."""
    pairing = open_pairing(0)
    began, played = monotonic(), -1
    for match in schedule.matches[: len(schedule.matches) // schedule.pairs]:
        pairing.play(schedule.scenarios[match.scenario], match.seed)
        played += 1
        if not played:
            began = monotonic()
        elif monotonic() - began > _PROBE_SECONDS:
            break
    return (monotonic() - began) / max(1, played)
