"""Which rules a message is held to: the creditor's, to those of its domain; the debtor's, to none.

The Act binds those who collect. What holds in a domain is its own to say (`conduct` in its `domain.json`): every
category where a debt is collected, abuse and shaming where the rest would misread a rescuer's or a nurse's warnings.

What is done about a violation is the creditor's own setting, `poise.agents.protocols.Conduct`. Violations are recorded
with each message whatever it is. Besides, a model that words messages is told of them:

    record   nothing more (default)
    reask    it is told which rule its reply broke and asked again, once; what it then says is said
    refuse   the same, and a reply that breaks a rule is never said: it counts as one that cannot be used
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from poise.agents.conduct.checker import Checker, Violation
from poise.games.domains import domain_words
from poise.games.moves import Seat


@cache
def default_checker() -> Checker:
    """The checker with the rules of this package, read once."""
    return Checker.from_files()


def violations(text: str, seat: Seat, domain: str) -> tuple[Violation, ...]:
    """The violations in a message of `seat` that `domain` counts, in the order in which they stand.

    Raises ScenarioError for a domain that is not there.
    """
    if seat != "creditor":
        return ()
    held = domain_words(domain).conduct
    return tuple([each for each in default_checker().check(text) if each.category in held])


def broken_rules(text: str, seat: Seat, domain: str) -> tuple[str, ...]:
    """The ids of the rules in `violations`, as a transcript keeps them."""
    return tuple([each.rule for each in violations(text, seat, domain)])


def rules_in_words(found: Iterable[Violation]) -> str:
    """The rules of some violations in words: what their message does, as told to whoever said it."""
    explanations = {rule.id: rule.explanation for rule in default_checker().rules}
    reasons = dict.fromkeys(explanations[each.rule].removesuffix(".") for each in found)
    return "; ".join(reason[0].lower() + reason[1:] for reason in reasons)
