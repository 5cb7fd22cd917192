"""Randomness from one seed: a tree of child seeds, and dice that need no state.

`child_seed` derives the seed of a match or a seat from the tournament's one seed with `numpy.random.SeedSequence`.
`Dice` then gives every draw its own number from (seed, path, counter) by BLAKE2b, about a microsecond a draw. A draw
does not shift when another node draws more, and nothing has to be carried through checkpoints.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
_SCALE = 1.0 / (1 << 53)


@lru_cache(maxsize=4096, typed=True)  # creditors meet the same scenarios and seeds one after another
def child_seed(seed: int, *path: int | str) -> int:
    """A 64-bit seed for the place `path` in the tree that grows from `seed` (>= 0)."""
    import numpy as np

    digest = hashlib.blake2b(repr(path).encode(), digest_size=16).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
    return int(np.random.SeedSequence(seed, spawn_key=words).generate_state(1, np.uint64)[0])


class Dice:
    """Deterministic draws for one place in the tree of seeds.

    Two `Dice` with the same seed and path give the same draws in the same order.
    """

    __slots__ = ("_count", "_key", "_path")

    def __init__(self, seed: int, path: str = "") -> None:
        self._path: tuple[int | str, ...] = (f"{seed}/{path}",)
        self._key = ""
        self._count = 0

    def child(self, *path: int | str) -> Dice:
        """Dice of their own for a place below this one; asking for them draws nothing here."""
        dice = Dice.__new__(Dice)
        dice._path = (*self._path, *path)
        dice._key = ""  # made of the path at the first draw, which often never comes
        dice._count = 0
        return dice

    def _word(self) -> int:
        self._count += 1
        if not self._key:
            self._key = "/".join(map(str, self._path))
        return int.from_bytes(hashlib.blake2b(f"{self._key}#{self._count}".encode(), digest_size=8).digest(), "little")

    def unit(self) -> float:
        """A number in [0, 1), uniform."""
        return (self._word() >> 11) * _SCALE

    def pick(self, items: Sequence[T]) -> T:
        """One of `items`, uniform (the bias of the modulus is below 1e-12 for a million items)."""
        return items[self._word() % len(items)]

    def weighted(self, weights: Sequence[float]) -> int:
        """An index with probability proportional to its weight (weights >= 0, not all zero)."""
        point = self.unit() * sum(weights)
        for index, weight in enumerate(weights):
            point -= weight
            if point < 0:
                return index
        return max(index for index, weight in enumerate(weights) if weight > 0)

    def rng(self) -> np.random.Generator:
        """A NumPy generator seeded from the next draw, for whoever needs more than a few draws."""
        import numpy as np

        return np.random.default_rng(self._word())
