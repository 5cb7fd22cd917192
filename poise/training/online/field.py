"""The debtors and scenarios that a policy is trained on, and the play against them, here or in worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Protocol

from poise.agents.agent import Agent, default_concession
from poise.agents.policies import trained_policy
from poise.agents.policies.eq_negotiator import INDEX, NEUTRAL, likeliest
from poise.agents.protocols import Learner, Policy
from poise.agents.registry import find_agent, is_registered
from poise.common.errors import PoiseError
from poise.common.processes import begin_worker, worker_context
from poise.common.seeds import Dice, child_seed
from poise.games.openspiel.variants import is_registered_game
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Transcript
from poise.graphs import Pairing, PlaySettings
from poise.training.online.episodes import Episode, EpisodeStep
from poise.training.online.trainers import PlayedEpisode, Trial


@dataclass(frozen=True, slots=True)
class FieldMatch:
    """One negotiation to play. debtor, scenario: their indices in the field."""

    debtor: int
    scenario: int
    seed: int


@dataclass(frozen=True)
class Field:
    """The debtors (names as for --debtor) and scenarios that a policy is trained on."""

    debtors: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    rules: Rules = Rules()

    def matches(self, seed: int, purpose: str, first: int, count: int) -> list[FieldMatch]:
        """`count` matches from number `first` on, of an endless list.

        The debtors take turns; each plays all scenarios, in its own order, before any of them again.
        """
        matches = []
        for number in range(first, first + count):
            turn, debtor = divmod(number, len(self.debtors))
            epoch, index = divmod(turn, len(self.scenarios))
            order = self._order(seed, purpose, debtor, epoch)
            matches.append(FieldMatch(debtor, order[index], child_seed(seed, purpose, number)))
        return matches

    def _order(self, *path: int | str) -> list[int]:
        key = repr(path)
        if key not in self._orders:
            seed, *rest = path
            dice = Dice(child_seed(int(seed), "order", *rest))
            draws = sorted((dice.unit(), scenario) for scenario in range(len(self.scenarios)))
            self._orders[key] = [scenario for _, scenario in draws]
        return self._orders[key]

    _orders: dict[str, list[int]] = field(default_factory=dict, init=False, repr=False, compare=False)


class Stage:
    """Plays trials against the field; each process has its own."""

    def __init__(self, against: Field) -> None:
        self._field = against
        self._debtors = [find_agent(name, "debtor") for name in against.debtors]
        self._settings = PlaySettings(rules=against.rules)

    def play(self, trial: Trial, matches: Sequence[FieldMatch]) -> PlayedEpisode:
        """Play `matches` in order.

        Raises:
            PoiseError: a negotiation failed; nothing is learned from it.
        """
        policy = trained_policy(trial.engine, trial.parameters, trial.arrays)
        creditor = _creditor(policy)
        pairings: dict[int, Pairing] = {}
        episodes = []
        for match in matches:
            if match.debtor not in pairings:
                pairings[match.debtor] = Pairing(creditor, self._debtors[match.debtor], self._settings)
            scenario = self._field.scenarios[match.scenario]
            episodes.append(episode(pairings[match.debtor].play(scenario, match.seed).transcript))
        return PlayedEpisode(episodes, policy.memory() if isinstance(policy, Learner) else None)


def _creditor(policy: Policy) -> Agent:
    """An agent that shares `policy`, which keeps what it learns from one debtor for the next."""
    from poise.agents.concessions import named_concession

    kind = default_concession("creditor")
    return Agent("in training", "creditor", make_policy=lambda: policy, make_concession=lambda: named_concession(kind))


def episode(transcript: Transcript) -> Episode:
    """A transcript as training sees it.

    Raises:
        PoiseError: the negotiation failed.
    """
    outcome = transcript.outcome
    if outcome.ending == "failed":
        debtor = transcript.debtor["name"]
        raise PoiseError(f"a negotiation with {debtor!r} on {transcript.scenario.id!r} failed: {outcome.reason}")
    own, heard, steps = NEUTRAL, NEUTRAL, []
    for message in transcript.messages:
        if message.seat == "creditor":
            heard = likeliest(message.reading.emotions) if message.reading else heard
            shown = INDEX[message.emotion]
            steps.append(EpisodeStep(own, heard, shown))
            own = shown
    target = transcript.scenario.creditor_target
    ended = outcome.ending == "deal", len(transcript.messages), outcome.value
    return Episode(outcome.utilities[0], *ended, target, tuple(steps))


class FieldPlayer(Protocol):
    """Plays the trials of a round."""

    def __call__(self, trials: Sequence[Trial], matches: Sequence[FieldMatch], *, learns: bool) -> list[PlayedEpisode]:
        """Play each trial on all matches; with `learns`, one policy plays the matches of a trial in order."""
        ...


@contextmanager
def players(against: Field, workers: int) -> Iterator[FieldPlayer]:
    """A player in this process, or one that spreads the matches over `workers` processes; the results are equal."""
    if workers <= 1:
        stage = Stage(against)
        yield lambda trials, matches, learns: [stage.play(trial, matches) for trial in trials]  # noqa: ARG005
        return
    registered = any(is_registered(name, "debtor") for name in against.debtors)
    context = worker_context(against, registered=registered or is_registered_game(against.rules.game))
    pool = ProcessPoolExecutor(workers, context, initializer=_begin_stage, initargs=(against,))
    try:
        yield _Crew(pool, workers)
    except BrokenProcessPool:
        raise PoiseError(
            "a worker process died (out of memory, or killed); repeat the command to resume, "
            "perhaps with fewer --workers"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Crew:
    def __init__(self, pool: ProcessPoolExecutor, workers: int) -> None:
        self._pool = pool
        self._workers = workers

    def __call__(self, trials: Sequence[Trial], matches: Sequence[FieldMatch], *, learns: bool) -> list[PlayedEpisode]:
        parts = 1 if learns else max(1, -(-2 * self._workers // len(trials)))
        size = max(1, -(-len(matches) // parts))
        pieces = [matches[start : start + size] for start in range(0, len(matches), size)]
        jobs = [[self._pool.submit(_play_on_stage, trial, piece) for piece in pieces] for trial in trials]
        played = [[job.result() for job in of_trial] for of_trial in jobs]
        return [
            replace(parts[0], episodes=list(chain.from_iterable(part.episodes for part in parts))) for parts in played
        ]


_stage: Stage | None = None  # of a worker process


def _begin_stage(against: Field) -> None:
    global _stage  # noqa: PLW0603 - a process pool's initializer can store only globals
    begin_worker()
    _stage = Stage(against)


def _play_on_stage(trial: Trial, matches: Sequence[FieldMatch]) -> PlayedEpisode:
    assert _stage is not None  # noqa: S101 - for the type checker: the initializer ran
    return _stage.play(trial, matches)
