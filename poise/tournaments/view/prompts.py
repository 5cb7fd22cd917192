"""The prompts and replies of one message, try by try; prompts are rendered again from the transcript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from poise.games.moves import SEATS, Seat
from poise.games.transcript import Message, Transcript
from poise.tournaments.view.library import Missing
from poise.tournaments.view.pages import shown_words
from poise.tournaments.view.turns import told_cost

if TYPE_CHECKING:
    from poise.agents.replay import Seen

_AGAIN: Final = "Prompts are rendered from the transcript by this version of Poise; replies are shown as they came."
_BEFORE: Final = (
    "The prompt of the first try, rendered from the transcript by this version of Poise. The version "
    "that played this match kept no raw replies, only why a reply was rejected."
)
_OWN: Final = " This agent comes from a user's file, which may have sent its model a different prompt."
_NOBODY: Final = "No model was asked for this message: the scripted voice chose the words."
_PERSON: Final = "No model was asked for this message: a person wrote it."


def prompt_of(transcript: Transcript, index: int, usage: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`note`, and `tries`, each with `turns` of [role, text], `reply` (None where it was not kept), `problem`, `cost`.

    No tries where no model was asked. usage: as stored. Missing for an index out of range.
    """
    if not 0 <= index < len(transcript.messages):
        raise Missing(f"this match has no message {index}; it has {len(transcript.messages)}")
    message = transcript.messages[index]
    if not message.wording.attempts:
        return {"note": _PERSON if by_person(transcript, message.seat) else _NOBODY, "tries": []}
    from poise.agents.replay import Seen

    spent: Any = (usage or {}).get("per_message") or ()
    cost = spent[index] if index < len(spent) else {}
    note = _AGAIN if message.wording.replies else _BEFORE
    tries = _tries(Seen(transcript, message.seat), message, cost)
    return {"note": note + (_OWN if own_code(transcript, message.seat) else ""), "tries": tries}


def _tries(seen: Seen, message: Message, cost: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each try's prompt and result; where replies were not kept, only the first try's prompt."""
    from poise.agents.voices.prompts import render

    wording = message.wording
    number = [own.index for own in seen.messages].index(message.index)
    costs = cost.get("tries") or [cost]
    found = []
    for place in range(len(wording.replies) or 1):
        again = wording.complaints[place - 1] if 0 < place <= len(wording.complaints) else ""
        turns = render(seen.request(number), seen.offers, again, seen.reading).messages()
        found.append(
            {
                "turns": [[role, shown_words(text)] for role, text in turns],
                "reply": shown_words(wording.replies[place]) if wording.replies else None,
                "problem": shown_words(wording.problems[place]) if place < len(wording.problems) else "",
                "cost": told_cost(costs[place]) if place < len(costs) else "",
            }
        )
    return found


def by_person(transcript: Transcript, seat: Seat) -> bool:
    """Whether a person sat there."""
    return bool((transcript.creditor, transcript.debtor)[SEATS.index(seat)].get("human"))


def own_code(transcript: Transcript, seat: Seat) -> bool:
    """Whether the seat's agent comes from a user's file, so that its graph may be another."""
    declared = transcript.creditor if seat == "creditor" else transcript.debtor
    return "source" in (declared.get("settings") or {})
