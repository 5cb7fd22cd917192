"""One ask-and-tell interface for all methods of training by play.

    evolve   EvoEmo's genetic algorithm                 `Evolution`, or `SequenceEvolution` in the faithful mode
    bayes    EmoDebt's Bayesian optimisation            `BayesianSearch`
    q        tabular Q-learning                         one table, with less and less exploration
    learn    any learner that plays a series            its memory

A trainer is driven in rounds: `ask`, play, `tell`. Its `memory` is JSON data that a checkpoint keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from poise.training.online.bayes import BayesianSearch
from poise.training.online.episodes import Episode
from poise.training.online.evolution import Evolution
from poise.training.online.sequences import SequenceEvolution


@dataclass(frozen=True)
class Trial:
    """A policy to play, as `poise.agents.policies.trained_policy` makes it."""

    engine: str
    parameters: Mapping[str, Any]
    arrays: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlayedEpisode:
    """The results of a trial: its negotiations in order, and the learner's memory after them (None for others)."""

    episodes: Sequence[Episode]
    memory: Mapping[str, Any] | None = None


class Trainer(Protocol):
    """Gives the policies to play, and takes their results."""

    @property
    def learns(self) -> bool:
        """Whether one policy must play the negotiations of a trial in order."""
        ...

    def ask(self) -> list[Trial]:
        """The policies of the next round; all play the same matches."""
        ...

    def tell(self, played: Sequence[PlayedEpisode]) -> None:
        """Record their results, in the order of `ask`."""
        ...

    def best(self) -> Trial:
        """The trained policy so far."""
        ...

    def memory(self) -> dict[str, Any]:
        """Its state, as JSON data."""
        ...

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        ...


@dataclass
class ChainTrainer:
    """Evolution or Bayesian optimisation of emotion chains; `engine` is evoemo or emodebt."""

    engine: str
    search: Evolution | SequenceEvolution | BayesianSearch

    @property
    def learns(self) -> bool:
        """A chain remembers nothing from one negotiation to the next."""
        return False

    def ask(self) -> list[Trial]:
        """The chains to play."""
        return [Trial(self.engine, chain.parameters()) for chain in self.search.ask()]

    def tell(self, played: Sequence[PlayedEpisode]) -> None:
        """Record their results."""
        self.search.tell([each.episodes for each in played])

    def best(self) -> Trial:
        """The best chain so far."""
        return Trial(self.engine, self.search.best.parameters())

    def memory(self) -> dict[str, Any]:
        """The state of the search."""
        return self.search.memory()

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        self.search.restore(memory)


@dataclass
class QTrainer:
    """Q-learning in rounds; exploration falls evenly from 1 to `least` over the first four fifths of them."""

    rounds: int
    least: float = 0.05
    done: int = 0
    table: Mapping[str, Any] = field(default_factory=lambda: {"talks": 0, "table": {}})

    @property
    def learns(self) -> bool:
        """One table learns from each negotiation in order."""
        return True

    @property
    def epsilon(self) -> float:
        """The probability of a random emotion in the next round."""
        return max(self.least, 1.0 - (1.0 - self.least) * self.done / (0.8 * self.rounds))

    def ask(self) -> list[Trial]:
        """The table, to continue with."""
        return [Trial("q-learning", {**self.table, "epsilon": self.epsilon})]

    def tell(self, played: Sequence[PlayedEpisode]) -> None:
        """Keep the table that came back."""
        self.table = played[0].memory or self.table
        self.done += 1

    def best(self) -> Trial:
        """The current table, for greedy play."""
        return Trial("q-learning", dict(self.table))

    def memory(self) -> dict[str, Any]:
        """The table and the number of rounds done."""
        return {"done": self.done, "table": dict(self.table)}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        self.done, self.table = memory["done"], memory["table"]


@dataclass
class SeriesTrainer:
    """Any policy that learns from one negotiation of a series to the next, by playing such a series.

    policy:   its name. learning: whether the artifact still learns when it plays.
    remembered: its current memory; at first that of a fresh learner.
    """

    policy: str
    remembered: Mapping[str, Any]
    learning: bool = False

    @property
    def learns(self) -> bool:
        """One policy learns from each negotiation in order."""
        return True

    def ask(self) -> list[Trial]:
        """The learner, to continue with."""
        return [Trial("memory", {"policy": self.policy, "memory": self.remembered, "learning": True})]

    def tell(self, played: Sequence[PlayedEpisode]) -> None:
        """Keep its memory."""
        self.remembered = played[0].memory or self.remembered

    def best(self) -> Trial:
        """The learner with its memory."""
        return Trial("memory", {"policy": self.policy, "memory": self.remembered, "learning": self.learning})

    def memory(self) -> dict[str, Any]:
        """Its memory."""
        return {"memory": self.remembered}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        self.remembered = memory["memory"]
