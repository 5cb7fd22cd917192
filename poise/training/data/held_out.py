"""The scenarios that are kept for evaluation, which no training may see.

They are the last fifth of a source (rows 80 to 99 of a hundred) and of every built-in set, whatever its name. They are
recognised by their content and by their id in their source, so that a copy is found too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from poise.common.errors import ConfigError, ScenarioError
from poise.common.files import digest_of
from poise.games.domains import domain_names
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import BUILTIN, load_scenarios

ROWS: Final = re.compile(r"(.*):(train|test|[0-9]+(-[0-9]+)?)")
FIRST_ROW: Final = 80  # of a hundred


@dataclass(frozen=True)
class HeldOut:
    """The scenarios kept for evaluation: digests of their content, and (domain, id) of those of one source."""

    contents: frozenset[str]
    ids: frozenset[tuple[str, str]] = frozenset()

    def __contains__(self, scenario: object) -> bool:
        if not isinstance(scenario, Scenario):
            return False
        return content(scenario) in self.contents or (scenario.domain, scenario.id) in self.ids


def content(scenario: Scenario) -> str:
    """A digest of a scenario without its id."""
    data = scenario.to_dict()
    del data["id"]
    return digest_of(data)


def base_of(source: str) -> str:
    """The source without its selection of rows."""
    matched = ROWS.fullmatch(source)
    return matched[1] if matched else source


def held_out(source: str = BUILTIN) -> HeldOut:
    """The scenarios of `source` and of the built-in sets that are kept for evaluation.

    Raises:
        ConfigError: the source cannot be read any more.
    """
    base = base_of(source)
    try:
        load_scenarios(base)
    except ScenarioError as error:
        raise ConfigError(
            f"the scenarios of {source!r} cannot be read any more ({error}), so it is unknown which of them are "
            "kept for evaluation; restore the file, or allow them with --allow-test"
        ) from None
    kept = _test_rows(base)
    contents = frozenset(map(content, kept)).union(*map(_built_in, domain_names()))
    return HeldOut(contents, frozenset((each.domain, each.id) for each in kept))


@cache
def _built_in(domain: str) -> frozenset[str]:
    return frozenset(map(content, _test_rows(f"{BUILTIN}:{domain}")))


def _test_rows(source: str) -> list[Scenario]:
    try:
        return load_scenarios(f"{source}:test")
    except ScenarioError:
        return []  # a source too small to be split keeps nothing for evaluation


def refuse_evaluation(source: str, scenarios: Iterable[Scenario]) -> None:
    """Raise ConfigError if any of `scenarios` of `source` is kept for evaluation."""
    listed, kept = list(scenarios), held_out(source)
    found = [scenario.id for scenario in listed if content(scenario) in kept.contents]
    if found:
        raise ConfigError(
            f"{len(found)} of the {len(listed)} scenarios of {source!r} are kept for evaluation (such as "
            f"{found[0]!r}); train on the rest, as builtin:train does, or allow them with --allow-test"
        )
