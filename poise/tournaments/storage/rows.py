"""A finished match as the store keeps it: a row of numbers, and the documents behind it as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, get_type_hints

import msgspec
import orjson

from poise.agents.conduct import broken_rules, de_escalation
from poise.agents.conduct.promises import promises
from poise.common.errors import BadInput, StoreError
from poise.common.value import Value, dataclass_like
from poise.games.metrics import score
from poise.games.moves import SEATS, Seat
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Message, Outcome, Transcript, Usage
from poise.tournaments.schedule import Match, Schedule
from poise.tournaments.storage.documents import with_short_readings


@dataclass_like
class Row(Value, frozen=True, array_like=True):
    """What standings need of one match, so that they never have to open a transcript.

    creditor, debtor, scenario: indices into the tournament's lists.
    ending, by, value, rounds:  the outcome; rounds counts messages.
    *_utility, *_savings:       as `poise.games.metrics.Score`; savings are None without a deal.
    *_forfeits, *_repairs, *_reasks: messages without a usable move, messages put right without the model, and model
                                calls beyond a message's first.
    seconds, calls, *_tokens:   as `poise.games.transcript.Usage`.
    creditor_violations:        rules of conduct that the creditor's messages broke, each counted once a message.
    debtor_promises, debtor_broken: as `poise.agents.conduct.promises.Promises`, made and broken.
    de_escalation:              as `poise.agents.conduct.de_escalation`, of what the creditor read in the debtor's
                                messages; None where it read fewer than two.
    """

    position: int
    id: str
    creditor: int
    debtor: int
    scenario: int
    repeat: int
    ending: str
    by: str | None
    value: int | None
    rounds: int
    creditor_utility: float
    debtor_utility: float
    creditor_savings: float | None
    debtor_savings: float | None
    collection: float
    creditor_forfeits: int
    debtor_forfeits: int
    creditor_repairs: int
    debtor_repairs: int
    creditor_reasks: int
    debtor_reasks: int
    seconds: float
    calls: int
    prompt_tokens: int | None
    cached_tokens: int | None
    reply_tokens: int | None
    # Since store version 2. New columns come last: older stores are brought up to date by adding them.
    creditor_violations: int
    debtor_promises: int
    debtor_broken: int
    de_escalation: float | None


COLUMNS: Final = tuple(field.name for field in fields(Row))
_AT: Final[Mapping[str, int]] = {name: place for place, name in enumerate(COLUMNS)}


@dataclass(slots=True)
class Tally:
    """Sums over the finished matches of one pair or one agent."""

    matches: int = 0
    deals: int = 0
    failed: int = 0
    creditor_utility: float = 0.0
    debtor_utility: float = 0.0
    rounds: int = 0

    def add(self, other: Tally) -> None:
        """Take in the sums of `other`."""
        for name in Tally.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def mean_utility(self, seat: Seat) -> float:
        """Mean utility of `seat`; 0 before the first match."""
        total = self.creditor_utility if seat == "creditor" else self.debtor_utility
        return total / max(1, self.matches)

    def add_row(self, row: Sequence[object]) -> None:
        """Take in one match; `row` holds the values of a `Row`."""
        ending = row[_AT["ending"]]
        self.matches += 1
        self.deals += ending == "deal"
        self.failed += ending == "failed"
        self.creditor_utility += row[_AT["creditor_utility"]]  # type: ignore[operator]  # a float, as Row says
        self.debtor_utility += row[_AT["debtor_utility"]]  # type: ignore[operator]  # a float, as Row says
        self.rounds += row[_AT["rounds"]]  # type: ignore[operator]  # an int, as Row says


_SECONDS: Final = COLUMNS.index("seconds")
_SQL: Final[Mapping[Any, str]] = {
    int: "INTEGER NOT NULL",
    float: "REAL NOT NULL",
    str: "TEXT NOT NULL",
    int | None: "INTEGER",
    float | None: "REAL",
    str | None: "TEXT",
}
SQL_TYPES: Final[Mapping[str, str]] = {name: _SQL[kind] for name, kind in get_type_hints(Row).items()}


_LARGEST: Final = 1e15


def row_from(values: Sequence[Any]) -> Row:
    """The row of stored values. Raises ValueError for a value of another type than its column's, or beyond 1e15."""
    row = msgspec.convert(values, Row)
    for place in _NUMBERS:
        value = values[place]
        if value is not None and not -_LARGEST <= value <= _LARGEST:
            raise ValueError(f"{COLUMNS[place]} = {value} of match {row.position} is beyond {_LARGEST:g}")
    return row


_NUMBERS: Final = tuple(place for place, name in enumerate(COLUMNS) if not SQL_TYPES[name].startswith("TEXT"))


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished match: the values of its `Row` in order, and JSON documents (memory: None when nothing learns)."""

    row: tuple[Any, ...]
    transcript: bytes
    usage: bytes
    memory: bytes | None = None

    @property
    def position(self) -> int:
        """The match's place in the schedule."""
        return int(self.row[0])

    @property
    def pair(self) -> tuple[int, int]:
        """The places of its creditor and its debtor."""
        return self.row[_AT["creditor"]], self.row[_AT["debtor"]]

    @property
    def seconds(self) -> float:
        """Wall-clock time of the match."""
        return float(self.row[_SECONDS])


