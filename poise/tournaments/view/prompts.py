"""What a model was told before one message, rendered again from the transcript."""

from __future__ import annotations

from typing import Any

from poise.games.moves import Seat
from poise.games.transcript import Transcript
from poise.tournaments.view.library import Missing
from poise.tournaments.view.pages import spoken

_AGAIN = (
    "Rendered again from the transcript with this Poise's prompts: what the model was told on the first try. The store "
    "keeps no prompts and no raw replies; of a rejected reply it keeps why it was rejected."
)
_OWN = " This agent comes from a file of its own, which may have told its model something else."


def prompt_of(transcript: Transcript, index: int) -> dict[str, Any]:
    """`note`, and `turns` of [role, text]; no turns where no model was asked. Missing for an index out of range."""
    if not 0 <= index < len(transcript.messages):
        raise Missing(f"this match has no message {index}; it has {len(transcript.messages)}")
    message = transcript.messages[index]
    if not message.wording.attempts:
        return {"note": "No model was asked for this message: the scripted voice chose the words.", "turns": []}
    from poise.agents.learning.views import Seen

    seen = Seen(transcript, message.seat)
    number = [own.index for own in seen.messages].index(index)
    turns = [[turn.role, spoken(turn.content)] for turn in seen.prompt(number)]
    return {"note": _AGAIN + (_OWN if own_code(transcript, message.seat) else ""), "turns": turns}


def own_code(transcript: Transcript, seat: Seat) -> bool:
    """Whether the seat's agent comes from a user's file, so that its graph may be another."""
    declared = transcript.creditor if seat == "creditor" else transcript.debtor
    return "source" in (declared.get("settings") or {})
