"""Domains: what the two seats are called in one, and what the number between them means.

A domain is data: a folder of its name with a `domain.json`, so that referee, prompts and reports need no sentence of
their own for it. Poise's four are in `data/`. A user's own are found in the folders that the environment variable
POISE_DOMAINS lists (separated as in PATH), or that `add_domains` adds to it; worker processes inherit it.

    rent/domain.json    required: the fields of `DomainWords`
    rent/cases.json     what `builtin:rent` is made of (see `poise.games.scenarios.scenes`)
    rent/moves.toml     how the scripted voice words moves (see `poise/agents/voices/phrases/general.toml`)
    rent/prompt.toml    what a model is told (see `poise/agents/voices/prompts/debt.toml`)
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from poise.common.errors import ScenarioError, shorten
from poise.common.words import did_you_mean, plural
from poise.games.moves import Seat

DOMAINS: Final = ("debt", "disaster", "medical", "student")
SEARCH: Final = "POISE_DOMAINS"
CONDUCT: Final = (
    "abuse", "arrest", "contact", "disclosure", "identity", "legal", "shaming", "unfair", "violence",
)  # fmt: skip
DECENCY: Final = ("abuse", "shaming")  # what is wrong whatever is negotiated
LARGEST: Final = 1_000_000  # the referee has one action for every offer between the bounds

_SHIPPED: Final = Path(__file__).parent / "data"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_TAKEN: Final = ("train", "test")  # what stands after the colon of a source
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class DomainWords:
    """How people speak of one domain.

    creditor, debtor: the roles, with their article. question: what is negotiated, as an indirect question.
    singular, plural: the unit. highest: the largest offer where a scenario sets no bounds of its own.
    clock:            the time of day that 0 stands for ("21:00") where the unit is minutes past it; "" elsewhere.
    conduct:          the categories of rules that the creditor's words are held to (see `poise.agents.conduct`): some
                      of CONDUCT, or "all" in the file; abuse and shaming where the file says nothing.
    """

    creditor: str
    debtor: str
    question: str
    singular: str
    plural: str
    highest: int
    clock: str = ""
    conduct: tuple[str, ...] = DECENCY

    def role(self, seat: Seat) -> str:
        """What the side in `seat` is called, with its article."""
        return self.creditor if seat == "creditor" else self.debtor

    def label(self, seat: Seat) -> str:
        """The role as a label: "Rescue team"."""
        role = self.role(seat).removeprefix("the ")
        return role[0].upper() + role[1:]

    def several(self, seat: Seat) -> str:
        """The role as the label of several: "Rescue teams"."""
        return plural(self.label(seat))

    def amount(self, value: int) -> str:
        """`value` with its unit: "1 day", "30 days"."""
        return f"{value} {self.singular if value == 1 else self.plural}"

    def time_of_day(self, value: int) -> str:
        """The time of day that `value` stands for ("10:30 PM"); "" in a domain without a clock."""
        if not self.clock:
            return ""
        hours, minutes = self.clock.split(":")
        hour, minute = divmod((60 * int(hours) + int(minutes) + value) % 1440, 60)
        return f"{hour % 12 or 12}:{minute:02d} {'AM' if hour < 12 else 'PM'}"


_OPTIONAL: Final = ("clock", "conduct")
_EXAMPLES: Final = {
    "creditor": "the landlord",
    "debtor": "the tenant",
    "question": "in how many days the tenant moves out",
    "singular": "day",
    "plural": "days",
}


def domain_words(domain: str) -> DomainWords:
    """The words of `domain`.

    Raises ScenarioError for a domain that is not there, or whose file cannot be used.
    """
    if not isinstance(domain, str):  # data from outside
        raise unknown(domain)
    return _words(domain, "" if domain in DOMAINS else os.environ.get(SEARCH, ""))


def domain_names() -> list[str]:
    """Poise's domains, then those found through POISE_DOMAINS, in order."""
    found = (path.parent.name for folder in _searched(os.environ.get(SEARCH, "")) for path in _domains_in(folder))
    return list(dict.fromkeys([*DOMAINS, *found]))


