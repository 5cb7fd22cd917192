"""EQ-Negotiator, corrected: payoff table, win-stay-lose-shift and hidden states, learning as it goes.

Paper: EQ-Negotiator v2 (https://arxiv.org/abs/2511.03370); payoff table from v1 (https://arxiv.org/abs/2503.21080v3).

    d_t, c_t      the emotion read in the debtor's message t (the likeliest of seven), and the one shown before it
    pi[d, c]      the creditor's payoff, 0 to 4; learned
    bel, T, B, w  belief, transition, emission (`poise.agents.emotions.tracker`, learned) and weights of the states
    menu          all seven; without joy, anger and disgust when d_t is sadness, anger, fear or disgust, when most of
                  the last messages were (as below), or when the likeliest state is confrontational

    d negative in 4 or more of the last 5 messages:
        next = argmax_{e in menu} sum_s p(s) w[s, e] sum_d B[s, e, d] pi[d, e],      p = bel T
    otherwise, win-stay-lose-shift on the realised payoff:
        next = c_t                                           if pi[d_t, c_t] >= 2 and c_t is on the menu
        next = argmax_{e in menu, e != c_t} pi[d_t, e]       if not

Of equal emotions the first in the order of EMOTIONS7 is chosen; there are no dice. The first message of a series shows
joy, the best reply to a neutral debtor: a win-stay-lose-shift player starts by cooperating. Later negotiations open
with what win-stay-lose-shift proposes on how the debtor reacted to the opening before, if it was never tried; of the
openings tried, with the one that maximises

    mean utility of the negotiations it opened + 0.1 / sqrt(their number)

Learning, after each negotiation: the tracker's parameters by expectation-maximisation, and, for each pair (d_t, c_t)
that occurred,

    pi[d_t, c_t] <- clip(pi + 0.05 (r - mean), 0, 4),     r = -0.5 + 1.5 u,     mean <- mean + 0.1 (r - mean)

with u the creditor's utility, 0 without a deal; r is the paper's +1 and -0.5 at the two ends.

Differs from the reference:
- The release judges winning by the payoff it was about to get, which is the best of its row; no row's best is below 2,
  so nothing is ever lost before learning. Here the debtor's actual answer to what was shown decides.
- The release scores an emotion by the largest entry of its emission row, which the state does not enter; here by the
  payoff that the emission leads to expect, state by state.
- The release adds +1 or -0.5 for every occurrence. Where nearly all talks end in a deal, whatever was shown grows
  without bound; here the result counts against the mean so far, once for each pair, within the table's range.
- The release has no opening of its own. Judged by the debtor's first answer alone, one cool reply to joy would settle
  on neutral for good; the result of the whole talks decides, with a little optimism towards what was tried less (in
  the manner of Auer, Cesa-Bianchi and Fischer 2002, https://doi.org/10.1023/A:1013689704352).
- The menu is ours: an upset or hostile debtor is met neither with cheer nor with hostility.
- `eq-negotiator-faithful` is the release as it is.

Ablations: `eq-negotiator:no-learning+no-states+no-menu+no-payoff`, or any of the four, plays without what is named.
learning: nothing is kept from one negotiation to the next. states: win-stay-lose-shift alone, and no state bears on the
menu. menu: always all seven. payoff: every entry of the table begins as its mean, so that only learning can tell one
answer from another.

By the published T, which mixes fast, and w, which gives neutral much in every state, persistent negativity is answered
with neutral whatever the belief. With the fitted T (`poise.agents.emotions.tables`) distress lasts, and is answered
with sadness. Taking the weights of the likeliest state alone was tried: it goes on pitying debtors who only play at
distress, and loses more there than it gains.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any, Final

from poise.agents.emotions.parameters import EMOTION_COUNT, checked_table
from poise.agents.emotions.tables import PAYOFF, STATES, WEIGHTS
from poise.agents.emotions.taxonomy import EMOTIONS7, INDEX_OF, NEGATIVE7
from poise.agents.emotions.tracker import Evidence, Tracker, evidence_of
from poise.agents.policies import policy
from poise.agents.policies.game_theory import best_reply, win_stay_lose_shift
from poise.agents.policies.learned.series import Settled
from poise.agents.protocols import Policy, View
from poise.common.errors import AgentError
from poise.common.seeds import Dice

JOY: Final = EMOTIONS7.index("joy")
NEUTRAL: Final = EMOTIONS7.index("neutral")
NEGATIVE: Final = frozenset(map(EMOTIONS7.index, NEGATIVE7))
# A message without direction counts as neutral.
INDEX: Final[Mapping[str | None, int]] = {None: NEUTRAL, **INDEX_OF}

_ALL: Final = tuple(range(EMOTION_COUNT))
_GENTLE: Final = tuple(i for i in _ALL if EMOTIONS7[i] not in {"joy", "anger", "disgust"})
_FLAT: Final = ((sum(map(sum, PAYOFF)) / EMOTION_COUNT**2,) * EMOTION_COUNT,) * EMOTION_COUNT  # tells nothing apart
_CONFRONTATIONAL: Final = STATES.index("confrontational")


@dataclass(frozen=True, slots=True)
class EqSettings:
    """The published numbers, and how fast the mean result is followed (ours).

    window, negatives: the hidden states decide once `negatives` of the last `window` readings are negative.
    aspiration:        the payoff that counts as winning.
    step, on_success, on_failure: the payoff table's learning.
    mean_rate:         weight of the newest result in the mean.
    optimism:          what an opening tried once is given the benefit of, in utility.
    states, menu, payoff: without these parts where False; see the module's head.
    """

    window: int = 5
    negatives: int = 4
    aspiration: float = 2.0
    step: float = 0.05
    on_success: float = 1.0
    on_failure: float = -0.5
    mean_rate: float = 0.1
    optimism: float = 0.1
    states: bool = True
    menu: bool = True
    payoff: bool = True


def likeliest(seven: Sequence[float]) -> int:
    """The index of the likeliest emotion; of equals the first."""
    return seven.index(max(seven))


def mostly_negative(heard: Sequence[int], settings: EqSettings) -> bool:
    """Whether the last readings (indices of emotions, oldest first) are negative often enough."""
    return sum(emotion in NEGATIVE for emotion in heard[-settings.window :]) >= settings.negatives


def temperature(message: int) -> float:
    """The sampling temperature that the paper gives the model for the creditor's own message number `message` (from 1).

    max(0.1, 0.7 * 0.95**message). It plays no part in the choice of the emotion.
    """
    return max(0.1, 0.7 * 0.95**message)


class EqNegotiator:
    """The corrected EQ-Negotiator; a learner. See the module's head for the rules.

    tracker: the filter to read the debtor with; it learns from each negotiation. One of the published parameters by
        default.
    """

    def __init__(self, settings: EqSettings | None = None, tracker: Tracker | None = None) -> None:
        self.settings = settings or EqSettings()
        self.tracker = tracker or Tracker()
        self._gentle = _GENTLE if self.settings.menu else _ALL
        self._payoff = [list(row) for row in (PAYOFF if self.settings.payoff else _FLAT)]
        self._mean = 0.0
        self._opening = JOY
        self._openings: dict[int, tuple[int, float]] = {}  # how often each was tried, and the sum of its utilities
        self._values = self._state_values()

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - nothing is left to chance
        """The emotion for the next message, one of the seven."""
        if not view.readings:
            return EMOTIONS7[self._opening]
        reading = view.readings[-1]
        heard = [likeliest(each.emotions) for each in view.readings[-self.settings.window :]]
        belief = reading.belief
        states = self.settings.states
        if states and mostly_negative(heard, self.settings):
            due = self.tracker.predict(belief)
            return EMOTIONS7[best_reply([sum(map(mul, due, row)) for row in self._values], self._gentle)]
        upset = heard[-1] in NEGATIVE or (states and likeliest(belief) == _CONFRONTATIONAL)
        menu = self._gentle if upset else _ALL
        return EMOTIONS7[self._payoff_response(heard[-1], INDEX[view.shown[-1] if view.shown else None], menu)]

    def _payoff_response(self, heard: int, shown: int, menu: Sequence[int]) -> int:
        payoffs = self._payoff[heard]
        other = best_reply(payoffs, [emotion for emotion in menu if emotion != shown])
        realised = payoffs[shown] if shown in menu else float("-inf")
        return win_stay_lose_shift(shown, realised, self.settings.aspiration, other)

    def _state_values(self) -> tuple[tuple[float, ...], ...]:
        """w[s, e] sum_d B[s, e, d] pi[d, e], by emotion e (7 rows) and state s (4 columns)."""
        states = list(zip(WEIGHTS, self.tracker.parameters.emission, strict=True))
        columns = zip(*self._payoff, strict=True)
        return tuple(
            tuple([suits[e] * sum(map(mul, emission[e], column)) for suits, emission in states])
            for e, column in enumerate(columns)
        )

    def learn(self, view: View, utility: float, deal: bool) -> None:
        """Take in one finished negotiation; `utility` is the creditor's, in [0, 1]."""
        evidence = evidence_of(view)
        utility = utility if deal else 0.0
        self.tracker.learn(evidence)
        self._learn_payoff(evidence, utility)
        if evidence:
            self._learn_opening(evidence[0], utility)
        self._values = self._state_values()

    def _learn_payoff(self, evidence: Sequence[Evidence], utility: float) -> None:
        settings = self.settings
        result = settings.on_failure + (settings.on_success - settings.on_failure) * utility
        gain = settings.step * (result - self._mean)
        self._mean += settings.mean_rate * (result - self._mean)
        for heard, shown in {(likeliest(item.seven), INDEX[item.reacted_to]) for item in evidence}:
            self._payoff[heard][shown] = min(4.0, max(0.0, self._payoff[heard][shown] + gain))

    def _learn_opening(self, first: Evidence, utility: float) -> None:
        number, total = self._openings.get(self._opening, (0, 0.0))
        self._openings[self._opening] = number + 1, total + utility
        heard = likeliest(first.seven)
        menu = self._gentle if heard in NEGATIVE else _ALL
        proposed = self._payoff_response(heard, INDEX[first.reacted_to], menu)
        promise = {
            opening: total / number + self.settings.optimism / math.sqrt(number)
            for opening, (number, total) in sorted(self._openings.items())
        }
        self._opening = max(promise, key=promise.__getitem__) if proposed in self._openings else proposed

    def memory(self) -> dict[str, Any]:
        """What was learned, as JSON data."""
        return {
            "payoff": [list(row) for row in self._payoff],
            "mean": self._mean,
            "opening": EMOTIONS7[self._opening],
            "openings": {EMOTIONS7[each]: list(result) for each, result in sorted(self._openings.items())},
            "tracker": self.tracker.memory(),
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Go on from `memory`.

        Raises:
            BadInput: it is not the memory of an eq-negotiator.
        """
        opening, mean = memory.get("opening"), memory.get("mean")
        if opening not in EMOTIONS7 or not isinstance(mean, int | float) or not math.isfinite(mean):
            raise AgentError("this is not the memory of an eq-negotiator; begin the series afresh")
        payoff = checked_table(memory.get("payoff"), "payoff", EMOTION_COUNT, EMOTION_COUNT)
        openings = _checked_openings(memory.get("openings", {}))
        self.tracker.restore(memory.get("tracker", {}))
        self._payoff, self._mean, self._opening = [list(row) for row in payoff], float(mean), EMOTIONS7.index(opening)
        self._openings = openings
        self._values = self._state_values()


@policy(
    "eq-negotiator",
    "tracks the debtor's hidden state, plays win-stay-lose-shift, learns as it goes (EQ-Negotiator, corrected)",
    argument="no-PART+...",
)
def named_eq_negotiator(argument: str) -> Policy:
    """What `eq-negotiator` stands for, and its ablations: without each PART of learning, states, menu and payoff."""
    without = set(argument.split("+")) if argument else set()
    parts = {"no-states", "no-menu", "no-payoff"}
    if unknown := without - parts - {"no-learning"}:
        raise AgentError(
            f"eq-negotiator:{argument}: {', '.join(sorted(unknown))} is none of its parts; say no-learning, no-states, "
            "no-menu or no-payoff, joined by +"
        )
    settings = EqSettings(**{name.removeprefix("no-"): name not in without for name in parts})
    engine = EqNegotiator(settings)
    return Settled(engine) if "no-learning" in without else engine


def _checked_openings(results: Any) -> dict[int, tuple[int, float]]:
    """What `memory` wrote of the openings tried."""
    try:
        tried = {EMOTIONS7.index(name): (int(number), float(total)) for name, (number, total) in results.items()}
        if all(number > 0 and 0.0 <= total <= number for number, total in tried.values()):
            return tried
    except (AttributeError, TypeError, ValueError):
        pass
    raise AgentError("openings is no table of emotions tried, how often, and their utilities; begin the series afresh")
