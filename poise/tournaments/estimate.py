"""What a tournament would cost, without playing it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from poise.agents.game_players import GAME_PLAYERS
from poise.agents.models.settings import SCRIPTED
from poise.tournaments.config import TournamentConfig
from poise.tournaments.schedule import Schedule

_USUAL_MESSAGES: Final = 12
_REPLY_TOKENS: Final = 45
_TOKENS_PER_SECOND: Final = 60.0  # of the embedded model on two cores, all negotiations together
_MATCH_SECONDS: Final = 0.004  # without a model, of the agents that come with Poise, on one core of a usual machine


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


def estimate(config: TournamentConfig, schedule: Schedule) -> CostEstimate:
    """Calls and time of what is played here.

    Nothing is played for it. Where no model is asked, `basis` names the agents whose matches may take longer than
    usual: those of a user's code, and OpenSpiel's players.
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
        return CostEstimate(schedule.played_total, calls, most, seconds, basis)
    workers = schedule.at_once(config.workers)
    seconds = _MATCH_SECONDS * schedule.played_total / workers
    basis = f"{_MATCH_SECONDS * 1000:.2g} ms a match, as usual; workers: {workers}"
    if isinstance(config.workers, str):
        basis += " on each node, for one node like this machine"
    longer = [
        entrant.label
        for entrant in (*schedule.creditors, *schedule.debtors)
        if entrant.own_code or re.split("[:,]", entrant.label)[0] in GAME_PLAYERS
    ]
    if longer:
        basis += f"; {', '.join(longer)} may take longer"
    return CostEstimate(schedule.played_total, 0, 0, seconds, basis)


def _calls(schedule: Schedule, messages: int) -> int:
    """Model calls if every match has so many messages and each is asked for once; the creditor speaks first.

    A judge's model is asked about every message but the first, and a detector's about every one but the last.
    """
    spoken = {"creditor": (messages + 1) // 2, "debtor": messages // 2}
    heard = (messages - 1) * schedule.listeners
    return sum(
        len(positions) * (heard + sum(spoken[one.seat] for one in schedule.pair(pair) if one.model != SCRIPTED))
        for pair, positions in enumerate(schedule.played_positions)
    )
