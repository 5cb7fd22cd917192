"""The words of each domain: what the two seats are called, and what the number between them means.

They are data (`data/domains.json`), so that prompts and reports need no sentence of their own for a domain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from poise.games.moves import Seat
from poise.games.scenario import Domain, Scenario


@dataclass(frozen=True, slots=True)
class DomainWords:
    """How people speak of one domain.

    creditor, debtor: the roles, with their article. question: what is negotiated, as an indirect question.
    singular, plural: the usual unit.
    """

    creditor: str
    debtor: str
    question: str
    singular: str
    plural: str

    def role(self, seat: Seat) -> str:
        """What the side in `seat` is called, with its article."""
        return self.creditor if seat == "creditor" else self.debtor

    def amount(self, value: int) -> str:
        """`value` with its unit: "1 day", "30 days"."""
        return f"{value} {self.singular if value == 1 else self.plural}"


@lru_cache(maxsize=1)
def _all_words() -> Mapping[str, DomainWords]:
    text = (Path(__file__).parent / "data" / "domains.json").read_text(encoding="utf-8")
    return {domain: DomainWords(**words) for domain, words in json.loads(text).items()}


def domain_words(domain: Domain) -> DomainWords:
    """The words of `domain`."""
    return _all_words()[domain]


def party(scenario: Scenario, seat: Seat) -> str:
    """The name of the side in `seat` where the context gives one ("Creditor", "Debtor"), else its role."""
    return scenario.context.get(seat.capitalize()) or domain_words(scenario.domain).role(seat)
