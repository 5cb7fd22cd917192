"""Promises that a debtor makes, keeps and breaks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from poise.games.moves import Seat
from poise.games.transcript import Transcript

_WORD: Final = re.compile(
    r"\b(?:i|we)(?:'ll)?(?: (?:can|do|hereby|really|solemnly|will))*"
    r" (?:(?:guarantee|pledge|promise|vow)\b(?! no)|swear (?:i|on|that i|that we|to|we)\b)"
    r"|\b(?:have|give you|gave you|with) (?:my|our) (?:solemn )?(?:promise|word)\b"
    r"|\b(?:my|our) word (?:is|on)\b"
    r"|\bcount on (?:it|me|that|us)\b"
    r"|\b(?:it is|it's|that is|that's) a promise\b",
    re.IGNORECASE,
)


_NEEDED: Final = ("count on", "guarantee", "pledge", "promise", "swear", "vow", "word")  # one of them, to match _WORD


_TAKEN_BACK: Final = re.compile(
    r"\b(?:before|cannot|could|if|might|never|no|nobody|not|unless|until|whether|when|would)\b|n't\b", re.IGNORECASE
)


_CONDITION: Final = re.compile(r"\b(?:but only|if|provided|unless)\b", re.IGNORECASE)


_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")


def gives_word(text: str) -> bool:
    """Whether `text` gives the speaker's word: "I promise", "you have my word", "count on it" and the like.

    English only. A negation before it, a condition after it or a question takes it back; the other side's promises and
    past ones ("you promised") do not count.
    """
    plain = text.replace("\u2019", "'")
    if not _may_promise(plain):
        return False
    return any(_stands(sentence) for sentence in _SENTENCE_END.split(plain) if _WORD.search(sentence))


def _may_promise(text: str) -> bool:
    """Spares most messages the search; text beyond ASCII has letters that stand for others where case is ignored."""
    lower = text.lower()
    return not text.isascii() or any(needed in lower for needed in _NEEDED)


def _stands(sentence: str) -> bool:
    found = _WORD.search(sentence)
    if found is None or sentence.rstrip("\"') ").endswith("?"):
        return False
    return not _TAKEN_BACK.search(sentence[: found.start()]) and not _CONDITION.search(sentence[found.end() :])


@dataclass(frozen=True, slots=True)
class Promises:
    """The promises of one seat.

    made:   messages that make an offer and give the speaker's word (`gives_word`), whatever the move behind them.
    broken: those after which the seat itself made an offer that gives the other side less than the one promised, or
            walked away. An offer that is merely refused, and one that is bettered, stay kept.
    """

    made: int = 0
    broken: int = 0

    @property
    def kept(self) -> int:
        """Those that stood to the end of the negotiation."""
        return self.made - self.broken

    def __add__(self, other: Promises) -> Promises:
        return Promises(self.made + other.made, self.broken + other.broken)


def promises(transcript: Transcript, seat: Seat) -> Promises:
    """What `seat` promised and broke, from its words and moves alone."""
    sign = transcript.scenario.polarity * (1 if seat == "debtor" else -1)  # > 0 where a larger offer gives less
    standing: list[int] = []
    made = broken = 0
    for message in transcript.messages:
        if message.seat != seat:
            continue
        move = message.move
        if move.kind == "walk":
            broken, standing = broken + len(standing), []
        if move.value is None:
            continue
        kept = [promised for promised in standing if sign * (move.value - promised) <= 0]
        broken, standing = broken + len(standing) - len(kept), kept
        if gives_word(message.text):
            made += 1
            standing.append(move.value)
    return Promises(made, broken)
