"""What the words around a quantity do with it: offer it, refuse it, ask about it, call it the other side's.

docs/reading.md has the order of the rules. Each sentence is read once, and no rule sees more of a clause than the
grammar's window on either side of a quantity, so that the time is linear in the length of the message.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import or_
from typing import Final, Literal

from poise.agents.voices.intents import accepts
from poise.agents.voices.reading.clauses import Sentence, places_inside, split_clauses
from poise.agents.voices.reading.grammar import grammar
from poise.agents.voices.reading.table import Table
from poise.agents.voices.readout import Quantity

Role = Literal["offered", "accepted", "refused", "contrast", "theirs", "fact", "question", "unclear"]
REVERSED: Final = "what the other side would say of itself"  # the rule of a seat that speaks for the other
_MODAL: Final = re.compile(r"\b(?:would|could|might|may|should|if|not|n't)\b|n't\b|'d\b")
_PROPOSED: Final = re.compile(r"\b(?:how about|what about|shall we|let's|let us|can we|could we|why don't we)\b")
_NEGATED: Final = re.compile(r"n't\b|\bnever\b|\bnot\b")
_UNLESS: Final = re.compile(r"\bunless\b")
_PAYS_ME: Final = re.compile(r" to pay (?:me|us)\b")
_THEY_SAY: Final = re.compile(r"\W*(?:so )?(?:you|they|he|she) (?:say|said|claim|think|tell|insist)")
_AT_ODDS: Final = re.compile(r"\W*(?:no|nope|not \d|that|this|it)\b")
_YOURS: Final = re.compile(r"\byour [a-z]+\W*$")


class SaidSentence:
    """A sentence of a message; each of its properties is computed once."""

    def __init__(self, text: str, span: Sentence, inside: Sequence[int]) -> None:
        self.span = span
        self.whole = span.text(text)
        self.clauses = split_clauses(text, span, inside)

    @cached_property
    def accepts(self) -> bool:
        """Whether it accepts in so many words."""
        return accepts(self.whole)

    @cached_property
    def sarcastic(self) -> bool:
        """Whether it may be meant as sarcasm."""
        return grammar().found("sarcastic.any", self.whole) is not None

    @cached_property
    def conditional(self) -> bool:
        """Whether it sets a condition; politeness sets none."""
        return grammar().found("conditional.opens", _without("conditional.polite", self.whole)) is not None

    @cached_property
    def settles(self) -> bool:
        """Whether a condition in it can be an offer: `I accept if you go down to 30 days`."""
        if _UNLESS.search(self.whole):
            return grammar().found("conditional.proposes_unless", self.whole) is not None
        return grammar().found("conditional.proposes_main", self.whole) is not None and not _NEGATED.search(self.whole)

    @cached_property
    def hedged(self) -> bool:
        """Whether it is hedged somewhere."""
        return grammar().found("hedged.any", self.whole) is not None

    @cached_property
    def modal(self) -> bool:
        """Whether it is short of a plain yes."""
        return _MODAL.search(self.whole) is not None

    @cached_property
    def denies(self) -> bool:
        """Whether it takes back the sentence before it."""
        return _denies(self.whole)


@dataclass(frozen=True, slots=True)
class _Around:
    """The words around a quantity: of its clause, of its sentence before and after that, each within the window."""

    left: str
    right: str
    earlier: str
    following: str


class RoleReader:
    """Tells the roles of the quantities of one message."""

    def __init__(self, text: str, found: Sequence[Quantity], spans: Sequence[Sentence], table: Table) -> None:
        inside = places_inside(text, found)
        self._text, self._table = text, table
        self.sentences = [SaidSentence(text, span, inside) for span in spans]
        self._starts = [span.start for span in spans]

    @cached_property
    def _denied_later(self) -> list[bool]:
        """For each sentence, whether it or a later one takes something back; False after the last."""
        return [*accumulate((each.denies for each in reversed(self.sentences)), or_, initial=False)][::-1]

    @cached_property
    def _asked_later(self) -> list[bool]:
        asked = (each.span.question for each in reversed(self.sentences))
        return [*accumulate(asked, or_, initial=False)][::-1]

    def role(self, quantity: Quantity) -> tuple[Role, str]:
        """The role of a quantity, and the rule that says so."""
        if quantity.kind == "fact":
            return "fact", "a fact or a rhythm"
        if quantity.kind == "margin":
            return "unclear", "a margin around the number"
        place = bisect_right(self._starts, quantity.start) - 1
        sentence = self.sentences[place]
        split = quantity.start - sentence.span.start, quantity.end - sentence.span.start
        stock = self._table.stock and self._table.stock_kind(
            sentence.whole, (sentence.whole[: split[0]], sentence.whole[split[1] :])
        )
        if stock in ("offer", "firm", "promise"):
            return "offered", "a sentence of the domain"
        if stock == "accept" or (quantity.value == self._table.standing and sentence.accepts):
            return "accepted", "named in an acceptance"
        around = self._around(quantity, sentence)
        bounded = grammar().found("bound.at", around.left) is not None
        return self._of_another(quantity, sentence, around, bounded) or self._positive(quantity, place, around, bounded)

    def _around(self, quantity: Quantity, sentence: SaidSentence) -> _Around:
        window, span = grammar().window, sentence.span
        starts = [clause.start for clause in sentence.clauses]
        clause = sentence.clauses[bisect_right(starts, quantity.start) - 1]
        return _Around(
            self._text[max(clause.start, quantity.start - window) : quantity.start].rstrip(" \"'(~"),
            self._text[quantity.end : min(clause.end, quantity.end + window)],
            self._text[max(span.start, quantity.start - window) : clause.start],
            self._text[clause.end : min(span.end, clause.end + window)],
        )

    def _of_another(  # noqa: C901, PLR0911, PLR0912  # one return for each rule, in the order of docs/reading.md
        self, quantity: Quantity, sentence: SaidSentence, around: _Around, bounded: bool
    ) -> tuple[Role, str] | None:
        """The role of a quantity that is not offered, by the words of its clause, then of its sentence."""
        rules, table, left, right = grammar(), self._table, around.left, around.right
        standing = quantity.value == table.standing
        if quantity.kind == "contrast" or (not bounded and rules.found("contrast.at", left)):
            return "contrast", "rejected in a contrast"
        if quantity.kind == "end":
            return "unclear", "one end of a range"
        if sentence.span.question and (standing or not _PROPOSED.search(left)):
            return "question", "part of a question"
        if rules.found("theirs.at", left) or rules.found("theirs.before", left) or _theirs(around):
            return "theirs", "the other side's number"
        if rules.is_reversed(left, table.domain, table.seat) or (table.seat == "debtor" and _PAYS_ME.match(right)):
            return "theirs", REVERSED
        if rules.found("fact.before", _without("fact.not_fact", left)) or rules.found("fact.after", right):
            return "fact", "a fact about the past"
        if sentence.sarcastic:
            return "unclear", "may be meant as sarcasm"
        if sentence.conditional and not _proposes(left, sentence):
            return "unclear", "stands under a condition"
        if bounded:
            if not rules.found("bound.negated", left):
                return "unclear", "a bound that leaves open what is offered"
        elif rules.found("refused.before", _without("refused.allowed_before", left)):
            return "refused", "refused or denied"
        elif rules.found("bound.open", left):
            return "unclear", "a bound that leaves open what is offered"
        if rules.found("refused.after", _without("refused.allowed_after", right)):
            return "refused", "refused or denied"
        near = rules.found("hedged.near", left + " ... " + right) or rules.found("hedged.near", around.following[:40])
        return ("unclear", "hedged") if near or (standing and sentence.hedged) else None

    def _positive(self, quantity: Quantity, place: int, around: _Around, bounded: bool) -> tuple[Role, str]:
        """Whether a frame offers the quantity, and nothing after it takes that back."""
        rules, table, sentence = grammar(), self._table, self.sentences[place]
        bare = bool(rules.found("bare.before", around.left) and rules.found("bare.after", around.right))
        rule = "a bound that is named" if bounded else ""
        rule = rule or ("a condition that names it" if _proposes(around.left, sentence) else "")
        if not rule:
            frames = rules.frames_for(table.domain, table.seat)
            named = (each.name for each in frames if each.before.search(around.left))
            rule = next(named, "stands alone" if bare else "")
        if not rule:
            return "unclear", "no rule says that it is offered"
        deal = table.standing is not None and quantity.value == table.standing
        if bare and _unfinished(around.earlier):
            return "refused", "refused before it"
        if (bare or deal) and (self._denied_later[place + 1] or _denies(around.following)):
            return "unclear", "taken back afterwards"
        if deal and (self._asked_later[place + 1] or sentence.modal):
            return "unclear", "the other side's number, without a plain yes"
        return "offered", rule


def _without(name: str, text: str) -> str:
    return grammar().patterns[name].sub(" ", text)


def _theirs(around: _Around) -> bool:
    """Whether the rest of the sentence says who said the number: `You said: 20 days`, `20 days, you say`."""
    announced = around.earlier.rstrip().endswith(":") and grammar().found("theirs.before", around.earlier)
    return bool(announced) or _THEY_SAY.match(around.following) is not None


def _unfinished(earlier: str) -> bool:
    """Whether the words before a bare quantity refuse it: `I can't, in all honesty, do 18 days`."""
    spared = _without("refused.allowed_before", earlier.strip())
    if not spared or spared.endswith((":", " but", ";")) or _AT_ODDS.match(spared):
        return False
    if grammar().found("theirs.before", spared) or _YOURS.search(spared):
        return True
    return grammar().found("refused.before", spared) is not None and not re.search(r"\d", spared)


def _denies(sentence: str) -> bool:
    rules = grammar()
    if rules.found("denial.whole", sentence):
        return True
    return bool(rules.found("denial.about", sentence)) and not rules.found("denial.spared", sentence)


def _proposes(left: str, sentence: SaidSentence) -> bool:
    """Whether a condition is itself an offer: `I accept if you go down to 30 days`."""
    return grammar().found("conditional.proposes", left) is not None and sentence.settles
