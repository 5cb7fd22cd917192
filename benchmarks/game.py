"""The cost of the referee beside the OpenSpiel game alone: python benchmarks/game.py

Both play the same negotiations of 31 messages to the end. Prints CPU figures, the best of several runs in turn, and
their ratio. The budget is 15 microseconds a judged message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, islice

from poise.games.moves import Move, offer
from poise.games.openspiel.variants import load_variant
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.scenario import Scenario

BUDGET = 15.0
CASE = Scenario("benchmark", "debt", 12, 112)
TALKS = [offer(12 + index if index % 2 == 0 else 300 - index) for index in range(31)]
REPEATS = 100


def bare() -> None:
    """The game alone, by action numbers."""
    game = load_variant(CASE, Rules())
    actions = [game.terms.action(move) for move in TALKS]
    for _ in range(REPEATS):
        state = game.new_initial_state()
        for action in actions:
            state.apply_action(action)
            if state.is_terminal():
                state.returns()


def refereed() -> None:
    """The referee, with the history growing as it does in a negotiation."""
    for _ in range(REPEATS):
        referee = Referee(CASE, Rules())
        history: tuple[Move, ...] = ()
        for move in TALKS:
            referee.judge(history, move)
            history = (*history, move)


def replayed() -> None:
    """A fresh referee that is asked about the last message only, as after a resume."""
    for _ in range(REPEATS):
        Referee(CASE, Rules()).judge(TALKS[:-1], TALKS[-1])


def fresh_games(cases: Iterator[Scenario]) -> None:
    """One referee for each of many scenarios never seen before."""
    for case in islice(cases, REPEATS):
        Referee(case, Rules())


def microseconds(pieces: dict[Callable[[], None], int], runs: int = 15) -> dict[Callable[[], None], float]:
    """CPU microseconds a piece for each function, the best of `runs` turns in which each runs once."""
    best = dict.fromkeys(pieces, float("inf"))
    for _ in range(runs):
        for run, number in pieces.items():
            start = time.process_time()
            run()
            best[run] = min(best[run], (time.process_time() - start) / number * 1e6)
    return best


def main() -> None:
    """Measure and print."""
    messages = REPEATS * len(TALKS)
    cases = (Scenario("fresh", "debt", 12, target) for target in count(1000))
    fresh = partial(fresh_games, cases)
    found = microseconds({bare: messages, refereed: messages, replayed: messages, fresh: REPEATS})
    print(f"bare game      {found[bare]:6.2f} us a move     {1e6 / found[bare]:9,.0f} moves/s")
    print(f"referee        {found[refereed]:6.2f} us a message  {1e6 / found[refereed]:9,.0f} messages/s")
    print(f"  ratio to the bare game {found[refereed] / found[bare]:.2f}; budget {BUDGET:.0f} us")
    print(f"replay         {found[replayed]:6.2f} us a message of the history, when it was not seen before")
    print(f"a new scenario {found[fresh]:6.1f} us for the scenario, its game and its referee")


if __name__ == "__main__":
    main()
