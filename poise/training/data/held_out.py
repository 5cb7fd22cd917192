"""The scenarios that are kept for evaluation, which no training may see.

They are the last fifth of a source (rows 80 to 99 of a hundred) and of every built-in set, whatever its name. They are
recognised by their content and by their id in their source, so that a copy is found too: with another name, in another
spelling, without its facts, or with at least half of them beside the same domain and targets.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from poise.agents.registry import each_debtor, find_agent
from poise.common.errors import ConfigError, ScenarioError
from poise.common.files import digest_of
from poise.games.domains import domain_names
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import BUILTIN, load_scenarios

ROWS: Final = re.compile(r"(.*):(train|test|[0-9]+(-[0-9]+)?)")
FIRST_ROW: Final = 80  # of a hundred
_WORDS: Final = re.compile(r"\w+")
_Key = tuple[str, int, int]


EXACT: Final = "evaluation scenarios"
NEAR: Final = 0.5  # the share of equal facts from which scenarios with the same targets are near copies


@dataclass(frozen=True)
class HeldOut:
    """The scenarios kept for evaluation, and the test for copies of them.

    contents: digests of their content. ids: (domain, id) of those of one source. facts: by domain and targets, the
    facts of each, as `facts_of` gives them.
    """

    contents: frozenset[str]
    ids: frozenset[tuple[str, str]] = frozenset()
    facts: Mapping[_Key, Sequence[frozenset[str]]] = field(default_factory=dict)

    def __contains__(self, scenario: object) -> bool:
        return isinstance(scenario, Scenario) and self.reason(scenario) is not None

    def reason(self, scenario: Scenario) -> str | None:
        """Why a scenario counts as one that is kept for evaluation, or None where it does not."""
        if (scenario.domain, scenario.id) in self.ids:
            return EXACT
        return self.copied(scenario)

    def copied(self, scenario: Scenario) -> str | None:
        """The same by content alone, whatever its name, spelling and bounds."""
        if content(scenario) in self.contents:
            return EXACT
        own = facts_of(scenario)
        for facts in self.facts.get(_key(scenario), ()):
            if own == facts:
                return "copies in other spelling, or with other bounds"
            if not own:
                return "copies without their facts"
            if len(own & facts) >= NEAR * max(1, min(len(own), len(facts))):
                return f"copies with at least {NEAR:.0%} of the facts"
        return None


def facts_of(scenario: Scenario) -> frozenset[str]:
    """The facts of a scenario, each as its label and words in lower case, without punctuation or extra spaces."""
    pairs = (f"{label}: {text}" for label, text in scenario.context.items() if text.strip())
    return frozenset(" ".join(_WORDS.findall(unicodedata.normalize("NFKC", pair).casefold())) for pair in pairs)


def _key(scenario: Scenario) -> _Key:
    return scenario.domain, scenario.creditor_target, scenario.debtor_target


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
        ConfigError: the source can no longer be read.
    """
    base = base_of(source)
    try:
        load_scenarios(base)
    except ScenarioError as error:
        raise ConfigError(
            f"the scenarios of {source!r} can no longer be read ({error}), so it is unknown which of them are "
            "kept for evaluation; restore the file, or allow them with --allow-test"
        ) from None
    kept = _test_rows(base)
    listed = [*kept, *(each for domain in domain_names() for each in _built_in(domain))]
    facts: dict[_Key, list[frozenset[str]]] = {}
    for each in listed:
        facts.setdefault(_key(each), []).append(facts_of(each))
    return HeldOut(frozenset(map(content, listed)), frozenset((each.domain, each.id) for each in kept), facts)


@cache
def _built_in(domain: str) -> tuple[Scenario, ...]:
    return tuple(_test_rows(f"{BUILTIN}:{domain}"))


def _test_rows(source: str) -> list[Scenario]:
    try:
        return load_scenarios(f"{source}:test")
    except ScenarioError:
        return []  # a source too small to be split keeps nothing for evaluation


def world_kept(declared: Mapping[str, Any]) -> bool:
    """Whether the debtor that declares this comes from a world that is kept for evaluation."""
    return bool(declared.get("settings", {}).get("world", {}).get("evaluation"))


def refuse_evaluation(source: str, scenarios: Iterable[Scenario], debtors: Sequence[str]) -> None:
    """Raise ConfigError if any of `scenarios` of `source`, or the world of any of `debtors`, is kept for evaluation.

    debtors: as `--debtor` takes them.
    """
    declared = [find_agent(name, "debtor").declared() for name in each_debtor(debtors)]
    if worlds := [each["name"] for each in declared if world_kept(each)]:
        raise ConfigError(
            f"{len(worlds)} of the {len(declared)} debtors come from worlds that are kept for evaluation (such as "
            f"{worlds[0]!r}); train on others, as worlds:DIR/train does for a DIR of `poise worlds sample`, or allow "
            "them with --allow-test"
        )
    listed, kept = list(scenarios), held_out(source)
    found = {scenario.id: reason for scenario in listed if (reason := kept.copied(scenario))}
    if found:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in Counter(found.values()).items())
        raise ConfigError(
            f"{len(found)} of the {len(listed)} scenarios of {source!r} are kept for evaluation (such as "
            f"{next(iter(found))!r}; {reasons}); train on the rest, as builtin:train does, or allow them with "
            "--allow-test"
        )
