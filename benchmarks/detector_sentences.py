"""The effect of reading sentence by sentence: `python benchmarks/detector_sentences.py --data FOLDER` (GoEmotions).

Three ways to read a message: whole; with a third of the weight on its sentences' log-mean-exp (shipped); with a third
on their maximum. Each has its own thresholds and temperatures, tuned on the development rows. They are evaluated on
those rows, and on messages assembled from them: one emotional row among two neutral ones, and three neutral rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from poise.agents.emotions.detector import default_detector
from poise.agents.emotions.features import feature_sentences
from poise.agents.emotions.model import BY_SENTENCE, Array, Model
from poise.common.seeds import Dice
from poise.training.detector.corpus import Corpus, read_corpus
from poise.training.detector.fit import predict_flags, tune_on
from poise.training.detector.scores import macro_f1

MESSAGES = 1000


def whole(model: Model, text: str) -> Array:
    return model.evidence(text)


def shipped(model: Model, text: str) -> Array:
    return model.logits(text)


def strongest(model: Model, text: str) -> Array:
    parts = feature_sentences(text) or [text]
    loudest = np.max([model.evidence(part) for part in parts], axis=0)
    return np.asarray((1 - BY_SENTENCE) * model.evidence(text) + BY_SENTENCE * loudest)


def assembled(dev: Corpus, emotional: bool) -> Corpus:
    """Messages of three rows in random order; the truth is that of the emotional row, or neutral."""
    dice = Dice(1, f"assembled {emotional}")
    single = dev.heads[:, :28].sum(axis=1) == 1
    neutral = [int(row) for row in np.flatnonzero(single & dev.heads[:, 27])]
    loud = [int(row) for row in np.flatnonzero(single & ~dev.heads[:, 27])] if emotional else neutral
    texts, heads = [], []
    for _ in range(MESSAGES):
        rows = [dice.pick(neutral), dice.pick(neutral)]
        rows.insert(dice.pick(range(3)), dice.pick(loud))
        texts.append(" ".join(_ended(dev.texts[row]) for row in rows))
        heads.append(next((dev.heads[row] for row in rows if not dev.heads[row, 27]), dev.heads[rows[0]]))
    return Corpus(texts, np.array(heads))


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def right(model: Model, logits: Array, truth: Corpus) -> tuple[float, float]:
    """Share of messages whose likeliest label, and likeliest of the seven, is true."""
    seven, labels = model.probabilities(logits)
    rows = np.arange(len(logits))
    return truth.heads[rows, labels.argmax(axis=1)].mean(), truth.heads[rows, 28 + seven.argmax(axis=1)].mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    dev = read_corpus(parser.parse_args().data / "dev.tsv.gz")
    emotional, neutral = assembled(dev, True), assembled(dev, False)
    print("                dev F1 (28, 7)    one emotional of three: label, seven right    three neutral: right")
    ways: tuple[Callable[[Model, str], Array], ...] = (whole, shipped, strongest)
    for way in ways:
        read = [np.stack([way(default_detector().model, text) for text in c.texts]) for c in (dev, emotional, neutral)]
        model = tune_on(default_detector().model, read[0], dev)
        said = predict_flags(read[0], model.thresholds)
        f1 = macro_f1(said[:, :28], dev.heads[:, :28]), macro_f1(said[:, 28:], dev.heads[:, 28:])
        label, seven = right(model, read[1], emotional)
        calm = right(model, read[2], neutral)[0]
        print(f"{way.__name__:<15} {f1[0]:.4f} {f1[1]:.4f} {label:33.3f} {seven:.3f} {calm:31.3f}")


if __name__ == "__main__":
    main()
