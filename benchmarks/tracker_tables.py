"""Fit the tracker's tables to simulated debtors, and evaluate them: `python benchmarks/tracker_tables.py`.

The state of a simulated debtor is known at each of its messages. From negotiations on the training scenarios, in the
two worlds that ship and, at 1.5 times the weight, in 30 worlds drawn from the prior:

    T             counts of consecutive states, 0.7 of it; 0.3 is the published T, so that the belief is not too sure
    first belief  such that one step of T gives the states of first messages (non-negative least squares; 0.02 at least)
    R, mix        expectation-maximisation of B[s, c, d] = mix E[c, d] + (1 - mix) R[s, d], E the published MIRROR

The first table is over other negotiations: on the test scenarios with other seeds, and in worlds that were not used for
fitting. Brier and ECE are those of `poise.tournaments.process.calibration`; base is the Brier score of a forecast that
knows only how often each state occurs. The last table is about learning: EQ-Negotiator without learning plays the same
20 scenarios 12 times, and a tracker that learns after each negotiation is compared with one that does not, by quarter.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from poise.agents.emotions.parameters import FITTED, PUBLISHED, Parameters
from poise.agents.emotions.tables import MIRROR, STATES, TRANSITION
from poise.agents.emotions.taxonomy import EMOTIONS7, TO_SEVEN
from poise.agents.emotions.tracker import Evidence, Tracker
from poise.agents.registry import find_agent
from poise.agents.simulated.prior import read_prior, sample_worlds
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.graphs import Pairing
from poise.tournaments.process.calibration import Scores, expected_error, reliability, scores

SHIPPED = ("simulated", "simulated:responsive")
CREDITORS = (
    *("vanilla", "eq-negotiator", "random", "q-learning", "emomas", "wsls", "lookup", "eq-negotiator-v1"),
    *("fixed:joy", "fixed:anger"),
)
SOME = ("vanilla", "eq-negotiator:no-learning", "random", "emomas")
ROUNDS = 12
LEAST = 0.02

Talk = list[tuple[Evidence, int]]
"""What was read in each of the debtor's messages, and the state that it was in (an index of STATES)."""


def played(creditor: str, debtor: str, scenarios: list[Scenario], count: int, seed: int) -> list[Talk]:
    """`count` negotiations in a row, in which a learner learns."""
    pairing = Pairing(find_agent(creditor, "creditor"), find_agent(debtor, "debtor"))
    talks = []
    for number in range(count):
        messages = pairing.play(scenarios[number % len(scenarios)], seed * 100_000 + number).transcript.messages
        talk: Talk = []
        shown: str | None = None
        for said, answer in pairwise(messages):
            if said.seat == "creditor":
                shown = said.emotion
            elif answer.reading is not None and said.notes.get("state") in STATES:
                evidence = Evidence(answer.reading.emotions, shown, answer.emotion, replied=True)
                talk.append((evidence, STATES.index(said.notes["state"])))
        talks.append(talk)
    return talks


def fitted(sets: list[tuple[list[Talk], float]]) -> Parameters:
    """The tables that fit weighted negotiations; see the module's head."""
    moves, first, read = np.full((4, 4), 2.0), np.ones(4), np.zeros((4, 7, 7))
    for talks, weight in sets:
        for talk in talks:
            states = [state for _, state in talk]
            for evidence, state in talk:
                cause = EMOTIONS7.index(TO_SEVEN[evidence.reacted_to or "neutral"])
                read[state, cause] += weight * np.array(evidence.seven)
            for before, after in pairwise(states):
                moves[before, after] += weight
            if states:
                first[states[0]] += weight
    transition = 0.7 * moves / moves.sum(axis=1, keepdims=True) + 0.3 * np.array(TRANSITION)
    start, _ = nnls(np.vstack([transition.T, np.full((1, 4), 1e3)]), np.append(first / first.sum(), 1e3))
    start = np.maximum(start, LEAST)
    mirror, mix, character = np.array(MIRROR), 0.3, _rows(read.sum(axis=1) + 2.0)
    for _ in range(300):
        mirrored = mix * mirror / (mix * mirror + (1 - mix) * character[:, None, :])
        mix = float((read * mirrored).sum() / read.sum())
        character = _rows((read * (1 - mirrored)).sum(axis=1) + 2.0)
    return Parameters(
        tuple(start / start.sum()), tuple(map(tuple, _rows(transition))), MIRROR, tuple(map(tuple, character)), mix
    )


def _rows(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def believed(parameters: Parameters, talks: list[Talk]) -> Scores:
    """How good the beliefs of a tracker that does not learn are."""
    tracker = Tracker(parameters=parameters)
    given = [belief for talk in talks for belief in tracker.filter(evidence for evidence, _ in talk)]
    return scores(given, [state for talk in talks for _, state in talk])


def row(where: str, creditor: str, talks: list[Talk], new: Parameters) -> str:
    """A line of the table."""
    cells = []
    for parameters in (PUBLISHED, FITTED, new):
        one = believed(parameters, talks)
        cells.append(f"{one.brier.mean():.3f} ({expected_error(reliability(one)):.2f})")
    shares = np.bincount([state for talk in talks for _, state in talk], minlength=4) / len(one.truth)
    return f"| {where} | {creditor} | {1 - (shares**2).sum():.3f} | {' | '.join(cells)} |"


def learning(prior: Parameters, talks: list[Talk], *, learns: bool) -> list[float]:
    """The Brier score by quarter of a series."""
    tracker = Tracker(parameters=prior)
    found: list[NDArray[np.float64]] = []
    for talk in talks:
        evidence = [each for each, _ in talk]
        found.append(scores(tracker.filter(evidence), [state for _, state in talk]).brier)
        if learns:
            tracker.learn(evidence)
    quarter = len(found) // 4
    parts = [found[place : place + quarter] for place in range(0, 4 * quarter, quarter)]
    return [float(np.concatenate(part).mean()) for part in parts]


def main() -> None:
    train, test = load_scenarios("builtin:train"), load_scenarios("builtin:test")
    with TemporaryDirectory() as folder:
        paths = sample_worlds(Path(folder), read_prior(), worlds=60, seed=3)
        drawn = {
            name: [f"simulated:{path}" for path in paths if path.parent.name == name] for name in ("train", "test")
        }
        sets = [(played(creditor, debtor, train, 50, 1), 1.0) for debtor in SHIPPED for creditor in CREDITORS]
        sets += [(played(creditor, world, train, 6, 3), 1.5) for world in drawn["train"] for creditor in SOME]
        new = fitted(sets)
        print(new)
        print("| world | creditor | base | published: Brier (ECE) | shipped | fitted just now |")
        print("|---|---|---|---|---|---|")
        for debtor in SHIPPED:
            for creditor in CREDITORS:
                print(row(debtor, creditor, played(creditor, debtor, test, 60, 7), new), flush=True)
        for creditor in SOME:
            talks = [talk for world in drawn["test"] for talk in played(creditor, world, train, 6, 3)]
            print(row(f"{len(drawn['test'])} drawn", creditor, talks, new), flush=True)
    print("\n| world | tables | learns | Brier by quarter |\n|---|---|---|---|")
    for debtor in SHIPPED:
        talks = played("eq-negotiator:no-learning", debtor, test, ROUNDS * len(test), 10)
        for name, prior in (("published", PUBLISHED), ("shipped", FITTED)):
            for learns in (False, True):
                quarters = ", ".join(f"{each:.3f}" for each in learning(prior, talks, learns=learns))
                print(f"| {debtor} | {name} | {'yes' if learns else 'no'} | {quarters} |")


if __name__ == "__main__":
    main()
