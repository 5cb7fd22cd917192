"""Scenarios made up from a seed, and the built-in hundred of each domain.

Debt scenarios come from `debt_cases`. Those of any other domain, custom ones included, come from its `cases.json` (see
`scenes`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from poise.common.errors import ScenarioError, shorten
from poise.games.domains import domain_file
from poise.games.scenario import Scenario

BUILTIN_SIZE: Final = 100
BUILTIN_SEED: Final = 2025


def generate(domain: str = "debt", n: int = BUILTIN_SIZE, seed: int = BUILTIN_SEED) -> list[Scenario]:
    """`n` scenarios of `domain`, `debt-000` onwards; the same arguments always give the same ones.

    n:    how many, at least 1. A smaller set is not the beginning of a larger one: margins are spread over the set.
    seed: 0 or more.

    Raises ScenarioError for a domain that is not there, or has nothing to make them of.
    """
    for name, value, least in (("n", n, 1), ("seed", seed, 0)):
        if type(value) is not int or value < least:
            raise ScenarioError(f"{name} {shorten(value)} is not an integer of {least} or more")
    if domain == "debt":
        from poise.games.scenarios.debt_cases import generate_debt

        return generate_debt(n, seed)
    path = domain_file(domain, "cases.json")
    if path is None:
        raise ScenarioError(
            f"the domain {domain!r} has no cases.json to make scenarios from; add one (docs/domains.md), or name "
            "a file of scenarios"
        )
    from poise.games.scenarios.scenes import generate_from_file

    return generate_from_file(path, domain, n, seed)


def builtin(domain: str = "debt") -> list[Scenario]:
    """The built-in hundred of `domain`; those of debt are what Poise negotiates about when told nothing else."""
    return list(_builtin(domain))


@lru_cache(maxsize=16)
def _builtin(domain: str) -> tuple[Scenario, ...]:
    return tuple(generate(domain))
