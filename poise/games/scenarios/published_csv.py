"""The three published sets beside credit recovery (100 synthetic rows each) as scenarios, and files with their columns.

    disaster_survivor_scenarios.csv   `survivor-00` to `survivor-99`   disaster
    hospital_surgery_scenarios.csv    `surgery-00` to `surgery-99`     medical
    education_sleep_scenarios.csv     `sleep-00` to `sleep-99`         student

Their unquoted commas are read by structure (`loose_csv`); all 300 rows are read. Rows are counted from 0, whatever
their Case_ID says. A file is known by its header.

`published_targets` says how the targets follow from a row. Six published rows leave a figure open ("Variable", "N/A");
the context names it ("Left open").

The context is what both seats may read. Left out are the columns that make up the targets, the outcome
(Decision_Point), the rescuers' argument (Key_Negotiation_Argument_By_RoboDog, which states the endurance or the ETA in
some rows), and any text that holds the number of a target.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from poise.common.errors import ScenarioError
from poise.common.textfile import refusal
from poise.games.domains import LARGEST, domain_words
from poise.games.scenario import Scenario
from poise.games.scenarios.loose_csv import Layout, RowAnchor, Texts, read_loose_csv
from poise.games.scenarios.published_targets import Targets, disaster_targets, medical_targets, student_targets
from poise.games.secrecy import stated

Row = Mapping[str, str]

_NUMBER: Final = r"[0-9]{1,9}"
_OPEN: Final = r"N/A(?:\s*\([^()]*\))?|Variable"
_TIME: Final = r"(?:0?[1-9]|1[0-2]):[0-5][0-9]\s?[AaPp][Mm]"


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file.

    figures: the columns that make up the targets, left out of the context. shown: column -> label of the context.
    """

    domain: str
    prefix: str
    layout: Layout
    targets: Callable[[Row], Targets]
    figures: tuple[str, ...]
    shown: Mapping[str, str]


def _whole(column: str) -> RowAnchor:
    return RowAnchor(column, _NUMBER, "whole number")


def _figure(column: str) -> RowAnchor:
    return RowAnchor(column, f"{_NUMBER}|{_OPEN}", "whole number, Variable or N/A")


def _word(column: str, *words: str) -> RowAnchor:
    return RowAnchor(column, "|".join(words), " or ".join(words))


ENDURANCE: Final = "Estimated_Survivor_Endurance(minutes)"
ETA: Final = "Rescue_Team_ETA(minutes)"
URGENCY: Final = "Urgency_Level"
WAIT: Final = "Days_On_Waitlist"
REDUCTION: Final = "Estimated_Time_Reduction_If_Accept_Junior_Surgeon(days)"
ROBOT: Final = "Robots_Requested_Bedtime"
WANTED: Final = "Student_Wanted_Bedtime"
LEVEL: Final = "Recommended_Surgeon_Experience_Level"
_JOINED: Final = "Surgeon_Availability_Reason or Risk_If_Delayed"


def _stated(row: Row, column: str) -> int | None:
    """The figure, None where the row leaves it open."""
    return int(row[column]) if row[column].isdigit() else None


