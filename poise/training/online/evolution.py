"""EvoEmo's genetic algorithm over emotion chains, by ask and tell; its rules are in `poise.agents.policies.evoemo`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from poise.agents.emotions.tables import Table
from poise.agents.policies.chains import Chain
from poise.agents.policies.evoemo import TEMPERATURES
from poise.common.errors import BadInput
from poise.common.seeds import Dice, child_seed
from poise.training.online.episodes import Episode, evoemo_fitness, mean
from poise.training.online.matrices import blended, crossed, estimated, redrawn, scattered

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class EvolutionSettings:
    """The published numbers.

    population: policies in a generation. elite: how many are kept unchanged. crossover, mutation: probabilities.
    keep: the share of a child's own matrix in the blend with what was observed.
    """

    population: int = 20
    elite: int = 5
    crossover: float = 0.7
    mutation: float = 0.1
    keep: float = 0.6

    def __post_init__(self) -> None:
        if not 1 <= self.elite < self.population:
            raise BadInput(f"elite {self.elite} of a population of {self.population}: at least 1 and fewer than all")
        for name in ("crossover", "mutation", "keep"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadInput(f"{name} {getattr(self, name)} is outside 0 to 1")


@dataclass(slots=True)
class Individual:
    """A chain, the sum of the fitness of all its negotiations (total), and their number (talks)."""

    chain: Chain
    total: float = 0.0
    talks: int = 0

    def fitness(self, usual: float, worth: int) -> float:
        """Mean fitness, as if it had played `worth` more negotiations at the usual fitness.

        A lucky elite falls as it plays more, and a new chain has to be clearly better.
        """
        return (self.total + usual * worth) / (self.talks + worth)


@dataclass
class Evolution:
    """Generations of chains.

    `ask` gives the chains to play, `tell` takes their results in that order and breeds the next generation; `best` is
    the fittest of those that were played. Everything follows from (start, settings, seed) and the results.
    """

    start: Chain
    settings: EvolutionSettings = field(default_factory=EvolutionSettings)
    seed: int = 0
    generation: int = 0
    population: list[Individual] = field(default_factory=list)
    best: Chain = field(init=False)

    def __post_init__(self) -> None:
        self.best = self.start
        if not self.population:
            rng, others = self._rng(), self.settings.population - 1
            self.population = [Individual(self.start)]
            for _ in range(others):
                chain = replace(self.start, matrix=scattered(self.start.matrix, rng), temperature=_temperature(rng))
                self.population.append(Individual(chain))

    def _rng(self) -> np.random.Generator:
        return Dice(child_seed(self.seed, "evolution", self.generation)).rng()

    def ask(self) -> list[Chain]:
        """The chains of this generation."""
        return [individual.chain for individual in self.population]

    def tell(self, played: Sequence[Sequence[Episode]]) -> None:
        """Record the negotiations of each chain and breed the next generation."""
        for individual, episodes in zip(self.population, played, strict=True):
            individual.total += sum(map(evoemo_fitness, episodes))
            individual.talks += len(episodes)
        self.generation += 1
        all_episodes = [episode for episodes in played for episode in episodes]
        usual, worth = mean(map(evoemo_fitness, all_episodes)), max(1, len(all_episodes) // len(played))
        ranked = sorted(self.population, key=lambda individual: -individual.fitness(usual, worth))
        elite = ranked[: self.settings.elite]
        self.best = elite[0].chain
        observed = estimated(_transitions(all_episodes, self.start.rows))
        rng = self._rng()
        children = [self._child(elite, observed, rng) for _ in range(self.settings.population - len(elite))]
        self.population = elite + [Individual(child) for child in children]

    def _child(self, elite: Sequence[Individual], observed: Table | None, rng: np.random.Generator) -> Chain:
        settings = self.settings
        first, second = (elite[int(place)].chain for place in rng.integers(len(elite), size=2))
        matrix, temperature = first.matrix, first.temperature
        if rng.random() < settings.crossover:
            matrix = crossed(first.matrix, second.matrix, rng)
            temperature = (first, second)[int(rng.integers(2))].temperature
        if observed is not None:
            matrix = blended(matrix, observed, settings.keep)
        matrix = tuple(redrawn(row, rng) if rng.random() < settings.mutation else row for row in matrix)
        if rng.random() < settings.mutation:
            temperature = _temperature(rng)
        return replace(self.start, matrix=matrix, temperature=temperature)

    def memory(self) -> dict[str, Any]:
        """The state of the search, as JSON data."""
        return {
            "generation": self.generation,
            "best": self.best.parameters(),
            "population": [
                {"chain": each.chain.parameters(), "total": each.total, "talks": each.talks} for each in self.population
            ],
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        self.generation = memory["generation"]
        self.best = Chain.from_parameters(memory["best"])
        self.population = [
            Individual(Chain.from_parameters(each["chain"]), each["total"], each["talks"])
            for each in memory["population"]
        ]


def _temperature(rng: np.random.Generator) -> tuple[float, float]:
    return TEMPERATURES[int(rng.integers(len(TEMPERATURES)))]


def _transitions(episodes: Sequence[Episode], rows: str) -> list[tuple[int, int]]:
    """(row, column) of every message in the better half of the negotiations, those without fitness left out."""
    ranked = sorted(episodes, key=lambda each: -evoemo_fitness(each))
    better = [each for each in ranked[: max(1, len(ranked) // 2)] if evoemo_fitness(each) > 0]
    return [(step.own if rows == "own" else step.heard, step.shown) for each in better for step in each.steps]
