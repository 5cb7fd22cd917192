"""Learning the detector's vocabulary and weights from labelled texts (scikit-learn; not needed at run time)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poise.agents.emotions.features import char_grams, word_grams
from poise.agents.emotions.model import HEADS
from poise.common.errors import BadInput
from poise.training.detector.corpus import Corpus, Flags

Weights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train.

    vocabulary: features kept, the most informative. rare_words, rare_chars: texts a feature must occur in.
    smoothing:  added to each feature's mass in the log-count ratios. strength: C of the regression.
    """

    seed: int = 0
    vocabulary: int = 110_000
    rare_words: int = 2
    rare_chars: int = 3
    smoothing: float = 0.2
    strength: float = 0.8


def ratios(matrix: Any, heads: Flags, weights: Weights, smoothing: float) -> NDArray[np.float32]:
    """Naive-Bayes log-count ratios, shape (heads, features).

    r = ln( (p / |p|) / (q / |q|) ),  p = smoothing + mass of the feature in the texts with the head, q = in the others.
    matrix: TF-IDF, sparse, shape (texts, features). heads, weights: shape (texts, heads).
    """
    inside = np.asarray(matrix.T @ (heads * weights)).T
    outside = np.asarray(matrix.T @ weights).T - inside
    p, q = np.maximum(inside, 0) + smoothing, np.maximum(outside, 0) + smoothing
    log_ratio = np.log(p / p.sum(axis=1, keepdims=True)) - np.log(q / q.sum(axis=1, keepdims=True))
    return np.asarray(log_ratio, dtype=np.float32)


def informative(matrix: Any, corpus: Corpus, settings: Settings) -> NDArray[np.bool_]:
    """Which features to keep: those with the largest (root mean square of the feature) x (largest |ratio|)."""
    strength = np.sqrt(np.asarray(matrix.multiply(matrix).mean(axis=0)).ravel())
    worth = strength * np.abs(ratios(matrix, corpus.heads, corpus.weighed(), settings.smoothing)).max(axis=0)
    keep = np.zeros(len(worth), bool)
    keep[np.argsort(-worth, kind="stable")[: settings.vocabulary]] = True
    return keep


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Features with the number of texts that hold each, and their TF-IDF matrix over the training texts."""

    words: list[str]
    chars: list[str]
    frequency: NDArray[np.uint16]
    matrix: Any


def build_vocabulary(corpus: Corpus, settings: Settings) -> Vocabulary:
    """Count and weigh the features, and keep the most informative."""
    from scipy.sparse import hstack

    words, word_counts = _count(corpus.texts, word_grams, settings.rare_words)
    chars, char_counts = _count(corpus.texts, char_grams, settings.rare_chars)
    keep = informative(hstack([_weigh(word_counts), _weigh(char_counts)]).tocsr(), corpus, settings)
    of_words, of_chars = keep[: len(words)], keep[len(words) :]
    counts = word_counts[:, of_words], char_counts[:, of_chars]
    frequency = np.concatenate([block.getnnz(axis=0) for block in counts])
    matrix = hstack([_weigh(block) for block in counts]).tocsr()
    return Vocabulary(
        words=[words[place] for place in np.flatnonzero(of_words)],
        chars=[chars[place] for place in np.flatnonzero(of_chars)],
        frequency=np.minimum(frequency, np.iinfo(np.uint16).max).astype(np.uint16),
        matrix=matrix,
    )


def _count(texts: list[str], grams: Callable[[str], Iterable[str]], rare: int) -> tuple[list[str], Any]:
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=grams, min_df=rare, dtype=np.float32)
    counts = counter.fit_transform(texts)
    return list(counter.get_feature_names_out()), counts.tocsc()


def _weigh(counts: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfTransformer

    return TfidfTransformer(sublinear_tf=True).fit_transform(counts)


def train_heads(matrix: Any, corpus: Corpus, settings: Settings) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """NB-SVM weights (features, heads) and biases (heads,), the ratios folded in.

    matrix: TF-IDF of the corpus, sparse, shape (texts, features).

    Raises:
        BadInput: a head is on in none or in all of the rows.
    """
    from scipy.sparse import diags
    from sklearn.linear_model import LogisticRegression

    for name, share in zip(HEADS, corpus.heads.mean(axis=0), strict=True):
        if share in (0, 1):
            msg = f"{name!r} is in {'none' if share == 0 else 'all'} of the training rows; give rows with and without"
            raise BadInput(msg)
    weights, biases, counts = [], [], corpus.weighed()
    for column, ratio in enumerate(ratios(matrix, corpus.heads, counts, settings.smoothing)):
        known = counts[:, column] > 0
        regression = LogisticRegression(C=settings.strength, solver="liblinear", tol=1e-2, random_state=settings.seed)
        scaled = (matrix if known.all() else matrix[known]) @ diags(ratio, dtype=np.float32)
        regression.fit(scaled, corpus.heads[known, column], sample_weight=counts[known, column])
        weights.append(regression.coef_[0] * ratio)
        biases.append(regression.intercept_[0])
    return np.array(weights).T, np.array(biases)


def quantise(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers from -127 to 127 and the factor of each column."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-12) / 127
    return np.rint(weights / scale).astype(np.int8), scale.astype(np.float32)
