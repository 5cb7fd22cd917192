"""Train the emotion detector: `python -m poise.training.detector.fit --data DIR`.

Options: --casino FILE, --dialogues FILE, --part K/N, --out FILE. DIR holds train.tsv.gz, dev.tsv.gz and labels.txt of
GoEmotions. The weights come from its training rows and from the negotiation messages of
`poise.training.detector.lessons`, without the held-out ones. Thresholds and temperatures are tuned on the development
rows, so the scores on those rows are too high. They are given beside those with one fixed threshold, and with
thresholds from one half of the development rows on the other half. With --part 2/3 every third row of both is used,
from the second on: detectors of different parts have no row of GoEmotions in common.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poise.agents.emotions.artifact import inverse_frequency, save_detector
from poise.agents.emotions.detector import ARTIFACT
from poise.agents.emotions.features import Features
from poise.agents.emotions.model import HEADS, Array, Model, distribution, margins, of_groups
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.common.errors import PoiseError
from poise.common.seeds import child_seed
from poise.common.words import division
from poise.training.detector.corpus import Corpus, Flags, check_labels, joined, read_corpus
from poise.training.detector.lessons import ALONE, Additions
from poise.training.detector.scores import best_thresholds, calibration_error, cross_fitted, macro_f1
from poise.training.detector.training import Settings, Vocabulary, build_vocabulary, quantise, train_heads

Rows = NDArray[np.intp]

FILES: Final = ("train.tsv.gz", "dev.tsv.gz", "labels.txt")
FIXED: Final = 0.3
"""The one probability above which every label counts, as in the paper of the data; for the figure without tuning."""
SPLITS: Final = 5
TEMPERATURES: Final = tuple(round(0.025 * step, 3) for step in range(8, 121))
"""From 0.2 to 3."""
LICENCE: Final = (
    "Trained on GoEmotions, Demszky et al. 2020, Google LLC, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/);"
    " holds weights of words and letter groups derived from the data, none of its texts."
)
CASINO_LICENCE: Final = " Also on CaSiNo, Chawla et al. 2021, CC BY 4.0, in the same way."
DIALOGUES_LICENCE: Final = " Also on the dialogues published with EmoDebt, MIT by their README, in the same way."
WHOLE: Final = (1, 1)
_LABELS: Final = len(EMOTIONS28)


def fit(
    data: Path, out: Path, settings: Settings, additions: Additions = ALONE, part: tuple[int, int] = WHOLE
) -> dict[str, float]:
    """Train on the files in `data` and on `additions`, write the artifact to `out`, and give the scores on dev.

    part: (K, N) for the K-th of N parts of the rows in `data`.

    Raises:
        BadInput: the data cannot be used.
    """
    from threadpoolctl import threadpool_limits

    check_labels(data / "labels.txt")
    found, dev = (read_corpus(data / name).part(*part) for name in ("train.tsv.gz", "dev.tsv.gz"))
    extra = additions.corpora(settings.seed)
    train = joined([found, *extra])
    vocabulary = build_vocabulary(train, settings)
    with threadpool_limits(1):  # the sums of several threads would differ in their last bits
        model = tune(_untuned(vocabulary, train, settings), dev)
    scores = measure_detector(model, dev, np.random.default_rng(child_seed(settings.seed, "halves")))
    provenance = {
        "data": {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for name in FILES},
        "part": "{}/{}".format(*part),
        "additions": additions.provenance(),
        "rows": {"train": len(found.texts), "added": len(train.texts) - len(found.texts), "dev": len(dev.texts)},
        "licence": licence(additions),
        "settings": asdict(settings),
        "versions": {name: version(name) for name in ("scikit-learn", "numpy", "scipy")},
        "scores": scores,
        "scores_note": "macro-F1 on dev; thresholds tuned on dev but where the name says fixed or half",
    }
    save_detector(replace(model, provenance=provenance), out, len(train.texts), vocabulary.frequency)
    return scores


def licence(additions: Additions) -> str:
    """The attribution that the data's licences require."""
    casino = CASINO_LICENCE if additions.casino else ""
    return LICENCE + casino + (DIALOGUES_LICENCE if additions.dialogues else "")


def _untuned(vocabulary: Vocabulary, train: Corpus, settings: Settings) -> Model:
    """The model with its quantised weights, and no thresholds yet."""
    exact, bias = train_heads(vocabulary.matrix, train, settings)
    weights, scale = quantise(exact)
    idf = inverse_frequency(len(train.texts), vocabulary.frequency)
    features = Features(vocabulary.words, vocabulary.chars, idf)
    return Model(features, weights, scale, bias.astype(np.float32), np.zeros_like(scale), (1.0, 1.0), {})


def tune(model: Model, dev: Corpus) -> Model:
    """`model` with the thresholds of the best F1 on `dev` and the temperatures of the least calibration error."""
    return tune_on(model, _logits(model, dev), dev)


