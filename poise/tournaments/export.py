"""Finished matches as pandas frames, and as Parquet or CSV files.

Schema 3. `matches` has a line for each finished match: the columns of `poise.tournaments.storage.rows.Row`, but with
the names of creditor, debtor and scenario in place of their indices. `messages` has a line for each message:

    position, creditor, debtor, scenario
                                     the match's place in the schedule, its agents and its scenario, by name
    index, seat, text                the message's place in the match, from 0; who; words
    move, value, firm                what the referee applied
    emotion                          what the seat meant to show (None without a direction)
    intended                         the value that the concession decided, None where the model decides
    read_emotion, belief_STATE       what the seat read in the message before; how far it believes in each of
                                     `poise.agents.emotions.tables.STATES`
    mood, violations, verdict        as in `poise.games.transcript.Message`; violations joined by spaces
    attempts, repaired               model calls for this message; whether its number was put right without the model
    prompt_tokens, cached_tokens, reply_tokens, model_seconds
                                     what those calls cost; None where no model was asked (since schema 2)

`process` has a line for each figure of how negotiations went (`poise.tournaments.process.lines`), `provenance` one
for each thing that says where the data come from: a dotted name and its value as text.

Every frame carries the same in `frame.attrs["poise"]`, a Parquet file under the key `poise` of its metadata, and a CSV
file in FILE.json beside it: the schema, the tournament's id and settings, the agents as declared, and what the run
recorded of versions, machine class, prompts and models (`poise.tournaments.storage.provenance`). The folder that the
run was begun in stays out. Schema 2 had no names in `messages`, and called the states by their number; schema 1 had
neither the last four columns of `messages` nor the last two tables.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from poise.agents.emotions.tables import STATES
from poise.agents.models.settings import is_secret
from poise.common.errors import BadInput, ConfigError
from poise.common.files import draft, replace_file
from poise.common.words import did_you_mean, visible
from poise.games.transcript import Message
from poise.tournaments.process.lines import LINE, lines
from poise.tournaments.process.measure import process_of
from poise.tournaments.storage.errors import explained
from poise.tournaments.storage.rows import COLUMNS, SQL_TYPES, Row, transcript_from, usage_from
from poise.tournaments.storage.snapshot import Documents, Header, Snapshot
from poise.tournaments.storage.store import Store

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Final = 3
TABLES: Final = ("matches", "messages", "process", "provenance")
_GROUP: Final = 20_000  # rows that are in memory at a time
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER: Final = re.compile(r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?")
_COSTS: Final = ("prompt_tokens", "cached_tokens", "reply_tokens", "model_seconds")
_BELIEFS: Final = tuple(f"belief_{state}" for state in STATES)
_UNTOLD: Final = ("folder",)  # of what a run records


def matches_frame(folder: Path | str) -> pd.DataFrame:
    """A line for each finished match of the tournament in `folder`; see the module."""
    return frame(folder, "matches")


def messages_frame(folder: Path | str) -> pd.DataFrame:
    """A line for each message of the tournament in `folder`; see the module."""
    return frame(folder, "messages")


def process_frame(folder: Path | str) -> pd.DataFrame:
    """A line for each figure of how negotiations went, by creditor and debtor; see the module."""
    return frame(folder, "process")


def frame(folder: Path | str, table: str) -> pd.DataFrame:
    """One of `TABLES`.

    Raises:
        BadInput: there is no such table. ConfigError: pandas is not installed.
    """
    _check_table(table)
    pandas = _pandas()
    with Store.read(folder) as store:
        snapshot = store.snapshot()
        data = pandas.DataFrame(list(_LINES[table](snapshot, store.documents)), columns=list(_COLUMNS[table]))
    data = data.convert_dtypes()
    data.attrs["poise"] = provenance(snapshot.header, table)
    return data


def table_rows(snapshot: Snapshot, documents: Documents, table: str) -> Iterator[Sequence[Any]]:
    """The heads of one of `TABLES`, then its lines; no library is needed."""
    yield _COLUMNS[table]
    yield from _LINES[table](snapshot, documents)


def export_tournament(folder: Path | str, to: Path, table: str = "matches") -> Path:
    """Write a table to `to`, a .parquet or .csv file; what was there is replaced in one step.

    Raises:
        BadInput: the file's name ends in neither, or there is no such table. ConfigError: a library is not installed.
    """
    if to.suffix not in (".parquet", ".csv"):
        raise BadInput(f"{to.name}: name a file that ends in .parquet or .csv")
    _check_table(table)
    with explained(to.parent):
        to.parent.mkdir(parents=True, exist_ok=True)
    with Store.read(folder) as store:
        snapshot = store.snapshot()
        told = provenance(snapshot.header, table)
        lines = _LINES[table](snapshot, store.documents)
        with explained(to.parent), draft(to, durable=False) as beside:
            if to.suffix == ".csv":
                described = json.dumps(told, indent=2, default=str) + "\n"
                replace_file(to.with_name(to.name + ".json"), described.encode(), durable=False)
                _write_csv(lines, table, beside)
            else:
                _write_parquet(lines, table, told, beside)
    return to


def provenance(header: Header, table: str) -> dict[str, Any]:
    """Where a table comes from, as JSON data, without folders or addresses, which may name a person or a machine."""
    given = header.config.get("model_options", {})  # an older Poise stored secrets in it
    options = {name: value for name, value in given.items() if name != "base_url" and not is_secret(name, value)}
    return {
        "schema": SCHEMA,
        "table": table,
        "tournament": header.id,
        "config": {name: value for name, value in header.config.items() if name != "out"} | {"model_options": options},
        "creditors": [dict(one) for one in header.creditors],
        "debtors": [dict(one) for one in header.debtors],
        "provenance": {name: one for name, one in header.provenance.items() if name not in _UNTOLD},
    }


def _check_table(table: str) -> None:
    if table not in TABLES:
        raise BadInput(f"table {table!r} does not exist; {did_you_mean(table, TABLES)}there are {', '.join(TABLES)}")


def _pandas() -> Any:
    try:
        import pandas as pd
    except ImportError:
        raise ConfigError("data frames need pandas: pip install 'poise[analysis]'") from None
    return pd


def _names(snapshot: Snapshot, row: Row) -> dict[str, str]:
    return {
        "creditor": snapshot.creditors[row.creditor],
        "debtor": snapshot.debtors[row.debtor],
        "scenario": snapshot.scenarios[row.scenario].id,
    }


def _matches(snapshot: Snapshot, _: Documents) -> Iterator[list[Any]]:
    for row in snapshot.rows:
        named = _names(snapshot, row)
        yield [named.get(name, getattr(row, name)) for name in COLUMNS]


def _messages(snapshot: Snapshot, documents: Documents) -> Iterator[list[Any]]:
    read = documents([row.position for row in snapshot.rows])
    for row, (position, transcript, spent) in zip(snapshot.rows, read, strict=True):
        costs = usage_from(position, spent).per_message
        scenario, names = snapshot.scenarios[row.scenario], _names(snapshot, row).values()
        for number, message in enumerate(transcript_from(position, transcript, scenario).messages):
            cost = costs[number] if number < len(costs) else {}
            yield [position, *names, *_message(message), *(cost.get(name) for name in _COSTS)]


def _message(one: Message) -> list[Any]:
    reading = one.reading
    belief = reading.belief if reading else [None] * len(_BELIEFS)
    return [
        one.index, one.seat, one.text, one.move.kind, one.move.value, one.move.firm, one.emotion,
        one.intended.value if one.intended else None, reading.label if reading else None, *belief,
        one.mood, " ".join(one.violations), one.verdict, one.wording.attempts, one.wording.repaired,
    ]  # fmt: skip


def _flat(data: Any, path: str = "") -> Iterator[list[Any]]:
    """A dotted name and a text for everything in `data`."""
    if isinstance(data, dict) and data:
        for name, one in data.items():
            yield from _flat(one, f"{path}.{name}" if path else str(name))
    elif isinstance(data, list) and data and isinstance(data[0], dict):
        for place, one in enumerate(data):
            yield from _flat(one, f"{path}.{place}")
    else:
        yield [path, data if isinstance(data, str) else json.dumps(data, default=str)]


_LINES: Final[dict[str, Callable[[Snapshot, Documents], Iterator[Sequence[Any]]]]] = {
    "matches": _matches,
    "messages": _messages,
    "process": lambda snapshot, documents: map(list, lines(process_of(snapshot, documents))),
    "provenance": lambda snapshot, _: _flat(
        {name: value for name, value in provenance(snapshot.header, "provenance").items() if name != "table"}
    ),
}
_COLUMNS: Final = {
    "matches": COLUMNS,
    "messages": (
        "position", "creditor", "debtor", "scenario", "index", "seat", "text", "move", "value", "firm", "emotion",
        "intended", "read_emotion", *_BELIEFS, "mood", "violations", "verdict", "attempts", "repaired",
        *_COSTS,
    ),
    "process": LINE,
    "provenance": ("name", "value"),
}  # fmt: skip


_WHOLE: Final = frozenset({"position", "index", "value", "intended", "attempts", *_COSTS[:3]})
_REAL: Final = frozenset({*_BELIEFS, "mood", "model_seconds"})
_TRUTH: Final = frozenset({"firm", "verdict", "repaired"})


def _dtypes(table: str) -> dict[str, str] | None:
    """The pandas types of the columns; None for a table whose lines are few, so that they can be looked at."""
    if table == "matches":
        kinds = {"INTEGER": "Int64", "REAL": "Float64", "TEXT": "string"}
        found = {name: kinds[SQL_TYPES[name].split()[0]] for name in COLUMNS}
        return found | dict.fromkeys(("creditor", "debtor", "scenario"), "string")
    if table == "messages":
        kinds = {
            **dict.fromkeys(_WHOLE, "Int64"),
            **dict.fromkeys(_REAL, "Float64"),
            **dict.fromkeys(_TRUTH, "boolean"),
        }
        return {name: kinds.get(name, "string") for name in _COLUMNS[table]}
    return None


def _write_parquet(lines: Iterator[Sequence[Any]], table: str, told: dict[str, Any], path: Path) -> None:
    """A group of rows at a time, so that a large tournament needs little memory."""
    pandas = _pandas()
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ConfigError("Parquet needs pyarrow: pip install 'poise[analysis]'") from None
    columns, dtypes = list(_COLUMNS[table]), _dtypes(table)
    if dtypes is None:
        whole = list(lines)
        lines, dtypes = iter(whole), dict(pandas.DataFrame(whole, columns=columns).convert_dtypes().dtypes)
    empty = pandas.DataFrame({name: pandas.Series(dtype=kind) for name, kind in dtypes.items()})
    schema = pa.Schema.from_pandas(empty, preserve_index=False)
    schema = schema.with_metadata({**(schema.metadata or {}), b"poise": json.dumps(told, default=str).encode()})
    with parquet.ParquetWriter(path, schema) as writer:
        while group := list(islice(lines, _GROUP)):
            writer.write_table(pa.table([list(column) for column in zip(*group, strict=True)], schema=schema))


def _write_csv(lines: Iterator[Sequence[Any]], table: str, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(_COLUMNS[table])
        for line in lines:
            writer.writerow([not_a_formula(visible(cell)) for cell in line])


def not_a_formula(cell: Any) -> Any:
    """A text that a spreadsheet would run begins with an apostrophe instead, which spreadsheets do not show."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell
