"""The filters, as they stand in an address: by label and id, so that a link still fits when a tournament has grown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final
from urllib.parse import urlencode

from poise.tournaments.storage.rows import Row
from poise.tournaments.view.library import Snapshot

ENDINGS: Final = ("deal", "walked", "timeout", "failed")
_LONGEST: Final = 300  # characters of a filter; an agent's name is shorter


@dataclass(frozen=True, slots=True)
class MatchFilter:
    """Which matches are wanted; "" is any. words: all of them are in the messages."""

    creditor: str = ""
    debtor: str = ""
    domain: str = ""
    scenario: str = ""
    ending: str = ""
    words: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> MatchFilter:
        """What an address asks for; fields that are not known are left alone."""
        return cls(**{name: query.get(name, "")[:_LONGEST].strip() for name in cls.__slots__})

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def query(self, **changes: str) -> str:
        """The filters with `changes`, as the query of an address with its "?", or "" when there is none."""
        held = {name: value for name, value in asdict(replace(self, **changes)).items() if value}
        return "?" + urlencode(held) if held else ""

    def only(self, *names: str) -> MatchFilter:
        """These filters alone."""
        return MatchFilter(**{name: getattr(self, name) for name in names})

    def pick(self, snapshot: Snapshot) -> list[Row]:
        """The rows that fit, in schedule order; `words` is not looked at here."""
        plain = replace(self, words="")
        rows: list[Row] = snapshot.derived(plain, lambda: plain._rows(snapshot)) if plain else snapshot.rows
        return rows

    def _rows(self, snapshot: Snapshot) -> list[Row]:
        creditors = _places(snapshot.creditors, self.creditor)
        debtors = _places(snapshot.debtors, self.debtor)
        scenarios = {
            place
            for place, scenario in enumerate(snapshot.scenarios)
            if self.domain in ("", scenario.domain) and self.scenario in ("", scenario.id)
        }
        return [
            row
            for row in snapshot.rows
            if row.creditor in creditors
            and row.debtor in debtors
            and row.scenario in scenarios
            and self.ending in ("", row.ending)
        ]


def _places(labels: list[str], wanted: str) -> set[int]:
    return {place for place, label in enumerate(labels) if wanted in ("", label)}


def options(snapshot: Snapshot) -> dict[str, list[str]]:
    """What each filter offers; a filter with one value alone offers nothing to choose."""
    domains = list(dict.fromkeys(scenario.domain for scenario in snapshot.scenarios))
    return {"creditor": snapshot.creditors, "debtor": snapshot.debtors, "domain": domains, "ending": list(ENDINGS)}
