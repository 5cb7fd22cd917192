"""Which talks are picked to learn words from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.words_fakes import FEELS, pair, write_pairs
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.agents.emotions.detector import ARTIFACT
from poise.agents.emotions.detectors import detector_digest
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.common.errors import ConfigError, StoreError
from poise.games.moves import Move
from poise.training.data.dataset import read_pairs
from poise.training.language.choose import with_emotion
from poise.training.language.judged_message import spoken_of
from poise.training.language.picking import heard, pick, write_picked
from poise.training.language.settings import Picking
from poise.training.language.verifiable import TOP, emotion_rank, judge

CALM = "The payment is due on the day that the paper says."
ANGRY = [pair(match, index, "anger", f"I hate this, I am furious! I need the full payment in {30 + 2 * index} days.")
         for match in range(6) for index in (0, 2, 4)]  # fmt: skip


@given(st.sampled_from([*FEELS.values(), CALM, "Thank you so much!", "Why?"]), st.none() | st.sampled_from(EMOTIONS28))
def test_an_emotion_that_a_reply_is_told_with_is_heard_in_it(reply, intended):
    found = heard(reply, intended, 0.15)
    assert found is None or emotion_rank(reply, found) <= TOP


@given(st.sampled_from(EMOTIONS28))
def test_what_was_meant_does_not_count_where_it_is_not_heard(intended):
    assert heard("I hate this, I am furious!", intended, 0.15) == "anger"


def test_nothing_is_heard_in_calm_words_unless_calm_was_meant():
    assert heard(CALM, None, 0.15) is None
    assert heard(CALM, "joy", 0.15) is None
    assert heard(CALM, "neutral", 0.15) == "neutral"


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.integers(0, 5))
def test_picked_are_whole_talks_of_good_replies_and_no_more_than_asked_for(number, seed):
    picked = pick(ANGRY, Picking(pairs=number, seed=seed))
    talks = [each.match for each in picked.pairs]
    assert min(number, len(ANGRY)) <= len(picked.pairs) < number + 3
    assert all(talks.count(match) == 3 for match in talks)
    assert all(judge(spoken_of(each)).total >= 7 for each in picked.pairs)
    assert picked.emotions == {"anger": len(picked.pairs)}


def test_a_reply_is_told_with_the_emotion_that_it_shows():
    meant_otherwise = [with_emotion(each, "joy") for each in ANGRY]
    assert pick(meant_otherwise, Picking(pairs=4)).pairs == pick(ANGRY, Picking(pairs=4)).pairs


def test_wrong_numbers_long_replies_and_lonely_ones_are_left_out():
    wrong = [replace(each, reply="I hate this, I am furious! I need it in 5 days.") for each in ANGRY[:3]]
    long = [replace(each, reply=f"{each.reply} {'so ' * 40}") for each in ANGRY[3:6]]
    lonely = ANGRY[6:7]
    picked = pick([*wrong, *long, *lonely, *ANGRY[9:12]], Picking(pairs=9))
    assert list(picked.pairs) == ANGRY[9:12]
    assert picked.left_out == {
        "score below 7": 3,
        "long replies or prompts": 3,
        "in negotiations with too few good replies": 1,
    }


def test_neutral_replies_are_few():
    neutral = [
        replace(with_emotion(each, "neutral"), reply=f"{CALM} I need the full payment in {each.move.value} days.")
        for each in ANGRY[:9]
    ]
    picked = pick([*neutral, *ANGRY[9:]], Picking(pairs=18, neutral=0.2, talk=1))
    assert picked.emotions["neutral"] <= 0.2 * 18
    assert picked.emotions["anger"] == 9


def test_repaired_words_are_not_the_models_and_are_not_learned():
    assert pick([replace(ANGRY[0], repaired=True), *ANGRY[1:3]], Picking(pairs=3)).pairs == ANGRY[1:3]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 70))
def test_a_share_is_never_exceeded(tmp_path_factory, number, percent):
    folder = tmp_path_factory.mktemp("picks")
    data = write_pairs(folder / "data", ANGRY).parent
    found = write_picked([(data, Picking(share=percent / 100)), (data, Picking(pairs=number))], folder / "out")
    counted = len(pick(ANGRY, Picking(pairs=number)).pairs)
    shared = len(found.pairs) - counted
    assert shared <= percent / 100 * len(found.pairs) + 1e-9
    assert shared == len(ANGRY) or shared + 1 > percent / 100 * (len(found.pairs) + 1)


def test_a_share_of_nothing_is_refused(tmp_path):
    data = write_pairs(tmp_path / "data", ANGRY).parent
    for shares in ([0.3], [0.3, 0.7]):
        with pytest.raises(ConfigError, match="leave nothing to be a share of"):
            write_picked([(data, Picking(share=share)) for share in shares], tmp_path / "out")


def test_another_detector_may_pick(tmp_path):
    """The shipped one under another name picks the same, and the header says which it was."""
    data = write_pairs(tmp_path / "data", ANGRY).parent
    first = write_picked([(data, Picking(pairs=6))], tmp_path / "out")
    other = write_picked([(data, Picking(pairs=6, detector=str(ARTIFACT)))], tmp_path / "other")
    assert other.pairs == first.pairs
    assert "detector" not in first.header["picked"]["sources"][0]
    assert other.header["picked"]["sources"][0]["detector"] == detector_digest(str(ARTIFACT))


def test_data_without_a_good_reply_are_refused_with_the_remedy(tmp_path):
    bad = write_pairs(tmp_path / "bad", [replace(each, reply="No.") for each in ANGRY]).parent
    good = write_pairs(tmp_path / "good", ANGRY).parent
    with pytest.raises(ConfigError, match="lower --least or --talk"):
        write_picked([(bad, Picking())], tmp_path / "out")
    assert write_picked([(bad, Picking()), (good, Picking(pairs=3))], tmp_path / "out").pairs
    with pytest.raises(ConfigError, match="least 11 is outside 1 to 10"):
        Picking(least=11)


def test_what_was_picked_is_kept_and_other_pairs_are_not_written_over(tmp_path):
    data = write_pairs(tmp_path / "data", ANGRY).parent
    first = write_picked([(data, Picking(pairs=6))], tmp_path / "out")
    assert write_picked([(data, Picking(pairs=6))], tmp_path / "out").digest == first.digest
    with pytest.raises(StoreError, match="name another folder"):
        write_picked([(data, Picking(pairs=3))], tmp_path / "out")
    assert read_pairs(tmp_path / "out").digest == first.digest


def test_data_that_hold_evaluation_scenarios_say_so_afterwards(tmp_path):
    data = write_pairs(tmp_path / "data", ANGRY).parent
    content = (data / "pairs.jsonl").read_text().replace('"kind"', '"evaluation": "left out", "kind"', 1)
    other = tmp_path / "other"
    other.mkdir()
    (other / "pairs.jsonl").write_text(content)
    both = write_picked([(data, Picking(pairs=3)), (other, Picking(pairs=3))], tmp_path / "out")
    assert both.header["evaluation"] == "let in"
    assert write_picked([(other, Picking(pairs=3))], tmp_path / "one").header["evaluation"] == "left out"


@given(st.integers(0, 50))
def test_talks_in_which_the_speaker_accepts_come_first(seed):
    closing = replace(
        ANGRY[8],
        move=Move("accept"),
        reply="I hate this, I am furious! I accept your offer of 30 days. We have a deal.",
    )
    picked = pick([*ANGRY[:8], closing, *ANGRY[9:]], Picking(pairs=1, seed=seed, least=1))
    assert [each.match for each in picked.pairs] == ["2", "2", "2"]
    assert closing in picked.pairs
