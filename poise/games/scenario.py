"""One case to negotiate."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from poise.games.errors import ScenarioError
from poise.games.moves import Seat

Domain = Literal["debt", "disaster", "medical", "student"]
DOMAINS: Final[tuple[Domain, ...]] = get_args(Domain)
UNITS: Final[Mapping[Domain, str]] = MappingProxyType(
    {"debt": "days", "disaster": "minutes", "medical": "days", "student": "hours"}
)
_USUAL_HIGH: Final[Mapping[Domain, int]] = MappingProxyType(
    {"debt": 365, "disaster": 1000, "medical": 1000, "student": 24}
)

LARGEST: Final = 1_000_000  # the referee has one action for every offer between the bounds
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BRIEF: Final = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 70
_FIELDS: Final = ("id", "domain", "unit", "creditor_target", "debtor_target", "bounds", "context")
_REQUIRED: Final = ("id", "domain", "creditor_target", "debtor_target")


def shorten(value: object) -> str:
    """`value` as an error message shows it, in about 60 characters at most."""
    if isinstance(value, str) and len(value) > 60:
        return f"{value[:40]!r}... ({len(value):,} characters)"
    try:
        return _BRIEF.repr(value)
    except ValueError:  # Python refuses to print an integer of more than 4300 digits
        return "with thousands of digits"


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise ScenarioError(f"{name} {shorten(value)} is not a text; put it in quotes")
    if found := _UNPRINTABLE.search(value):
        raise ScenarioError(f"{name} holds the control character {found[0]!r} at position {found.start()}; take it out")


def _usual_bounds(domain: Domain, *targets: int) -> tuple[int, int]:
    """Bounds that say nothing of the targets beyond their number of digits."""
    high = _USUAL_HIGH[domain]
    while max(targets) > high:
        high = 10 ** len(str(high))
    return 0, high


@dataclass(frozen=True, slots=True)
class Scenario:
    """One case: an integer to agree on, what each seat wants it to be, and the story around it.

    id:              names the scenario within its source.
    domain, unit:    debt counts days to full payment; disaster minutes; medical days; student hours past 9 PM.
    creditor_target, debtor_target: the value each seat wants most (scenario units, 0 to 1,000,000, not equal).
                     Private: a seat is only ever shown its own.
    context:         public facts of the case, shown to both seats (label -> text). A text that states a target with
                     its unit ("12 days") is refused, since it would tell one seat what the other wants.
    bounds:          the smallest and largest offer that can be made; public, and so not derived from the targets
                     beyond their number of digits. Default by domain.

    Raises ScenarioError for a value outside its bounds, with the remedy.
    """

    id: str
    domain: Domain
    creditor_target: int
    debtor_target: int
    unit: str = ""
    context: Mapping[str, str] = field(default_factory=dict, hash=False)
    bounds: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise ScenarioError(f"domain {shorten(self.domain)} is not one of {', '.join(DOMAINS)}")
        _check_text("id", self.id)
        if not self.id:
            raise ScenarioError("a scenario's id is empty; give it a name that is unique in its source")
        _check_text("unit", self.unit)
        object.__setattr__(self, "unit", self.unit or UNITS[self.domain])
        self._check_targets()
        object.__setattr__(self, "bounds", self._checked_bounds())
        object.__setattr__(self, "context", self._checked_context())

    def _check_targets(self) -> None:
        for name in ("creditor_target", "debtor_target"):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value <= LARGEST:
                raise ScenarioError(f"{name} {shorten(value)} is not an integer from 0 to {LARGEST:,} ({self.unit})")
        if self.creditor_target == self.debtor_target:
            raise ScenarioError(
                f"both targets are {self.creditor_target}; there is nothing to negotiate, so leave the case out or "
                "correct one of them"
            )

    def _checked_bounds(self) -> tuple[int, int]:
        targets = self.creditor_target, self.debtor_target
        try:
            low, high = self.bounds
        except (TypeError, ValueError):
            raise ScenarioError(f"bounds {shorten(self.bounds)} are not two integers, lowest offer first") from None
        if type(low) is not int or type(high) is not int:
            raise ScenarioError(f"bounds {shorten(self.bounds)} are not two integers, lowest offer first")
        if (low, high) == (0, 0):
            return _usual_bounds(self.domain, *targets)
        if not (0 <= low <= min(targets) and max(targets) <= high <= LARGEST):
            raise ScenarioError(
                f"bounds {shorten((low, high))} do not hold both targets within 0 to {LARGEST:,}; correct them, or "
                "leave them out"
            )
        return low, high

    def _checked_context(self) -> Mapping[str, str]:
        if not isinstance(self.context, Mapping):
            raise ScenarioError(f"context {shorten(self.context)} is not a mapping of labels to texts")
        for label, text in self.context.items():
            _check_text("a label of the context", label)
            _check_text(f"context {label!r}", text)
            self._check_secrecy(label, text)
        return MappingProxyType(dict(self.context))

    def _check_secrecy(self, label: str, text: str) -> None:
        for seat, target in ("creditor", self.creditor_target), ("debtor", self.debtor_target):
            number = str(target)
            if number not in text:  # nearly always; the pattern below is slower
                continue
            stated = re.search(rf"(?<![\d.,]){number}[\s-]*{re.escape(self.unit.rstrip('s'))}s?", text, re.IGNORECASE)
            if stated:
                raise ScenarioError(
                    f"context {label!r} says {stated[0]!r}, which is the {seat}'s private target; both seats read the "
                    "context, so take the number out"
                )

    def __reduce__(self) -> tuple[Any, ...]:
        return Scenario.from_dict, (self.to_dict(),)  # a mapping proxy cannot be pickled

    @property
    def gap(self) -> int:
        """Distance between the targets, at least 1 (scenario units)."""
        return max(1, abs(self.debtor_target - self.creditor_target))

    @property
    def polarity(self) -> Literal[1, -1]:
        """+1 where the debtor wants more of the unit than the creditor, -1 where less."""
        return 1 if self.debtor_target > self.creditor_target else -1

    def target(self, seat: Seat) -> int:
        """The private target of `seat`."""
        return self.creditor_target if seat == "creditor" else self.debtor_target

    def to_dict(self) -> dict[str, Any]:
        """Plain data; `from_dict` reads it back."""
        return {
            "id": self.id,
            "domain": self.domain,
            "unit": self.unit,
            "creditor_target": self.creditor_target,
            "debtor_target": self.debtor_target,
            "bounds": list(self.bounds),
            "context": dict(self.context),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scenario:
        """A scenario from plain data; unknown or missing fields are refused by name."""
        if not isinstance(data, Mapping):
            raise ScenarioError(f"{shorten(data)} is not an object with the fields {', '.join(_FIELDS)}")
        if unknown := [name for name in data if name not in _FIELDS]:
            raise ScenarioError(f"unknown field {shorten(unknown[0])}; a scenario has {', '.join(_FIELDS)}")
        if missing := [name for name in _REQUIRED if name not in data]:
            raise ScenarioError(f"field {missing[0]!r} is missing; a scenario has {', '.join(_FIELDS)}")
        return cls(**data)
