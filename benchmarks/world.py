"""How the simulated debtors compare with the data their world was fitted to: python benchmarks/world.py [WORLD.toml]

Three parts. First, the world's debtors against a creditor that shows emotions as people do: how the debtors' emotions
follow each other and the creditor's, how often each is shown, and where deals settle, each with its distance from the
human data (total variation, 0 to 1), beside the distance between the two corpora themselves where the reference data
lie beside the checkout. Second, what emotion is worth there: creditors on the same matches, with paired differences to
vanilla and the share of the oracle's lead that each gets. `reader` knows the world's numbers but sees only what every
creditor sees: it computes the exact belief from the debtor's words, and follows the oracle's advice for the likeliest
state. Third, the cost per message of a simulated debtor's own parts.
"""

from __future__ import annotations

import json
import sys
import time
import timeit
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from poise.agents.agent import Agent
from poise.agents.concessions import named_concession
from poise.agents.emotions import EMOTIONS7, EMOTIONS28
from poise.agents.emotions.tables import STATES
from poise.agents.policies.oracle import advice, expected_readings
from poise.agents.protocols import Brief, Line, View
from poise.agents.registry import find_agent
from poise.agents.simulated import Mind, SimulatedConcession, SimulatedPolicy, World, load_world
from poise.agents.simulated.manners import human_creditor
from poise.agents.simulated.marginals import (
    HUMAN_SAVINGS,
    LEVELS,
    Marginals,
    measure_marginals,
    row_variation,
    stationary,
    variation,
)
from poise.common.seeds import Dice, child_seed
from poise.games.moves import offer
from poise.games.rules import Rules
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Reading, Transcript
from poise.graphs import Pairing

COUNTS = Path(__file__).parents[2] / "shared" / "data" / "derived" / "emotion_transition_counts.json"
SEEDS = 10
ROOT = 20_250_401


class Reader:
    """The yardstick for reading alone: it knows the world, filters exactly, and follows the oracle's advice."""

    def __init__(self, world: World) -> None:
        self.world = world

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - nothing is left to chance
        votes = np.zeros(len(EMOTIONS28))
        given = self._given(view)
        for (name, state), share in self._belief(view).items():
            votes[advice(self.world, view, Mind("", name, state, self.world.pace.median, given))] += share
        return EMOTIONS28[int(votes.argmax())]

    @staticmethod
    def _given(view: View) -> float:
        ours, theirs = view.offers("creditor"), view.offers("debtor")
        way = abs(theirs[0] - ours[0]) if ours and theirs else 0
        return min(0.9, abs(theirs[0] - theirs[-1]) / way) if way else 0.0

    def _belief(self, view: View) -> dict[tuple[str, int], float]:
        world, read = self.world, expected_readings(view.brief.domain)
        belief = {(one.name, s): one.weight * one.start[s] for one in world.dispositions for s in range(len(STATES))}
        last: int | None = None
        for reading, shown in zip(view.readings, view.shown, strict=False):
            heard = read[EMOTIONS28.index(shown or "neutral")]
            moved = dict.fromkeys(belief, 0.0)
            for (name, state), share in belief.items():
                for new, chance in enumerate(world.moves(name, state, heard)):
                    moved[name, new] += share * chance
            for name, state in moved:
                weights = np.array(world.shown(name, state, last, heard))
                moved[name, state] *= float(weights @ np.array(reading.emotions) / weights.sum())
            belief, last = moved, reading.emotions.index(max(reading.emotions))
        return belief


def played(creditor: Agent, debtor: Agent, seeds: int) -> Iterator[Transcript]:
    pairing = Pairing(creditor, debtor)
    for case in load_scenarios("builtin:train"):
        for repeat in range(seeds):
            yield pairing.play(case, child_seed(ROOT, "match", case.id, repeat)).transcript


def corpora() -> Mapping[str, tuple[Any, Any]]:
    """(own, reply) of each corpus, as probabilities in the order of EMOTIONS7; empty where the data are absent."""
    if not COUNTS.exists():
        return {}
    data = json.loads(COUNTS.read_text(encoding="utf-8"))
    order = [data["states"].index(each) for each in EMOTIONS7]
    found = {}
    for name in ("MELD", "DailyDialog_RECCON"):
        pair = (np.array(data[name][kind], float)[np.ix_(order, order)] + 0.5 for kind in ("same", "reply"))
        found[name] = tuple(each / each.sum(axis=1, keepdims=True) for each in pair)
    return found


