"""Sequences with common beginnings, as a forest of prefixes: every token with the same past is computed once.

The prompts of one match grow at their end, and several replies to one prompt share all of it. A batch of sequences is
therefore laid out as a forest of token prefixes. Each token sees exactly its own past (its ancestors), at its own
position (its depth), so that logits and gradients are those of the separate sequences. Nothing is ever padded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from poise.training.language.tokens import TokenExample

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Forest:
    """N tokens with different pasts.

    tokens:  [N]. depths: [N], from 0. parents: [N], -1 for a first token; a parent stands before its children.
    sources: one [T] a sequence: where each token of its reply is predicted from (the token before it).
    targets: one [T] a sequence: the tokens of its reply.
    """

    tokens: Ints
    depths: Ints
    parents: Ints
    sources: tuple[Ints, ...]
    targets: tuple[Ints, ...]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def is_chain(self) -> bool:
        """Whether it is one plain sequence, for which the usual causal attention will do."""
        return bool((self.parents == np.arange(-1, len(self) - 1)).all())

    def mask(self) -> NDArray[np.bool_]:
        """[N, N], which tokens (columns) each token (row) sees: its ancestors and itself."""
        seen = np.zeros((len(self), len(self)), dtype=bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                seen[node, : parent + 1] = seen[parent, : parent + 1]
            seen[node, node] = True
        return seen


def plant(examples: Sequence[TokenExample]) -> Forest:
    """The forest of `examples`."""
    nodes: dict[tuple[int, int], int] = {}
    tokens: list[int] = []
    depths: list[int] = []
    parents: list[int] = []
    sources, targets = [], []
    for example in examples:
        node, path = -1, []
        for depth, token in enumerate((*example.prompt, *example.reply)):
            child = nodes.setdefault((node, token), len(tokens))
            if child == len(tokens):
                tokens.append(token)
                depths.append(depth)
                parents.append(node)
            path.append(node)
            node = child
        sources.append(np.array(path[len(example.prompt) :], dtype=np.int64))
        targets.append(np.array(example.reply, dtype=np.int64))
    shape = [np.array(each, dtype=np.int64) for each in (tokens, depths, parents)]
    return Forest(shape[0], shape[1], shape[2], tuple(sources), tuple(targets))


def portions(examples: Sequence[TokenExample], units: Iterable[Sequence[int]], budget: int) -> Iterator[list[int]]:
    """The examples of `units` (indices) in portions of at most `budget` tokens as a forest.

    Units with common beginnings are grouped, and the examples of a unit stay together, in their order. A unit that is
    larger than the budget makes a portion of its own.
    """
    order = sorted(units, key=lambda unit: (examples[unit[0]].prompt, examples[unit[0]].reply, tuple(unit)))
    portion: list[int] = []
    size = 0
    for unit in order:
        new = _new_tokens(examples, portion[-1:], unit)
        if portion and size + new > budget:
            yield portion
            portion, size, new = [], 0, _new_tokens(examples, (), unit)
        portion.extend(unit)
        size += new
    if portion:
        yield portion


def _new_tokens(examples: Sequence[TokenExample], before: Sequence[int], unit: Sequence[int]) -> int:
    """How many tokens `unit` adds after the example `before` (none for an empty forest), at most."""
    line = [*before, *unit]
    shared = sum(_common(examples[one], examples[two]) for one, two in pairwise(line))
    return sum(len(examples[index]) for index in unit) - shared


def _common(one: TokenExample, two: TokenExample) -> int:
    """The number of tokens at the beginning that two sequences share."""
    count = 0
    for first, second in zip((*one.prompt, *one.reply), (*two.prompt, *two.reply), strict=False):
        if first != second:
            break
        count += 1
    return count
