"""The filters in an address, and the list of the matches that they select, for the page's script.

Filters name agents by label and scenarios by id, so that a link stays valid when a tournament has grown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from poise.tournaments.charts.outcomes import ENDINGS
from poise.tournaments.storage.rows import Row
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.storage.store import Store
from poise.tournaments.view.library import ViewedRun

_LONGEST: Final = 300  # characters of a filter; an agent's name is shorter
LARGEST: Final = 500  # matches in one piece


@dataclass(frozen=True, slots=True)
class MatchFilter:
    """The matches that are wanted; "" matches any. words: all of them occur in the messages."""

    creditor: str = ""
    debtor: str = ""
    domain: str = ""
    scenario: str = ""
    ending: str = ""
    words: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> MatchFilter:
        """The filters in an address; unknown fields are ignored."""
        return cls(**{name: query.get(name, "")[:_LONGEST].strip() for name in cls.__slots__})

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def query(self, **changes: str) -> str:
        """The filters with `changes` as a query string that begins with "?", or "" when there is no filter."""
        held = {name: value for name, value in asdict(replace(self, **changes)).items() if value}
        return "?" + urlencode(held) if held else ""

    def only(self, *names: str) -> MatchFilter:
        """These filters alone."""
        return MatchFilter(**{name: getattr(self, name) for name in names})

    def pick(self, snapshot: Snapshot) -> Sequence[Row]:
        """The matching rows in schedule order; `words` is ignored here."""
        plain = replace(self, words="")
        rows: Sequence[Row] = snapshot.derived(plain, lambda: plain._rows(snapshot)) if plain else snapshot.rows
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
    """The values that each filter offers; none for a filter with only one value."""
    domains = list(dict.fromkeys(scenario.domain for scenario in snapshot.scenarios))
    return {"creditor": snapshot.creditors, "debtor": snapshot.debtors, "domain": domains, "ending": list(ENDINGS)}


def listing(run: ViewedRun, choice: MatchFilter, query: Mapping[str, str]) -> dict[str, Any]:
    """At most `limit` matching matches from `offset` on, and how many match in all.

    The names of the rows' indices are included where `names` is set. `sort` names a column of `_SORTED`.
    """
    snapshot = run.snapshot()
    rows = find(run, snapshot, choice)
    sort = query.get("sort", "")
    if sort.lstrip("-") in _SORTED:
        rows = snapshot.derived(("sorted", choice, sort), lambda: _in_order(snapshot, rows, sort))
    offset = _whole(query.get("offset"), 0, len(rows))
    limit = _whole(query.get("limit"), 200, LARGEST)
    told: dict[str, Any] = {
        "total": len(rows),
        "all": len(snapshot.rows),
        "offset": offset,
        "rows": [_compact(row) for row in rows[offset : offset + limit]],
    }
    if query.get("names"):
        told["creditors"], told["debtors"] = snapshot.creditors, snapshot.debtors
        told["scenarios"] = [[scenario.id, scenario.domain, scenario.unit] for scenario in snapshot.scenarios]
    return told


def _in_order(snapshot: Snapshot, rows: Sequence[Row], sort: str) -> list[Row]:
    """The rows sorted by a column; those without a value come last either way, and equal ones in schedule order."""
    key = _SORTED[sort.lstrip("-")]
    values = {row.position: key(snapshot, row) for row in rows}
    known = sorted((row for row in rows if values[row.position] is not None), key=lambda row: row.position)
    known.sort(key=lambda row: values[row.position], reverse=sort.startswith("-"))
    return [*known, *(row for row in rows if values[row.position] is None)]


_SORTED: Final[Mapping[str, Callable[[Snapshot, Row], Any]]] = {
    "number": lambda _, row: row.position,
    "creditor": lambda snapshot, row: snapshot.creditors[row.creditor].casefold(),
    "debtor": lambda snapshot, row: snapshot.debtors[row.debtor].casefold(),
    "scenario": lambda snapshot, row: (snapshot.scenarios[row.scenario].id, row.repeat),
    "outcome": lambda _, row: row.ending,
    "settled": lambda _, row: row.value,
    "creditor-got": lambda _, row: row.creditor_utility,
    "debtor-got": lambda _, row: row.debtor_utility,
    "messages": lambda _, row: row.rounds,
}
"""The columns that a list can be sorted by, as written in an address; a leading "-" puts the largest first."""


def _whole(text: str | None, usual: int, most: int) -> int:
    return min(int(text), most) if text and text.isdecimal() and len(text) < 10 else min(usual, most)


def _compact(row: Row) -> list[Any]:
    trouble = row.creditor_reasks + row.debtor_reasks + row.creditor_repairs + row.debtor_repairs
    trouble += row.creditor_forfeits + row.debtor_forfeits
    gains = round(row.creditor_utility, 3), round(row.debtor_utility, 3)
    places = row.position, row.creditor, row.debtor, row.scenario, row.repeat
    return [*places, row.ending, row.value, row.rounds, *gains, trouble]


def find(run: ViewedRun, snapshot: Snapshot, choice: MatchFilter) -> Sequence[Row]:
    """The matching rows, words included."""
    rows = choice.pick(snapshot)
    if not choice.words:
        return rows
    matching: Sequence[Row] = snapshot.derived(choice, lambda: _saying(run, rows, choice.words))
    return matching


def _saying(run: ViewedRun, rows: Sequence[Row], words: str) -> list[Row]:
    wanted = words.casefold().split()
    with Store.read(run.folder) as store:
        documents = store.documents([row.position for row in rows])
        said = {position for position, text, _ in documents if _says(text, wanted)}
    return [row for row in rows if row.position in said]


def _says(transcript: bytes, wanted: Sequence[str]) -> bool:
    """Whether all words occur in the messages. Most transcripts are ruled out before they are parsed."""
    plain = [word.encode() for word in wanted if word.isascii() and word.isalnum()]  # as they stand in JSON, too
    lowered = transcript.lower()
    if not all(word in lowered for word in plain):
        return False
    folded = " ".join(message["text"] for message in orjson.loads(transcript)["messages"]).casefold()
    return all(word in folded for word in wanted)
