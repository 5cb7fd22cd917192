"""What a message does: offers a value, accepts, walks away, none of these, or something that reads two ways.

One reader for words that a model chose freely and for words that were to state a decided number. `grammar.toml` has its
rules, docs/reading.md the order in which they apply. A quantity is an offer only where a rule says so: what no rule
knows leaves the message ambiguous, and its writer is asked again.

Differs from the reference: the published read-outs take the last number of a message for its offer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from poise.agents.voices.intents import accepts, walks_away
from poise.agents.voices.reading.clauses import Sentence, split_clauses, split_sentences
from poise.agents.voices.reading.grammar import grammar
from poise.agents.voices.reading.normal import NormalText, normal_form
from poise.agents.voices.readout import Quantity, quantities

Outcome = Literal["offer", "accept", "walk", "none", "ambiguous"]
Role = Literal["offered", "accepted", "refused", "contrast", "theirs", "fact", "question", "unclear"]
_SILENT: Final = ("refused", "contrast", "theirs", "fact", "question")
_MODAL: Final = re.compile(r"\b(?:would|could|might|may|should|if|not|n't)\b|n't\b|'d\b")
_PROPOSED: Final = re.compile(r"\b(?:how about|what about|shall we|let's|let us|can we|could we|why don't we)\b")


@dataclass(frozen=True, slots=True)
class QuantityRole:
    """One quantity of a message, where it stands, and what its words do with it. rule: what says so."""

    value: int | None
    start: int
    end: int
    role: Role
    rule: str


@dataclass(frozen=True, slots=True)
class MessageReading:
    """outcome: what the message does. value: what it offers, in the scenario's unit; None where that is not whole.

    evidence: its quantities in order. reason: one sentence for the record.
    """

    outcome: Outcome
    value: int | None = None
    evidence: tuple[QuantityRole, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Where a message is read.

    standing: the other side's offer, None without one. stock: sentences of the domain by kind of move, with {} for the
    number, which count as what they are whatever the grammar says.
    """

    unit: str
    domain: str
    seat: str
    standing: int | None = None
    stock: tuple[tuple[str, str], ...] = ()


@lru_cache(maxsize=4096)
def read_message(text: str, table: Table) -> MessageReading:
    """The reading of a message; never raises, and takes time linear in its length."""
    normal = normal_form(text[: grammar().characters])
    found = quantities(normal, table.unit)
    sentences = split_sentences(normal.text, found)
    roles = [_role(normal.text, quantity, sentences, table) for quantity in found]
    evidence = tuple(
        QuantityRole(quantity.value, *normal.span(quantity.start, quantity.end), *role)
        for quantity, role in zip(found, roles, strict=True)
    )
    return _verdict(normal, evidence, sentences, table)


def _verdict(  # noqa: PLR0911  # one return for each outcome, in the order of docs/reading.md
    normal: NormalText, evidence: tuple[QuantityRole, ...], sentences: Sequence[Sentence], table: Table
) -> MessageReading:
    stock = {
        kind for sentence in sentences if (kind := _stock_kind(sentence.text(normal.text), table)) in ("accept", "walk")
    }
    accepting = accepts(normal.text) or "accept" in stock
    leaving = walks_away(normal.text) or "walk" in stock
    offered = list(dict.fromkeys(each.value for each in evidence if each.role == "offered"))
    unclear = [each for each in evidence if each.role == "unclear" and each.value not in offered]
    others = [
        each
        for each in evidence
        if each.role in ("offered", "unclear", "question", "theirs") and each.value != table.standing
    ]
    if accepting and not others and table.standing is not None:
        refusing = any(each.role in ("refused", "unclear") for each in evidence)
        if leaving or refusing:
            return MessageReading("ambiguous", None, evidence, "accepts and refuses")
        return MessageReading("accept", None, evidence, "accepts in so many words")
    if accepting and not evidence:
        return MessageReading("accept", None, evidence, "accepts, but no offer is on the table")
    if accepting and not offered:
        return MessageReading("ambiguous", None, evidence, "accepts, but names another number")
    if leaving and (offered or unclear):
        return MessageReading("ambiguous", None, evidence, "walks away and names a number")
    if leaving:
        return MessageReading("walk", None, evidence, "walks away in so many words")
    if len(offered) > 1 or unclear:
        which = "two numbers are offered" if len(offered) > 1 else unclear[0].rule
        return MessageReading("ambiguous", None, evidence, which)
    if offered:
        return MessageReading("offer", offered[0], evidence, next(e.rule for e in evidence if e.role == "offered"))
    reason = "; ".join(dict.fromkeys(each.rule for each in evidence)) or "no quantity is stated"
    return MessageReading("none", None, evidence, reason)


