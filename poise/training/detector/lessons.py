"""The detector's training data besides GoEmotions, as weighted rows: written messages, CaSiNo, EmoDebt's dialogues.

A row that is marked only with one of the seven says nothing about the labels inside it: their weight is 0 there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from poise.agents.emotions.features import normalise
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, NEUTRAL, SEVEN_INDEX
from poise.common.seeds import Dice
from poise.training.detector.corpus import Corpus, with_groups
from poise.training.detector.dialogue import Marked, read_casino, read_debt_dialogues
from poise.training.detector.written import FILE, written

_LABELS: Final = len(EMOTIONS28)
_NEUTRAL: Final = EMOTIONS28.index(NEUTRAL)


@dataclass(frozen=True, slots=True)
class Additions:
    """Which rows to add, and their weight relative to one of GoEmotions.

    written:         weight of the written messages; 0 for none.
    casino:          CaSiNo's file, or None.
    dialogues:       EmoDebt's file, or None. emotions_each: different messages taken of each emotion; untold: of those
                     whose model was told nothing, which count as neutral.
    """

    written: float = 0.0
    casino: Path | None = None
    dialogues: Path | None = None
    casino_weight: float = 0.3
    dialogues_weight: float = 0.25
    emotions_each: int = 300
    untold: int = 1200
    untold_weight: float = 0.05

    def corpora(self, seed: int) -> list[Corpus]:
        """The rows without those held out; the same for the same seed.

        Raises:
            BadInput: a file cannot be read.
        """
        found = []
        if self.written:
            texts, labels = zip(*written(seed), strict=True)
            found.append(labelled(texts, labels, self.written))
        if self.casino is not None:
            found.append(marked(learnable(read_casino(self.casino)), self.casino_weight))
        if self.dialogues is not None:
            rows, dice = learnable(read_debt_dialogues(self.dialogues)), Dice(seed, "dialogues")
            told = [row for name in EMOTIONS7 for row in _different(rows, name, self.emotions_each, dice)]
            untold = [row._replace(emotion=NEUTRAL) for row in _different(rows, None, self.untold, dice)]
            found += [marked(told, self.dialogues_weight), marked(untold, self.untold_weight)]
        return found

    def provenance(self) -> dict[str, Any]:
        """The weights, and the SHA-256 of each file used, as JSON data."""
        files = [*([FILE] if self.written else []), *filter(None, (self.casino, self.dialogues))]
        data = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        return {name: value for name, value in asdict(self).items() if not isinstance(value, Path)} | {"data": data}


ALONE: Final = Additions()
"""GoEmotions alone."""


def learnable(rows: Iterable[Marked]) -> list[Marked]:
    """The rows that are not held out."""
    return [row for row in rows if not row.held_out]


def _different(rows: Sequence[Marked], emotion: str | None, count: int, dice: Dice) -> list[Marked]:
    """At most `count` rows of `emotion` at random, no two of which read alike."""
    alike = {normalise(row.text): row for row in rows if row.emotion == emotion}
    once = list(alike.values())
    return [once[place] for place in dice.rng().permutation(len(once))[:count]]


def labelled(texts: Sequence[str], labels: Sequence[str], weight: float) -> Corpus:
    """Rows with one of the 28 each."""
    flags = np.zeros((len(texts), _LABELS), bool)
    flags[np.arange(len(texts)), [EMOTIONS28.index(label) for label in labels]] = True
    heads = with_groups(flags)
    return Corpus([normalise(text) for text in texts], heads, np.full(heads.shape, weight, np.float32))


def marked(rows: Sequence[Marked], weight: float) -> Corpus:
    """Rows with one of the 7 each; inside it every label is unknown, but for neutral, which is alone in its group."""
    groups = np.array([EMOTIONS7.index(row.emotion or NEUTRAL) for row in rows], np.intp)
    heads = np.zeros((len(rows), _LABELS + len(EMOTIONS7)), bool)
    heads[np.arange(len(rows)), _LABELS + groups] = True
    heads[:, _NEUTRAL] = heads[:, -1]
    weights = np.full(heads.shape, weight, np.float32)
    unknown = groups[:, None] == np.array(SEVEN_INDEX)
    unknown[:, _NEUTRAL] = False
    weights[:, :_LABELS][unknown] = 0
    return Corpus([normalise(row.text) for row in rows], heads, weights)
