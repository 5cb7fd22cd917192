"""The cost of one step of the tracker: python benchmarks/tracker.py

Prints CPU microseconds a step (the best of several runs) and the ratio to the same filter on bare NumPy arrays. The
budget is 10 microseconds a step beyond detection.
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable

import numpy as np

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.emotions.tracker import Evidence, Tracker
from poise.agents.policies.eq_negotiator import EqNegotiator
from poise.agents.protocols import Brief, Line, View
from poise.common.seeds import Dice
from poise.games.moves import offer
from poise.games.rules import Rules
from poise.games.transcript import Reading

BUDGET = 10.0
LENGTH = 1000


def stream(dice: Dice) -> list[Evidence]:
    """Soft evidence as a detector gives it."""
    found = []
    for _ in range(LENGTH):
        weights = [dice.unit() ** 3 for _ in EMOTIONS7]
        total = sum(weights)
        found.append(Evidence(tuple(weight / total for weight in weights), dice.pick(EMOTIONS7)))
    return found


def with_numpy(tracker: Tracker, evidence: list[Evidence]) -> Callable[[], None]:
    """The same filter, two matrix-vector products a step, its inputs already arrays."""
    transition = np.array(tracker.parameters.transition).T.copy()
    emission = np.array(tracker.parameters.emission).transpose(1, 0, 2).copy()
    inputs = [(np.array(item.seven), EMOTIONS7.index(item.reacted_to or "neutral")) for item in evidence]
    start = np.array(tracker.start())

    def run() -> None:
        belief = start
        for seven, cause in inputs:
            belief = (transition @ belief) * (emission[cause] @ seven)
            belief /= belief.sum()

    return run


def with_tracker(tracker: Tracker, evidence: list[Evidence]) -> Callable[[], None]:
    """The tracker, step by step."""

    def run() -> None:
        belief = tracker.start()
        for item in evidence:
            belief = tracker.step(belief, item.seven, item.reacted_to)

    return run


def after_a_long_talk(evidence: list[Evidence]) -> View:
    """The view of a creditor after as many messages of the debtor as there is evidence."""
    brief = Brief("creditor", 10, "debt", "days", 1, (0, 200), {}, Rules())
    line = Line("debtor", "...", offer(90))
    readings = tuple(Reading(tuple(item.seven), "neutral", (0.25,) * 4) for item in evidence)
    return View(brief, (line,) * 2 * len(evidence), readings, ("neutral",) * len(evidence))


def microseconds(run: Callable[[], object], pieces: int) -> float:
    """CPU microseconds a piece, the best of 15 runs."""
    return min(timeit.repeat(run, number=1, repeat=15, timer=time.process_time)) / pieces * 1e6


def main() -> None:
    """Measure and print."""
    tracker, evidence = Tracker(), stream(Dice(1, "tracker benchmark"))
    own = microseconds(with_tracker(tracker, evidence), LENGTH)
    bare = microseconds(with_numpy(tracker, evidence), LENGTH)
    learning = microseconds(lambda: tracker.learn(evidence[:12]), 1)
    policy, view = EqNegotiator(), after_a_long_talk(evidence[:14])
    choosing = microseconds(lambda: [policy.choose(view, Dice(1)) for _ in range(100)], 100)
    print(f"tracker step          {own:7.2f} us   (budget {BUDGET:.0f} us: {'kept' if own <= BUDGET else 'MISSED'})")
    print(f"bare NumPy step       {bare:7.2f} us")
    print(f"ratio tracker / NumPy {own / bare:7.2f}")
    print(f"a choice of eq-negotiator after 14 messages {choosing:.0f} us")
    print(f"learning from a talk of 12 messages {learning:.0f} us")


if __name__ == "__main__":
    main()
