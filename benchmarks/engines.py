"""The cost of the engines: python benchmarks/engines.py

Prints CPU microseconds for one choice of each policy after 12 messages (the best of several runs; the budget is 50 for
those that decide by tables), CPU seconds for a match of OpenSpiel's players, and CPU milliseconds for a negotiation in
training, as a ratio to one that `vanilla` plays outside of it.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
import timeit
from pathlib import Path

from poise.agents.policies import policies
from poise.agents.protocols import Brief, Line, View
from poise.agents.registry import find_agent
from poise.common.seeds import Dice
from poise.games.moves import offer
from poise.games.rules import Rules
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Reading
from poise.graphs import Pairing
from poise.training.online.settings import TrainSettings
from poise.training.online.train import train

BUDGET = 50.0
TABLES = ("eq-negotiator", "eq-negotiator-v1", "wsls", "evoemo", "emodebt", "q-learning", "emomas")
TALKS = 800


def after(messages: int) -> View:
    """The view of a creditor after so many messages of each side."""
    dice, lines, readings, shown = Dice(1, "engines"), [], [], []
    for turn in range(messages):
        lines += [Line("creditor", "...", offer(20 + turn)), Line("debtor", "...", offer(110 - turn))]
        weights = [dice.unit() ** 3 for _ in range(7)]
        readings.append(Reading(tuple(weight / sum(weights) for weight in weights), "neutral", (0.25,) * 4))
        shown.append("joy" if turn % 2 else "neutral")
    brief = Brief("creditor", 10, "debt", "days", 1, (0, 365), {}, Rules())
    return View(brief, tuple(lines), tuple(readings), tuple(shown))


def choosing(name: str, view: View) -> float:
    """CPU microseconds a choice."""
    policy, dice = policies()[name].make(""), Dice(2)
    run = timeit.repeat(
        lambda: [policy.choose(view, dice) for _ in range(200)], number=1, repeat=9, timer=time.process_time
    )
    return min(run) / 200 * 1e6


def playing(name: str, matches: int = 12) -> float:
    """CPU seconds a match against the plain debtor, the first one (which may have to solve a game) left out."""
    pairing = Pairing(find_agent(name, "creditor"), find_agent("vanilla", "debtor"))
    cases = load_scenarios("builtin:train")
    pairing.play(cases[0], 0)
    began = time.process_time()
    for number in range(matches):
        pairing.play(cases[number % len(cases)], number)
    return (time.process_time() - began) / matches


def training(method: str) -> float:
    """CPU milliseconds a negotiation, everything included, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        train(TrainSettings(method, ("vanilla",), budget=TALKS, talks=10), Path(folder), workers=1)
        return (time.process_time() - began) / TALKS * 1e3


def main() -> None:
    """Measure and print."""
    view = after(12)
    for name in (*TABLES, "dqn"):
        found = choosing(name, view)
        told = f"   (budget {BUDGET:.0f} us: {'kept' if found <= BUDGET else 'MISSED'})" if name in TABLES else ""
        print(f"a choice of {name:18} {found:7.1f} us{told}")
    plain = playing("vanilla", 200)
    for name in ("best-response", "mcts", "cfr"):
        print(f"a match of {name:19} {playing(name):7.3f} s")
    methods = ["evolve", "bayes", "q", *(["dqn"] if importlib.util.find_spec("torch") else [])]
    for method in methods:
        found = training(method)
        print(
            f"training by {method:18} {found:7.2f} ms a negotiation, {found / plain / 1e3:.2f} times a match of vanilla"
        )


if __name__ == "__main__":
    main()
