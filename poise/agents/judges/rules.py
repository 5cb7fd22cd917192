"""A judge without a model: reads the words and numbers of two messages, as a careful person would."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from poise.agents.judges.types import Exchange, Verdict
from poise.agents.models.text import neutralise, sentences
from poise.agents.voices.intents import accepts, refuses, walks_away
from poise.agents.voices.readout import offers_in

# Everyday ways of saying yes to the other side's words, apart from those of `intents.accepts`, which a move hangs on.
_ASSENTS: Final = re.compile(
    r"\b(?:that|this|it|which) (?:works|suits|is fine|is good|is ok(?:ay)?|sounds (?:good|fine|fair|reasonable))\b"
    r"|\b(?:sounds|looks) (?:good|fine|fair|great) to (?:me|us)\b|^(?:sounds|looks) (?:good|fine|fair|great)\b"
    r"|\b(?:fine|good|ok(?:ay)?) (?:by|with|for) (?:me|us)\b"
    r"|\b(?:i|we) (?:can|could|will) (?:live with|go with|settle for|take|do) (?:that|this|it|your)\b"
    r"|\b(?:i'll|we'll) (?:go with|settle for|take|do) (?:that|this|it|your)\b"
    r"|\b(?:then|so)\b.*\bit is[.!]*$|\bas you (?:said|say|propose|offer)(?:ed|d)?\b"
    r"|(?:^|\b(?:is|are|'s) )(?:settled|agreed)\b"
    r"|\byou have my agreement\b|\bwe (?:are|'re) in agreement\b|\b(?:i|we) agree(?: with (?:that|you|your))?[.!]?$",
    re.I,
)
_UNSURE: Final = re.compile(r"\b(?:not|never|no|cannot|nothing|hardly|almost|nearly|would|might|maybe)\b|n't\b", re.I)
_CONDITION: Final = re.compile(
    r"(?<!what )\bif\b(?! (?:that|this|it) (?:works|suits|helps)\b)"
    r"|\b(?:unless|provided|as long as|only when|on condition|except|but only|but (?:i|we) (?:also )?need)\b",
    re.I,
)
_INSISTS: Final = re.compile(
    r"\b(?:(?:will|does|do) not|won't|can't|cannot)"
    r" (?:change|move|budge|wait longer|do more|be (?:moved|changed|faster))\b"
    r"|\b(?:remains?|stays)\b[^.!?0-9]{0,24}[0-9]|\b(?:no (?:longer|more|less|place before)|not less|insist)\b",
    re.I,
)


class _Read(NamedTuple):
    """One message as it reads.

    numbers: those it states, in order. assents, refuses, leaves: what its words do. insists: whether a sentence with a
    number in it does. conditional: whether the sentence of its last number sets a condition.
    """

    numbers: tuple[int, ...]
    assents: bool
    refuses: bool
    insists: bool
    leaves: bool
    conditional: bool


class RulesJudge:
    """Sees an agreement where the last message takes the other's number, or both name the same one.

    In this order, with a and b the last numbers of the two messages:

    1. whoever walks away agrees to nothing, and a condition on b takes it back;
    2. a and b both there: agreed when b = a, whatever else is said, or when the last message says yes to another
       number of the first; and when they are within the tolerance, unless the last message refuses or insists on b;
    3. b missing: agreed when the last message says yes, and there is a number or a yes to say it to;
    4. a missing: agreed when the last message says yes to the number that it repeats.

    Differs from the referee, on purpose: it sees two messages and not the offers standing from before, it hears "that
    works for us", and it does not know that an offer was meant firmly.
    """

    def judge(self, exchange: Exchange) -> Verdict:
        """The verdict on two messages, from their words alone."""
        before, last = (_read(neutralise(text), exchange.unit) for _, text in exchange.said)
        return Verdict(_agreed(before, last, exchange.tolerance))


def _agreed(before: _Read, last: _Read, tolerance: int) -> bool:
    if last.leaves or before.leaves or last.conditional:
        return False
    if not last.numbers:
        return last.assents and not last.refuses and bool(before.numbers or before.assents)
    if not before.numbers:
        return last.assents and not last.refuses
    gap = abs(last.numbers[-1] - before.numbers[-1])
    if gap == 0 or (last.assents and last.numbers[-1] in before.numbers):
        return not before.conditional or last.assents
    return gap <= tolerance and not (last.refuses or last.insists or before.conditional)


@lru_cache(maxsize=4096)
def _read(text: str, unit: str) -> _Read:
    plain = text.replace("\u2019", "'")
    parts = sentences(plain)
    stated = [(part, [each.value for each in offers_in(part, unit) if each.value is not None]) for part in parts]
    numbered = [part for part, values in stated if values]
    return _Read(
        numbers=tuple(value for _, values in stated for value in values),
        assents=accepts(plain) or any(map(_assents, parts)),
        refuses=refuses(plain),
        insists=any(_INSISTS.search(part) for part in numbered),
        leaves=walks_away(plain),
        conditional=bool(numbered) and _CONDITION.search(numbered[-1]) is not None,
    )


def _assents(sentence: str) -> bool:
    """Whether a sentence says yes: not as a question, not under a condition, not with a doubt before it."""
    found = _ASSENTS.search(sentence)
    if found is None or sentence.rstrip("\"') ").endswith("?"):
        return False
    return not _UNSURE.search(sentence[: found.end()]) and not _CONDITION.search(sentence)