def _role(text: str, quantity: Quantity, sentences: Sequence[Sentence], table: Table) -> tuple[Role, str]:
    place, sentence = next(
        (place, each) for place, each in enumerate(sentences) if each.start <= quantity.start < each.end
    )
    if quantity.kind == "fact":
        return "fact", "a fact or a rhythm"
    if quantity.kind == "margin":
        return "unclear", "a margin around the number"
    whole = sentence.text(text)
    prefix, suffix = text[sentence.start : quantity.start], text[quantity.end : sentence.end]
    stock = _stock_kind(whole, table, (prefix, suffix))
    if stock in ("offer", "firm", "promise"):
        return "offered", "a sentence of the domain"
    if stock == "accept" or (accepts(whole) and quantity.value == table.standing):
        return "accepted", "named in an acceptance"
    return _in_clause(text, quantity, (sentence, sentences[place + 1 :]), table)


def _in_clause(  # noqa: C901, PLR0911, PLR0912  # one return for each rule, in the order of docs/reading.md
    text: str, quantity: Quantity, around: tuple[Sentence, Sequence[Sentence]], table: Table
) -> tuple[Role, str]:
    """The role of a quantity by the words of its clause, then of its sentence, then of the sentences after it."""
    rules = grammar()
    sentence, later = around
    whole = sentence.text(text)
    clauses = split_clauses(text, sentence)
    clause = next(each for each in clauses if each.start <= quantity.start < each.end)
    left = text[max(clause.start, quantity.start - rules.window) : quantity.start].rstrip(" \"'(~")
    right = text[quantity.end : min(clause.end, quantity.end + rules.window)]
    earlier = text[max(sentence.start, quantity.start - rules.window) : clause.start]
    following = text[clause.end : min(sentence.end, clause.end + rules.window)]
    bounded = rules.found("bound.at", left)
    if quantity.kind == "contrast" or (not bounded and rules.found("contrast.at", left)):
        return "contrast", "rejected in a contrast"
    if quantity.kind == "end":
        return "unclear", "one end of a range"
    proposed = _PROPOSED.search(left)
    if sentence.question and not (proposed and quantity.value != table.standing):
        return "question", "part of a question"
    if rules.found("theirs.at", left) or rules.found("theirs.before", left) or _theirs(earlier, following):
        return "theirs", "the other side's number"
    if rules.is_reversed(left, table.domain, table.seat) or re.match(
        r" to pay (?:me|us)\b", right * (table.seat == "debtor")
    ):
        return "theirs", "what the other side would say of itself"
    tenses = rules.patterns["fact.not_fact"].sub(" ", left)
    if rules.found("fact.before", tenses) or rules.found("fact.after", right):
        return "fact", "a fact about the past"
    if rules.found("sarcastic.any", whole):
        return "unclear", "may be meant as sarcasm"
    sets_condition = rules.found("conditional.opens", rules.patterns["conditional.polite"].sub(" ", whole))
    if sets_condition and not _proposes(left, whole):
        return "unclear", "stands under a condition"
    spared_left = rules.patterns["refused.allowed_before"].sub(" ", left)
    if bounded:
        if not rules.found("bound.negated", left):
            return "unclear", "a bound that leaves open what is offered"
    elif rules.found("refused.before", spared_left):
        return "refused", "refused or denied"
    elif rules.found("bound.open", left):
        return "unclear", "a bound that leaves open what is offered"
    if rules.found("refused.after", rules.patterns["refused.allowed_after"].sub(" ", right)):
        return "refused", "refused or denied"
    near = rules.found("hedged.near", left + " ... " + right) or rules.found("hedged.near", following[:40])
    if near or (quantity.value == table.standing and rules.found("hedged.any", whole)):
        return "unclear", "hedged"
    return _positive(text, (left, right, earlier, following, whole), (quantity, bounded is not None), later, table)


