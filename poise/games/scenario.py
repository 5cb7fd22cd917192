"""One scenario to negotiate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from poise.common.errors import ScenarioError, shorten
from poise.common.words import with_unit
from poise.games.domains import LARGEST, domain_words
from poise.games.moves import Seat
from poise.games.secrecy import stated

_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_FIELDS: Final = ("id", "domain", "unit", "creditor_target", "debtor_target", "bounds", "context")
_REQUIRED: Final = ("id", "domain", "creditor_target", "debtor_target")


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise ScenarioError(f"{name} {shorten(value)} is not a text; put it in quotes")
    if found := _UNPRINTABLE.search(value):
        raise ScenarioError(f"{name} holds the control character {found[0]!r} at position {found.start()}; take it out")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: an integer to agree on, what each seat wants it to be, and the story around it.

    id:              names the scenario within its source.
    domain, unit:    what is negotiated, and in what (see `poise.games.domains`): debt counts days to full payment,
                     disaster minutes until help comes, medical days until the operation, student minutes past 9 PM.
    creditor_target, debtor_target: the value each seat wants most (scenario units, 0 to 1,000,000, not equal).
                     Private: a seat is only ever shown its own.
    context:         public facts, shown to both seats (label -> text). A text that states a target with
                     its unit ("12 days"), or as a time of day, is refused: it would tell one seat what the other wants.
    bounds:          the smallest and largest offer that can be made; public, and so not derived from the targets
                     beyond their number of digits. Default by domain.

    Raises ScenarioError for a value outside its bounds, with the remedy.
    """

    id: str
    domain: str
    creditor_target: int
    debtor_target: int
    unit: str = ""
    context: Mapping[str, str] = field(default_factory=dict, hash=False)
    bounds: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        words = domain_words(self.domain)
        _check_text("id", self.id)
        if not self.id:
            raise ScenarioError("a scenario's id is empty; give it a name that is unique in its source")
        _check_text("unit", self.unit)
        object.__setattr__(self, "unit", self.unit or words.plural)
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
                f"both targets are {self.creditor_target}; there is nothing to negotiate, so leave the scenario out or "
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
            high = domain_words(self.domain).highest
            while max(targets) > high:  # the bounds say nothing of the targets beyond their number of digits
                high = 10 ** len(str(high))
            return 0, high
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
        words = domain_words(self.domain)
        for seat, target in ("creditor", self.creditor_target), ("debtor", self.debtor_target):
            time_of_day = words.time_of_day(target) if self.unit == words.plural else ""
            if said := stated(text, target, self.unit, time_of_day):
                raise ScenarioError(
                    f"context {label!r} says {said!r}, which is the {seat}'s private target; both seats read the "
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

    def party(self, seat: Seat) -> str:
        """The name of the side in `seat` where the context gives one ("Survivor", "Debtor"), else its role."""
        words = domain_words(self.domain)
        return self.context.get(words.label(seat)) or self.context.get(seat.capitalize()) or words.role(seat)

    def amount(self, value: int) -> str:
        """`value` as a person says it: "1 day", "30 days", "90 minutes (10:30 PM)"."""
        words = domain_words(self.domain)
        if self.unit != words.plural:
            return with_unit(value, self.unit)
        time_of_day = words.time_of_day(value)
        return f"{words.amount(value)} ({time_of_day})" if time_of_day else words.amount(value)

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
