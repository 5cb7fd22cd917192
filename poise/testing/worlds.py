"""The checks of a world in which emotion is studied: stubbornness must not win, and emotion must matter.

Every check plays the same negotiations, LLM-free, with creditors that differ in one thing: the emotion that they show,
or how they concede. Differences are paired by negotiation; +- is 1.96 standard errors over negotiations.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from poise.agents.agent import Agent
from poise.agents.builtin import simulated_debtor
from poise.agents.concessions import BLIND, TimeDependent, TitForTat, named_concession
from poise.agents.emotions.taxonomy import EMOTIONS7, TO_SEVEN
from poise.agents.protocols import Concession
from poise.agents.registry import find_agent
from poise.agents.simulated import World, load_world
from poise.agents.simulated.manners import human_creditor
from poise.agents.simulated.marginals import HUMAN_SAVINGS, measure_marginals
from poise.common.seeds import child_seed
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Transcript
from poise.graphs import Pairing
from poise.testing.checks import Check

Utilities = npt.NDArray[np.float64]

LINEAR: Final = TimeDependent()
NEVER: Final = TimeDependent(reach=0.0)
AT_ONCE: Final = TimeDependent(beta=1e9)
LAST_MINUTE: Final = named_concession("last-minute")
REASONABLE: Final[Mapping[str, Concession]] = {
    "linear": LINEAR,
    "beta 0.5": TimeDependent(beta=0.5),
    "boulware": TimeDependent(beta=0.25),
    "conceder": TimeDependent(beta=4.0),
    "tit-for-tat": TitForTat(),
}
# One label for each of the seven emotions; the others of a family are read as the same of the seven.
FAMILIES: Final = ("gratitude", "sadness", "annoyance", "nervousness", "surprise", "disgust", "neutral")
INDIFFERENT: Final = ("vanilla", "random", "random:7", "fixed:anger", "lookup", "wsls", "eq-negotiator")
MOST_OF_LEAD: Final = 0.35  # share of the oracle's lead that the best emotion-blind concession may have
LEAST_LEAD: Final = 0.10  # least lead of the oracle over vanilla, at every reasonable concession
HUMAN_DEALS: Final = (0.90, 0.97)
CLOSE_TO_HUMAN: Final = 0.10  # of savings' quantiles


def check_world(
    world: str | os.PathLike[str] = "", *, matches: int = 200, scenarios: str = "builtin:test", seed: int = 20_250_401
) -> list[Check]:
    """Play creditors against the world's debtors and check the assumptions of a study of emotion.

    world:     a world's name, or its file; default the default one, which does not pass.
    matches:   of each creditor, on the scenarios in turn; below 100, chance decides much.
    scenarios: as `--scenarios` takes them.

    Raises AgentError where the file is refused.
    """
    return list(each_world_check(world_trials(world, matches=matches, scenarios=scenarios, seed=seed)))


@dataclass
class WorldTrials:
    """The matches against a world's debtors; those of a creditor are played once."""

    path: str
    scenarios: Sequence[Scenario]
    matches: int
    seed: int
    _played: dict[tuple[str, Concession], Utilities] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = load_world(self.path)

    def play(self, creditor: Agent, world: World | None = None) -> Iterator[Transcript]:
        """The creditor's matches, one after the other, in `world` where it is not the one under check."""
        pairing = Pairing(creditor, simulated_debtor(world or self.world))
        for number in range(self.matches):
            scenario = self.scenarios[number % len(self.scenarios)]
            yield pairing.play(scenario, child_seed(self.seed, "match", scenario.id, number)).transcript

    def utilities(self, name: str, concession: Concession = LINEAR) -> Utilities:
        """The creditor's utilities, by match; `oracle` is that of the world."""
        key = name, concession
        if key not in self._played:
            spec = f"oracle:{self.path}" if name == "oracle" and self.path else name
            creditor = replace(find_agent(spec, "creditor"), make_concession=lambda: concession)
            self._played[key] = np.array([each.outcome.utilities[0] for each in self.play(creditor)])
        return self._played[key]

    def kinds(self) -> npt.NDArray[np.str_]:
        """The disposition of each match's debtor, whoever the creditor is."""
        creditor = find_agent("vanilla", "creditor")
        return np.array([each.messages[1].notes["disposition"] for each in self.play(creditor)])


def world_trials(world: str | os.PathLike[str], *, matches: int, scenarios: str, seed: int) -> WorldTrials:
    """The matches for the checks of a world; none is played yet."""
    return WorldTrials(str(world), load_scenarios(scenarios), matches, seed)


