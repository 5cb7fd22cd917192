"""Training: thresholds against brute force, and the script end to end on a tiny corpus."""

import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import f1_score

from poise.agents.emotions.artifact import load_detector
from poise.agents.emotions.detector import ARTIFACT, Detector
from poise.agents.emotions.model import distribution
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.common.errors import BadInput, PoiseError
from poise.training.detector.corpus import read_corpus
from poise.training.detector.fit import FILES, best_temperature, fit, fit_main
from poise.training.detector.scores import best_thresholds, cross_fitted, f1_by_class, macro_f1
from poise.training.detector.training import Settings, quantise

ROWS = st.integers(1, 30)


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties, and truths, of shape (rows, 2)."""
    rows = draw(ROWS)
    scores = draw(arrays.arrays(np.float64, (rows, 2), elements=st.integers(-4, 4).map(float)))
    return scores, draw(arrays.arrays(np.bool_, (rows, 2)))


@given(scored())
def test_f1_is_that_of_scikit_learn(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, true = case
    due = f1_score(true, scores > 0, average=None, zero_division=0)
    np.testing.assert_allclose(f1_by_class(scores > 0, true), due)
    assert macro_f1(scores > 0, true) == pytest.approx(due.mean())


@given(scored())
def test_no_threshold_beats_the_best(case: tuple[np.ndarray, np.ndarray]) -> None:
    scores, true = case
    best = f1_by_class(scores > best_thresholds(scores, true), true)
    for threshold in np.arange(-5, 5) + 0.5:
        assert (best >= f1_by_class(scores > threshold, true) - 1e-12).all()


def test_a_class_that_never_occurs_is_never_said() -> None:
    scores = np.array([[1.0], [3.0], [2.0]])
    assert not (scores > best_thresholds(scores, np.zeros((3, 1), bool))).any()


@given(st.integers(2, 40))
def test_cross_fitting_never_judges_a_row_by_itself(rows: int) -> None:
    """A fit that knows only its own rows, by heart, is right on none of the others."""
    true = np.ones((rows, 1), bool)
    said = cross_fitted(lambda known: lambda asked: np.isin(asked, known)[:, None], true, np.random.default_rng(0))
    assert not said.any()


@given(arrays.arrays(np.float64, (20, 3), elements=st.floats(-5, 5)))
def test_quantised_weights_stay_within_half_a_step(weights: np.ndarray) -> None:
    whole, scale = quantise(weights)
    assert whole.dtype == np.int8
    np.testing.assert_allclose(whole * scale, weights, atol=float(scale.max()) * 0.51)


def test_the_temperature_of_calibrated_scores_is_one() -> None:
    """Labels drawn from the softmax of the scores: no other temperature explains them better."""
    rng = np.random.default_rng(7)
    scores = np.column_stack([rng.normal(0, 2, (6000, 3)), np.abs(rng.normal(0, 1, 6000))])
    drawn = (distribution(scores, 1.0).cumsum(axis=1) > rng.random((6000, 1))).argmax(axis=1)
    assert best_temperature(scores, np.eye(4, dtype=bool)[drawn]) == pytest.approx(1, abs=0.1)


def write(path: Path, rows: list[str]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("".join(row + "\n" for row in rows))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Six texts for each label, which name it; and a labels file."""
    folder = tmp_path / "data"
    folder.mkdir()
    shapes = ("this is {} to me", "so much {}, 45 days", "{}! I say", "we feel {} now", "what {}", "{} again. Yes.")
    rows = [f"{shape.format(name)}\t{n}\tid" for n, name in enumerate(EMOTIONS28) for shape in shapes]
    for name in FILES[:2]:
        write(folder / name, rows)
    (folder / "labels.txt").write_text("\n".join(EMOTIONS28))
    return folder


SMALL = Settings(vocabulary=500, strength=20.0)


def test_the_script_learns_a_tiny_corpus(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "tiny.npz"
    assert fit_main(["--data", str(corpus), "--out", str(out), "--seed", "3", "--written", "0"]) == 0
    printed = capsys.readouterr().out
    assert "tuned on these very rows" in printed
    assert "one fixed threshold" in printed
    detector = Detector(load_detector(out))
    assert detector.read("we feel gratitude now").label == "gratitude"
    assert detector.read("we feel remorse now").label == "remorse"
    assert detector.model.provenance["settings"]["seed"] == 3


def test_the_same_data_and_seed_give_the_same_file(corpus: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.npz", "two.npz")]
    scores = [fit(corpus, file, SMALL) for file in files]
    assert scores[0] == scores[1]
    assert files[0].read_bytes() == files[1].read_bytes()
    model = load_detector(files[0])
    assert len(model.features.words) + len(model.features.chars) == len(model.weights) == 500


def test_provenance_of_a_fit(corpus: Path, tmp_path: Path) -> None:
    scores = fit(corpus, tmp_path / "a.npz", SMALL)
    provenance = load_detector(tmp_path / "a.npz").provenance
    assert provenance["scores"] == scores
    assert provenance["rows"] == {"train": 168, "added": 0, "dev": 168}
    assert set(provenance["data"]) == set(FILES)


def test_parts_of_the_data_share_no_row_and_leave_none_out(corpus: Path, tmp_path: Path) -> None:
    whole = read_corpus(corpus / "train.tsv.gz")
    parts = [whole.part(number, 3) for number in (1, 2, 3)]
    assert sorted(text for part in parts for text in part.texts) == sorted(whole.texts)
    assert [part.heads.tolist() for part in parts] == [whole.heads[number::3].tolist() for number in range(3)]
    write(corpus / "dev.tsv.gz", [f"{name}, always {name}\t{n}\tid" for n, name in enumerate(EMOTIONS28) for _ in "12"])
    out = tmp_path / "new" / "half.npz"
    assert fit_main(["--data", str(corpus), "--out", str(out), "--part", "2/2", "--written", "0"]) == 0
    provenance = load_detector(out).provenance
    assert (provenance["part"], provenance["rows"]) == ("2/2", {"train": 84, "added": 0, "dev": 28})


@pytest.mark.parametrize("written", ["0/3", "4/3", "1", "a/b", "1/0"])
def test_a_part_that_is_none_is_refused(written: str, capsys) -> None:
    assert fit_main(["--data", "none", "--part", written]) == 2
    assert f"--part {written} is not K/N" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["hello\t28\tid"], r"row 1, column 2: '28' is not a label number from 0 to 27"),
        (["hello\t1\tid", "hello\t-1\tid"], r"row 2, column 2: '-1' is not a label number"),
        (["hello"], r"row 1: 'hello' has no second column"),
        ([], r"no rows"),
    ],
)
def test_bad_rows_are_refused(corpus: Path, tmp_path: Path, rows: list[str], message: str) -> None:
    write(corpus / "train.tsv.gz", rows)
    with pytest.raises(BadInput, match=message):
        fit(corpus, tmp_path / "out.npz", SMALL)
    assert not (tmp_path / "out.npz").exists()


