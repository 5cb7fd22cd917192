"""The checks that every set of scenarios must pass: a built-in one, a custom domain, a file, a list."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Final

from poise.common.errors import ScenarioError
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios, save_scenarios
from poise.testing.checks import Broken, Check, Hopeless, make_checks

Source = str | os.PathLike[str] | Sequence[Scenario]

_SPELLED: Final = re.findall(
    r"\w+",
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def check_scenarios(source: Source, *, apart_from: Source | None = None, tolerance: int | None = None) -> list[Check]:
    """Read the scenarios and check that they can be negotiated, and that none reveals its targets.

    source:     as `--scenarios` takes it ("builtin:rent", "mine.jsonl"), or scenarios.
    apart_from: scenarios none of which may be among these, such as those that an agent was trained on. Where `source`
                names a whole set, its first four fifths and its last fifth must be disjoint, too.
    tolerance:  of the rules they are meant for (scenario units; default 5): offers this close are a deal.

    A file that cannot be read fails with its row and column, and the rest are left out.
    """
    least = Rules().tolerance if tolerance is None else tolerance
    return make_checks(_checks(apart_from), _Set(source, least))


@dataclass
class _Set:
    source: Source
    tolerance: int
    scenarios: list[Scenario] = field(default_factory=list)


def _checks(apart_from: Source | None) -> Iterator[tuple[str, Callable[[_Set], None]]]:
    yield "can be read", _readable
    yield "gives every scenario its own id", _unique
    yield "targets, gap and polarity agree, within the bounds", _sound
    yield "leaves something to negotiate", _negotiable
    yield "counts in one unit in each domain", _one_unit
    yield "states neither target in its context", _secret
    yield "has no scenario twice, in training and in test", _split
    if apart_from is not None:
        yield (
            "has no scenario of the other set",
            lambda subject: _hold_apart(_load(apart_from), subject.scenarios, "the other set"),
        )
    yield "survives a file", _survives


def _load(source: Source) -> list[Scenario]:
    return load_scenarios(source) if isinstance(source, str | os.PathLike) else list(source)


def _readable(subject: _Set) -> None:
    try:
        subject.scenarios = _load(subject.source)
    except ScenarioError as error:
        raise Hopeless(str(error)) from None
    if not subject.scenarios:
        raise Hopeless("there is no scenario in it")


def _unique(subject: _Set) -> None:
    twice = [name for name, count in Counter(scenario.id for scenario in subject.scenarios).items() if count > 1]
    if twice:
        raise Broken(f"{len(twice)} ids belong to more than one scenario, {twice[0]!r} first; rename one")


def _sound(subject: _Set) -> None:
    for scenario in subject.scenarios:
        away = scenario.debtor_target - scenario.creditor_target
        low, high = scenario.bounds
        if scenario.gap != abs(away) or scenario.polarity * scenario.gap != away:
            raise Broken(
                f"scenario {scenario.id!r}: gap {scenario.gap} and polarity {scenario.polarity} are not those "
                "of its targets"
            )
        if not all(low <= target <= high for target in (scenario.creditor_target, scenario.debtor_target)):
            raise Broken(f"scenario {scenario.id!r}: a target lies outside the bounds {low} to {high}")


def _negotiable(subject: _Set) -> None:
    for scenario in subject.scenarios:
        if scenario.gap <= subject.tolerance:
            raise Broken(
                f"scenario {scenario.id!r}: its targets are {scenario.amount(scenario.gap)} apart, and offers within "
                f"{subject.tolerance} are a deal; choose a smaller unit, or set `tolerance`"
            )


def _one_unit(subject: _Set) -> None:
    units: dict[str, str] = {}
    for scenario in subject.scenarios:
        if units.setdefault(scenario.domain, scenario.unit) != scenario.unit:
            raise Broken(
                f"scenario {scenario.id!r} counts {scenario.unit}, and others of {scenario.domain} "
                f"{units[scenario.domain]}; use one unit in each domain"
            )


def _secret(subject: _Set) -> None:
    """Finds numbers that are spelled out; those in digits are refused when a scenario is made."""
    for scenario in subject.scenarios:
        for label, text in (*scenario.context.items(), ("id", scenario.id)):
            for target in (scenario.creditor_target, scenario.debtor_target):
                if target < 100 and (found := _spelled(target, scenario.unit).search(text)):
                    raise Broken(
                        f"scenario {scenario.id!r}: {label!r} says {found[0]!r}, which is a target; take it out"
                    )


@cache
def _spelled(value: int, unit: str) -> re.Pattern[str]:
    """A number below 100 in words, with its unit."""
    tens, ones = divmod(value, 10)
    words = _SPELLED[value] if value < 20 else _TENS[tens - 2] + (f"[ -]{_SPELLED[ones]}" if ones else "")
    return re.compile(rf"(?<![a-z]){words}[ -]{re.escape(unit.removesuffix('s'))}s?\b", re.IGNORECASE)


def _content(scenario: Scenario) -> str:
    """What is negotiated in a scenario, whatever its id."""
    return json.dumps({**scenario.to_dict(), "id": ""}, sort_keys=True)


def _split(subject: _Set) -> None:
    """The two parts of `:train` and `:test`: the first four fifths, and the rest."""
    cut = len(subject.scenarios) * 4 // 5
    _hold_apart(subject.scenarios[:cut], subject.scenarios[cut:], "the first four fifths, which are for training,")


def _hold_apart(first: Sequence[Scenario], second: Sequence[Scenario], named: str) -> None:
    ids = {_content(scenario): scenario.id for scenario in first}
    for scenario in second:
        if (before := ids.get(_content(scenario))) is not None:
            raise Broken(f"scenario {scenario.id!r} equals scenario {before!r} of {named}; leave one out")


def _survives(subject: _Set) -> None:
    named = [replace(scenario, id=f"{place}") for place, scenario in enumerate(subject.scenarios)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenarios.jsonl"
        save_scenarios(path, named)
        again = load_scenarios(path)
    if again != named:
        raise Broken("scenarios written to a file and read again differ; put only texts into the context")
