r"""The detector's arithmetic: text -> evidence for each emotion -> margins -> probabilities.

**Evidence.** One logistic head for each of the 28 labels and one for each of the 7 emotions, on TF-IDF features:
z = W x + b. The weights come from an NB-SVM (Wang & Manning 2012, https://aclanthology.org/P12-2018): the features are
scaled by their naive-Bayes log-count ratio before the regression, and the scale is folded into W. A message of n > 1
sentences is read whole and sentence by sentence, so that one heated sentence among sober ones is not drowned:

    z = (1 - a) z(whole) + a ln( mean_j exp z(sentence j) ),   a = 1/3

(`benchmarks/detector_sentences.py` measures it. The scores on GoEmotions itself move by less than 0.002. With three
rows joined to one message, an emotional one among neutral ones gives its label in 39 % instead of 35 %, and three
neutral ones stay neutral in 68 % instead of 66 %.)

**Margins.** Each head has its own threshold t, where its F1 on the development rows is best. m = z - t is positive for
what clears it. The margin of a label is drawn towards its group's own head M, so that rare labels borrow strength:

    h_i = m_i + LEAN * (M_g - max_{j in g} m_j),   i in group g        (LEAN = 1/3)

The margin of a group is that of its strongest label, h_g = max_{i in g} h_i.

**Probabilities.** Softmax of the margins, with neutral's raised to 0 at least:

    p_i proportional to exp(h_i / T) for an emotion,  exp(max(h_neutral, 0) / T) for neutral

and the same over the 7 groups. So the likeliest label is an emotion only if its margin is positive, neutral where
none is, and the likeliest of the 7 is the group of the likeliest label. The 7 are not sums of the 28: a group of twelve
labels would win by number. T (one for the 28, one for the 7) is the one with the least
expected calibration error on the development rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from poise.agents.emotions.features import Features, feature_sentences
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, SEVEN_INDEX

Array = NDArray[np.floating[Any]]

HEADS: Final = EMOTIONS28 + EMOTIONS7
LEAN: Final = np.float32(1 / 3)
BY_SENTENCE: Final = np.float32(1 / 3)
_LABELS: Final = len(EMOTIONS28)
_SENTENCES: Final = 4096  # that are remembered
_GROUP: Final = np.array(SEVEN_INDEX)
_BY_GROUP: Final = np.argsort(_GROUP, kind="stable")
_GROUP_STARTS: Final = np.searchsorted(_GROUP[_BY_GROUP], np.arange(len(EMOTIONS7)))


@dataclass(frozen=True)
class Model:
    """All that was learned.

    weights:      int8, shape (features, 35): one column a head, in the order of HEADS; times `scale` (35,).
    bias:         float32 (35,). thresholds: float32 (35,), in logits.
    temperatures: T of the 28 and of the 7.
    provenance:   where it comes from: data and their hash, seed, versions, scores, licence (JSON data).
    """

    features: Features
    weights: NDArray[np.int8]
    scale: Array
    bias: Array
    thresholds: Array
    temperatures: tuple[float, float]
    provenance: Mapping[str, Any]

    @cached_property
    def _evidence_again(self) -> Callable[[str], Array]:
        """As `evidence`; few sentences make up many messages."""
        return lru_cache(_SENTENCES)(self.evidence)

    @cached_property
    def _as_float(self) -> Array:
        """The weights as float32, which only many texts at a time are worth."""
        return self.weights.astype(np.float32)

    def logits(self, normalised: str) -> Array:
        """Evidence of each head in a normalised text, its sentences heard one by one as well, shape (35,)."""
        whole = self.evidence(normalised)
        parts = feature_sentences(normalised)
        if len(parts) < 2:
            return whole
        each = np.stack([self._evidence_again(part) for part in parts])
        return np.asarray((1 - BY_SENTENCE) * whole + BY_SENTENCE * _log_mean_exp(each))

    def logits_of(self, normalised: Sequence[str]) -> Array:
        """The logits of several texts, shape (n, 35), by one product of a sparse matrix with the weights."""
        parts = [feature_sentences(text) for text in normalised]
        split = [place for place, each in enumerate(parts) if len(each) > 1]
        evidence = self._evidence_of([*normalised, *chain.from_iterable(parts[place] for place in split)])
        whole, begin = evidence[: len(normalised)].copy(), len(normalised)
        by_size: dict[int, list[tuple[int, int]]] = {}
        for place in split:
            by_size.setdefault(len(parts[place]), []).append((place, begin))
            begin += len(parts[place])
        for size, found in by_size.items():
            places, begins = np.array(found).T
            each = evidence[begins + np.arange(size)[:, None]]
            whole[places] = (1 - BY_SENTENCE) * whole[places] + BY_SENTENCE * _log_mean_exp(each)
        return whole

    def _evidence_of(self, normalised: Sequence[str]) -> Array:
        from scipy.sparse import csr_array

        begins, places, values = self.features.vectors(normalised)
        rows = csr_array((values, places, begins), shape=(len(normalised), len(self.weights)))
        return np.asarray(rows @ self._as_float * self.scale + self.bias)

    def evidence(self, normalised: str) -> Array:
        """Evidence of each head in one stretch of text taken as a whole, shape (35,)."""
        places, values = self.features.vector(normalised)
        # Summed row by row and not by BLAS: the same bits whatever the number of threads.
        raw: Array = np.add.reduce(values[:, None] * self.weights[places], axis=0)
        return raw * self.scale + self.bias

    def probabilities(self, logits: Array) -> tuple[Array, Array]:
        """The 7 and the 28 probabilities for logits of shape (..., 35): shapes (..., 7) and (..., 28)."""
        of_labels = margins(logits - self.thresholds)
        hot28, hot7 = self.temperatures
        return distribution(of_groups(of_labels), hot7), distribution(of_labels, hot28)


def _log_mean_exp(values: Array) -> Array:
    """The logarithm of the mean of exp over the first axis, without overflow."""
    top: Array = np.maximum.reduce(values)
    return np.asarray(top + np.log(np.add.reduce(np.exp(values - top)) / len(values)))


def margins(heads: Array) -> Array:
    """The labels' margins h (..., 28), from the heads' margins (..., 35)."""
    labels, groups = heads[..., :_LABELS], heads[..., _LABELS:]
    lift = LEAN * (groups - of_groups(labels))
    return labels + lift[..., _GROUP]


def of_groups(labels: Array) -> Array:
    """The strongest label's margin in each of the 7 groups (..., 7), from the labels' margins (..., 28)."""
    return np.asarray(np.maximum.reduceat(labels[..., _BY_GROUP], _GROUP_STARTS, axis=-1))


def distribution(scores: Array, temperature: float) -> Array:
    """Softmax over the last axis, whose last entry, neutral, counts as 0 at least; sums to 1 in double precision."""
    floored = scores.astype(np.float64)
    floored[..., -1] = np.maximum(floored[..., -1], 0)
    floored = np.exp((floored - floored.max(axis=-1, keepdims=True)) / temperature)
    return np.asarray(floored / floored.sum(axis=-1, keepdims=True))