def domain_file(domain: str, name: str) -> Path | None:
    """The file `name` in the folder of `domain`; None where the domain has none."""
    path = _folder(domain, os.environ.get(SEARCH, "")) / name
    return path if path.is_file() else None


def add_domains(folder: str | os.PathLike[str]) -> list[str]:
    """Find the domains in `folder` from now on, in this process and those that it starts; their names.

    Raises ScenarioError where there are none, or one of them cannot be used.
    """
    path = Path(folder).resolve()
    names = [each.parent.name for each in _domains_in(path)]
    if not names:
        raise ScenarioError(f"{path}: no domain in this folder; it needs folders with a domain.json, such as rent/")
    for name in names:
        _read(path / name / "domain.json")
    known = [each for each in os.environ.get(SEARCH, "").split(os.pathsep) if each]
    if str(path) not in known:
        os.environ[SEARCH] = os.pathsep.join([*known, str(path)])
    return names


def _domains_in(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*/domain.json"))
    except OSError:
        return []


def _searched(search: str) -> list[Path]:
    return [Path(each) for each in search.split(os.pathsep) if each]


@lru_cache(maxsize=64)
def _folder(domain: str, search: str) -> Path:
    """Where `domain` is; Poise's own come first, so that none of them can be replaced by accident."""
    if domain in DOMAINS:
        return _SHIPPED / domain
    for folder in _searched(search) if _NAME.fullmatch(domain) else []:
        if (folder / domain / "domain.json").is_file():
            return folder / domain
    raise unknown(domain)


def unknown(domain: object) -> ScenarioError:
    """The error for a domain that is not there."""
    return ScenarioError(
        f"domain {shorten(domain)} is not one of {', '.join(domain_names())}; {did_you_mean(domain, domain_names())}"
        f"correct it, or set {SEARCH} to the "
        "folder that holds a folder of that name with its domain.json (docs/domains.md shows how to write one)"
    )


@lru_cache(maxsize=64)
def _words(domain: str, search: str) -> DomainWords:
    return _read(_folder(domain, search) / "domain.json")


def _read(path: Path) -> DomainWords:
    name = path.parent.name
    try:
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise ScenarioError(f"a domain cannot be called {name!r}; use small letters, digits and hyphens")
        return DomainWords(**_fields(json.loads(path.read_text(encoding="utf-8-sig"))))
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{path}: this is not a usable JSON file ({error}); correct it") from None
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from None


def _fields(data: Any) -> dict[str, Any]:
    names = tuple(DomainWords.__dataclass_fields__)
    if not isinstance(data, dict):
        raise ScenarioError(f"a domain is an object with the fields {', '.join(names)}")
    if strange := [name for name in data if name not in names]:
        raise ScenarioError(f"unknown field {shorten(strange[0])}; a domain has {', '.join(names)}")
    if missing := [name for name in names if name not in data and name not in _OPTIONAL]:
        optional = " and ".join(_OPTIONAL)
        raise ScenarioError(
            f"field {missing[0]!r} is missing; a domain has {', '.join(names)} ({optional} may be left out)"
        )
    for name, example in _EXAMPLES.items():
        text = data[name]
        if not isinstance(text, str) or not text.strip() or not text.isprintable():
            raise ScenarioError(f"{name} {shorten(text)} is not a text; write one, such as {example!r}")
    highest, clock = data["highest"], data.get("clock", "")
    if type(highest) is not int or not 1 <= highest <= LARGEST:
        raise ScenarioError(f"highest {shorten(highest)} is not an integer from 1 to {LARGEST:,}")
    if not isinstance(clock, str) or (clock and not _CLOCK.fullmatch(clock)):
        raise ScenarioError(f'clock {shorten(clock)} is not a time of day; write it as "21:00", or leave it out')
    return {**data, "conduct": _conduct(data.get("conduct", list(DECENCY)))}


def _conduct(given: object) -> tuple[str, ...]:
    """Categories of rules; one without rules would hold nobody to anything."""
    if given == "all":
        return CONDUCT
    if not isinstance(given, list) or any(name not in CONDUCT for name in given):
        raise ScenarioError(f'conduct {shorten(given)} is neither "all" nor a list of some of {", ".join(CONDUCT)}')
    return tuple(name for name in CONDUCT if name in given)
