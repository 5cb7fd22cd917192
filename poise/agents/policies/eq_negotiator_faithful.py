"""EQ-Negotiator v2 as released, with its degeneracies.

Paper: https://arxiv.org/abs/2511.03370. Symbols as in `poise.agents.policies.eq_negotiator`; bel is the belief of the
faithful tracker, E the emission of v1, h_t the emotion read before the creditor's message t, and h_0 = neutral: the
release pretends to have heard a neutral debtor before it opens.

    h negative in 4 or more of the last 5:  argmax_e sum_s p(s) w[s, e] max_d E[e, d],      p = bel T
    otherwise:                              argmax_e pi[h_t, e], or the second best after a loss

A loss is a payoff pi[h_k, e_k] below 2 at the last message k that was chosen in this second way. Learning, after each
negotiation, at every message, with trunc rounding towards zero:

    pi[h_t, e_t] <- trunc(pi[h_t, e_t] + 0.05 r)          r = +1 after a deal, -0.5 without

and E[e_t, h_t] += 0.03 with its row normalised, from the second message on.

The rounding is not in the paper. The release keeps pi in an integer array (NumPy's int64), so that a deal changes
nothing (3 + 0.05 becomes 3) and a breakdown takes a whole point (3 - 0.025 becomes 2), down to 0.
`eq-negotiator-faithful:float` keeps the fractions, which is what the released line says and surely meant. The two agree
in every choice of the first negotiation of a series and in fewer and fewer of the later ones.

What is degenerate in it (tests/agents/test_policies.py shows each):
- The belief never sees the debtor's emotion; it depends on what the creditor showed alone (see the tracker).
- max_d E[e, d] ignores the state, so the states enter through the weights only, and with the initial tables the
  hidden-state response is joy or neutral whatever the belief.
- The payoff compared with the aspiration is the best of its row, and the best of every row is at least 2 before
  learning, so that nothing is lost until breakdowns have lowered a row; "win-stay" is then just the best reply to the
  last emotion.
- A deal teaches nothing, and each message of a breakdown costs what it showed a whole point. With fractions
  (`eq-negotiator-faithful:float`), a deal raises every pair shown in it, so what is shown first is shown ever after
  where deals are common.

Differs from the reference: the emission rows are normalised before learning, not only by it (one row sums to 1.05 as
published); of equal second-best emotions the choice is that of a stable sort, where the release leaves it to NumPy's.
Without a message of the debtor between two of its own, the last reading stands for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import mul
from typing import Any, Final

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.emotions.tables import PAYOFF, WEIGHTS, Table
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.emotions.tracker import Tracker, evidence_of
from poise.agents.policies import policy
from poise.agents.policies.eq_negotiator import INDEX, NEUTRAL, EqSettings, likeliest, mostly_negative
from poise.agents.policies.game_theory import best_reply
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice

_ALL: Final = range(EMOTION_COUNT)
_SUITS: Final[Table] = tuple(zip(*WEIGHTS, strict=True))


def _opened_tracker() -> Tracker:
    """The faithful tracker, its start moved past the neutral message that the release pretends to have heard."""
    tracker = Tracker("faithful")
    heard = [float(emotion == NEUTRAL) for emotion in _ALL]
    start = tracker.step(tracker.start(), heard, "neutral")
    return Tracker("faithful", replace(tracker.parameters, initial=start))


class FaithfulEqNegotiator:
    """EQ-Negotiator v2 as released; a learner. See the module's head.

    fractions: the payoffs keep their fractions, instead of being whole as in the release.
    """

    def __init__(self, *, fractions: bool = False) -> None:
        self._fractions = fractions
        self.settings = EqSettings()
        self.tracker = _opened_tracker()
        self._payoff = [list(row) for row in PAYOFF]

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - nothing is left to chance
        """The emotion for the next message, one of the seven."""
        heard = [NEUTRAL, *(likeliest(reading.emotions) for reading in view.readings)]
        if mostly_negative(heard, self.settings):
            due, mirror = self.tracker.predict(view.readings[-1].belief), self.tracker.parameters.mirror
            expected = [max(mirror[e]) * sum(map(mul, due, _SUITS[e])) for e in _ALL]
            return EMOTIONS7[best_reply(expected, _ALL)]
        payoffs = self._payoff[heard[-1]]
        if self._last_payoff(heard, [INDEX[emotion] for emotion in view.shown]) < self.settings.aspiration:
            return EMOTIONS7[sorted(_ALL, key=lambda emotion: (payoffs[emotion], emotion))[-2]]
        return EMOTIONS7[best_reply(payoffs, _ALL)]

    def _last_payoff(self, heard: Sequence[int], shown: Sequence[int]) -> float:
        """What the last message chosen by payoff was going to get; infinite where there is none."""
        for message in reversed(range(min(len(heard), len(shown)))):
            if not mostly_negative(heard[: message + 1], self.settings):
                return self._payoff[heard[message]][shown[message]]
        return float("inf")

    def learn(self, view: View, utility: float, deal: bool) -> None:  # noqa: ARG002 - only success counts
        """Take in one finished negotiation."""
        evidence = evidence_of(view)
        change = self.settings.step * (self.settings.on_success if deal else self.settings.on_failure)
        replies = [(likeliest(item.seven), INDEX[item.reply]) for item in evidence if item.replied]
        if view.shown:
            replies.insert(0, (NEUTRAL, INDEX[view.shown[0]]))
        for heard, shown in replies:
            raised = self._payoff[heard][shown] + change
            self._payoff[heard][shown] = raised if self._fractions else float(math.trunc(raised))
        self.tracker.learn(evidence)

    def memory(self) -> dict[str, Any]:
        """What was learned, as JSON data."""
        return {"payoff": [list(row) for row in self._payoff], "tracker": self.tracker.memory()}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Go on from `memory`; one that holds fractions was learned with them, and keeps them from here on.

        Raises:
            BadInput: it is not the memory of an eq-negotiator-faithful.
        """
        payoff = _payoff_rows(memory.get("payoff"))
        self.tracker.restore(memory.get("tracker", {}))
        self._payoff = payoff
        self._fractions = self._fractions or not all(value.is_integer() for row in payoff for value in row)


@policy(
    "eq-negotiator-faithful",
    "EQ-Negotiator v2 as released, whose belief never sees the debtor's emotion and whose payoffs are whole numbers",
    argument="float",
)
def named_faithful(argument: str) -> FaithfulEqNegotiator:
    """What `eq-negotiator-faithful` and `eq-negotiator-faithful:float` stand for."""
    if argument not in ("", "float"):
        raise AgentError(
            f"eq-negotiator-faithful:{argument}: say eq-negotiator-faithful, or eq-negotiator-faithful:float for "
            "payoffs with fractions"
        )
    return FaithfulEqNegotiator(fractions=argument == "float")


def _payoff_rows(data: Any) -> list[list[float]]:
    """Seven rows of seven finite numbers, which may be negative: nothing bounds them as released."""
    try:
        rows = [[float(value) for value in row] for row in data]
    except (TypeError, ValueError):
        rows = []
    shaped = len(rows) == EMOTION_COUNT and all(len(row) == EMOTION_COUNT for row in rows)
    if not (shaped and all(math.isfinite(value) for row in rows for value in row)):
        raise AgentError("this is not the memory of an eq-negotiator-faithful; begin the series afresh")
    return rows
