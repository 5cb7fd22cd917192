r"""Scenarios from a source, and scenarios to a file.

A source is `builtin` (a generated hundred: of debt scenarios, or of the domain after a colon) or a path, and after a
colon, if wanted, some of its rows:

    builtin               a hundred of debt             mine.csv              every row of a published file
    builtin:train         the first four fifths         mine.csv:test         its last fifth
    builtin:medical       a hundred operations          mine.jsonl            every line
    builtin:medical:0-9   rows 0 to 9                   mine.jsonl:7          row 7

Rows are counted from 0, both ends of a range belong to it. `train` and `test` split at four fifths: rows 0-79 and
80-99 of a hundred, as published. A file whose very name ends in `:test` is read whole.

Files are Poise's own JSON Lines, one `Scenario.to_dict` a line ("{"), which `save_scenarios` writes, or one of the four
published CSVs, known by its header (see `credit_csv` and `published_csv`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from poise.common.errors import ScenarioError, shorten
from poise.common.files import draft
from poise.common.textfile import LINE_END, read_text, refusal
from poise.common.words import counted, did_you_mean
from poise.games.domains import domain_names
from poise.games.scenario import Scenario
from poise.games.scenarios.credit_csv import COLUMNS, read_credit_csv
from poise.games.scenarios.generator import builtin
from poise.games.scenarios.loose_csv import header_columns
from poise.games.scenarios.published_csv import format_of, read_published_csv

BUILTIN: Final = "builtin"
_ROWS: Final = re.compile(r"(?P<part>train|test)|(?P<first>[0-9]{1,9})(-(?P<last>[0-9]{1,9}))?")


def load_scenarios(source: str | os.PathLike[str] = BUILTIN) -> list[Scenario]:
    """The scenarios of `source`, in its order, ids unique; see the module for how a source is written.

    Raises ScenarioError, and nothing else, with file, line, column, value and remedy.
    """
    if not (text := os.fspath(source)):
        raise ScenarioError(f"the source is empty; write {BUILTIN!r} or the path of a file")
    if text.split(":")[0] == BUILTIN and not _exists(text):
        domain, rows = _split_builtin(text)
        name, scenarios = f"{BUILTIN}:{domain}", builtin(domain)
    else:
        if not _exists(text) and (hint := did_you_mean(text.partition(":")[0], [BUILTIN])):
            raise ScenarioError(f"there is no file {shorten(text)}; {hint}scenarios are {BUILTIN}, or a file's path")
        name, rows = _split(text)
        scenarios = _read(Path(name))
    return scenarios if rows is None else _select(scenarios, rows, name)


def save_scenarios(path: str | os.PathLike[str], scenarios: Iterable[Scenario]) -> None:
    """Write `scenarios` to `path` as JSON Lines, whole or not at all; a file that was there is replaced."""
    listed = list(scenarios)
    target = Path(path)
    if not listed:
        raise refusal(target, "there are no scenarios to save; an empty file could not be loaded again")
    seen: set[str] = set()
    for scenario in listed:
        if scenario.id in seen:
            raise refusal(target, f"two scenarios have the id {shorten(scenario.id)}; rename one")
        seen.add(scenario.id)
    _replace(target, "".join(json.dumps(scenario.to_dict(), ensure_ascii=False) + "\n" for scenario in listed))


def _replace(path: Path, text: str) -> None:
    """Write beside `path` and rename, so that readers see the old file or the new one."""
    try:
        with draft(path.resolve()) as beside:
            beside.write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise refusal(path, f"the file cannot be written ({reason}); check the folder and its permissions") from None


def _split_builtin(source: str) -> tuple[str, re.Match[str] | None]:
    """(domain, match of the rows or None) of `builtin`, `builtin:ROWS`, `builtin:DOMAIN` or `builtin:DOMAIN:ROWS`."""
    parts = source.split(":")[1:]
    domain = parts.pop(0) if parts and parts[0] in domain_names() else "debt"
    rows = _ROWS.fullmatch(parts[0]) if len(parts) == 1 else None
    if parts and rows is None:
        hint = did_you_mean(parts[0], [*domain_names(), "train", "test"])
        raise ScenarioError(
            f"{shorten(source)}: {shorten(':'.join(parts))} is neither rows nor a domain; {hint}write train, test, a "
            f"row such as 7, a range such as 0-9, or a domain of {', '.join(domain_names())}"
        )
    return domain, rows


def _split(source: str) -> tuple[str, re.Match[str] | None]:
    """(path, match of the rows or None)."""
    name, colon, rows = source.rpartition(":")
    if not colon or _exists(source):
        return source, None
    if found := _ROWS.fullmatch(rows):
        return name, found
    if _exists(name):
        problem = f"{shorten(rows)} does not name rows; write train, test, a row such as 7, or a range such as 0-9"
        raise refusal(Path(name), problem)
    return source, None


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def _select(scenarios: list[Scenario], rows: re.Match[str], name: str) -> list[Scenario]:
    if part := rows["part"]:
        cut = len(scenarios) * 4 // 5
        chosen = scenarios[:cut] if part == "train" else scenarios[cut:]
        if not chosen:
            raise refusal(
                Path(name), f"of {counted(len(scenarios), 'scenario')} none is left for {part}; leave :{part} out"
            )
        return chosen
    first = int(rows["first"])
    last = int(rows["last"] or first)
    if not first <= last < len(scenarios):
        asked = f"rows {rows[0]} do" if rows["last"] else f"row {rows[0]} does"
        problem = f"{asked} not exist; choose from 0 to {len(scenarios) - 1}, the lower end first"
        raise refusal(Path(name), problem)
    return scenarios[first : last + 1]


def _read(path: Path) -> list[Scenario]:
    text = read_text(path)
    if text.lstrip()[0] in "{[" or path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        return _read_json_lines(path, text)
    first = next(line for line in LINE_END.split(text) if line.strip())
    if first.lower().startswith("sep="):
        raise refusal(path, f"{shorten(first.strip())} is for a spreadsheet; take that line out", line=1)
    header = header_columns(first)
    kind = None if set(header) & set(COLUMNS) else format_of(header)
    return read_credit_csv(path, text) if kind is None else read_published_csv(path, text, kind)


def _read_json_lines(path: Path, text: str) -> list[Scenario]:
    scenarios: list[Scenario] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(LINE_END.split(text), start=1):
        if not line.strip():
            continue
        try:
            scenario = Scenario.from_dict(_parse(line))
        except ScenarioError as error:
            raise refusal(path, str(error), line=number) from None
        if scenario.id in lines:
            problem = f"the id {shorten(scenario.id)} is already that of line {lines[scenario.id]}; rename one"
            raise refusal(path, problem, line=number)
        lines[scenario.id] = number
        scenarios.append(scenario)
    return scenarios


def _parse(line: str) -> dict[str, Any]:
    try:
        data = json.loads(line, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ScenarioError(f"not JSON ({error.msg}, character {error.colno}); put each scenario on one line") from None
    except (ValueError, RecursionError) as error:
        raise ScenarioError(f"not usable JSON ({shorten(str(error))}); put each scenario on one line") from None
    if not isinstance(data, dict):
        raise ScenarioError(f"{shorten(data)} is not a JSON object; write one object a line, no array around them")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ScenarioError(f"field {shorten(doubled)} appears twice; keep one")
    return data