def compare(world: World, seen: Marginals) -> None:
    two = list(corpora().values())
    own, reply = np.array(world.dynamics.own), np.array(world.dynamics.reply)
    rows = [
        ("own next, rows", row_variation(seen.own, own), [row_variation(two[0][0], two[1][0])] if two else []),
        ("reply, rows", row_variation(seen.reply, reply), [row_variation(two[0][1], two[1][1])] if two else []),
    ]
    far = [variation(*(stationary(each[0]) for each in two))] if two else []
    rows.append(("shown, overall", variation(seen.shown, stationary(own)), far))
    print(f"world {world.name} ({world.digest}), {seen.talks} negotiations with a humanlike creditor\n")
    print(f"{'total variation':24s}{'simulated to human':>20s}{'MELD to DailyDialog':>22s}")
    for name, distance, scale in rows:
        print(f"{name:24s}{distance:20.3f}{scale[0] if scale else float('nan'):22.3f}")
    print(f"\n{'shown, overall':24s}" + "".join(f"{each:>10s}" for each in EMOTIONS7))
    print(f"{'  simulated':24s}" + "".join(f"{each:10.3f}" for each in seen.shown / seen.shown.sum()))
    print(f"{'  human':24s}" + "".join(f"{each:10.3f}" for each in stationary(own)))
    for name, counts, reference in (("own next", seen.own, own), ("reply", seen.reply, reply)):
        print(f"\n{name}: simulated / human, rows are the emotion before")
        for place, emotion in enumerate(EMOTIONS7):
            row = counts[place] / max(1.0, counts[place].sum())
            cells = "".join(f"  {one:.2f}/{two:.2f}" for one, two in zip(row, reference[place], strict=True))
            print(f"  {emotion:9s}{cells}   n = {int(counts[place].sum())}")
    print(f"\ncreditor's savings over deals ({len(seen.savings) / seen.talks:.0%} of negotiations)")
    for level, ours, theirs in zip(LEVELS, seen.quantiles(), HUMAN_SAVINGS, strict=True):
        print(
            f"  {level:3.0%} quantile   simulated {ours:.2f}   human {theirs:.2f}   distance {abs(ours - theirs):.2f}"
        )


def worth(world: World, debtor: Agent, oracle: str, seeds: int) -> None:
    reader = Agent("reader", "creditor", lambda: Reader(world), lambda: named_concession("linear"))
    names = [
        "vanilla",
        oracle,
        "reader",
        "eq-negotiator",
        "random",
        "random:7",
        *(f"fixed:{each}" for each in EMOTIONS28),
    ]
    print(
        f"\n{'creditor':22s}{'utility':>8s}{'deals':>8s}{'minus vanilla (95 %)':>24s}{'of the lead':>13s}   each kind"
    )
    base = top = np.zeros(0)
    for name in names:
        talks = list(played(reader if name == "reader" else find_agent(name, "creditor"), debtor, seeds))
        got = np.array([talk.outcome.utilities[0] for talk in talks])
        kinds = [
            next((each.notes["disposition"] for each in talk.messages if each.seat == "debtor"), "") for talk in talks
        ]
        base = got if name == "vanilla" else base
        top = got if name == oracle else top
        gain = got - base
        error = 1.96 * gain.std() / len(gain) ** 0.5
        share = gain.mean() / (top - base).mean() if len(top) else 0.0
        deals = np.mean([talk.outcome.ending == "deal" for talk in talks])
        parts = " ".join(f"{got[[kind == one.name for kind in kinds]].mean():.2f}" for one in world.dispositions)
        print(f"{name:22s}{got.mean():8.3f}{deals:8.1%}{gain.mean():+15.3f} ± {error:.3f}{share:13.0%}   {parts}")
    print("kinds: " + ", ".join(one.name for one in world.dispositions))


def cost(world: World) -> None:
    brief = Brief("debtor", 112, "debt", "days", 1, (0, 365), {}, Rules())
    lines = tuple(Line("debtor" if place % 2 else "creditor", "", offer(12 + 9 * place)) for place in range(9))
    reading = Reading((0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4), "neutral", (0.25,) * 4)
    policy, concession = SimulatedPolicy(world), SimulatedConcession(world)
    view = View(
        brief, lines, (reading,) * 5, ("neutral",) * 4, 0.0, policy.note(View(brief, lines[:1], (reading,)), Dice(1))
    )

    def message() -> None:
        policy.note(view, Dice(1, "note"))
        policy.choose(view, Dice(1, "feel"))
        concession.decide(view, Dice(1, "decide"))

    best = min(timeit.repeat(message, number=1000, repeat=9, timer=time.process_time)) * 1000
    print(f"\na message of a simulated debtor, its own parts: {best:.1f} microseconds of CPU (budget 30)")


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else ""
    world = load_world(path)
    debtor = find_agent(f"simulated:{path}" if path else "simulated", "debtor")
    compare(world, measure_marginals(played(human_creditor(world), debtor, SEEDS)))
    worth(world, debtor, f"oracle:{path}" if path else "oracle", SEEDS)
    cost(world)


if __name__ == "__main__":
    main()
