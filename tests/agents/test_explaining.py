"""Why a belief moved: one sentence for each reading of any talk, from the record alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.seats import CREDITORS, DEBTORS, case, pair
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.emotions.explaining import why
from poise.agents.emotions.tables import STATES
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.emotions.tracker import Tracker
from poise.games.transcript import Message, Transcript
from poise.graphs import Pairing, play
from poise.tournaments.config import make_config
from poise.tournaments.report.page import write_report
from poise.tournaments.runner import run_tournament


def sentences(transcript: Transcript) -> list[str]:
    return [why(transcript.messages, at) for at in range(len(transcript.messages))]


@given(st.sampled_from(CREDITORS), st.sampled_from(DEBTORS), st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_every_reading_has_one_sentence_and_the_opening_has_none(creditor: str, debtor: str, seed: int) -> None:
    transcript = play(case(), *pair(creditor, debtor), seed=seed)
    told = sentences(transcript)
    assert told[0] == ""
    for message, said in zip(transcript.messages[1:], told[1:], strict=True):
        assert message.reading is not None
        assert said.endswith(".")
        assert "\n" not in said
        assert any(said.startswith(state) for state in STATES)
        assert any(emotion in said for emotion in EMOTIONS7) or "plays no part" in said


def test_the_sentence_tells_the_numbers_on_record() -> None:
    transcript = play(case(), *pair("fixed:anger", "angry"), seed=3)
    belief = {"creditor": Tracker().start(), "debtor": Tracker().start()}
    for message, said in zip(transcript.messages, sentences(transcript), strict=True):
        if message.reading is None:
            continue
        before, after = belief[message.seat], message.reading.belief
        state = max(range(len(STATES)), key=lambda s: abs(after[s] - before[s]))
        assert said.startswith(f"{STATES[state]} went from {before[state]:.0%} to {after[state]:.0%}")
        belief[message.seat] = after


def test_the_released_tracker_is_told_apart() -> None:
    transcript = play(case(), *pair("eq-negotiator-faithful", "angry"), seed=1)
    told = [
        said
        for said, message in zip(sentences(transcript), transcript.messages, strict=True)
        if message.seat == "creditor"
    ]
    assert len(told) > 3
    assert all("plays no part" in said for said in told[2:])  # it begins with a belief of its own


def test_a_tracker_that_has_learned_gives_what_moved() -> None:
    pairing = Pairing(*pair("eq-negotiator", "angry"))
    for seed in range(3):
        transcript = pairing.play(case(), seed).transcript
    told = [
        said
        for said, message in zip(sentences(transcript), transcript.messages, strict=True)
        if message.seat == "creditor"
    ]
    assert all("numbers of its own" in said for said in told[1:])
    assert "stands at" in told[1]


def test_readings_of_another_shape_are_not_explained() -> None:
    transcript = play(case(), *pair(), seed=1)
    second = transcript.messages[1]
    assert second.reading is not None
    other: tuple[Message, ...] = (
        transcript.messages[0],
        replace(second, reading=replace(second.reading, belief=(0.5, 0.5))),
    )
    assert why(other, 1) == ""


def test_drift_is_not_put_down_to_what_was_read() -> None:
    """Evidence that fits every state alike moves nothing: what moves is the state's own drift."""
    said = Tracker().explain((1.0, 0.0, 0.0, 0.0), (0.0,) * 7, None)
    assert "drift by themselves" in said


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    config = make_config({"creditors": ["vanilla"], "debtors": ["angry"], "matches_per_pair": 1})
    return run_tournament(config, tmp_path_factory.mktemp("told") / "t").folder


def test_the_report_tells_why_beside_each_reading(folder) -> None:
    page = write_report(folder).read_text(encoding="utf-8")
    assert page.count('"why":') > 3
    assert "next.why" in page