def _positive(
    text: str,
    parts: tuple[str, str, str, str, str],
    about: tuple[Quantity, bool],
    later: Sequence[Sentence],
    table: Table,
) -> tuple[Role, str]:
    """Whether a frame offers the quantity, and nothing after it takes that back."""
    rules = grammar()
    left, right, earlier, following, whole = parts
    quantity, bounded = about
    bare = rules.found("bare.before", left) is not None and rules.found("bare.after", right) is not None
    rule = "a bound that is named" if bounded else "a condition that names it" if _proposes(left, whole) else ""
    if not rule:
        frames = rules.frames_for(table.domain, table.seat)
        rule = next((frame.name for frame in frames if frame.before.search(left)), "stands alone" if bare else "")
    if not rule:
        return "unclear", "no rule says that it is offered"
    deal = table.standing is not None and quantity.value == table.standing
    if bare and _unfinished(earlier):
        return "refused", "refused before it"
    if bare or deal:
        rest = [each.text(text) for each in later]
        if any(map(_denies, [following, *rest])):
            return "unclear", "taken back afterwards"
        if deal and (any(each.question for each in later) or _MODAL.search(whole)):
            return "unclear", "the other side's number, without a plain yes"
    return "offered", rule


def _theirs(earlier: str, following: str) -> bool:
    """Whether the rest of the sentence says who said the number: `You said: 20 days`, `20 days, you say`."""
    before = earlier.rstrip().endswith(":") and grammar().found("theirs.before", earlier)
    return (
        bool(before)
        or re.match(r"\W*(?:so )?(?:you|they|he|she) (?:say|said|claim|think|tell|insist)", following) is not None
    )


def _unfinished(earlier: str) -> bool:
    """Whether the words before a bare quantity refuse it: `I can't, in all honesty, do 18 days`."""
    spared = grammar().patterns["refused.allowed_before"].sub(" ", earlier.strip())
    if not spared or spared.endswith((":", " but", ";")) or re.match(r"\W*(?:no|nope|not \d|that|this|it)\b", spared):
        return False
    if grammar().found("theirs.before", spared) or re.search(r"\byour [a-z]+\W*$", spared):
        return True
    return grammar().found("refused.before", spared) is not None and not re.search(r"\d", spared)


def _denies(sentence: str) -> bool:
    rules = grammar()
    if rules.found("denial.whole", sentence):
        return True
    return bool(rules.found("denial.about", sentence)) and not rules.found("denial.spared", sentence)


def _proposes(left: str, whole: str) -> bool:
    """Whether a condition is itself an offer: `I accept if you go down to 30 days`."""
    rules = grammar()
    if not rules.found("conditional.proposes", left):
        return False
    main = "conditional.proposes_unless" if re.search(r"\bunless\b", whole) else "conditional.proposes_main"
    return rules.found(main, whole) is not None and not (
        main.endswith("main") and re.search(r"n't\b|\bnever\b|\bnot\b", whole)
    )


def _stock_kind(sentence: str, table: Table, around: tuple[str, str] | None = None) -> str | None:
    """The kind of move whose stock sentence this is; `around` is what stands before and after its number."""
    for kind, template in table.stock:
        before, hole, after = template.partition("{}")
        if hole and around is not None:
            if (around[0].strip(), around[1].strip()) == (before.strip(), after.strip()):
                return kind
        elif not hole and sentence.strip() == template.strip():
            return kind
    return None


def stock_sentences(templates: Mapping[str, Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """The sentences of `templates` that hold {} or make a whole move without one, in normal form."""
    made: list[tuple[str, str]] = []
    for kind, texts in templates.items():
        for text in texts:
            plain = normal_form(text).text
            parts = [part.text(plain) for part in split_sentences(plain, ())]
            made += [
                (kind, part)
                for part in parts
                if "{}" in part or (part.strip() and kind in ("walk", "accept") and "{}" not in plain)
            ]
    return tuple(dict.fromkeys(made))
