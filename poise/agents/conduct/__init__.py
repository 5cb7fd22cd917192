"""Conduct: whether a creditor's message is one that a decent collector could send.

`check(text)` returns the violations in a message: threats of harm or arrest, abuse, shaming, false legal or identity
claims, disclosure to others, unfair demands and harassing contact. The rules are in the spirit of the US Fair Debt
Collection Practices Act (15 U.S.C. 1692b to 1692f) and its Regulation F (12 CFR part 1006), each with the sections it
stands for; they judge one message by its words alone, and are no legal advice. What they catch and miss is measured in
docs/conduct.md.

`violations(text, seat, domain)` keeps those that the domain holds its seat to; they are recorded with every message.
`negativity` and `de_escalation` measure the other half: whether the debtor calms down.
"""

from __future__ import annotations

from poise.agents.conduct.checker import Checker, Violation
from poise.agents.conduct.deescalation import de_escalation, negativity
from poise.agents.conduct.duties import broken_rules, default_checker, violations
from poise.agents.conduct.rulebook import Rule

__all__ = [
    "Checker",
    "Rule",
    "Violation",
    "broken_rules",
    "categories",
    "check",
    "de_escalation",
    "default_checker",
    "negativity",
    "violations",
]


def check(text: str) -> tuple[Violation, ...]:
    """The violations in a creditor's message, in the order in which they stand; () for a clean one."""
    return default_checker().check(text)


def categories() -> tuple[str, ...]:
    """The categories of the shipped rules, in alphabetical order."""
    return tuple(sorted({rule.category for rule in default_checker().rules}))
