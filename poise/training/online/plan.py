"""The settings and the plan of a training by play, checked before anything is played."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.policies import installed_policies
from poise.agents.policies.chains import Chain
from poise.agents.policies.dqn import FEATURES, HIDDEN
from poise.agents.policies.emodebt import PRIOR
from poise.agents.policies.evoemo import INITIAL
from poise.agents.policies.learned.network import initial_network
from poise.agents.policies.learned.series import learner
from poise.agents.registry import each_debtor, find_agent
from poise.common.errors import ConfigError
from poise.common.files import digest_of
from poise.common.words import did_you_mean
from poise.games.rules import Rules
from poise.games.scenarios.loaders import load_scenarios
from poise.training.data.held_out import refuse_evaluation
from poise.training.libraries import choose_device, require_torch
from poise.training.online.bayes import BayesianSearch, BayesSettings
from poise.training.online.deep_q import DeepQSettings, DeepQTrainer
from poise.training.online.deep_q_torch import TorchStepper
from poise.training.online.evolution import Evolution, EvolutionSettings
from poise.training.online.field import Field
from poise.training.online.sequences import SequenceEvolution
from poise.training.online.settings import TrainSettings
from poise.training.online.trainers import ChainTrainer, QTrainer, SeriesTrainer, Trainer

_ITERATIONS: Final = 10  # of Bayesian optimisation, the paper's


@dataclass(frozen=True)
class TrainingPlan:
    """A training, planned.

    rounds: how often the trainer is asked. talks: negotiations of each policy in a round. check: negotiations of each
    of the three policies that are compared at the end. declared: the debtors, as agents declare themselves. device:
    where a network is trained; see `poise.training.libraries`.
    """

    settings: TrainSettings
    against: Field
    rounds: int
    talks: int
    check: int
    declared: list[dict[str, Any]]
    device: str = "auto"

    @property
    def total(self) -> int:
        """All negotiations."""
        return self.rounds * self.talks * self.policies + 3 * self.check

    @property
    def policies(self) -> int:
        """The number of policies in a round."""
        return methods()[self.settings.method].policies(self.settings)

    def identity(self) -> dict[str, Any]:
        """JSON data; two trainings with the same identity give the same artifact."""
        from poise import __version__

        scenarios = [scenario.to_dict() for scenario in self.against.scenarios]
        return {
            "poise": __version__,
            "settings": self.settings.to_dict(),
            "debtors": self.declared,
            "scenarios": digest_of(scenarios),
            "rounds": self.rounds,
            "talks": self.talks,
            "check": self.check,
        }


@dataclass(frozen=True, slots=True)
class OnlineMethod:
    """A way to train a policy by playing; `poise.agents.policies.policy` names one as `trainer="module:NAME"`.

    name:     as `poise train` and TrainSettings.method take it.
    make:     gives the trainer in its initial state.
    talks:    the usual number of negotiations of each policy in a round, given those that the budget has for training.
    policies: how many policies play in each round.
    check:    raises a PoiseError if the settings or the machine do not allow it.
    """

    name: str
    make: Callable[[TrainingPlan], Trainer]
    talks: Callable[[int], int]
    policies: Callable[[TrainSettings], int] = lambda _settings: 1
    check: Callable[[TrainSettings], object] = lambda _settings: None


def methods() -> Mapping[str, OnlineMethod]:
    """All methods of training by play, by name: those that the policies name, and `learn`."""
    found: dict[str, OnlineMethod] = {}
    for policy in installed_policies().values():
        if policy.trainer:
            module, _, name = policy.trainer.partition(":")
            method: OnlineMethod = getattr(import_module(module), name)
            found[method.name] = method
    return {**found, LEARN.name: LEARN}


def plan_training(settings: TrainSettings, device: str = "auto") -> TrainingPlan:
    """Plan a training: load what it needs, and divide the budget.

    Raises:
        BadInput: a debtor or the scenarios are refused, evaluation scenarios among them, or the budget is too small.
    """
    if settings.method not in methods():
        hint = did_you_mean(settings.method, methods())
        raise ConfigError(f"method {settings.method!r} does not exist; {hint}there are {', '.join(methods())}")
    scenarios = load_scenarios(settings.scenarios)
    debtors = each_debtor(settings.debtors)
    declared = [find_agent(name, "debtor").declared() for name in debtors]
    if not settings.allow_test:
        refuse_evaluation(settings.scenarios, scenarios, settings.debtors)
    method = methods()[settings.method]
    method.check(settings)
    check = settings.budget // 20
    left = settings.budget - 3 * check
    talks = settings.talks or method.talks(left)
    least = talks * method.policies(settings)
    rounds = left // least
    if rounds < 1:
        raise ConfigError(
            f"budget {settings.budget}: one round takes {least} negotiations, and 3 in 20 are kept for a final check; "
            f"use --budget {-(-least * 20 // 17) + 3} or more, or fewer --talks"
        )
    against = Field(debtors, tuple(scenarios), Rules())
    return TrainingPlan(settings, against, rounds, talks, check, declared, device)


def start_of(settings: TrainSettings) -> Chain:
    """The chain that a search starts from."""
    return Chain(INITIAL if settings.method == "evolve" else PRIOR, rows=settings.rows)


def trainer_of(plan: TrainingPlan) -> Trainer:
    """The trainer in its initial state."""
    return methods()[plan.settings.method].make(plan)


def _evolution(plan: TrainingPlan) -> Trainer:
    kind = Evolution if plan.settings.mode == "corrected" else SequenceEvolution
    return ChainTrainer("evoemo", kind(start_of(plan.settings), seed=plan.settings.seed))


def _bayesian(plan: TrainingPlan) -> Trainer:
    settings = plan.settings
    search = BayesSettings(mode="faithful" if settings.mode == "faithful" else "corrected")
    return ChainTrainer("emodebt", BayesianSearch(start_of(settings), search, settings.seed))


def _deep_q(plan: TrainingPlan) -> Trainer:
    seed, numbers, device = plan.settings.seed, DeepQSettings(), choose_device(plan.device)

    def begin() -> TorchStepper:
        return TorchStepper(initial_network(FEATURES, HIDDEN, EMOTION_COUNT, seed), numbers.rate, device)

    return DeepQTrainer(plan.rounds, FEATURES, begin, seed, numbers)


EVOLVE: Final = OnlineMethod(
    "evolve",
    _evolution,
    talks=lambda _left: 20,
    policies=lambda settings: EvolutionSettings().population if settings.mode == "corrected" else 1,
)
BAYES: Final = OnlineMethod("bayes", _bayesian, talks=lambda left: max(1, left // (_ITERATIONS + 1)))
TABULAR_Q: Final = OnlineMethod("q", lambda plan: QTrainer(plan.rounds), talks=lambda _left: 50)
DEEP_Q: Final = OnlineMethod("dqn", _deep_q, talks=lambda _left: 20, check=lambda _settings: require_torch())
LEARN: Final = OnlineMethod(
    "learn",
    lambda plan: SeriesTrainer(plan.settings.policy, learner(plan.settings.policy).memory(), plan.settings.learning),
    talks=lambda _left: 50,
    check=lambda settings: learner(settings.policy),
)
