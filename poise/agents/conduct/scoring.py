"""How well a checker agrees with labelled messages: precision and recall, each with its Wilson interval.

A labelled set is a JSON Lines file with `id`, `text`, `labels` (categories; none for a clean message), `split` and
`about` (the category that a clean message is a near miss of).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poise.agents.conduct.checker import Violation
from poise.common.errors import BadInput
from poise.games.metrics import wilson


@dataclass(frozen=True, slots=True)
class Labelled:
    """A message and the categories of violations it holds."""

    id: str
    text: str
    labels: frozenset[str]
    split: str
    about: str


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """How often the checker was right.

    hits:         messages that are labelled and found. false_alarms: found, not labelled. misses: labelled, not found.
    """

    hits: int
    false_alarms: int
    misses: int

    @property
    def precision(self) -> float:
        """The share of what was found that is labelled; 1 where nothing was found."""
        return self.hits / found if (found := self.hits + self.false_alarms) else 1.0

    @property
    def recall(self) -> float:
        """The share of what is labelled that was found; 1 where nothing is labelled."""
        return self.hits / labelled if (labelled := self.hits + self.misses) else 1.0

    @property
    def precision_interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the precision."""
        return wilson(self.hits, self.hits + self.false_alarms)

    @property
    def recall_interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of the recall."""
        return wilson(self.hits, self.hits + self.misses)


def read_labelled(path: Path) -> tuple[Labelled, ...]:
    """The messages of a labelled set. Raises BadInput naming the line where one is refused."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(_labelled(path, number, line) for number, line in enumerate(lines, 1) if line.strip())


def _labelled(path: Path, number: int, line: str) -> Labelled:
    try:
        data: dict[str, Any] = json.loads(line)
        return Labelled(data["id"], data["text"], frozenset(data["labels"]), data["split"], data["about"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path.name}, line {number}: {error!r}; each line is an object with id, text, labels, split and about"
        ) from None


def overall(messages: Iterable[Labelled], check: Callable[[str], Sequence[Violation]]) -> LabelAgreement:
    """Agreement on whether a message has any violation at all."""
    return _agreement((bool(each.labels), bool(check(each.text))) for each in messages)


def by_category(messages: Sequence[Labelled], check: Callable[[str], Sequence[Violation]]) -> dict[str, LabelAgreement]:
    """Agreement on each category, in alphabetical order, over all of `messages`."""
    found = [{violation.category for violation in check(each.text)} for each in messages]
    categories = sorted({label for each in messages for label in each.labels}.union(*found))
    both = [(each.labels, got) for each, got in zip(messages, found, strict=True)]
    return {
        category: _agreement((category in labels, category in got) for labels, got in both) for category in categories
    }


def _agreement(pairs: Iterable[tuple[bool, bool]]) -> LabelAgreement:
    counted = list(pairs)
    return LabelAgreement(counted.count((True, True)), counted.count((False, True)), counted.count((True, False)))
