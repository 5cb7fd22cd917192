"""The published credit-recovery set (100 synthetic rows) as scenarios, and any file with its columns.

Row `i` becomes the scenario `crad-<i>` (two digits at least). What goes into the context is a list, not whatever the
file has, because both seats read the context. Left out, with the reason:

    Creditor Target Days, Debtor Target Days    private; they become the targets
    Recovery Probability (%)                    the creditor's own estimate, which a debtor would not be shown
    Business Impact Description                 random words
    Last Payment Date                           contradicts Days Overdue in most rows
    any further column                          it may be private for all that Poise knows
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from poise.common.errors import ScenarioError, shorten
from poise.common.textfile import refusal
from poise.games.domains import LARGEST
from poise.games.scenario import Scenario

CREDITOR_TARGET: Final = "Creditor Target Days"
DEBTOR_TARGET: Final = "Debtor Target Days"
_QUOTE: Final = (
    'put a value that contains a comma into double quotes ("Smith, Jones and Co") and double any quote in it'
)


def _words(text: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise ValueError("is empty; fill it in (None will do)")
    return words


def _whole(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,9}", text.strip()) and int(text) <= LARGEST:
        return int(text)
    if re.fullmatch(r"\s*-[0-9]+\s*", text):
        raise ValueError("is negative; write a whole number of 0 or more")
    if re.fullmatch(r"\s*\+?[0-9]+\s*", text):
        raise ValueError(f"is not a plain whole number up to {LARGEST:,}; correct it")
    if _is_number(text):
        raise ValueError("is not an integer; write a whole number of days")
    raise ValueError(f"is not a number; write a whole number of days. If the row is shifted, {_QUOTE}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _dollars(text: str) -> str:
    if not re.fullmatch(r"\s*[0-9]{1,12}(\.[0-9]*)?\s*", text):
        raise ValueError(f"is not an amount; write it as 15700 or 15700.50. If the row is shifted, {_QUOTE}")
    return f"${float(text):,.2f}".removesuffix(".00")


def _count(text: str) -> str:
    return str(_whole(text))


_CONTEXT: Final[Mapping[str, tuple[str, Callable[[str], str]]]] = {
    "Creditor Name": ("Creditor", _words),
    "Debtor Name": ("Debtor", _words),
    "Business Sector": ("Sector", _words),
    "Credit Type": ("Credit type", _words),
    "Purchase Purpose": ("Purpose", _words),
    "Original Amount (USD)": ("Original amount", _dollars),
    "Outstanding Balance (USD)": ("Outstanding balance", _dollars),
    "Interest Accrued (USD)": ("Interest accrued", _dollars),
    "Days Overdue": ("Days overdue", _count),
    "Reason for Overdue": ("Reason for overdue", _words),
    "Collateral": ("Collateral", _words),
    "Recovery Stage": ("Recovery stage", _words),
    "Cash Flow Situation": ("Cash-flow situation", _words),
    "Proposed Solution": ("Proposed solution", _words),
}
COLUMNS: Final = (CREDITOR_TARGET, DEBTOR_TARGET, *_CONTEXT)


def read_credit_csv(path: Path, text: str) -> list[Scenario]:
    """The scenarios of a credit-recovery file, in its order; `path` is only named in errors.

    Raises ScenarioError with the line (of the row's first line, counted as an editor does), the column and the value.
    """
    records = _records(path, text)
    header = [name.strip() for name in next(records, (1, [""]))[1]]
    _check_header(path, header)
    rows = list(records)
    if not rows:
        raise refusal(path, "the file has a header but no rows; add one row a scenario", line=1)
    return [
        _scenario(path, line, f"crad-{row:02d}", _align(path, line, header, fields))
        for row, (line, fields) in enumerate(rows)
    ]


def _records(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """(first line, fields) of each row that is not blank; a quoted value may span lines."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"the row that begins here cannot be read ({error}); close every quote, {_QUOTE}"
            raise refusal(path, problem, line=line) from None
        if any(field.strip() for field in fields):
            yield line, fields
        line = reader.line_num + 1


def _check_header(path: Path, header: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in header]
    if len(missing) == len(COLUMNS):
        comma = " The columns must be separated by commas." if ";" in header[0] or "\t" in header[0] else ""
        raise refusal(
            path,
            f"the first line, {shorten(','.join(header))}, is not the header of a credit-recovery file (which has "
            f"{', '.join(COLUMNS)}), nor of a published file of another domain, nor a scenario as a JSON object."
            f"{comma}",
            line=1,
        )
    if missing:
        names = ", ".join(repr(name) for name in missing)
        raise refusal(path, f"missing from the header: {names}; add the column and fill it in", line=1)
    if doubled := [name for name in COLUMNS if header.count(name) > 1]:
        raise refusal(path, "the header has this column twice; rename one", line=1, column=doubled[0])


def _align(path: Path, line: int, header: list[str], fields: list[str]) -> dict[str, str]:
    if len(fields) < len(header):
        problem = f"the row ends before this column: it has {len(fields)} fields, the header {len(header)}; complete it"
        raise refusal(path, problem, line=line, column=header[len(fields)])
    if len(fields) > len(header):
        extra = shorten(",".join(fields[len(header) :]))
        problem = f"{len(fields)} fields where the header has {len(header)}, so that {extra} is left over; {_QUOTE}"
        raise refusal(path, problem, line=line, column=header[-1])
    return dict(zip(header, fields, strict=True))


def _scenario(path: Path, line: int, name: str, row: Mapping[str, str]) -> Scenario:
    def cell(column: str, convert: Callable[[str], str]) -> str:
        try:
            return convert(row[column])
        except ValueError as error:
            raise refusal(path, f"{shorten(row[column])} {error}", line=line, column=column) from None

    creditor, debtor = (int(cell(column, _count)) for column in (CREDITOR_TARGET, DEBTOR_TARGET))
    if creditor == debtor:
        problem = f"{debtor} is also the value of {CREDITOR_TARGET!r}, so there is nothing to negotiate; correct one"
        raise refusal(path, problem, line=line, column=DEBTOR_TARGET)
    context = {label: cell(column, convert) for column, (label, convert) in _CONTEXT.items()}
    try:
        return Scenario(name, "debt", creditor, debtor, context=context)
    except ScenarioError as error:
        raise refusal(path, str(error), line=line) from None