def finish_row(
    schedule: Schedule, match: Match, transcript: Transcript, usage: Usage, memory: bytes | None = None
) -> Finished:
    """The record of a played match."""
    creditor, debtor = divmod(match.pair, len(schedule.debtors))
    # In the order of Row; a tuple is a third of the cost of the dataclass and its unpacking.
    row = (match.position, match.id, creditor, debtor, match.scenario, match.repeat, *measured(transcript, usage))
    return Finished(row, to_json(with_short_readings(transcript.to_dict())), to_json(usage), memory)


def measured(transcript: Transcript, usage: Usage) -> tuple[Any, ...]:
    """The columns of a Row that follow from its documents: all from `ending` on, in order."""
    numbers, outcome = score(transcript), transcript.outcome
    saved = numbers.savings if numbers.deal else (None, None)
    return (
        outcome.ending, outcome.by, outcome.value, numbers.rounds,
        *numbers.utilities, *saved, numbers.collection,
        *_per_seat(transcript.messages),
        usage.seconds, usage.calls, usage.prompt_tokens, usage.cached_tokens, usage.reply_tokens,
        *conduct(transcript),
    )  # fmt: skip


def conduct(transcript: Transcript) -> tuple[int, int, int, float | None]:
    """Violations, promises, broken ones and de-escalation, as in a Row.

    Messages of version 1 were not judged when they were said, and are judged here.
    """
    given = promises(transcript, "debtor")
    readings = [one.reading for one in transcript.messages if one.seat == "creditor" and one.reading]
    if transcript.version > 1:
        violations = sum(len(message.violations) for message in transcript.messages)
    else:
        domain = transcript.scenario.domain
        violations = sum(len(broken_rules(message.text, message.seat, domain)) for message in transcript.messages)
    return violations, given.made, given.broken, de_escalation(readings)


def _per_seat(messages: tuple[Message, ...]) -> tuple[int, ...]:
    """Forfeits, repairs and re-asks, each (creditor, debtor)."""
    counts = {seat: [0, 0, 0] for seat in SEATS}
    for message in messages:
        count = counts[message.seat]
        count[0] += message.move.kind == "forfeit"
        count[1] += message.wording.repaired
        count[2] += max(0, message.wording.attempts - 1)
    return tuple(counts[seat][kind] for kind in range(3) for seat in SEATS)


def failed(schedule: Schedule, match: Match, rules: Rules, reason: str, memory: bytes | None = None) -> Finished:
    """The record of a match that had to be given up; what learners remember (`memory`) stays as it was.

    Where code of a user's plays in one seat alone, it is that seat that failed.
    """
    creditor, debtor = schedule.pair(match.pair)
    to_blame = [entrant.seat for entrant in (creditor, debtor) if entrant.own_code]
    transcript = Transcript(
        scenario=schedule.scenarios[match.scenario],
        creditor=creditor.declared,
        debtor=debtor.declared,
        seed=match.seed,
        rules=rules.to_dict(),
        messages=(),
        outcome=Outcome("failed", by=to_blame[0] if len(to_blame) == 1 else None, reason=reason),
    )
    return finish_row(schedule, match, transcript, Usage(), memory)


def to_json(data: Any) -> bytes:
    """JSON, also for NumPy's numbers and for text that is not valid Unicode.

    A lone surrogate, which a model can send, becomes a replacement character.
    """
    try:
        return orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError:
        return orjson.dumps(_cleaned(data), option=orjson.OPT_SERIALIZE_NUMPY)


def _cleaned(data: Any) -> Any:
    if isinstance(data, str):
        return data.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(data, Mapping):
        return {_cleaned(key): _cleaned(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_cleaned(item) for item in data]
    return data


def from_json(text: str | bytes, what: str) -> Any:
    """JSON data; StoreError naming `what` when it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise StoreError(f"{what} in the store is damaged ({error}); restore the folder from a copy") from None


def transcript_from(position: int, document: str | bytes, scenario: Scenario | None = None) -> Transcript:
    """The transcript of the match at `position` from its JSON; StoreError where that is damaged.

    scenario: the match's own, where it is at hand (see `Transcript.from_json`).
    """
    try:
        return Transcript.from_json(document, scenario)
    except BadInput as error:
        raise StoreError(f"the transcript of match {position} in the store is damaged: {error}") from None


def usage_from(position: int, document: str | bytes) -> Usage:
    """What the match at `position` cost, from its JSON; StoreError where that is damaged."""
    try:
        return msgspec.json.decode(document, type=Usage)
    except msgspec.DecodeError as error:
        raise StoreError(f"the usage of match {position} in the store is damaged: {error}") from None
