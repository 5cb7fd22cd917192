"""The detector on negotiation talk: what it learns beside GoEmotions, what is held out, and how it is judged."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import DATA
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from poise.agents.emotions.detector import default_detector
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, SEVEN_INDEX, TO_SEVEN
from poise.common.errors import BadInput
from poise.training.detector.dialogue import CASINO_TALKS, Marked, read_casino, read_debt_dialogues
from poise.training.detector.lessons import ALONE, Additions, marked
from poise.training.detector.scores import calibration_error, detector_reliability
from poise.training.detector.written import written

_FILE = DATA / "negotiation_emotions.jsonl"
JUDGED = [json.loads(line) for line in _FILE.read_text(encoding="utf-8").splitlines()]


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


# --- the sentences that judge


def test_the_judging_sentences_cover_the_seven_and_both_seats() -> None:
    assert len(JUDGED) >= 150
    assert min(Counter(row["emotion"] for row in JUDGED).values()) >= 10
    assert {row["emotion"] for row in JUDGED} == set(EMOTIONS7)
    assert min(Counter(row["seat"] for row in JUDGED).values()) >= 60
    assert len({words(row["text"]) for row in JUDGED}) == len(JUDGED)


def test_what_is_taught_and_what_is_judged_share_no_sentence() -> None:
    taught = {words(part) for example in written(0) for part in re.split(r"(?<=[.!?]) ", example.text)}
    for row in JUDGED:
        for part in re.split(r"(?<=[.!?]) ", row["text"]):
            assert len(words(part).split()) < 4 or words(part) not in taught, part


def test_the_shipped_detector_reads_negotiation_talk() -> None:
    """Measured: 0.80 right, 0.56 before it learned from any; the commonest class is 0.22 of them."""
    read = [max(zip(default_detector().read(row["text"]).seven, EMOTIONS7, strict=True))[1] for row in JUDGED]
    assert np.mean([said == row["emotion"] for said, row in zip(read, JUDGED, strict=True)]) >= 0.77


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("I am furious.", "anger"),
        ("This is outrageous.", "anger"),
        ("Fine. Not interested.", "anger"),
        ("We are grieving.", "sadness"),
        ("How about 45 days?", "neutral"),
        ("Could you pay in 60 days?", "neutral"),
    ],
)
def test_what_it_once_misread(text: str, emotion: str) -> None:
    assert TO_SEVEN[default_detector().read(text).label] == emotion


# --- what is taught


def test_every_label_is_taught_and_the_same_seed_teaches_the_same() -> None:
    examples = written(4)
    assert {example.label for example in examples} == set(EMOTIONS28)
    assert examples == written(4)
    assert examples != written(5)
    assert not [example.text for example in examples if "{" in example.text or "}" in example.text]


def test_what_fills_the_frames_tells_nothing() -> None:
    """Each move and clause stands in neutral text as well."""
    neutral = " ".join(example.text for example in written(0) if example.label == "neutral")
    assert all(move in neutral for move in ("How about 45 days?", "I can do 60 days.", "the late fee", "your letter"))


@given(st.lists(st.sampled_from(EMOTIONS7), min_size=1, max_size=20), st.floats(0.01, 4))
def test_a_mark_of_the_seven_says_nothing_of_the_labels_inside_it(emotions: list[str], weight: float) -> None:
    rows = marked([Marked("text", emotion, False) for emotion in emotions], weight)
    assert rows.weights is not None
    for emotion, heads, weights in zip(emotions, rows.heads, rows.weights, strict=True):
        assert [EMOTIONS7[place] for place in np.flatnonzero(heads[28:])] == [emotion]
        inside = np.array(SEVEN_INDEX) == EMOTIONS7.index(emotion)
        if emotion == "neutral":
            assert heads[27]
            assert (weights == np.float32(weight)).all()
        else:
            assert not heads[:28].any()
            assert (weights[:28][inside] == 0).all()
            assert (weights[:28][~inside] == np.float32(weight)).all()


def test_nothing_is_added_unless_asked_for() -> None:
    assert ALONE.corpora(0) == []
    assert ALONE.provenance()["data"] == {}


# --- the two sets of dialogues


def zipped(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()))
    return path


def casino(path: Path, talks: list[list[str]]) -> Path:
    return zipped(path, json.dumps([{"chat_logs": [{"text": text} for text in talk]} for talk in talks]))


def test_an_emoticon_is_the_label_and_leaves_the_text(tmp_path: Path) -> None:
    talk = [
        "Deal! \U0001f642\U0001f642",
        "Oh \u2639\ufe0f no",
        "No \U0001f621",
        "What?\U0001f62e",
        "no mark",
        "\U0001f642\U0001f621",
        "Submit-Deal",
    ]
    rows = read_casino(casino(tmp_path / "casino.gz", [talk]))
    assert [(row.text, row.emotion) for row in rows] == [
        ("Deal!", "joy"),
        ("Oh   no", "sadness"),
        ("No", "anger"),
        ("What?", "surprise"),
    ]


def test_the_last_third_of_the_talks_is_held_out(tmp_path: Path) -> None:
    rows = read_casino(casino(tmp_path / "casino.gz", [[f"talk {n} \U0001f642"] for n in range(CASINO_TALKS + 2)]))
    assert [row.text for row in rows if row.held_out] == [f"talk {n}" for n in (CASINO_TALKS, CASINO_TALKS + 1)]


def dialogue(scenario: int, told: list[str | None], said: list[str]) -> str:
    turns = [turn for text in said for turn in (["seller", text, "offer", 1], ["buyer", "No.", "offer", 2])]
    return json.dumps({"scenario_id": f"debt_{scenario:03}", "creditor_emotions": told, "turns": turns}) + "\n"


def dialogues(path: Path) -> Path:
    lines = [
        dialogue(number, ["happy", "Su", None], [f"Nice {number}.", f"Wow {number}", "Plain."])
        for number in (1, 48, 49)
    ]
    return zipped(path, "".join(lines))


def test_the_creditors_messages_carry_what_the_model_was_told(tmp_path: Path) -> None:
    rows = read_debt_dialogues(dialogues(tmp_path / "debt.gz"))
    assert rows[:3] == [
        Marked("Nice 1.", "joy", False),
        Marked("Wow 1", "surprise", False),
        Marked("Plain.", None, False),
    ]
    assert [row.held_out for row in rows] == [False] * 6 + [True] * 3


def test_held_out_messages_are_not_learned_from_and_like_ones_once(tmp_path: Path) -> None:
    files = casino(tmp_path / "c.gz", [[f"talk {'x' * n} \U0001f642"] for n in range(CASINO_TALKS + 2)])
    additions = Additions(casino=files, dialogues=dialogues(tmp_path / "d.gz"))
    people, told, untold = additions.corpora(0)
    assert len(people.texts) == CASINO_TALKS
    assert sorted(told.texts) == ["nice 0.", "wow 0"]  # numbers are folded: all scenarios read alike
    assert untold.texts == ["plain."]
    assert untold.heads[0, 27]
    assert set(additions.provenance()["data"]) == {"c.gz", "d.gz"}


@pytest.mark.parametrize(
    "content",
    [b"", b"not gzip", gzip.compress(b"{"), gzip.compress(b'[{"chat_logs": 3}]')],
    ids=["empty", "not gzip", "not JSON", "not dialogues"],  # not by content: gzip writes the time into it
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.gz"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"bad\.gz: cannot be read as CaSiNo's"):
        read_casino(path)
    if content:
        with pytest.raises(BadInput, match=r"bad\.gz: cannot be read as EmoDebt's"):
            read_debt_dialogues(path)


def test_a_dialogue_with_a_label_too_few_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bad.gz", dialogue(1, ["happy"], ["One.", "Two."]))
    with pytest.raises(BadInput, match="cannot be read as EmoDebt's"):
        read_debt_dialogues(path)


# --- calibration


def test_the_calibration_error_by_hand() -> None:
    """Ten bins: 0.6, 0.6 right and wrong -> |0.5 - 0.6|; 0.95 right -> 0.05; weighted by 2/3 and 1/3."""
    sure, right = np.array([0.61, 0.59, 0.95]), np.array([True, False, True])
    assert calibration_error(sure, right, 1) == pytest.approx(abs(2 / 3 - 2.15 / 3))
    assert calibration_error(np.array([0.6, 0.6, 0.95]), right, 10) == pytest.approx((2 * 0.1 + 0.05) / 3)


@given(arrays.arrays(np.float64, st.integers(1, 50), elements=st.floats(0, 1)), st.integers(1, 20))
def test_the_calibration_error_is_bounded_and_every_row_is_in_one_bin(sure: np.ndarray, bins: int) -> None:
    right = sure > 0.5
    assert sum(rows for rows, _, _ in detector_reliability(sure, right, bins)) == len(sure)
    assert 0 <= calibration_error(sure, right, bins) <= 1
    assert calibration_error(np.ones(3), np.ones(3, bool), bins) == 0
    assert calibration_error(np.ones(3), np.zeros(3, bool), bins) == 1


def test_probabilities_that_come_true_have_little_error() -> None:
    rng = np.random.default_rng(5)
    sure = rng.random(20_000)
    assert calibration_error(sure, rng.random(20_000) < sure) < 0.03
