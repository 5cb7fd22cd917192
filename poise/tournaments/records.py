"""A finished match as the store keeps it: a row of numbers, and the documents behind it as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, get_type_hints

import orjson

from poise.games.errors import StoreError
from poise.games.metrics import score
from poise.games.moves import SEATS
from poise.games.rules import Rules
from poise.games.transcript import Message, Outcome, Transcript, Usage
from poise.tournaments.schedule import Match, Schedule


@dataclass(frozen=True, slots=True)
class Row:
    """What standings need of one match, so that they never have to open a transcript.

    creditor, debtor, scenario: indices into the tournament's lists.
    ending, by, value, rounds:  the outcome; rounds counts messages.
    *_utility, *_savings:       as `poise.games.metrics.Score`; savings are None without a deal.
    *_forfeits, *_repairs, *_reasks: messages without a usable move, messages put right without the model, and model
                                calls beyond a message's first.
    seconds, calls, *_tokens:   as `poise.games.transcript.Usage`.
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
    prompt_tokens: int
    cached_tokens: int
    reply_tokens: int


COLUMNS: Final = tuple(field.name for field in fields(Row))
_SECONDS: Final = COLUMNS.index("seconds")
SQL_TYPES: Final[Mapping[str, str]] = {
    name: {int: "INTEGER NOT NULL", float: "REAL NOT NULL", str: "TEXT NOT NULL"}.get(
        kind, "REAL" if name.endswith("savings") else "INTEGER" if name == "value" else "TEXT"
    )
    for name, kind in get_type_hints(Row).items()
}


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
    def seconds(self) -> float:
        """Wall-clock time of the match."""
        return float(self.row[_SECONDS])


def finish(
    schedule: Schedule, match: Match, transcript: Transcript, usage: Usage, memory: bytes | None = None
) -> Finished:
    """The record of a played match."""
    numbers = score(transcript)
    creditor, debtor = divmod(match.pair, len(schedule.debtors))
    outcome = transcript.outcome
    saved = numbers.savings if numbers.deal else (None, None)
    # In the order of Row; a tuple is a third of the cost of the dataclass and its unpacking.
    row = (
        match.position, match.id, creditor, debtor, match.scenario, match.repeat,
        outcome.ending, outcome.by, outcome.value, numbers.rounds,
        *numbers.utilities, *saved, numbers.collection,
        *_per_seat(transcript.messages),
        usage.seconds, usage.calls, usage.prompt_tokens, usage.cached_tokens, usage.reply_tokens,
    )  # fmt: skip
    return Finished(row, to_json(transcript.to_dict()), to_json(usage), memory)


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
    """The record of a match that had to be given up; what learners remember (`memory`) stays as it was."""
    creditor, debtor = schedule.pair(match.pair)
    transcript = Transcript(
        scenario=schedule.scenarios[match.scenario],
        creditor=creditor.declared,
        debtor=debtor.declared,
        seed=match.seed,
        rules=rules.to_dict(),
        messages=(),
        outcome=Outcome("failed", reason=reason),
    )
    return finish(schedule, match, transcript, Usage(), memory)


def to_json(data: Any) -> bytes:
    """JSON, also for NumPy's numbers and for text that is no Unicode.

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
