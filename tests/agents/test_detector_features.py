"""Features: agreement with scikit-learn's own vectoriser, and what the normaliser promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from poise.agents.emotions import features
from poise.agents.emotions.artifact import inverse_frequency
from poise.agents.emotions.features import Features, char_grams, feature_sentences, normalise, word_grams

CORPUS = (
    "I can't pay in 45 days!! I can't.",
    "Thank you, thank you... 60 days is fine",
    "why would you say that?",
    "No no no, that is not fine: not at all",
    "You can pay, I can wait \u2013 the bank won't",
    "a I o ?",
)
WORDS = sorted({word for text in CORPUS for word in text.split()} | {"zzz", "\u00e9t\u00e9", "'", "\U0001f600"})
TALK = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)


def vectorisers() -> tuple[TfidfVectorizer, TfidfVectorizer]:
    texts = [normalise(text) for text in CORPUS]
    words = TfidfVectorizer(token_pattern=r"\w+(?:'\w+)?|[^\w\s]+", ngram_range=(1, 2), sublinear_tf=True)
    chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    return words.fit(texts), chars.fit(texts)


REFERENCE = vectorisers()
OURS = Features(
    *(list(block.get_feature_names_out()) for block in REFERENCE),
    np.concatenate([block.idf_ for block in REFERENCE]).astype(np.float32),
)


def dense(text: str) -> np.ndarray:
    places, values = OURS.vector(text)
    assert len(set(places.tolist())) == len(places)
    row = np.zeros(len(OURS.idf))
    row[places] = values
    return row


@given(st.one_of(TALK, st.text(max_size=200)))
def test_vectors_are_those_of_scikit_learn(text: str) -> None:
    text = normalise(text)
    due = np.concatenate([block.transform([text]).toarray()[0] for block in REFERENCE])
    np.testing.assert_allclose(dense(text), due, atol=1e-6)


@given(st.text(max_size=200))
def test_grams_are_those_of_scikit_learn(text: str) -> None:
    text = normalise(text)
    for block, grams in zip(REFERENCE, (word_grams, char_grams), strict=True):
        assert sorted(grams(text)) == sorted(block.build_analyzer()(text))


@given(TALK)
def test_each_block_has_length_one_or_nothing(text: str) -> None:
    row = dense(normalise(text))
    for block in (row[: len(OURS.words)], row[len(OURS.words) :]):
        length = float(np.sqrt((block**2).sum()))
        assert length == pytest.approx(1, abs=1e-6) or length == 0


def test_inverse_frequency_is_that_of_scikit_learn() -> None:
    texts = [normalise(text) for text in CORPUS]
    block = REFERENCE[0]
    frequency = (block.transform(texts) > 0).sum(axis=0)
    ours = inverse_frequency(len(texts), np.asarray(frequency).ravel().astype(np.uint16))
    np.testing.assert_allclose(ours, block.idf_, rtol=1e-6)


def test_a_word_s_letter_groups() -> None:
    assert list(char_grams("no")) == [" n", "no", "o ", " no", "no ", " no "]
    assert list(char_grams("a")) == [" a", "a ", " a "]


@given(st.text(max_size=300))
def test_normalised_text_is_clean(text: str) -> None:
    clean = normalise(text)
    assert clean == clean.strip()
    assert "  " not in clean
    assert not any(ord(letter) < 32 and letter != "\n" for letter in clean)
    assert len(clean) <= 3 * features.TEXT_LIMIT


def test_normalising_one_example() -> None:
    assert (
        normalise(" I\u2019ll  pay $15,700.50 in\x00 45 days \n\n \u201cSOON\u201d") == 'i\'ll pay $0 in 0 days\n"soon"'
    )


@given(st.text(max_size=300))
def test_sentences_keep_every_letter(text: str) -> None:
    clean = normalise(text)
    parts = feature_sentences(clean)
    assert "".join("".join(parts).split()) == "".join(clean.split())
    assert all(parts)


def test_sentences_are_bounded() -> None:
    parts = feature_sentences(normalise("Yes. " * 40))
    assert len(parts) == features.SENTENCE_LIMIT
    assert parts[0] == "yes."
    assert parts[-1] == " ".join(["yes."] * (40 - features.SENTENCE_LIMIT + 1))
    assert feature_sentences("") == []


def test_odd_words_are_not_remembered() -> None:
    fresh = Features(OURS.words, OURS.chars, OURS.idf)
    fresh.vector("fine " + "fine" * 400)
    assert fresh.words_remembered == 1