FORMATS: Final = (
    Format(
        "disaster",
        "survivor",
        Layout(
            (
                _whole("Case_ID"),
                Texts(("Disaster_Type", "Survivor_Condition")),
                _figure(ENDURANCE),
                _figure(ETA),
                Texts(("Critical_Needs", "Key_Negotiation_Argument_By_RoboDog")),
            )
        ),
        lambda row: disaster_targets(_stated(row, ENDURANCE), _stated(row, ETA)),
        (ENDURANCE, ETA),
        {"Disaster_Type": "Disaster", "Survivor_Condition": "Condition", "Critical_Needs": "Critical needs"},
    ),
    Format(
        "medical",
        "surgery",
        Layout(
            (
                _whole("Case_ID"),
                _whole("Patient_Age"),
                Texts(("Patient_Condition", "Required_Surgery")),
                _word(URGENCY, "High", "Medium", "Low"),
                _figure(WAIT),
                _word("Preferred_Surgeon_Available", "Yes", "No"),
                RowAnchor(LEVEL, r"(?:Senior|Mid-level|Junior)(?:\s*\([^()]*\))?", "Senior, Mid-level or Junior"),
                Texts(
                    (
                        "Surgeon_Availability_Reason",
                        "Risk_If_Delayed",
                        "Patient_Reason_For_Urgency",
                        "Hospital_Suggestion",
                    ),
                    joined=(2, _JOINED),
                ),
                _figure(REDUCTION),
                Texts(("Decision_Point",)),
            )
        ),
        lambda row: medical_targets(_stated(row, WAIT), _stated(row, REDUCTION), row[URGENCY]),
        (WAIT, REDUCTION),
        {
            "Patient_Age": "Age",
            "Patient_Condition": "Condition",
            "Required_Surgery": "Operation",
            URGENCY: "Urgency",
            "Preferred_Surgeon_Available": "Preferred surgeon available",
            LEVEL: "Surgeon",
            "Surgeon_Availability_Reason": "Surgeon's schedule",
            "Risk_If_Delayed": "Risk of delay",
            _JOINED: "Surgeon's schedule or risk of delay",
            "Patient_Reason_For_Urgency": "Patient's reason",
            "Hospital_Suggestion": "Hospital's suggestion",
        },
    ),
    Format(
        "student",
        "sleep",
        Layout(
            (
                _whole("Case_ID"),
                _whole("Student_Age"),
                Texts(("Student_Background", "Situation_Faced", "Student_Feeling_Thought")),
                RowAnchor(ROBOT, _TIME, "time of day (such as 10:30 PM)"),
                RowAnchor(WANTED, f"{_TIME}|{_OPEN}", "time of day (such as 1:30 AM) or N/A"),
                Texts(("Primary_Annoyance_Reason",)),
            )
        ),
        lambda row: student_targets(row[ROBOT], None if re.fullmatch(_OPEN, row[WANTED]) else row[WANTED]),
        (ROBOT, WANTED),
        {
            "Student_Age": "Age",
            "Student_Background": "Background",
            "Situation_Faced": "Situation",
            "Student_Feeling_Thought": "Feeling",
            "Primary_Annoyance_Reason": "Reason to stay up",
        },
    ),
)


def format_of(header: list[str]) -> Format | None:
    """The format with most of the columns in `header`; None where none of its own is there."""
    shared = {"Case_ID"}
    best = max(FORMATS, key=lambda each: len(set(each.layout.columns) & set(header)))
    return best if (set(best.layout.columns) - shared) & set(header) else None


def read_published_csv(path: Path, text: str, kind: Format) -> list[Scenario]:
    """The scenarios of a file, in its order; `path` is only named in errors.

    Raises ScenarioError with the line, the column and the value.
    """
    rows = read_loose_csv(path, text, kind.layout)
    return [_scenario(path, line, f"{kind.prefix}-{place:02d}", row, kind) for place, (line, row) in enumerate(rows)]


def _scenario(path: Path, line: int, name: str, row: Row, kind: Format) -> Scenario:
    for column in kind.figures:
        if row[column].isdigit() and int(row[column]) > LARGEST:
            raise refusal(path, f"{row[column]} is above {LARGEST:,}; correct it", line=line, column=column)
    try:
        creditor, debtor = kind.targets(row)
        return Scenario(name, kind.domain, creditor, debtor, context=_context(row, kind, (creditor, debtor)))
    except ScenarioError as error:
        raise refusal(path, str(error), line=line) from None


def _context(row: Row, kind: Format, targets: Targets) -> dict[str, str]:
    shown = {label: _words(row[column]) for column, label in kind.shown.items() if column in row}
    if open_ := [column for column in kind.figures if re.fullmatch(_OPEN, row[column])]:
        shown["Left open"] = ", ".join(_words(re.sub(r"\(\w+\)", "", column)) for column in open_)
    domain = domain_words(kind.domain)

    def gives_away(text: str, target: int) -> bool:
        in_digits = str(target) in re.findall(r"\d+", text)
        return in_digits or bool(stated(text, target, domain.plural, domain.time_of_day(target)))

    return {label: text for label, text in shown.items() if not any(gives_away(text, target) for target in targets)}


def _words(text: str) -> str:
    """A text of the file as a person would write it: no underscores, a capital first."""
    plain = " ".join(text.replace("_", " ").split())
    return plain[:1].upper() + plain[1:]
