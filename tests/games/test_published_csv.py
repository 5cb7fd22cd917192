"""The three published CSVs with unquoted commas: every row read right, and what is refused."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers.paths import SHARED
from helpers.scenario_files import refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.common.errors import ScenarioError
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.games.scenarios.published_csv import FORMATS
from poise.games.scenarios.published_targets import (
    disaster_targets,
    in_hours,
    medical_targets,
    minutes_past_nine,
    student_targets,
)

RELEASED = SHARED / "data" / "scenarios"
FILES = {
    "disaster": RELEASED / "disaster_survivor_scenarios.csv",
    "medical": RELEASED / "hospital_surgery_scenarios.csv",
    "student": RELEASED / "education_sleep_scenarios.csv",
}
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(not RELEASED.exists(), reason="the reference data is not beside the checkout"),
]
HEADERS = {kind.domain: ",".join(kind.layout.columns) for kind in FORMATS}
# Rows of our own in the manner of the published ones, each with commas that a plain CSV reader stumbles over.
ROWS = {
    "disaster": [
        "1,Rock_fall,Broken_wrist,70,120,Splint, Blanket,“We see you, and we are coming.”",
        "2,Marsh, Lost_walker_cold,200,210,Heat, Light, Tea,“Stay where you are.”",
        "3,Earthquake,Trapped,Variable,Variable,Hope,“Somebody is with you, always.”",
    ],
    "medical": [
        "1,61,Worn hip (left, painful),Hip replacement,Low,90,No,Senior (Hips),Fully booked, two rooms closed,Falls, "
        "pain,Cannot walk far, sleeps badly,See a younger colleague, same team,60,Declined, waiting",
        "2,34,Gallstones,Keyhole removal,Medium,30,Yes,Senior (General),Attacks, nausea,Travels soon, afraid,Keep the "
        "date,0,Kept",
        "3,50,Heart failure,Transplant,High,N/A (listed),No,Senior,On a list, no date,Death,Breathless,None,N/A,Waits",
    ],
    "student": [
        '1,15,Chess_player,Match tomorrow,"Nervous, and wide awake.",9:30 PM,12:45 AM,Openings, and endings, to do.',
        '2,17,Night_owl, Not tired at all,"Awake.",10:15 PM,11:00 PM,Body clock; feels "normal" at night.',
        '3,12,Poor_sleeper (since spring, at least),Lies awake,"Tired.",8:45 PM, N/A (Cannot say, really),Worry.',
    ],
}
TARGETS = {
    "disaster": [(120, 70), (230, 200), (40, 10)],
    "medical": [(120, 30), (37, 30), (8, 1)],
    "student": [(30, 225), (75, 255), (0, 180)],
}
domains = st.sampled_from(sorted(FILES))


def content(domain: str, *rows: str) -> str:
    return "\n".join((HEADERS[domain], *(rows or ROWS[domain]))) + "\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_file(text: str | bytes) -> str:
        path = tmp_path / "cases.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write_file


# --- what rows say


@pytest.mark.parametrize("domain", FILES)
def test_rows_with_unquoted_commas_are_read(write: Any, domain: str) -> None:
    cases = load_scenarios(write(content(domain)))
    assert [(case.creditor_target, case.debtor_target) for case in cases] == TARGETS[domain]
    assert {case.domain for case in cases} == {domain}


def test_texts_are_parted_where_the_columns_are(write: Any) -> None:
    disaster = load_scenarios(write(content("disaster")))
    assert dict(disaster[0].context) == {
        "Disaster": "Rock fall",
        "Condition": "Broken wrist",
        "Critical needs": "Splint, Blanket",
    }
    assert (disaster[1].context["Disaster"], disaster[1].context["Condition"]) == ("Marsh", "Lost walker cold")
    assert disaster[1].context["Critical needs"] == "Heat, Light, Tea"
    medical = load_scenarios(write(content("medical")))
    assert dict(medical[0].context) == {
        "Age": "61",
        "Condition": "Worn hip (left, painful)",
        "Operation": "Hip replacement",
        "Urgency": "Low",
        "Preferred surgeon available": "No",
        "Surgeon": "Senior (Hips)",
        "Surgeon's schedule": "Fully booked, two rooms closed",
        "Risk of delay": "Falls, pain",
        "Patient's reason": "Cannot walk far, sleeps badly",
        "Hospital's suggestion": "See a younger colleague, same team",
    }
    student = load_scenarios(write(content("student")))
    assert student[0].context["Feeling"] == "Nervous, and wide awake."
    assert student[0].context["Reason to stay up"] == "Openings, and endings, to do."
    assert (student[1].context["Background"], student[1].context["Situation"]) == ("Night owl", "Not tired at all")


def test_two_columns_written_as_one_stay_one_and_are_not_guessed(write: Any) -> None:
    context = load_scenarios(write(content("medical")))[1].context
    assert context["Surgeon's schedule or risk of delay"] == "Attacks, nausea"
    assert context["Patient's reason"] == "Travels soon, afraid"
    assert not {"Surgeon's schedule", "Risk of delay"} & set(context)


@pytest.mark.parametrize("domain", FILES)
def test_what_a_row_leaves_open_is_named(write: Any, domain: str) -> None:
    cases = load_scenarios(write(content(domain)))
    assert ["Left open" in case.context for case in cases] == [False, False, True]


@pytest.mark.parametrize("domain", FILES)
def test_a_well_formed_file_says_the_same(write: Any, domain: str) -> None:
    """What a spreadsheet writes: the same texts, every one in quotes."""
    kind = next(kind for kind in FORMATS if kind.domain == domain)
    loose = load_scenarios(write(content(domain)))
    first = loose_rows(domain)[0]
    tidy = ",".join('"' + first[name].replace('"', '""') + '"' for name in kind.layout.columns)
    assert load_scenarios(write(content(domain, tidy))) == loose[:1]


def loose_rows(domain: str) -> list[dict[str, str]]:
    from poise.games.scenarios.loose_csv import read_loose_csv

    kind = next(kind for kind in FORMATS if kind.domain == domain)
    return [dict(row) for _, row in read_loose_csv(Path("cases.csv"), content(domain), kind.layout)]


@pytest.mark.parametrize("domain", FILES)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_mark_line_ends_and_blank_lines_do_not_matter(write: Any, domain: str, end: str) -> None:
    text = "\ufeff\n" + content(domain).replace("\n", "\n\n,,,\n")
    cases = load_scenarios(write(text.replace("\n", end)))
    assert [(case.creditor_target, case.debtor_target) for case in cases] == TARGETS[domain]


def test_a_text_that_holds_a_target_is_left_out(write: Any) -> None:
    row = '1,15,Gamer,Final at 30 past,"Asked for 12:45 am, again.",9:30 PM,12:45 AM,Bed at 225 minutes is late.'
    (case,) = load_scenarios(write(content("student", row)))
    assert set(case.context) == {"Age", "Background"}


# --- the rules of the targets


@given(st.none() | st.integers(0, 900), st.none() | st.integers(0, 900))
def test_disaster_rule(endurance: int | None, eta: int | None) -> None:
    x_c, x_d = disaster_targets(endurance, eta)
    assert x_d >= 10
    assert x_d in (10, endurance)
    assert x_c >= x_d + 30
    assert x_c in (x_d + 30, eta)
    assert eta is None or x_c >= eta


@given(st.none() | st.integers(0, 900), st.none() | st.integers(0, 900), st.sampled_from(["High", "Medium", "Low"]))
def test_medical_rule(wait: int | None, reduction: int | None, urgency: str) -> None:
    x_c, x_d = medical_targets(wait, reduction, urgency)
    assert x_d >= 1
    assert x_c >= x_d + 7
    waits = (wait or 0) + (30 if urgency == "Low" else 0)
    assert x_c in (waits, x_d + 7)
    assert x_c >= waits
    assert x_d == max(1, (wait or 0) - (reduction or 0))


times = st.builds("{}:{:02d} {}".format, st.integers(1, 12), st.integers(0, 59), st.sampled_from(["AM", "PM", "pm"]))


@given(times, st.none() | times)
def test_student_rule(robot: str, wanted: str | None) -> None:
    x_c, x_d = student_targets(robot, wanted)
    assert x_c == minutes_past_nine(robot) >= 0
    assert x_d > x_c + 120
    assert x_d == x_c + 180 or x_d == minutes_past_nine(wanted or "")


@pytest.mark.parametrize(
    ("time", "minutes"),
    [
        *[("9:00 PM", 0), ("10:30 PM", 90), ("11:59 PM", 179), ("12:00 AM", 180), ("12:30 AM", 210), ("2:00 AM", 300)],
        *[("4:00 AM", 420), ("11:59 AM", 899), ("8:45 PM", 0), ("12:00 PM", 0), ("1:15 am", 255)],
    ],
)
def test_times_past_midnight_count_on_and_those_before_nine_as_nine(time: str, minutes: int) -> None:
    assert minutes_past_nine(time) == minutes


def test_hours_as_the_reference_counts_them() -> None:
    """Half an hour is rounded up: 10:30 PM is 2 hours past 9 PM, 10:15 PM is 1."""
    case = Scenario("a", "student", 90, 300, context={"Student": "Ida"})
    assert in_hours(case) == Scenario("a", "student", 2, 5, "hours", {"Student": "Ida"}, (0, 24))
    assert in_hours(Scenario("a", "student", 75, 285)).creditor_target == 1
    for other in (in_hours(case), Scenario("a", "debt", 12, 113)):
        with pytest.raises(ScenarioError, match="not a student scenario in minutes"):
            in_hours(other)


# --- what is refused

HIP = "1,61,Worn hip,Hip replacement,Low,90,No,Senior (Hips),Booked,Falls,Pain,See a colleague,60,Declined"
REFUSED: list[tuple[str, str, list[str], list[str]]] = [
    ("header only", "disaster", [""], ["line 1", "a header but no rows"]),
    ("no figure", "medical", [HIP.replace("90", "soon")], ["line 2", "'Days_On_Waitlist'", "whole number, Variable"]),
    ("half a figure", "medical", [HIP.replace("90", "9.5")], ["line 2", "'Days_On_Waitlist'"]),
    ("huge figure", "medical", [HIP.replace("90", "9" * 9)], ["line 2", "'Days_On_Waitlist'", "above 1,000,000"]),
    ("no word", "medical", [HIP.replace("Low", "Soonish")], ["line 2", "'Urgency_Level'", "High or Medium or Low"]),
    (
        "no time",
        "student",
        [ROWS["student"][0].replace("9:30 PM", "21:30")],
        ["'Robots_Requested_Bedtime'", "10:30 PM"],
    ),
    ("no id", "disaster", ["x" + ROWS["disaster"][0]], ["line 2", "'Case_ID'", "whole number"]),
    ("too few texts", "disaster", ["1,Fire,70,120,Water,“Wait.”"], ["line 2", "'Disaster_Type'", "commas give 1"]),
    (
        "too many texts",
        "disaster",
        ["1,Fire,Burns,Smoke,70,120,Water,“Wait.”"],
        ["line 2", "'Disaster_Type'", "Disaster_Type, Survivor_Condition", "commas give 3", "double quotes"],
    ),
    ("tight list", "disaster", ["1,Fire,Burns,70,120,Water,Gel,“Wait.”"], ["'Critical_Needs'", "commas give 3"]),
    ("empty text", "disaster", ["1,Fire,,70,120,Water,“Wait.”"], ["line 2", "'Survivor_Condition'", "is empty"]),
    ("ends early", "disaster", ["1,Fire,Burns,70"], ["line 2", "'Rescue_Team_ETA(minutes)'", "correct it"]),
    (
        "two readings",
        "medical",
        ["1,61,Hip,Graft,Low,90,No,Senior,Booked,Low,80,Yes,Senior,Full,Falls,Pain,See a colleague,60,Declined"],
        ["line 2", "two ways", "double quotes"],
    ),
    ("control", "disaster", ["1,Fire,Bu\x1frns,70,120,Water,“Wait.”"], ["line 2", "control character '\\x1f'"]),
    ("bell", "disaster", ["1,Fire,Bu\x07rns,70,120,Water,“Wait.”"], ["line 2", "'Condition'", "\\x07"]),
    ("endless", "disaster", [f"1,Fire,{'x' * 30_000},70,120,Water,“Wait.”"], ["line 2", "20,000", "shorten it"]),
]


@pytest.mark.parametrize(("domain", "rows", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refusal_says_where_what_and_how_to_mend(write: Any, domain: str, rows: list[str], words: list[str]) -> None:
    message = refusal(write(content(domain, *rows)))
    assert "cases.csv" in message
    for word in words:
        assert word in message
    assert len(message) < 900


def test_a_refused_row_is_the_one_an_editor_shows(write: Any) -> None:
    text = content("disaster", ROWS["disaster"][0], "", "7,Fire,Burns,now,120,Water,“Wait.”")
    assert "line 4, column 'Estimated_Survivor_Endurance(minutes)'" in refusal(write(text))


def test_mending_a_row_as_the_refusal_says_helps(write: Any) -> None:
    row = "1,Fire,Burns,70,120,Water,Gel,“Wait.”"
    assert "double quotes" in refusal(write(content("disaster", row)))
    (case,) = load_scenarios(write(content("disaster", row.replace("Water,Gel", '"Water,Gel"'))))
    assert case.context["Critical needs"] == "Water,Gel"


def test_headers_are_told_apart_and_have_to_be_whole(write: Any) -> None:
    for domain, header in HEADERS.items():
        *most, last = header.split(",")
        assert f"missing from the header: '{last}'" in refusal(write(f"{','.join(most)}\n1\n")), domain
        assert "can only be read with the columns" in refusal(write(f"{last},{','.join(most)}\n1\n"))
    assert "not the header of a credit-recovery file" in refusal(write("Case_ID,Other\n1,2\n"))


BYTES = st.binary(max_size=20) | st.sampled_from(
    [b'"', b",", b", ", b"\n", b"\0", "“".encode(), "”".encode(), b"N/A", b"\xff", b"\r", b"Low,1,No,Senior,"]
)


@given(domains, st.lists(st.tuples(st.integers(0, 900), st.integers(0, 30), BYTES), max_size=5))
@settings(max_examples=400)
def test_whatever_the_bytes_they_are_scenarios_or_refused(
    tmp_path_factory: pytest.TempPathFactory, domain: str, edits: list[tuple[int, int, bytes]]
) -> None:
    data = content(domain).encode()
    for place, length, new in edits:
        data = data[:place] + new + data[place + length :]
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(data)
    try:
        cases = load_scenarios(path)
    except ScenarioError:
        return
    assert len({case.id for case in cases}) == len(cases) > 0


# --- the released files


class TestReleasedFiles:
    pytestmark = needs_data

    @pytest.mark.parametrize(
        ("domain", "prefix", "creditor", "debtor", "gap"),
        [
            ("disaster", "survivor", (40, 600, 170.55), (10, 300, 94.75), (30, 300, 75.8)),
            ("medical", "surgery", (8, 395, 95.52), (1, 365, 44.74), (7, 230, 50.78)),
            ("student", "sleep", (0, 120, 64.05), (135, 420, 246.9), (135, 300, 182.85)),
        ],
    )
    def test_all_hundred_rows_of_each(self, domain: str, prefix: str, creditor: Any, debtor: Any, gap: Any) -> None:
        cases = load_scenarios(FILES[domain])
        assert [case.id for case in cases] == [f"{prefix}-{row:02d}" for row in range(100)]
        assert {case.polarity for case in cases} == {1 if domain == "student" else -1}
        for published, values in (
            (creditor, [case.creditor_target for case in cases]),
            (debtor, [case.debtor_target for case in cases]),
            (gap, [case.gap for case in cases]),
        ):
            assert (min(values), max(values), sum(values) / 100) == pytest.approx(published)

    def test_rows_that_leave_figures_open_are_six(self) -> None:
        named = {
            case.id: case.context["Left open"]
            for path in FILES.values()
            for case in load_scenarios(path)
            if "Left open" in case.context
        }
        assert sorted(named) == ["sleep-31", "sleep-47", "sleep-77", "surgery-64", "survivor-53", "survivor-99"]
        assert named["survivor-53"] == "Estimated Survivor Endurance"
        assert named["surgery-64"].startswith("Days On Waitlist, ")

    def test_columns_are_whole_in_every_row(self) -> None:
        """No text is lost, and none has swallowed its neighbour."""
        joined = 0
        for domain, path in FILES.items():
            kind = next(kind for kind in FORMATS if kind.domain == domain)
            for case in load_scenarios(path):
                missing = set(kind.shown.values()) - set(case.context)
                one = "Surgeon's schedule or risk of delay"
                joined += one in case.context
                if domain == "medical":
                    missing -= {"Surgeon's schedule", "Risk of delay"} if one in case.context else {one}
                assert len(missing) <= 1, (case.id, missing)
                if missing:
                    assert case.id in ("surgery-00", "surgery-13", "sleep-72")  # left out, as they hold a target
        assert joined == 49

    def test_rows_that_a_plain_reader_misaligns(self) -> None:
        forest = load_scenarios(f"{FILES['disaster']}:36")[0]
        assert (forest.context["Disaster"], forest.context["Condition"]) == (
            "Forest",
            "Lost hiker sepsis from wound",
        )
        scoliosis = load_scenarios(f"{FILES['medical']}:32")[0]
        assert scoliosis.context["Condition"].startswith("Scoliosis (Progressive, 50")
        assert scoliosis.context["Operation"] == "Spinal Fusion Surgery"
        assert (scoliosis.creditor_target, scoliosis.debtor_target) == (330, 100)
        imposter = load_scenarios(f"{FILES['student']}:44")[0]
        assert (imposter.context["Background"], imposter.context["Feeling"]) == (
            "Imposter Syndrome",
            "Must work harder to 'deserve' it.",
        )

    def test_words_of_enumerated_columns_stay_in_them(self) -> None:
        urgencies = Counter(case.context["Urgency"] for case in load_scenarios(FILES["medical"]))
        assert urgencies == {"High": 23, "Medium": 39, "Low": 38}
        ages = [int(case.context["Age"]) for case in load_scenarios(FILES["student"])]
        assert (min(ages), max(ages)) == (11, 18)

    def test_no_context_holds_a_target(self) -> None:
        for path in FILES.values():
            for case in load_scenarios(path):
                numbers = set(re.findall(r"\d+", " ".join(case.context.values())))
                assert numbers.isdisjoint({str(case.creditor_target), str(case.debtor_target)}), case.id

    def test_in_hours_the_second_message_would_always_end_the_talks(self) -> None:
        """Why bedtimes are in minutes: no gap in hours exceeds the published tolerance of 5."""
        cases = [in_hours(case) for case in load_scenarios(FILES["student"])]
        assert all(2 <= case.gap <= 5 for case in cases)

    def test_a_third_of_the_operations_are_settled_by_their_openings(self) -> None:
        """What docs/domains.md says: targets 7 apart, so that openings beside them are within the tolerance of 5."""
        assert sum(case.gap == 7 for case in load_scenarios(FILES["medical"])) == 32

    def test_split_is_as_published(self) -> None:
        for path in FILES.values():
            assert load_scenarios(f"{path}:train") == load_scenarios(path)[:80]
            assert load_scenarios(f"{path}:test") == load_scenarios(path)[80:]
