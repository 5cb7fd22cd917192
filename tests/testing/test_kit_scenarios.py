"""Each check of scenarios catches what it is there to catch, and nothing else does."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest
from helpers.scenario_files import GOOD, one

from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import save_scenarios
from poise.testing import assert_scenarios, check_scenarios

CASES = [Scenario(f"case-{n}", "debt", 12 + n, 112 + n, context={"Debtor": f"Company {n}"}) for n in range(10)]


def failures(source, **more):
    return {check.name: check.detail for check in check_scenarios(source, **more) if not check.ok}


def with_last(**changes):
    """Ten good cases, but for `changes` in the last."""
    return [*CASES[:-1], replace(CASES[-1], **changes)]


@dataclass(frozen=True)
class Annotated(Scenario):
    """A case with something that no file holds."""

    note: str = "mine"


BAD = [
    ("can be read", [], "there is no scenario in it"),
    ("can be read", "none.jsonl", "there is no such file"),
    ("can be read", "builtin:nowhere", "is neither rows"),
    (
        "gives every scenario its own id",
        with_last(id="case-3"),
        "1 ids belong to more than one scenario, 'case-3' first",
    ),
    ("leaves something to negotiate", with_last(debtor_target=24), "3 days apart, and offers within 5 are a deal"),
    ("counts in one unit in each domain", with_last(unit="weeks"), "'case-9' counts weeks, and others of debt days"),
    (
        "states neither target in its context",
        with_last(context={"Note": "Within Twenty-One days."}),
        "'Twenty-One days'",
    ),
    ("states neither target in its context", with_last(id="the twenty one day case"), "'twenty one day', which is"),
    (
        "has no scenario twice, in training and in test",
        [*CASES[:9], replace(CASES[0], id="new")],
        "equals scenario 'case-0' of",
    ),
    ("survives a file", [*CASES[:9], Annotated("case-9", "debt", 12, 60)], "written to a file and read again differ"),
]


@pytest.mark.parametrize(("check", "source", "words"), BAD, ids=[f"{bad[0]}-{n}" for n, bad in enumerate(BAD)])
def test_each_check_catches_what_it_is_there_for(check, source, words):
    found = failures(source)
    assert list(found) == [check]
    assert words in found[check]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("polarity", -1, "polarity -1 are not those"), ("gap", 50, "gap 50"), ("bounds", (0, 100), "bounds 0 to 100")],
)
def test_values_that_do_not_agree_are_caught(monkeypatch, name, value, words):
    """Scenario refuses them when it is made; this is for the day when it no longer does."""
    monkeypatch.setattr(Scenario, name, value)
    found = failures(CASES)
    assert words in found["targets, gap and polarity agree, within the bounds"]
    assert set(found) <= {"targets, gap and polarity agree, within the bounds", "survives a file"}


def test_the_test_set_must_not_be_trained_on(tmp_path):
    save_scenarios(tmp_path / "train.jsonl", CASES[:5])
    found = failures(CASES[4:], apart_from=tmp_path / "train.jsonl")
    again = "scenario 'case-4' equals scenario 'case-4' of the other set; leave one out"
    assert found == {"has no scenario of the other set": again}
    assert not failures(CASES[5:], apart_from=tmp_path / "train.jsonl")


def test_no_check_goes_without_scenarios_that_fail_it():
    made = {check.name for check in check_scenarios(CASES, apart_from="builtin")}
    elsewhere = {"targets, gap and polarity agree, within the bounds", "has no scenario of the other set"}
    assert made == {bad[0] for bad in BAD} | elsewhere


def test_the_tolerance_of_other_rules_can_be_said():
    close = with_last(debtor_target=24)
    assert_scenarios(close, tolerance=2)
    with pytest.raises(
        AssertionError, match="1 of 8 checks do not hold\n  leaves something to negotiate: scenario 'case-0'"
    ):
        assert_scenarios(close, tolerance=100)


LINE = json.dumps(CASES[0].to_dict())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cases.csv", one(Creditor_Target_Days="soon"), ["cases.csv", "line 2", "Creditor Target Days", "'soon'"]),
        ("cases.csv", GOOD + one().splitlines()[1].rpartition(",")[0], ["line 4", "Proposed Solution"]),
        ("cases.jsonl", f"{LINE}\n{{", ["cases.jsonl", "line 2"]),
        ("cases.jsonl", f"{LINE}\n{LINE}", ["line 2", "'case-0'", "line 1"]),
        ("cases.jsonl", LINE.replace("112", "12"), ["line 1", "both targets are 12"]),
        ("cases.jsonl", LINE.replace("Company 0", "12 days"), ["line 1", "'Debtor'", "private target"]),
    ],
)
def test_a_malformed_file_fails_with_its_row_and_column(tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    found = failures(tmp_path / name)
    assert list(found) == ["can be read"]
    assert [word for word in words if word not in found["can be read"]] == []
