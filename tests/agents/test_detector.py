"""The detector: what it says is normalised, coherent, repeatable, and sensible on negotiation talk."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers.paths import SHARED
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from poise.agents.emotions.artifact import load_detector
from poise.agents.emotions.detector import ARTIFACT, Detection, Detector, default_detector
from poise.agents.emotions.features import TEXT_LIMIT, feature_sentences, normalise
from poise.agents.emotions.model import HEADS, Model, distribution, margins, of_groups
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, TO_SEVEN, to_seven
from poise.common.errors import BadInput
from poise.training.detector.corpus import read_corpus
from poise.training.detector.fit import predict_flags
from poise.training.detector.scores import macro_f1

DATA = SHARED / "data" / "goemotions"

GOLDEN = (
    ("I am so angry that you ignore my letters, 45 days is all you get.", {"anger", "annoyance"}),
    ("I hate the way you treat people, you damn liar. 20 days!", {"anger", "annoyance"}),
    ("No, I disagree. 90 days is far too long for us.", {"disapproval"}),
    ("I'm really sorry to hear about your loss, we can do 60 days.", {"sadness", "caring", "remorse"}),
    ("I feel terrible about the delay and I apologize. Could we say 80 days?", {"remorse"}),
    ("Losing the shop has left me so sad, 110 days is all I can manage.", {"sadness"}),
    ("I am disappointed by this offer of 30 days.", {"disappointment"}),
    ("Thank you so much for your patience!", {"gratitude"}),
    ("I love this plan, 60 days makes me so happy!", {"love", "joy"}),
    ("I hope we can settle at 75 days soon.", {"optimism"}),
    ("Great work on the repayment plan, that is impressive. 70 days then.", {"admiration"}),
    ("I am scared that we will lose the house. Please, 120 days.", {"fear"}),
    ("I'm nervous about promising 30 days.", {"nervousness"}),
    ("Wow, I did not expect that at all! 75 days is a surprise.", {"surprise"}),
    ("I'm confused, you said 60 days a moment ago.", {"confusion"}),
    ("That is disgusting behaviour, truly gross. 20 days.", {"disgust"}),
    ("My offer is 50 days.", {"neutral"}),
    ("The balance is due on the 15th of the month.", {"neutral"}),
)

# Text of any kind, lone surrogates and control characters included.
ANYTHING = st.text(st.characters(), max_size=400)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return default_detector()


@pytest.fixture(scope="module")
def model() -> Model:
    return default_detector().model


def check(detection: Detection) -> None:
    for probabilities, size in ((detection.seven, 7), (detection.twenty_eight, 28)):
        assert len(probabilities) == size
        assert all(type(value) is float and 0 <= value <= 1 for value in probabilities)
        assert sum(probabilities) == pytest.approx(1, abs=1e-12)
    assert detection.label == EMOTIONS28[int(np.argmax(detection.twenty_eight))]
    assert to_seven(detection.label) == EMOTIONS7[int(np.argmax(detection.seven))]


@pytest.mark.parametrize(("text", "labels"), GOLDEN)
def test_negotiation_talk_reads_as_a_person_would_read_it(detector: Detector, text: str, labels: set[str]) -> None:
    assert detector.read(text).label in labels


@given(ANYTHING)
def test_any_text_gives_coherent_probabilities(text: str) -> None:
    check(default_detector().read(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t\r ",
        "\x00\x07\x1b[31m",
        "\ud800\udfff",
        "45",
        "日本語のメッセージ",
        "\u202eright to left\u202c",
        "a" * 100_000,
        "x. " * 50_000,
        "".join(map(chr, range(0x20, 0x2020))),
        "\ufdfa" * 5000,
        "e" + "\u0301" * 5000,
        "<script>alert(1)</script>",
        "!" * 3000,
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_hostile_text_is_read_like_any_other(detector: Detector, text: str) -> None:
    check(detector.read(text))


@pytest.mark.parametrize("text", ["", "   ", "日本語", "\x00"])
def test_nothing_readable_is_neutral(detector: Detector, text: str) -> None:
    assert detector.read(text).label == "neutral"


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_make_no_difference(one: int, two: int) -> None:
    detector = default_detector()
    sentence = "I am furious, {} days and ${:,} is all you get."
    assert detector.read(sentence.format(one, one)) is detector.read(sentence.format(two, two))


@given(st.sampled_from([text for text, _ in GOLDEN]), st.sampled_from(["upper", "curly", "spaced"]))
def test_typography_makes_no_difference(text: str, change: str) -> None:
    changed = {"upper": text.upper(), "curly": text.replace("'", "\u2019"), "spaced": text.replace(" ", " \t ")}[change]
    assert default_detector().read(changed) == default_detector().read(text)


def test_what_lies_beyond_the_limit_is_ignored(detector: Detector) -> None:
    head = ("We wait for the bank. " * 200)[:TEXT_LIMIT]
    assert detector.read(head + " I am so angry!") == detector.read(head)
    assert len(normalise(head * 3)) <= TEXT_LIMIT


def test_one_heated_sentence_among_sober_ones_is_not_drowned(model: Model) -> None:
    """Reading the sentences too adds evidence for anger to what the whole text alone gives."""
    text = normalise(
        "The account was opened in March. It has two entries. I am so angry at you. The next statement comes on Monday."
    )
    assert len(feature_sentences(text)) == 4
    anger = HEADS.index("anger")
    assert model.logits(text)[anger] > model.evidence(text)[anger]


@given(st.lists(st.floats(-30, 30), min_size=35, max_size=35))
def test_an_emotion_wins_only_with_a_positive_margin(heads: list[float]) -> None:
    """The label clears its threshold, or it is neutral; and the seven agree with it (but for ties)."""
    of_labels = margins(np.array(heads, np.float32))
    first, second = sorted([*of_labels[:-1], max(of_labels[-1], 0)], reverse=True)[:2]
    assume(first - second > 1e-3)
    winner = int(distribution(of_labels, 1.0).argmax())
    assert EMOTIONS28[winner] == "neutral" or of_labels[winner] > 0
    if (of_labels[:-1] <= 0).all():
        assert EMOTIONS28[winner] == "neutral"
    group = EMOTIONS7[int(distribution(of_groups(of_labels), 1.0).argmax())]
    assert group == TO_SEVEN[EMOTIONS28[winner]]


@given(st.lists(st.floats(-30, 30, width=32), min_size=35, max_size=35))
def test_margins_follow_the_formula(heads: list[float]) -> None:
    """h_i = m_i + (M_g - max_j in g m_j) / 3, computed label by label."""
    labels, groups = heads[:28], heads[28:]
    for place, value in enumerate(margins(np.array(heads, np.float32))):
        group = EMOTIONS7.index(TO_SEVEN[EMOTIONS28[place]])
        strongest = max(labels[i] for i in range(28) if TO_SEVEN[EMOTIONS28[i]] == EMOTIONS7[group])
        assert value == pytest.approx(labels[place] + (groups[group] - strongest) / 3, abs=1e-4)


def test_the_memo_is_bounded_and_can_be_off(model: Model) -> None:
    for bound in (0, 3):
        detector = Detector(model, memo=bound)
        readings = [detector.read(text) for text, _ in GOLDEN]
        assert detector.remembered == bound
        assert readings == default_detector().read_many([text for text, _ in GOLDEN])
    with pytest.raises(BadInput, match="memo=-1"):
        Detector(model, memo=-1)


SAID = st.lists(st.sampled_from([text for text, _ in GOLDEN]) | st.text(max_size=9), max_size=14).map(" ".join)


@settings(max_examples=30)
@given(st.lists(SAID, max_size=8))
def test_many_texts_together_are_read_as_each_alone(texts: list[str]) -> None:
    detector = default_detector()
    for text, found in zip(texts, detector.read_many(texts), strict=True):
        alone = detector.read(text)
        assert found.label == alone.label
        assert found.twenty_eight == pytest.approx(alone.twenty_eight, rel=1e-5)
        assert found.seven == pytest.approx(alone.seven, rel=1e-5)
        assert [found] == detector.read_many([text]), "its neighbours do not matter"


def test_many_threads_read_what_one_reads(model: Model) -> None:
    texts = [f"{text} {extra}" for text, _ in GOLDEN for extra in ("Please.", "Now!", "Why?")] * 4
    alone = Detector(model, memo=0).read_many(texts)
    together = Detector(model, memo=16)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(together.read, texts)) == alone


def test_reading_does_not_depend_on_what_was_read_before(model: Model) -> None:
    texts = [text for text, _ in GOLDEN]
    forwards = Detector(model, memo=0).read_many(texts)
    assert Detector(load_detector(ARTIFACT), memo=0).read_many(texts[::-1])[::-1] == forwards


def test_the_default_is_loaded_once() -> None:
    assert default_detector() is default_detector()


def test_reading_imports_no_machine_learning_library() -> None:
    code = (
        "import sys; from poise.agents.emotions.detector import default_detector; default_detector().read('hello');"
        "print([name for name in ('sklearn', 'scipy', 'torch', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.data
def test_scores_on_the_development_rows_hold() -> None:
    """The shipped file, through the shipped code, reaches what its provenance says and what was asked of it."""
    if not DATA.is_dir():
        pytest.skip("the reference data is not beside the checkout")
    model, dev = default_detector().model, read_corpus(DATA / "dev.tsv.gz")
    said = predict_flags(np.stack([model.logits(text) for text in dev.texts]), model.thresholds)
    f1_28, f1_7 = macro_f1(said[:, :28], dev.heads[:, :28]), macro_f1(said[:, 28:], dev.heads[:, 28:])
    assert f1_28 >= 0.47
    assert f1_7 >= 0.58
    scores = model.provenance["scores"]
    assert (f1_28, f1_7) == pytest.approx((scores["f1_28_tuned"], scores["f1_7_tuned"]), abs=2e-3)
