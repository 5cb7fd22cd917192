"""The credit-recovery CSV: the released file, and every way in which such a file can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.paths import SHARED
from helpers.scenario_files import GOOD, HEADER, one, refusal, row
from hypothesis import given
from hypothesis import strategies as st

from poise.games.scenarios.credit_csv import COLUMNS
from poise.games.scenarios.loaders import load_scenarios

RELEASED = SHARED / "data" / "scenarios" / "credit_recovery_scenarios.csv"
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(not RELEASED.exists(), reason="the reference data is not beside the checkout"),
]


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_file(content: str | bytes, name: str = "cases.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write_file


class TestReleasedFile:
    pytestmark = needs_data

    def test_all_hundred_rows_with_the_published_facts(self) -> None:
        facts = json.loads((SHARED / "reference" / "constants.json").read_text())["crad_facts"]
        cases = load_scenarios(RELEASED)
        assert [case.id for case in cases] == [f"crad-{number:02d}" for number in range(facts["rows"])]
        figures = {
            "creditor_target_days": [case.creditor_target for case in cases],
            "debtor_target_days": [case.debtor_target for case in cases],
            "gap": [case.gap for case in cases],
            "days_overdue": [int(case.context["Days overdue"]) for case in cases],
        }
        for name, values in figures.items():
            assert (min(values), max(values)) == (facts[name]["min"], facts[name]["max"])
            assert sum(values) / len(values) == pytest.approx(facts[name]["mean"], abs=0.06)
        assert {case.context["Outstanding balance"] for case in cases} == {"$15,700"}

    def test_first_row_in_words(self) -> None:
        case = load_scenarios(RELEASED)[0]
        assert (case.creditor_target, case.debtor_target, case.unit, case.polarity) == (12, 159, "days", 1)
        assert case.context["Creditor"] == "Hughes, Ortiz and Hudson"
        assert case.context["Original amount"] == "$32,947.55"
        assert case.context["Reason for overdue"] == "Client bankruptcy affecting receivables"

    def test_split_is_rows_0_to_79_and_80_to_99(self) -> None:
        train, test = load_scenarios(f"{RELEASED}:train"), load_scenarios(f"{RELEASED}:test")
        assert [case.id for case in train] == [f"crad-{number:02d}" for number in range(80)]
        assert [case.id for case in test] == [f"crad-{number:02d}" for number in range(80, 100)]

    def test_context_has_neither_target_nor_filler(self) -> None:
        for case in load_scenarios(RELEASED):
            numbers = {str(case.creditor_target), str(case.debtor_target)}
            assert numbers.isdisjoint(case.context.values())
            assert not any("target" in label.lower() or "impact" in label.lower() for label in case.context)


@given(st.integers(0, 200), st.integers(0, 200))
def test_both_signs_load_from_csv(tmp_path_factory: pytest.TempPathFactory, creditor: int, debtor: int) -> None:
    path = tmp_path_factory.getbasetemp() / "signs.csv"
    path.write_text(f"{HEADER}\n{row(Creditor_Target_Days=str(creditor), Debtor_Target_Days=str(debtor))}\n")
    if creditor == debtor:
        assert "nothing to negotiate" in refusal(str(path))
    else:
        (case,) = load_scenarios(path)
        assert (case.creditor_target, case.debtor_target) == (creditor, debtor)
        assert case.polarity == (1 if debtor > creditor else -1)


def test_columns_in_any_order_and_others_left_out(write: Any) -> None:
    turned = [",".join(reversed(line.split(","))) for line in (HEADER, row(Creditor_Name="Hart & Lane"))]
    text = "\n".join(f"{line},{more}" for line, more in zip(turned, ("Floor price", "the least is 60"), strict=True))
    (case,) = load_scenarios(write(text))
    assert (case.creditor_target, case.debtor_target) == (12, 113)
    assert "the least is 60" not in case.context.values()


@pytest.mark.parametrize("shape", ["\ufeff{}", "{}", "\n\n{}\n\n,,,\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_mark_line_ends_and_blank_lines_do_not_matter(write: Any, shape: str, end: str) -> None:
    path = write(shape.format(GOOD).replace("\n", end))
    assert [case.creditor_target for case in load_scenarios(path)] == [12, 9]


WIDE = row(Creditor_Name="Hart, Moss and Lane")
SHORT = ",".join(row().split(",")[:5])
NO_TARGETS = ",".join(name for name in COLUMNS if "Target" not in name)
REFUSED: list[tuple[str, str | bytes, list[str]]] = [
    ("empty", b"", ["the file is empty", "it needs a header"]),
    ("only blanks", " \n\u3000\n", ["the file is empty"]),
    ("header only", HEADER, ["line 1", "a header but no rows", "add one row"]),
    (
        "missing columns",
        f"{NO_TARGETS}\n",
        ["line 1", "'Creditor Target Days', 'Debtor Target Days'", "add the column"],
    ),
    ("another table", "a;b\n1;2\n", ["line 1", "'a;b'", "separated by commas"]),
    ("column twice", f"{HEADER},Days Overdue\n{row()},1\n", ["line 1", "column 'Days Overdue'", "twice"]),
    ("too many fields", f"{GOOD}{WIDE}\n", ["line 4", "17 fields", "has 16", "left over", "double quotes"]),
    ("too few fields", f"{GOOD}{SHORT}\n", ["line 4", "column 'Business Sector'", "has 4 fields, the header 16"]),
    ("open quote", f'{HEADER}\n"Hart{row()}', ["line 2", "close every quote"]),
    ("stray quote", f'{HEADER}\n"12"x,{row()}', ["line 2", "double quotes"]),
    ("not a number", one(Creditor_Target_Days="soon"), ["line 2", "'Creditor Target Days'", "'soon' is not a number"]),
    ("empty target", one(Creditor_Target_Days=""), ["'Creditor Target Days'", "'' is not a number"]),
    ("other digits", one(Creditor_Target_Days="\u0661"), ["'Creditor Target Days'", "whole number"]),
    ("not an integer", one(Debtor_Target_Days="113.5"), ["'Debtor Target Days'", "'113.5' is not an integer"]),
    ("nan", one(Debtor_Target_Days="nan"), ["'Debtor Target Days'", "'nan' is not an integer"]),
    ("negative", one(Debtor_Target_Days="-3"), ["'Debtor Target Days'", "'-3' is negative"]),
    ("huge number", one(Debtor_Target_Days="9" * 5000), ["'Debtor Target Days'", "up to 1,000,000"]),
    ("equal", one(Debtor_Target_Days="12"), ["line 2", "'Debtor Target Days'", "12", "nothing to negotiate"]),
    ("balance", one(**{"Outstanding Balance (USD)": "n/a"}), ["'Outstanding Balance (USD)'", "'n/a'", "15700.50"]),
    ("overdue", one(Days_Overdue="long"), ["'Days Overdue'", "'long' is not a number"]),
    ("empty name", one(Debtor_Name=" "), ["'Debtor Name'", "is empty", "fill it in"]),
    ("leak", one(Proposed_Solution="All of it in 12 days"), ["line 2", "'Proposed solution'", "private target"]),
    ("control", one(Debtor_Name="a\x07b"), ["line 2", "'Debtor'", "\\x07"]),
    ("huge field", one(Debtor_Name="x" * 200_000), ["line 2", "131072"]),
    ("latin-1", (GOOD + row(Debtor_Name="Caf\u00e9")).encode("latin-1"), ["line 4", "0xe9", "save the file as UTF-8"]),
    ("utf-16", GOOD.encode("utf-16"), ["UTF-16", "save it as UTF-8"]),
    ("nul", f"{GOOD}\0".encode(), ["line 4", "NUL"]),
    ("nul late", one(Debtor_Name='"a\nb"') + "\n\0", ["line 4", "NUL"]),
]


@pytest.mark.parametrize(("content", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_csv_refusal_says_where_what_and_how_to_mend(write: Any, content: str | bytes, words: list[str]) -> None:
    message = refusal(write(content))
    assert "cases.csv" in message
    for word in words:
        assert word in message
    assert len(message) < 900


def test_line_is_the_one_an_editor_shows(write: Any) -> None:
    note = '"first line\nsecond line"'
    text = f"{HEADER}\n{row(Proposed_Solution=note)}\n\n{row(Days_Overdue='long')}\n"
    assert text.split("\n").index(row(Days_Overdue="long")) + 1 == 5
    assert "line 5, column 'Days Overdue'" in refusal(write(text))
