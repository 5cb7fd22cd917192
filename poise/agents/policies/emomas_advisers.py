"""EmoMAS's three advisers: each gives a distribution over the seven emotions for one situation.

Symbols as in `poise.agents.policies.emomas`; tables in `poise.agents.emotions.tables`.

    game theory   pi'[e] = pi[d, e], times 1.3 for what win-stay, lose-shift would do; the greatest pi' with probability
                  0.9, and 0.1 spread evenly
    reinforcement softmax(Q(s, e) / 0.1), s = (c, d, phase, gap); Q by tabular Q-learning with alpha 0.1, gamma 0.9
    coherence     score[e] = 0.4 plausibility + 0.3 appropriateness + 0.3 strategic value; the greatest score with
                  probability 0.8, and softmax(score) with 0.2

By rules, plausibility is A[c, e] over the greatest of its row, with A the published table of own emotions (MANNER);
appropriateness is FITTING by phase; strategic value is pi[d, e] / 4. A model can give the three instead, see
`poise.agents.policies.emomas_model`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import mul
from typing import Final, Protocol

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.emotions.tables import MANNER, PAYOFF, Row, Table
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies.eq_negotiator import JOY
from poise.agents.policies.game_theory import best_reply, win_stay_lose_shift
from poise.agents.policies.learned.q_table import QTable
from poise.agents.policies.situations import PHASES, Situation

FAVOUR: Final = 1.3
ASPIRATION: Final = 2.0
EXPLORATION: Final = 0.1
Q_TEMPERATURE: Final = 0.1
COHERENCE: Final = (0.4, 0.3, 0.3)
ARGMAX_SHARE: Final = 0.8
Q_STATES: Final = EMOTION_COUNT * EMOTION_COUNT * PHASES * 2

_ALL: Final = range(EMOTION_COUNT)
# How well an emotion fits a phase (early, middle, late). Ours: rapport first, then interest and concern, then calm.
FITTING: Final[Table] = (
    (1.0, 0.3, 0.0, 0.2, 0.7, 0.0, 1.0),
    (0.7, 0.7, 0.1, 0.3, 1.0, 0.0, 1.0),
    (0.8, 0.5, 0.2, 0.3, 0.4, 0.0, 1.0),
)

Scores = Callable[[Situation], Sequence[Row]]
"""For each of the seven emotions its plausibility, appropriateness and strategic value, each in [0, 1]."""


class Adviser(Protocol):
    """One of the three."""

    def advise(self, situation: Situation) -> Sequence[float]:
        """A distribution over the seven emotions (EMOTIONS7)."""
        ...


def adviser_softmax(values: Sequence[float], temperature: float) -> list[float]:
    """exp(value / temperature), divided by their sum; temperature > 0."""
    top = max(values)
    weights = [math.exp((value - top) / temperature) for value in values]
    total = sum(weights)
    return [weight / total for weight in weights]


def _mostly(best: int, share: float, rest: Sequence[float]) -> tuple[float, ...]:
    """`share` on `best`, the remainder spread as `rest` (which sums to 1)."""
    return tuple((1.0 - share) * value + (share if place == best else 0.0) for place, value in enumerate(rest))


class GameTheory:
    """Best reply by the payoff table, with a favour for what win-stay, lose-shift would do."""

    def __init__(self) -> None:
        even = [1.0 / EMOTION_COUNT] * EMOTION_COUNT
        self._table = tuple(
            tuple(_mostly(_game_choice(own, heard), 1.0 - EXPLORATION, even) for heard in _ALL) for own in _ALL
        )
        self._opening = _mostly(_favoured(PAYOFF[EMOTIONS7.index("neutral")], JOY), 1.0 - EXPLORATION, even)

    def advise(self, situation: Situation) -> Sequence[float]:
        """Its distribution; it opens with joy, as a win-stay, lose-shift player does."""
        return self._opening if situation.message == 1 else self._table[situation.own][situation.heard]


def _game_choice(own: int, heard: int) -> int:
    other = best_reply(PAYOFF[heard], [e for e in _ALL if e != own])
    return _favoured(PAYOFF[heard], win_stay_lose_shift(own, PAYOFF[heard][own], ASPIRATION, other))


def _favoured(payoffs: Sequence[float], favourite: int) -> int:
    return best_reply([value * (FAVOUR if e == favourite else 1.0) for e, value in enumerate(payoffs)], _ALL)


class Reinforcement:
    """Tabular Q-learning over (own emotion, heard emotion, phase, gap)."""

    def __init__(self) -> None:
        self.table = QTable(EMOTION_COUNT, alpha=0.1, gamma=0.9)

    def advise(self, situation: Situation) -> Sequence[float]:
        """Its distribution; even where nothing was learned."""
        return adviser_softmax(self.table.row(emomas_state(situation)), Q_TEMPERATURE)


def emomas_state(situation: Situation) -> int:
    """The number of a situation's state, in [0, Q_STATES)."""
    context = situation.phase + PHASES * situation.large_gap
    return situation.own + EMOTION_COUNT * (situation.heard + EMOTION_COUNT * context)


class Coherence:
    """What a plausible person would show next; `scores` tells by rules unless a model is asked."""

    def __init__(self, scores: Scores | None = None) -> None:
        self._scores = scores or rule_scores
        self._known: dict[tuple[int, int, int, bool], Sequence[float]] = {}

    def advise(self, situation: Situation) -> Sequence[float]:
        """Its distribution. It is worked out once for each situation, so a model is asked once as well."""
        key = situation.own, situation.heard, situation.phase, situation.large_gap
        if key not in self._known:
            scores = [sum(map(mul, COHERENCE, row)) for row in self._scores(situation)]
            self._known[key] = _mostly(best_reply(scores, _ALL), ARGMAX_SHARE, adviser_softmax(scores, 1.0))
        return self._known[key]


def rule_scores(situation: Situation) -> list[Row]:
    """The three scores of each emotion by rules; see the module's head."""
    usual = max(MANNER[situation.own])
    return [
        (MANNER[situation.own][e] / usual, FITTING[situation.phase][e], PAYOFF[situation.heard][e] / 4.0) for e in _ALL
    ]
