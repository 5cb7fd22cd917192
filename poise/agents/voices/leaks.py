"""Words that no message may contain: the seat's private number, named as such, and the model's instructions, repeated.

A number alone reveals nothing, since a first offer often is the target; "my goal is 12 days" does. The facts of the
scenario and the sentences that a direction asks for may be said.
"""

from __future__ import annotations

import re
from typing import Final

from poise.agents.models.text import neutralise, sentences
from poise.agents.protocols import Request
from poise.agents.voices.prompts import Offers, character, echoes, emotion_direction, private_text
from poise.games.secrecy import stated

_RUN: Final = 6  # this many words in a row do not match by accident
_WORD: Final = re.compile(r"[\w$']+")
_PRIVATE: Final = re.compile(
    r"\b(?:goals?|targets?|limit|bottom line|reservation (?:price|value|point)|instructions?|ideal(?:ly)?|secret(?:ly)?"
    r"|private(?:ly)?|actually (?:want|need|hope)|really (?:want|need|hope)|hop(?:e|ing) for|aim(?:ing)? (?:for|at)"
    r"|(?:was|am|were) told|supposed to (?:get|reach))\b",
    re.IGNORECASE,
)


def secret_in(text: str, request: Request, offers: Offers) -> str:
    """The part of `text` that reveals the seat's private number or its instructions; "" where none does."""
    brief = request.view.brief
    for sentence in sentences(text):
        if offers == "model" and _PRIVATE.search(sentence) and stated(neutralise(sentence), brief.target, brief.unit):
            return sentence
    instructions = [private_text(brief, character(request), offers), *echoes(request)]
    told = {words for instruction in instructions for words in _runs(instruction)}
    return next((" ".join(words) for words in _runs(text) if words in told), "")


def read_aloud(text: str, request: Request) -> str:
    """The sentence of `text` that repeats its direction of the emotion, in the first or second person; else "".

    "You sound hard and sharp", "I sound hard and sharp" or "Say that this makes you angry", where that was asked for.
    A statement of what the seat feels shows the emotion, and is allowed.
    """
    if request.emotion is None:
        return ""
    _, sound, say = (part.rstrip(".").lower() for part in sentences(emotion_direction(request.emotion)))
    asked = sound, sound.replace("you sound", "i sound"), say
    found = (part for part in sentences(text) if any(each in part.lower() for each in asked))
    return next(found, "")


def _runs(text: str) -> list[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return [tuple(words[place : place + _RUN]) for place in range(len(words) - _RUN + 1)]
