"""Replies of fixed form (reading="structured"): the words, the move that they make, and its number, as JSON.

A server or the embedded engine holds the model to the schema while it writes. Only the words are sent, so the move
counts only where they make it, too: they are read by the same reader as the words of a decided move. Where the two
disagree the model is asked again, and then the message is a forfeit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from poise.agents.models.text import without_thoughts
from poise.agents.protocols import View
from poise.agents.voices.intents import refuses
from poise.agents.voices.prompts import plain_sentence
from poise.agents.voices.wording import WordingProblem, check_wording, illegal
from poise.games.moves import ACCEPT, WALK, Move

ROOM: Final = 24  # tokens of a reply's form, beside those of its words
_FENCE: Final = re.compile(r"\A```(?:json)?\s*(.*?)\s*```\Z", re.S)
_NAMES: Final = ("message", "move", "value")
_MOVES: Final = ("offer", "accept", "walk")
_EXCERPT: Final = 60


@dataclass(frozen=True, slots=True)
class Declared:
    """A reply of the form: its words, and the move and number that it says they make."""

    message: str
    move: str
    value: int | None


def reply_schema(view: View) -> Mapping[str, Any]:
    """The JSON schema of a reply: a move that can be made now, and a whole number within the bounds, or null."""
    low, high = view.brief.bounds
    moves = [move for move in _MOVES if move != "accept" or view.other_offer is not None]
    return {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "move": {"type": "string", "enum": moves},
            "value": {"anyOf": [{"type": "integer", "minimum": low, "maximum": high}, {"type": "null"}]},
        },
        "required": list(_NAMES),
        "additionalProperties": False,
    }


def parse_reply(reply: str) -> Declared | WordingProblem:
    """The parts of a reply, without thoughts and a code fence around it, or what is wrong with it.

    It has to be an object with the three names once each, a known move, and a whole number where that is an offer.
    """
    text = without_thoughts(reply).strip()
    text = fenced[1] if (fenced := _FENCE.match(text)) else text
    try:
        pairs = json.loads(text, object_pairs_hook=tuple)  # an object is a tuple then, and an array a list
    except (ValueError, RecursionError):
        pairs = None
    names = sorted(name for name, _ in pairs) if isinstance(pairs, tuple) else []
    if names == sorted(_NAMES):
        said = dict(pairs)
        message, move, value = (said[name] for name in _NAMES)
        number = type(value) is int or (value is None and move != "offer")
        if isinstance(message, str) and move in _MOVES and number:
            return Declared(message, move, value)
    return WordingProblem("form", f'is not of the form that was asked for: "{text[:_EXCERPT]}"')


def declared_move(text: str, declared: Declared, view: View) -> Move | WordingProblem:
    """The declared move where it is legal and `text`, the message as it can be said, makes it; else why not."""
    move = {"accept": ACCEPT, "walk": WALK}.get(declared.move) or Move("offer", declared.value)
    if move == ACCEPT:
        if view.other_offer is None:
            return WordingProblem("nothing_to_accept", "accepts, but no offer is on the table")
        if declared.value not in (None, view.other_offer):
            return WordingProblem("disagree", f"accepts, with the value {declared.value}", str(declared.value))
    if move.kind == "offer":
        if problem := illegal(move.value, str(declared.value), text, view):
            return problem
        move = Move("offer", move.value, firm=view.other_offer is not None and refuses(text))
    problem = check_wording(text, move, view, plain_sentence(move, view))
    return move if problem is None else WordingProblem("disagree", problem.reason, problem.said)