def test_missing_and_foreign_data_are_refused(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(corpus / "train.tsv.gz", ["hello\t0\tid", "bye\t27\tid"])
    with pytest.raises(BadInput, match="'amusement' is in none of the training rows"):
        fit(corpus, corpus / "out.npz", Settings(rare_words=1, rare_chars=1))
    (corpus / "train.tsv.gz").unlink()
    with pytest.raises(BadInput, match=r"train\.tsv\.gz: cannot be read"):
        fit(corpus, corpus / "out.npz", SMALL)
    (corpus / "labels.txt").write_text("joy sorrow")
    with pytest.raises(BadInput, match="not the 28 labels of GoEmotions in their order; found 2: joy sorrow"):
        fit(corpus, corpus / "out.npz", SMALL)
    assert fit_main(["--data", str(corpus / "nowhere")]) == 2
    assert "--data names the folder" in capsys.readouterr().err


def test_the_shipped_file_is_small_and_says_where_it_comes_from() -> None:
    assert ARTIFACT.stat().st_size <= 3_000_000
    provenance = load_detector(ARTIFACT).provenance
    assert "CC BY 4.0" in provenance["licence"]
    assert "Demszky" in provenance["licence"]
    assert "CaSiNo" in provenance["licence"]
    assert set(provenance["additions"]["data"]) == {
        "negotiation.toml",
        "casino_train.json.gz",
        "debt_dialogues.jsonl.gz",
    }
    assert set(provenance["data"]) == set(FILES)
    assert all(len(digest) == 64 for digest in provenance["data"].values())
    assert provenance["versions"]["scikit-learn"]
    assert provenance["settings"]["seed"] == 0
    scores = provenance["scores"]
    assert scores["f1_28_tuned"] >= 0.47 > scores["f1_28_fixed_0.3"]
    assert scores["f1_7_tuned"] >= 0.58 > scores["f1_7_fixed_0.3"]


def test_the_shipped_file_holds_plain_arrays() -> None:
    with np.load(ARTIFACT, allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "iuf" for name in file.files)
    with zipfile.ZipFile(ARTIFACT) as archive:
        assert {Path(name).suffix for name in archive.namelist()} == {".npy"}


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", np.array(99), "format is 99 where 1 is due"),
        ("weights", np.zeros((3, 35), np.int8), r"the shape of weights is \(3, 35\) where"),
        ("weights", None, "weights"),
        ("bias", np.full(35, np.nan, np.float32), "bias holds a number that is not finite"),
        ("temperatures", np.array([1.0, 0.0]), "a temperature is not above 0"),
        ("words", np.array([255, 254], np.uint8), "decode"),
        ("provenance", np.frombuffer(b"{", np.uint8), "no usable detector"),
        ("scale", np.array([{}] * 35), "allow_pickle=False"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(
    corpus: Path, tmp_path: Path, name: str, value: np.ndarray | None, message: str
) -> None:
    good = arrays_of(ARTIFACT)
    bad = {key: array for key, array in (good | {name: value}).items() if array is not None}
    path = tmp_path / "bad.npz"
    np.savez(path, **bad)
    with pytest.raises(PoiseError, match=message) as refusal:
        load_detector(path)
    assert "train it again: python -m poise.training.detector.fit" in str(refusal.value)


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.9, 0.999])
def test_a_cut_file_is_refused(tmp_path: Path, share: float) -> None:
    whole = ARTIFACT.read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(PoiseError, match="no usable detector"):
        load_detector(path)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8])
def test_a_file_with_flipped_bytes_is_refused(tmp_path: Path, share: float) -> None:
    damaged = bytearray(ARTIFACT.read_bytes())
    place = int(share * len(damaged))
    damaged[place : place + 64] = bytes(value ^ 0xFF for value in damaged[place : place + 64])
    path = tmp_path / "flipped.npz"
    path.write_bytes(damaged)
    with pytest.raises(PoiseError, match="no usable detector"):
        load_detector(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    for content in (b"", b"hello", b"\x80\x04K*.", json.dumps([1]).encode()):
        path = tmp_path / "other.npz"
        path.write_bytes(content)
        with pytest.raises(PoiseError, match="no usable detector"):
            load_detector(path)
    with pytest.raises(PoiseError, match="No such file"):
        load_detector(tmp_path / "none.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(PoiseError, match="no usable detector"):
        load_detector(tmp_path / "array.npy")
