"""How many of an agent's messages are Poise's own words, for agents that may have too many of them.

The rows say only how many messages were put right or made no move, which is the most there can be. Transcripts, which
tell, are read where that is beyond the limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from poise.agents.models.settings import SCRIPTED
from poise.games.moves import SEATS, Seat
from poise.tournaments.config import OWN_WORDS_LIMIT
from poise.tournaments.storage.rows import Row, transcript_from
from poise.tournaments.storage.snapshot import Documents, Header


def messages_of(row: Row, seat: Seat) -> int:
    """How many messages of a match are the seat's; the creditor speaks first."""
    return (row.rounds + 1) // 2 if seat == "creditor" else row.rounds // 2


def own_words_limit(header: Header) -> float:
    """The share that a tournament allows."""
    return float(header.config.get("own_words_limit", OWN_WORDS_LIMIT))


def count_own_words(documents: Documents, header: Header, rows: Sequence[Row]) -> Mapping[tuple[Seat, int], int]:
    """By seat and index, the messages in Poise's own words of agents with a model; only where they may be too many."""
    limit = own_words_limit(header)
    found: dict[tuple[Seat, int], int] = {}
    for seat in SEATS:
        agents = header.creditors if seat == "creditor" else header.debtors
        for index, agent in enumerate(agents):
            own = [row for row in rows if getattr(row, seat) == index] if _has_model(agent) else []
            most = sum(getattr(row, f"{seat}_repairs") + getattr(row, f"{seat}_forfeits") for row in own)
            if most > limit * sum(messages_of(row, seat) for row in own):
                found[seat, index] = sum(
                    message.seat == seat and message.wording.own_words
                    for position, transcript, _ in documents([row.position for row in own])
                    for message in transcript_from(position, transcript).messages
                )
    return found


def _has_model(agent: Mapping[str, object]) -> bool:
    declared = agent.get("declared")
    return isinstance(declared, Mapping) and declared.get("model", SCRIPTED) != SCRIPTED
