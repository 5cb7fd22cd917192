"""One case to negotiate."""

from __future__ import annotations

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
    creditor_target, debtor_target: the value each seat wants most (scenario units, >= 0, not equal). Private: a seat
                     is only ever shown its own.
    context:         public facts of the case, shown to both seats (name -> text).
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
            raise ScenarioError(f"domain {self.domain!r} is not one of {', '.join(DOMAINS)}")
        if not self.id:
            raise ScenarioError("a scenario's id is empty; give it a name that is unique in its source")
        for name in ("creditor_target", "debtor_target"):
            value = getattr(self, name)
            if type(value) is not int or value < 0:
                raise ScenarioError(f"{name} {value!r} is not an integer of 0 or more")
        if self.creditor_target == self.debtor_target:
            raise ScenarioError(
                f"both targets are {self.creditor_target}; there is nothing to negotiate, so leave the case out or "
                "correct one of them"
            )
        object.__setattr__(self, "unit", self.unit or UNITS[self.domain])
        object.__setattr__(self, "context", MappingProxyType(dict(self.context)))
        if tuple(self.bounds) == (0, 0):
            object.__setattr__(self, "bounds", _usual_bounds(self.domain, self.creditor_target, self.debtor_target))
        low, high = self.bounds
        if not 0 <= low <= min(self.creditor_target, self.debtor_target) or high < max(
            self.creditor_target, self.debtor_target
        ):
            raise ScenarioError(f"bounds {low} to {high} do not hold both targets; widen them, or leave them out")
        object.__setattr__(self, "bounds", (low, high))

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
        known = {"id", "domain", "unit", "creditor_target", "debtor_target", "bounds", "context"}
        if unknown := set(data) - known:
            raise ScenarioError(f"unknown field {sorted(unknown)[0]!r}; a scenario has {', '.join(sorted(known))}")
        if missing := {"id", "domain", "creditor_target", "debtor_target"} - set(data):
            raise ScenarioError(f"field {sorted(missing)[0]!r} is missing")
        fields = dict(data)
        if "bounds" in fields:
            fields["bounds"] = tuple(fields["bounds"])
        return cls(**fields)
