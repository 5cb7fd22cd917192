"""Acceptance, refusal and walking away, read out of words.

Only explicit words count. A condition ("if you ..."), a negation or a question around them takes them back.
Differs from the reference: EQ-Negotiator v2 asks a language model about the last two messages; these are patterns.
"""

from __future__ import annotations

import re
from typing import Final

from poise.agents.models.text import sentences

_WE: Final = r"\b(?:i|we)(?:'ll|'m|'re| will| can| do| am| are| have to| must)?(?: (?:gladly|hereby|now|happily|just))?"
_ACCEPT: Final = re.compile(
    rf"{_WE} (?:accept|agree to)\b"
    r"|\b(?:it's|it is|we have|we've got|we've|you have|you've got|that's|that is) a deal\b"
    r"|^(?:ok(?:ay)?[,.!]? |yes[,.!]? |all right[,.!]? |fine[,.!]? )?(?:deal|agreed|accepted)\b(?=\s*[.!,;:]|$)",
    re.I,
)
_WALK: Final = re.compile(
    rf"{_WE} (?:walk|walking) (?:away|out)\b"
    r"|\b(?:these|the|our) (?:talks|negotiations?) (?:are|is) over\b"
    r"|\b(?:i am|i'm|we are|we're) (?:done|finished|through) (?:here|negotiating|talking|with (?:this|these|you))\b"
    r"|\b(?:i am|i'm|we are|we're) ending (?:this|these|the|our) (?:talks?|negotiations?|conversation)\b",
    re.I,
)
_REFUSE: Final = re.compile(
    r"\b(?:i|we) (?:must |have to |will )?(?:refuse|reject|decline)\b(?! to (?:give|believe|let|walk|quit))"
    r"|\b(?:can't|cannot|can not|won't|will not|don't|do not|never) (?:accept|agree to|take|do)"
    r" (?:that|this|it|your|the)\b"
    r"|\b(?:unacceptable|not acceptable|out of the question|no deal)\b",
    re.I,
)
_TAKEN_BACK: Final = re.compile(
    r"\b(?:not|never|no|cannot|if|unless|until|before|would|could|might|when|once|whether|hope|want)\b|n't\b", re.I
)
_CONDITION: Final = re.compile(r"\b(?:if|unless|provided|as long as|only when|on condition)\b", re.I)


def accepts(text: str) -> bool:
    """Whether `text` says in so many words that it accepts the other side's offer."""
    return any(_stands(sentence, _ACCEPT) for sentence in sentences(_plain(text)))


def walks_away(text: str) -> bool:
    """Whether `text` ends the talks in so many words."""
    return any(_stands(sentence, _WALK) for sentence in sentences(_plain(text)))


def refuses(text: str) -> bool:
    """Whether `text` refuses the other side's offer in so many words."""
    return _REFUSE.search(_plain(text)) is not None


def _plain(text: str) -> str:
    return text.replace("\u2019", "'")


def _stands(sentence: str, pattern: re.Pattern[str]) -> bool:
    match = pattern.search(sentence)
    if match is None or sentence.rstrip("\"') ").endswith("?"):
        return False
    return not _TAKEN_BACK.search(sentence[: match.start()]) and not _CONDITION.search(sentence[match.end() :])
