"""A tournament as it was at one moment. Whatever is said of a run is a pure function of such a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import RLock
from typing import Any, Final, Literal

import msgspec

from poise.agents.names import shown_names
from poise.agents.registry import EACH_WORLD
from poise.games.moves import SEATS, Seat
from poise.games.scenario import Scenario
from poise.graphs.drawing.outline import PERSON, UNRECORDED, USUAL, GraphOutline
from poise.tournaments.schedule import check_baseline, find_baseline
from poise.tournaments.storage.rows import Row

Documents = Callable[[Sequence[int]], Iterator[tuple[int, bytes, bytes]]]
"""Reads (position, transcript, usage) of matches by their positions, as `poise.tournaments.storage.store.Store` does.

They are not part of a snapshot because the transcripts of a large tournament do not fit in memory.
"""
_REMEMBERED: Final = 64  # derived values that a snapshot holds at most


@dataclass(frozen=True, slots=True)
class Waiting:
    """Matches that a model's server did not let be played: they are not finished, and a resumed run plays them.

    model: its URI, "" where that is not known. pairs: (creditor, debtor), as indices.
    """

    model: str
    reason: str
    matches: int
    pairs: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Header:
    """What a tournament is.

    id:         of its schedule. config: the settings as given. total: matches in the schedule.
    creditors, debtors: of each agent its label, what it declared and its graph. provenance: versions and platform.
    waiting: what the last run could not play.
    """

    id: str
    config: Mapping[str, Any]
    creditors: Sequence[Mapping[str, Any]]
    debtors: Sequence[Mapping[str, Any]]
    total: int
    provenance: Mapping[str, Any]
    waiting: tuple[Waiting, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Header:
        """A header from JSON data. Raises ValueError or LookupError where something is missing or of another type."""
        header = msgspec.convert(data, cls)
        if not header.labels("creditor") or not header.labels("debtor"):
            raise ValueError("one of the seats has no agents")
        int(header.config["seed"])
        return header

    def entered(self, seat: Seat) -> list[str]:
        """How a seat's agents were entered, in the order of the rows' indices."""
        return [str(agent["label"]) for agent in (self.creditors if seat == "creditor" else self.debtors)]

    def names(self, seat: Seat) -> list[tuple[str, str]]:
        """Each agent's label, which is its name, and the file that it comes from, "" for none; in the same order."""
        agents = self.creditors if seat == "creditor" else self.debtors
        return shown_names((str(agent["label"]), agent.get("declared") or {}) for agent in agents)

    def labels(self, seat: Seat) -> list[str]:
        """What a seat's agents are called; each is unique in its seat."""
        return [name for name, _ in self.names(seat)]

    @property
    def over_worlds(self) -> bool:
        """Whether the debtors are a sample of worlds (`worlds:DIR`), over which results are to hold."""
        return any(str(name).startswith(EACH_WORLD) for name in self.config.get("debtors", ()))

    def outline(self, seat: Seat, place: int) -> GraphOutline:
        """The graph of the agent at `place` of a seat; UNRECORDED for a custom one in a store that kept none."""
        agent = (self.creditors if seat == "creditor" else self.debtors)[place]
        declared = agent.get("declared") or {}
        if "graph" in agent:
            return GraphOutline.from_dict(agent["graph"]) or UNRECORDED
        if declared.get("human"):
            return PERSON
        return UNRECORDED if "source" in (declared.get("settings") or {}) else USUAL


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A tournament at one moment; `dataclasses.replace(snapshot, rows=...)` is the same with some matches alone.

    rows:      of the finished matches. scenarios: by index. folder: the name of its folder.
    own_words: by seat and index, how many messages are Poise's own words, where they may be too many.
    """

    header: Header
    rows: Sequence[Row]
    scenarios: Sequence[Scenario] = ()
    folder: str = ""
    own_words: Mapping[tuple[Seat, int], int] = field(default_factory=dict)
    _derived: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)
    _lock: RLock = field(default_factory=RLock, init=False, repr=False)  # derived values are made of derived values

    @property
    def name(self) -> str:
        """The tournament's name, or else its folder's."""
        return str(self.header.config.get("name") or self.folder)

    @property
    def seed(self) -> int:
        """The tournament's seed."""
        return int(self.header.config["seed"])

    @cached_property
    def creditors(self) -> list[str]:
        """The creditors' labels."""
        return self.header.labels("creditor")

    @cached_property
    def debtors(self) -> list[str]:
        """The debtors' labels."""
        return self.header.labels("debtor")

    @cached_property
    def index(self) -> dict[int, int]:
        """By a match's position in the schedule, its index in `rows`."""
        return {row.position: index for index, row in enumerate(self.rows)}

    def labels(self, seat: Seat) -> list[str]:
        """The labels of a seat's agents."""
        return self.creditors if seat == "creditor" else self.debtors

    @cached_property
    def files(self) -> Mapping[tuple[Seat, str], str]:
        """By seat and label, the file or folder that an agent of the user's own comes from."""
        return {(seat, label): file for seat in SEATS for label, file in self.header.names(seat) if file}

    def baseline(self, seat: Seat) -> str | None:
        """The label of the agent that the others of a seat are compared with; None where it does not play there."""
        return find_baseline(self.header.config.get("baseline"), self.labels(seat), self.header.entered(seat))

    def against(self, baseline: str | None) -> Snapshot:
        """The same with another baseline; None: the tournament's own.

        Raises:
            ConfigError: no agent of the tournament is called so; it names the nearest.
        """
        if baseline is None:
            return self
        check_baseline(baseline, *((self.labels(seat), self.header.entered(seat)) for seat in SEATS))
        return replace(self, header=replace(self.header, config={**self.header.config, "baseline": baseline}))

    @property
    def unit(self) -> Literal["world", "scenario"]:
        """What results are to hold for, and intervals are over."""
        return "world" if self.header.over_worlds else "scenario"

    @property
    def rivals(self) -> tuple[Seat, ...]:
        """The seats whose agents are compared with each other: worlds are a sample, and nobody's choice."""
        return SEATS[:1] if self.header.over_worlds else SEATS

    def cluster(self, row: Row) -> int:
        """What the matches that are alike with `row` share: the index of its world, or else of its scenario."""
        return row.debtor if self.header.over_worlds else row.scenario

    def holds(self, row: Row) -> bool:
        """Whether the agents and the scenario of `row` are among those of this tournament."""
        fields = ((row.creditor, self.creditors), (row.debtor, self.debtors), (row.scenario, self.scenarios))
        return all(0 <= index < len(entries) for index, entries in fields)

    def derived(self, key: Any, make: Callable[[], Any]) -> Any:
        """What `make` returns, made once for this snapshot and remembered under `key`."""
        with self._lock:
            if key not in self._derived:
                if len(self._derived) >= _REMEMBERED:
                    self._derived.clear()
                self._derived[key] = make()
            return self._derived[key]


def spread_evenly(rows: Sequence[Row], most: int | None) -> list[Row]:
    """At most `most` of `rows`, evenly spread, in order; None: all of them."""
    if most is None or len(rows) <= most:
        return list(rows)
    return [rows[number * len(rows) // most] for number in range(most)]