def each_world_check(trials: WorldTrials) -> Iterator[Check]:
    """The checks, the quick ones first."""
    yield _no_emotion_without_pulls(trials)
    for name, concession in (
        ("conceding never", NEVER),
        ("conceding at the last minute", LAST_MINUTE),
        ("conceding at once", AT_ONCE),
    ):
        yield _does_not_pay(trials, name, concession)
    yield _matters_at_every_pace(trials)
    yield _blind_rival(trials)
    yield _no_emotion_for_all(trials)
    yield _settles_like_people(trials)


def _gain(ours: Utilities, theirs: Utilities) -> tuple[float, float]:
    """The mean paired difference, and 1.96 standard errors."""
    gains = ours - theirs
    return float(gains.mean()), float(1.96 * gains.std(ddof=1) / len(gains) ** 0.5)


def _no_emotion_without_pulls(trials: WorldTrials) -> Check:
    """Where no reading moves the debtor, every emotion policy must earn exactly the same."""
    still = tuple(replace(kind, pulls=((0.0,) * len(EMOTIONS7),) * 4) for kind in trials.world.dispositions)
    null = replace(trials.world, dispositions=still)
    earned = {
        name: [each.outcome.utilities for each in trials.play(find_agent(name, "creditor"), null)]
        for name in INDIFFERENT
    }
    differ = sorted({two for one, two in pairwise(INDIFFERENT) if earned[one] != earned[two]})
    detail = f"{', '.join(differ)} earned something else" if differ else f"{len(INDIFFERENT)} policies earned the same"
    return Check("with all pulls at 0, no emotion earns anything", not differ, detail)


def _does_not_pay(trials: WorldTrials, name: str, concession: Concession) -> Check:
    mean, error = _gain(trials.utilities("vanilla", concession), trials.utilities("vanilla"))
    detail = f"{mean:+z.3f} +- {error:.3f} against conceding linearly, without emotion"
    return Check(f"{name} does not pay", mean + error < 0, detail)


def _matters_at_every_pace(trials: WorldTrials) -> Check:
    leads = {
        name: _gain(trials.utilities("oracle", pace), trials.utilities("vanilla", pace))[0]
        for name, pace in REASONABLE.items()
    }
    detail = "the oracle's lead over vanilla: " + ", ".join(f"{name} {lead:+z.3f}" for name, lead in leads.items())
    name = f"emotion is worth more than {LEAST_LEAD:g} at every reasonable concession"
    return Check(name, min(leads.values()) > LEAST_LEAD, detail)


def _blind_rival(trials: WorldTrials) -> Check:
    """The best concession without emotion is chosen on every other match and judged on the rest."""
    vanilla, oracle = trials.utilities("vanilla"), trials.utilities("oracle")
    best = max(map(named_concession, BLIND), key=lambda each: trials.utilities("vanilla", each)[::2].mean())
    gain, lead = (float((rival - vanilla)[1::2].mean()) for rival in (trials.utilities("vanilla", best), oracle))
    share = gain / lead if lead > 0 else np.inf
    detail = f"{best} gains {gain:+z.3f}, the oracle {lead:+z.3f}: {share:.0%} of its lead"
    name = f"the best of {len(BLIND)} concessions without emotion earns at most {MOST_OF_LEAD:.0%} of the oracle's lead"
    return Check(name, lead > 0 and share <= MOST_OF_LEAD, detail)


def _no_emotion_for_all(trials: WorldTrials) -> Check:
    kinds = trials.kinds()
    best = {
        kind.name: max(FAMILIES, key=lambda label: trials.utilities(f"fixed:{label}")[kinds == kind.name].mean())
        for kind in trials.world.dispositions
        if (kinds == kind.name).any()
    }
    detail = "best " + ", ".join(f"{TO_SEVEN[label]} for {kind}" for kind, label in best.items())
    return Check("no fixed emotion is best for every kind of debtor", len(set(best.values())) > 1, detail)


def _settles_like_people(trials: WorldTrials) -> Check:
    """With a humanlike creditor, deals must be about as frequent and as spread as people's (CraigslistBargain)."""
    seen = measure_marginals(trials.play(human_creditor(trials.world)))
    deals = len(seen.savings) / trials.matches
    quantiles = seen.quantiles()
    near = all(abs(ours - theirs) <= CLOSE_TO_HUMAN for ours, theirs in zip(quantiles, HUMAN_SAVINGS, strict=True))
    shown, human = (" / ".join(f"{each:.2f}" for each in row) for row in (quantiles, HUMAN_SAVINGS))
    detail = f"deals {deals:.0%}, the creditor's savings at 10, 50 and 90 %: {shown}; people's: {human}"
    return Check("settles about where people do", near and HUMAN_DEALS[0] <= deals <= HUMAN_DEALS[1], detail)