def tune_on(model: Model, logits: Array, dev: Corpus) -> Model:
    """`tune`, given the logits of `dev`, shape (rows, 35)."""
    thresholds = best_thresholds(logits, dev.heads).astype(np.float32)
    of_labels = margins(logits - thresholds)
    hot28 = best_temperature(of_labels, dev.heads[:, :_LABELS])
    hot7 = best_temperature(of_groups(of_labels), dev.heads[:, _LABELS:])
    return replace(model, thresholds=thresholds, temperatures=(hot28, hot7))


def _logits(model: Model, corpus: Corpus) -> Array:
    return np.stack([model.logits(text) for text in corpus.texts])


def best_temperature(scores: Array, true: Flags) -> float:
    """The T of TEMPERATURES with the least expected calibration error of the likeliest class.

    A text with several labels is read right if the likeliest is one of them. (The cross-entropy, with the mass spread
    over several labels, asks for a higher T for the seven, and the error on the development rows is 0.05 there.)
    """

    def error(temperature: float) -> float:
        probabilities = distribution(scores, temperature)
        said = probabilities.argmax(axis=1)
        return calibration_error(probabilities.max(axis=1), true[np.arange(len(said)), said])

    return min(TEMPERATURES, key=error)


def predict_flags(logits: Array, thresholds: Array) -> Flags:
    """The decisions for each text: the 28 labels and the 7 groups whose margin is above 0, shape (rows, 35)."""
    of_labels = margins(logits - thresholds)
    return np.asarray(np.concatenate([of_labels, of_groups(of_labels)], axis=1) > 0)


def measure_detector(model: Model, dev: Corpus, rng: np.random.Generator) -> dict[str, float]:
    """Macro-F1 on `dev`, for the 28 and the 7: as tuned, with one fixed threshold, and with halves of dev.

    label_right, seven_right: share of texts whose likeliest label (group) is one of the true ones.
    """
    logits = _logits(model, dev)
    fixed = np.full(len(HEADS), np.log(FIXED / (1 - FIXED)), np.float32)
    scores = _both(predict_flags(logits, model.thresholds), dev.heads, "tuned")
    scores |= _both(predict_flags(logits, fixed), dev.heads, f"fixed_{FIXED}")

    def fitted(rows: Rows) -> Callable[[Rows], Flags]:
        thresholds = best_thresholds(logits[rows], dev.heads[rows])
        return lambda others: predict_flags(logits[others], thresholds)

    halves = [_both(cross_fitted(fitted, dev.heads, rng), dev.heads, "half") for _ in range(SPLITS)]
    scores |= {name: float(np.mean([half[name] for half in halves])) for name in halves[0]}
    seven, labels = model.probabilities(logits)
    rows = np.arange(len(logits))
    scores["label_right"] = float(dev.heads[rows, labels.argmax(axis=1)].mean())
    scores["seven_right"] = float(dev.heads[rows, _LABELS + seven.argmax(axis=1)].mean())
    return {name: round(value, 4) for name, value in scores.items()}


def _both(said: Flags, true: Flags, name: str) -> dict[str, float]:
    return {
        f"f1_28_{name}": macro_f1(said[:, :_LABELS], true[:, :_LABELS]),
        f"f1_7_{name}": macro_f1(said[:, _LABELS:], true[:, _LABELS:]),
    }


def table(scores: dict[str, float]) -> str:
    """The scores as text."""
    lines = ["macro-F1 on the development rows                          28 labels   7 emotions"]
    for name, words in (
        ("tuned", "thresholds per class, tuned on these very rows"),
        ("half", "thresholds from one half, measured on the other"),
        (f"fixed_{FIXED}", f"one fixed threshold (probability {FIXED}), no tuning"),
    ):
        lines.append(f"  {words:<55} {scores[f'f1_28_{name}']:9.4f} {scores[f'f1_7_{name}']:12.4f}")
    right = f"{scores['label_right']:9.4f} {scores['seven_right']:12.4f}"
    return "\n".join([*lines, f"  {'share of rows whose likeliest is right':<55} {right}"])


def fit_main(arguments: list[str] | None = None) -> int:
    """The command; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m poise.training.detector.fit", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with " + ", ".join(FILES))
    parser.add_argument("--casino", type=Path, help="CaSiNo's casino_train.json.gz, to learn from it as well")
    parser.add_argument("--dialogues", type=Path, help="EmoDebt's debt_dialogues.jsonl.gz, to learn from it as well")
    parser.add_argument("--written", type=float, default=1.5, help="weight of the sentences written for Poise; 0: none")
    parser.add_argument("--part", default="1/1", metavar="K/N", help="the K-th of N parts of DIR's rows")
    parser.add_argument("--out", type=Path, default=ARTIFACT, help="file to write (default: the package's own)")
    parser.add_argument("--seed", type=int, default=0)
    options: Any = parser.parse_args(arguments)
    try:
        additions = Additions(options.written, options.casino, options.dialogues)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        part = division(options.part, "--part")
        scores = fit(options.data, options.out, Settings(seed=options.seed), additions, part)
    except PoiseError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{table(scores)}\n{options.out}: {options.out.stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(fit_main())
