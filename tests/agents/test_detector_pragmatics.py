"""Courtesy, denial, hearsay and supposition: what the detector leaves out before it reads."""

import json
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from helpers.paths import DATA, SHARED
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.emotions.detector import default_detector
from poise.agents.emotions.features import normalise
from poise.agents.emotions.pragmatics import own_feelings
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.training.detector.corpus import read_corpus
from poise.training.detector.fit import predict_flags
from poise.training.detector.scores import macro_f1
from poise.training.detector.written import written

KINDS = ("courtesy", "negation", "reported", "conditional")
SETS = {
    name: [
        json.loads(line)
        for line in (DATA / f"negotiation_pragmatics_{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    for name in ("dev", "aside")
}
GOEMOTIONS = SHARED / "data" / "goemotions"
PIECES = st.sampled_from(
    [
        *("i'm", "i", "we", "you", "my", "boss", "is", "are", "that", "it", "and", "but", "if", "would", "so", "very"),
        *("afraid", "angry", "sorry", "thank", "happy", "love", "great", "not", "never", "said", "unfortunately"),
        *("for your letter", "0 days", ",", ".", "!", "?", "\n"),
    ]
)


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def acceptable(name: str) -> Iterator[tuple[str, bool]]:
    """(kind, whether the likeliest of the seven is one that a person could hear) of each sentence."""
    for row in SETS[name]:
        seven = default_detector().read(row["text"]).seven
        yield row["kind"], EMOTIONS7[seven.index(max(seven))] in row["accept"]


def test_many_texts_at_once_are_read_by_the_same_rules() -> None:
    texts = [row["text"] for rows in SETS.values() for row in rows]
    assert [one.label for one in default_detector().read_many(texts)] == [
        default_detector().read(text).label for text in texts
    ]


def test_the_two_sets_are_apart_from_each_other_and_from_what_is_taught() -> None:
    texts = [words(row["text"]) for rows in SETS.values() for row in rows]
    assert len(set(texts)) == len(texts)
    assert not set(texts) & {words(example.text) for example in written(0)}
    for rows in SETS.values():
        counts = Counter(row["kind"] for row in rows)
        assert set(counts) == {*KINDS, "meant"}
        assert sum(counts[kind] for kind in KINDS) >= 60
        assert min(counts.values()) >= 16
        assert all(row["accept"] and set(row["accept"]) <= set(EMOTIONS7) for row in rows)


def test_sentences_kept_aside_are_read_acceptably_and_meant_ones_still_are() -> None:
    """Measured: 0.84 of the four kinds, 0.14 without the rules; all that are meant, with and without."""
    read = list(acceptable("aside"))
    assert np.mean([right for kind, right in read if kind in KINDS]) >= 0.75
    assert np.mean([right for kind, right in read if kind == "meant"]) >= 0.9


@pytest.mark.parametrize("text", ["I am not angry.", "I'm afraid I can't go below 60 days.", "You sound worried."])
def test_what_is_not_felt_is_not_read(text: str) -> None:
    assert default_detector().read(text).label == "neutral"


@pytest.mark.parametrize(
    "text",
    [
        "i'm afraid of what happens next.",
        "i am so sorry for the delay, i feel terrible.",
        "i can't thank you enough!",
        "i'm not just happy, i'm delighted with 0 days!",
        "you make me furious.",
        "your methods are disgusting.",
    ],
)
def test_what_is_felt_is_left_alone(text: str) -> None:
    assert own_feelings(text) == text


@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_words_are_left_out_and_none_is_added_or_moved(text: str) -> None:
    clean = normalise(text)
    rest = iter(clean)
    assert all(letter in rest for letter in own_feelings(clean))


@given(st.text(st.characters(), max_size=300))
def test_any_text_can_be_searched(text: str) -> None:
    assert len(own_feelings(normalise(text))) <= len(normalise(text))


@given(st.sampled_from([row["text"] for row in SETS["dev"] if row["kind"] == "meant"]), st.sampled_from(SETS["dev"]))
def test_a_courtesy_beside_it_does_not_silence_what_is_meant(felt: str, other: dict[str, str]) -> None:
    """Sentence by sentence: what is left of two sentences holds what is left of a meant one without formulas."""
    beside = own_feelings(normalise(f"{felt} {other['text']}"))
    assert own_feelings(normalise(felt)).rstrip(".!") in beside


@pytest.mark.data
def test_goemotions_is_read_as_well_as_before() -> None:
    """Measured: 0.510 of the 28 with and without the rules, 0.598 of the 7 with and 0.603 without."""
    if not GOEMOTIONS.is_dir():
        pytest.skip("the reference data is not beside the checkout")
    model, dev = default_detector().model, read_corpus(GOEMOTIONS / "dev.tsv.gz")
    said = predict_flags(np.stack([model.logits(own_feelings(text)) for text in dev.texts]), model.thresholds)
    scores = model.provenance["scores"]
    assert macro_f1(said[:, :28], dev.heads[:, :28]) >= scores["f1_28_tuned"] - 0.005
    assert macro_f1(said[:, 28:], dev.heads[:, 28:]) >= scores["f1_7_tuned"] - 0.005
