"""A detector that asks a model: what it asks, what becomes of the answer, and how a tournament names it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.seats import case, pair
from helpers.voice_fakes import FakeModel
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from poise.agents.emotions import detectors as detecting
from poise.agents.emotions import llm_detector as asking
from poise.agents.emotions.detector import default_detector
from poise.agents.emotions.detectors import check_detector, open_detector
from poise.agents.emotions.llm_detector import TRIES, Asked, AskingDetector, detection, detector_question, schema
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, to_seven
from poise.agents.models.calls import Caller
from poise.agents.models.settings import ModelSettings
from poise.cli import app as cli
from poise.common.errors import AgentError, ConfigError, ModelDown, Unanswered
from poise.games.transcript import Transcript
from poise.graphs import Pairing, PlaySettings
from poise.tournaments.config import make_config
from poise.tournaments.estimate import estimate
from poise.tournaments.matchmaking import model_options
from poise.tournaments.schedule import plan_matches

SETTINGS = {"creditors": ["vanilla"], "debtors": ["angry"], "matches_per_pair": 2}


def answer(label: str) -> str:
    return json.dumps({"emotion": label})


def asks(*replies: object, labels: tuple[str, ...] = EMOTIONS7, memo: int = 10) -> tuple[AskingDetector, FakeModel]:
    model = FakeModel(replies=replies)
    return AskingDetector(Asked(Caller(model, ModelSettings(patience=0)), labels, memo)), model


# --- one reading


@given(st.sampled_from(EMOTIONS28))
def test_all_the_weight_is_on_the_answer_and_its_one_of_the_seven(label: str) -> None:
    seen = detection(label)
    assert seen.label == label
    assert (sum(seen.seven), sum(seen.twenty_eight)) == (1, 1)
    assert seen.seven[EMOTIONS7.index(to_seven(label))] == seen.twenty_eight[EMOTIONS28.index(label)] == 1


@pytest.mark.parametrize("labels", [EMOTIONS7, EMOTIONS28])
def test_the_schema_allows_the_labels_and_nothing_else(labels: tuple[str, ...]) -> None:
    told = schema(labels)
    assert told["properties"]["emotion"]["enum"] == list(labels)
    assert told["required"] == ["emotion"]
    assert told["additionalProperties"] is False


def test_an_answer_is_read() -> None:
    detector, model = asks(answer("anger"))
    assert detector.read("You liar!").label == "anger"
    assert "You liar!" in model.asked[0][-1].content


def test_questions_differ_in_their_last_turn_alone() -> None:
    one, two = detector_question("Hello.", EMOTIONS7), detector_question("Goodbye.", EMOTIONS7, "form")
    assert one[:-1] == two[:-1]
    assert one[-1] != two[-1]


@given(st.text(st.characters(), max_size=200))
def test_a_message_cannot_leave_its_line_or_answer_for_the_model(text: str) -> None:
    detector, model = asks(answer("neutral"))
    detector.read(text)
    for asked in model.asked:
        lines = str(asked[-1].content).split("\n")
        assert len(lines) == 2
        assert not set('<>[]{}"') & set(lines[0])


def test_the_same_text_is_asked_about_once_and_the_memo_is_bounded() -> None:
    detector, model = asks(answer("joy"), memo=2)
    for text in ("A.", "A.", "B.", "C.", "C.", "A."):
        detector.read(text)
    assert len(model.asked) == 4
    assert detector.spent()["memo_hits"] == 2


def test_nothing_said_is_neutral_and_nobody_is_asked() -> None:
    detector, model = asks(answer("joy"))
    assert detector.read(" \n\x00 ").label == "neutral"
    assert model.asked == []


def test_what_it_costs_is_told_once() -> None:
    detector, _ = asks("nonsense", answer("fear"))
    detector.read("Oh no.")
    spent = detector.spent()
    assert (spent["calls"], spent["prompt_tokens"], spent["reply_tokens"]) == (2, 20, 10)
    assert detector.spent() == {}


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "anger",
        '{"emotion": "rage"}',
        '{"emotion": 3}',
        '["anger"]',
        '{"emotion": "anger", "emotion": "joy"}',
        ("{", "length"),
    ],
    ids=str,
)
def test_an_answer_that_cannot_be_used_is_asked_for_again_with_the_reason(reply: object) -> None:
    detector, model = asks(reply, answer("sadness"))
    assert detector.read("I am so sad.").label == "sadness"
    assert "could not be used" in str(model.asked[1][-1].content)


def test_without_a_usable_answer_there_is_no_reading_and_none_is_remembered() -> None:
    detector, model = asks("no")
    for tries in (TRIES, 2 * TRIES):
        with pytest.raises(Unanswered, match=r"no usable answer in 3 tries.*'no', where one of joy"):
            detector.read("Well.")
        assert len(model.asked) == tries


def test_a_label_of_the_28_is_none_of_the_7() -> None:
    with pytest.raises(Unanswered):
        asks(answer("gratitude"))[0].read("Thanks.")
    assert asks(answer("gratitude"), labels=EMOTIONS28)[0].read("Thanks.").seven[0] == 1


# --- names


def test_lexical_is_the_shipped_one() -> None:
    assert open_detector("lexical") is default_detector()
    assert default_detector().spent() == {}


@pytest.mark.parametrize("uri", ["ollama:qwen2.5:7b", "28:ollama:qwen2.5:7b", "embedded:smollm2", "openai:gpt-4o-mini"])
def test_models_that_read(uri: str) -> None:
    check_detector(uri)


@pytest.mark.parametrize("uri", ["", "lexicon", "scripted", "28:lexical", "28:", "ollama:", "embedded:"])
def test_other_names_are_refused_with_the_forms(uri: str) -> None:
    with pytest.raises(AgentError, match=r"lexical"):
        check_detector(uri)
    with pytest.raises(ConfigError, match="detector = "):
        make_config({**SETTINGS, "detector": uri})


def test_pairings_share_answers_and_count_what_each_spends(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeModel(replies=[answer("joy")])
    monkeypatch.setattr("poise.agents.models.models.open_chat_model", lambda *_: model)
    detecting._asked.cache_clear()
    one, two = (open_detector("ollama:shared-answers") for _ in range(2))
    one.read("Great!")
    two.read("Great!")
    assert len(model.asked) == 1
    assert one.spent()["calls"] == 1
    assert two.spent() == {"memo_hits": 1}
    detecting._asked.cache_clear()


# --- in a negotiation


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    """A model that reads anger in everything."""
    model = FakeModel(replies=[answer("anger")])
    monkeypatch.setattr(
        "poise.graphs.pairing.open_detector",
        lambda *_: AskingDetector(Asked(Caller(model, ModelSettings(patience=0)), EMOTIONS7)),
    )
    return model


def pairing() -> Pairing:
    return Pairing(*pair("vanilla", "angry"), PlaySettings(detector="ollama:reader"))


def test_both_seats_read_by_the_model_and_the_record_says_so(reading: FakeModel) -> None:
    talk = pairing()
    assert talk.calls_model
    played = talk.play(case(), 1)
    readings = [message.reading for message in played.transcript.messages if message.reading]
    assert readings
    assert all(one.label == "anger" and one.emotions[EMOTIONS7.index("anger")] == 1 for one in readings)
    assert played.usage.detector["calls"] == len(reading.asked) > 0
    assert played.usage.calls == 0
    assert played.transcript.detector == "ollama:reader"
    assert Transcript.from_dict(played.transcript.to_dict()) == played.transcript


def test_the_shipped_detector_leaves_no_mark_in_the_record() -> None:
    played = Pairing(*pair("vanilla", "angry")).play(case(), 1)
    assert "detector" not in played.transcript.to_dict()
    assert played.usage.detector == {}


@pytest.mark.parametrize(("reply", "words"), [("no", "the detector's model said 'no'"), (ModelDown("gone"), "gone")])
def test_a_reading_that_fails_is_no_agents_failure(reading: FakeModel, reply: object, words: str) -> None:
    reading.replies = [reply]
    with pytest.raises(ModelDown, match=words):
        pairing().play(case(), 1)


# --- in a tournament


def test_the_detector_is_part_of_what_a_tournament_is() -> None:
    plain, asked, fine = (
        plan_matches(make_config({**SETTINGS, **more}))
        for more in ({}, {"detector": "ollama:x"}, {"detector": "28:ollama:x"})
    )
    assert plain.id == plan_matches(make_config({**SETTINGS, "detector": "lexical"})).id
    assert len({plain.id, asked.id, fine.id}) == 3
    assert (plain.calls_model, asked.calls_model) == (False, True)
    assert plan_matches(make_config({**SETTINGS, "detector": "28:embedded:smollm2"})).embedded


def test_its_calls_are_foreseen_and_it_has_a_slot_of_its_own() -> None:
    config = make_config({**SETTINGS, "detector": "ollama:x", "workers": 3})
    schedule = plan_matches(config)
    assert estimate(config, schedule).calls == 2 * 11
    assert model_options(config, schedule)["slots"] == 2 * 3 + 1


def test_the_command_line_names_it(tmp_path: Path) -> None:
    command = ["tournament", "run", "--creditor", "vanilla", "--debtor", "angry", "--out", str(tmp_path), "--detector"]
    refused = CliRunner().invoke(cli.app, [*command, "lexicon"])
    assert refused.exit_code == 1
    assert "detector 'lexicon' does not exist; did you mean 'lexical'? say lexical" in refused.output
    shown = CliRunner().invoke(cli.app, [*command, "ollama:x", "--dry-run"])
    assert shown.exit_code == 0
    assert "model calls" in shown.output


@pytest.mark.model
def test_the_embedded_model_reads_a_message() -> None:
    detector = open_detector("embedded:smollm2", {"slots": 1})
    assert detector.read("I am furious, you have lied to me again!").label in EMOTIONS7
    assert detector.spent()["calls"] == 1


def test_its_prompt_names_every_problem_that_there_can_be() -> None:
    assert set(asking._texts()["problems"]) == {"none", "cut", "form", "late"}
    assert all(each["emotion"] in EMOTIONS7 for each in asking._texts()["examples"])
