"""What a message does: offers a value, accepts, walks away, none of these, or something that reads two ways.

The same reader serves words that a model chose freely and words that should state a decided number. `grammar.toml` has
its rules, docs/reading.md the order in which they apply. A quantity is an offer only where a rule says so: without a
rule the message is ambiguous, and its writer is asked again.

Differs from the reference: the published read-outs take the last number of a message for its offer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from poise.agents.voices.intents import accepts, walks_away
from poise.agents.voices.reading.clauses import split_sentences
from poise.agents.voices.reading.grammar import grammar
from poise.agents.voices.reading.normal import NormalText, normal_form
from poise.agents.voices.reading.roles import Role, RoleReader, SaidSentence
from poise.agents.voices.reading.table import Table
from poise.agents.voices.readout import quantities

Outcome = Literal["offer", "accept", "walk", "none", "ambiguous"]


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


@lru_cache(maxsize=4096)
def read_message(text: str, table: Table) -> MessageReading:
    """The reading of a message; never raises, and takes time linear in its length."""
    normal = normal_form(text[: grammar().characters])
    found = quantities(normal, table.unit)
    reader = RoleReader(normal.text, found, split_sentences(normal.text, found), table)
    evidence = tuple(QuantityRole(each.value, *normal.span(each.start, each.end), *reader.role(each)) for each in found)
    return _verdict(normal, evidence, reader.sentences, table)


def _verdict(  # noqa: PLR0911  # one return for each outcome, in the order of docs/reading.md
    normal: NormalText, evidence: tuple[QuantityRole, ...], sentences: Sequence[SaidSentence], table: Table
) -> MessageReading:
    stock = {table.stock_kind(sentence.whole) for sentence in sentences}
    accepting = accepts(normal.text) or "accept" in stock
    leaving = walks_away(normal.text) or "walk" in stock
    offered = dict.fromkeys(each.value for each in evidence if each.role == "offered")
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
        return MessageReading(
            "offer", next(iter(offered)), evidence, next(e.rule for e in evidence if e.role == "offered")
        )
    reason = "; ".join(dict.fromkeys(each.rule for each in evidence)) or "no quantity is stated"
    return MessageReading("none", None, evidence, reason)
