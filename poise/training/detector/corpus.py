"""GoEmotions as files: rows of text, comma-separated label numbers and id, with tabs between, gzipped."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poise.agents.emotions.features import normalise
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, SEVEN_INDEX
from poise.common.errors import BadInput

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled texts.

    texts:   normalised.
    heads:   shape (rows, 35), the 28 labels and the 7 emotions they belong to.
    weights: the weight of each row for each head, shape (rows, 35); None: 1 for all. 0 where the label is unknown.
    """

    texts: list[str]
    heads: Flags
    weights: NDArray[np.float32] | None = None

    def part(self, number: int, parts: int) -> Corpus:
        """Every `parts`-th row from row `number` (from 1) on: parts of the same data share no row."""
        rows = slice(number - 1, None, parts)
        return Corpus(self.texts[rows], self.heads[rows], None if self.weights is None else self.weights[rows])

    def weighed(self) -> NDArray[np.float32]:
        """The weights, ones where none are given, shape (rows, 35)."""
        return np.ones(self.heads.shape, np.float32) if self.weights is None else self.weights


def joined(corpora: Sequence[Corpus]) -> Corpus:
    """All rows, in order."""
    return Corpus(
        [text for corpus in corpora for text in corpus.texts],
        np.concatenate([corpus.heads for corpus in corpora]),
        np.concatenate([corpus.weighed() for corpus in corpora]),
    )


def read_corpus(path: Path) -> Corpus:
    """One GoEmotions file.

    Raises:
        BadInput: the file cannot be read, or a row has no text or a label number out of range.
    """
    texts, labels = [], []
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                text, row = _read_row(line, f"{path}, row {number}")
                texts.append(text)
                labels.append(row)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({error}); --data names the folder with the GoEmotions files"
        raise BadInput(msg) from error
    if not texts:
        msg = f"{path}: no rows; --data names the folder with the GoEmotions files"
        raise BadInput(msg)
    return Corpus(texts, with_groups(np.array(labels)))


def _read_row(line: str, where: str) -> tuple[str, Flags]:
    columns = line.rstrip("\n").split("\t")
    numbers = columns[1].split(",") if len(columns) > 1 else []
    flags = np.zeros(len(EMOTIONS28), bool)
    for number in numbers:
        if not number.isdecimal() or int(number) >= len(EMOTIONS28):
            msg = f"{where}, column 2: {number!r} is not a label number from 0 to {len(EMOTIONS28) - 1}"
            raise BadInput(msg)
        flags[int(number)] = True
    if not numbers:
        msg = f"{where}: {line.strip()!r} has no second column; a row is text, label numbers, id, with tabs between"
        raise BadInput(msg)
    return normalise(columns[0]), flags


def with_groups(labels: Flags) -> Flags:
    """The 28 columns and behind them the 7: a group is on where one of its labels is."""
    groups = [labels[:, np.array(SEVEN_INDEX) == group].any(axis=1) for group in range(len(EMOTIONS7))]
    return np.column_stack([labels, *groups])


def check_labels(path: Path) -> None:
    """Refuse data whose labels are not the 28 in their order.

    Raises:
        BadInput: the file is missing or differs.
    """
    try:
        found = path.read_text(encoding="utf-8").split()
    except OSError as error:
        msg = f"{path}: cannot be read ({error}); --data names the folder with the GoEmotions files"
        raise BadInput(msg) from error
    if found != list(EMOTIONS28):
        msg = f"{path}: not the 28 labels of GoEmotions in their order; found {len(found)}: {' '.join(found)[:200]}"
        raise BadInput(msg)
