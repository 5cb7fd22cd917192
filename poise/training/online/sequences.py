"""EvoEmo's search as released: emotion sequences evolve around a single matrix.

Code of https://arxiv.org/abs/2509.04310. Each generation plays one matrix P. The better half of its negotiations,
by the released fitness, are the elite sequences; as many offspring are bred from them and counted with them without
being played: P <- 0.6 P + 0.4 MLE(counts + max(0.1, 5 / N)).

It is degenerate (tests/training/test_engines_evolution.py shows how): the released fitness is zero on nearly all
deals, so the elite are the negotiations that came first; and half of the counts come from crossover and mutation. P
drifts towards its own play, and policies are never compared.

Differs from the reference: a mutation replaces each emotion of a sequence with probability 0.1 by a uniform draw; the
release has several kinds. Sequences begin with the neutral emotion that P starts from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.policies.chains import Chain
from poise.common.seeds import Dice, child_seed
from poise.training.online.episodes import Episode, evoemo_released_fitness
from poise.training.online.evolution import EvolutionSettings
from poise.training.online.matrices import blended, estimated

if TYPE_CHECKING:
    import numpy as np

_STOP = 0.15  # the release's probability of stopping at each place while it alternates between two parents


@dataclass
class SequenceEvolution:
    """The released search, with the interface of `Evolution`. `best` is the matrix itself."""

    start: Chain
    settings: EvolutionSettings = field(default_factory=EvolutionSettings)
    seed: int = 0
    generation: int = 0
    best: Chain = field(init=False)

    def __post_init__(self) -> None:
        self.best = self.start

    def ask(self) -> list[Chain]:
        """The only chain."""
        return [self.best]

    def tell(self, played: Sequence[Sequence[Episode]]) -> None:
        """Record the negotiations of the chain and update it."""
        rng = Dice(child_seed(self.seed, "sequences", self.generation)).rng()
        self.generation += 1
        ranked = sorted(
            (each for episodes in played for each in episodes), key=lambda each: -evoemo_released_fitness(each)
        )
        elite = [
            [episode.steps[0].own, *(step.shown for step in episode.steps)]
            for episode in ranked[: max(1, len(ranked) // 2)]
            if episode.steps
        ]
        bred = [self._offspring(elite, rng) for _ in elite]
        observed = estimated(pair for sequence in elite + bred for pair in pairwise(sequence))
        if observed is not None:
            self.best = replace(self.best, matrix=blended(self.best.matrix, observed, self.settings.keep))

    def _offspring(self, elite: Sequence[list[int]], rng: np.random.Generator) -> list[int]:
        first, second = (elite[int(place)] for place in rng.integers(len(elite), size=2))
        child = list(first)
        if rng.random() < self.settings.crossover:
            child = spliced(first, second, rng) if rng.random() < 0.5 else alternated(first, second, rng)
        if len(child) < 2:
            child += rng.integers(EMOTION_COUNT, size=2 - len(child)).tolist()
        change = rng.random(len(child)) < self.settings.mutation
        return [int(rng.integers(EMOTION_COUNT)) if new else old for old, new in zip(child, change, strict=True)]

    def memory(self) -> dict[str, Any]:
        """The state of the search, as JSON data."""
        return {"generation": self.generation, "best": self.best.parameters()}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        self.generation, self.best = memory["generation"], Chain.from_parameters(memory["best"])


def spliced(first: Sequence[int], second: Sequence[int], rng: np.random.Generator) -> list[int]:
    """The beginning of one sequence and the end of another, cut at random."""
    return [*first[: int(rng.integers(len(first) + 1))], *second[int(rng.integers(len(second) + 1)) :]]


def alternated(first: Sequence[int], second: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Every other element of each, then the rest of the longer one, possibly stopping at each place."""
    child: list[int] = []
    for place in range(max(len(first), len(second))):
        if rng.random() < _STOP:
            break
        turn, other = (first, second) if place % 2 == 0 else (second, first)
        child.append(turn[place] if place < len(turn) else other[place])
    return child
