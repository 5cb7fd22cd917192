"""EQ-Negotiator v1: the payoff table, and a rule like a hidden Markov model's once the debtor stays negative.

Paper: EQ-Negotiator v1 (https://arxiv.org/abs/2503.21080v3).

    d     the emotion read in the debtor's last message, the likeliest of seven; neutral before it has said anything
    c     the emotion that the creditor showed last
    pi    PAYOFF[d, e], what showing e to a debtor who shows d brings, 0 to 4
    A, B  MANNER[c, e] = P(own emotion e next | c now) and MIRROR[e, d] = P(the debtor shows d | it reacts to e)
    b     NEGATIVE_BIAS[e], the paper's weights

    d negative in fewer than 3 of the last 5 messages:  argmax_e pi[d, e]                              (all modes)
    otherwise, `eq-negotiator-v1-faithful:paper`:       argmax_e A[c, e] B[e, d] b[e]
    otherwise, `eq-negotiator-v1` (corrected):          argmax_e pi[d, e] + sum_d2 B[e, d2] pi[d2, e]

Of equal emotions the first in the order of EMOTIONS7 is chosen; there are no dice and nothing is learned.

`eq-negotiator-v1-faithful` plays the released code, which is the paper's rule with three changes: it never turns to the
second rule before the debtor's fifth message; it draws among equal emotions; and A and B are counts,

    A[c, e] += 1 and B[e, d] += 1   for each of its messages e, shown after c and in answer to d,

which begin as the published probabilities, so that a few messages outweigh the tables; rows are normalised for use.

What is degenerate in the paper's rule (tests/agents/test_engines_v1.py shows each):
- B is read the wrong way round. The emotion chosen is the one that makes the debtor's *present* emotion likely, so the
  creditor mostly mirrors the debtor.
- The bias favours anger, and A favours what was shown before: shown once, anger answers everything but disgust.

Differs from the reference:
- `corrected` (ours) reads B forwards, as what the debtor will show in reaction, and adds what that should bring to what
  the emotion brings now; own inertia and bias are left out.
- As published, a row of A and a row of B sum to 1.05; here they are normalised, which changes no choice of the faithful
  rule.
- The release cannot be run as it is: it uses `random` without importing it. Whether its counts outlive a negotiation is
  not said; here they begin again with each.
"""

from __future__ import annotations

from operator import mul
from typing import Final

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.emotions.tables import MANNER, MIRROR, PAYOFF
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies import policy
from poise.agents.policies.eq_negotiator import INDEX, NEUTRAL, EqSettings, likeliest, mostly_negative
from poise.agents.policies.game_theory import any_best_reply, best_reply
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice

NEGATIVE_BIAS: Final = (0.2, 0.5, 1.0, 0.6, 0.2, 0.7, 0.3)
SWITCH: Final = EqSettings(window=5, negatives=3)

_ALL: Final = range(EMOTION_COUNT)
_PAYOFF_REPLY: Final = tuple(best_reply(row, _ALL) for row in PAYOFF)


def faithful_response(shown: int, heard: int) -> int:
    """argmax_e A[c, e] B[e, d] b[e] for c = `shown` and d = `heard` (indices in EMOTIONS7)."""
    return best_reply([MANNER[shown][e] * MIRROR[e][heard] * NEGATIVE_BIAS[e] for e in _ALL], _ALL)


def corrected_response(heard: int) -> int:
    """argmax_e pi[d, e] + sum_d2 B[e, d2] pi[d2, e] for d = `heard` (indices in EMOTIONS7)."""
    columns = tuple(zip(*PAYOFF, strict=True))
    return best_reply([PAYOFF[heard][e] + sum(map(mul, MIRROR[e], columns[e])) for e in _ALL], _ALL)


_FAITHFUL: Final = tuple(tuple(faithful_response(shown, heard) for heard in _ALL) for shown in _ALL)
_CORRECTED: Final = tuple(corrected_response(heard) for heard in _ALL)


class EqNegotiatorV1:
    """EQ-Negotiator v1 without the release's counts; see the module's head.

    faithful: the paper's own rule for persistent negativity instead of the corrected one.
    """

    def __init__(self, *, faithful: bool = False) -> None:
        self._faithful = faithful

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - nothing is left to chance
        """The emotion for the next message, one of the seven."""
        heard = [likeliest(reading.emotions) for reading in view.readings[-SWITCH.window :]] or [NEUTRAL]
        if not mostly_negative(heard, SWITCH):
            return EMOTIONS7[_PAYOFF_REPLY[heard[-1]]]
        if not self._faithful:
            return EMOTIONS7[_CORRECTED[heard[-1]]]
        return EMOTIONS7[_FAITHFUL[INDEX[view.shown[-1] if view.shown else None]][heard[-1]]]


class ReleasedEqNegotiatorV1:
    """EQ-Negotiator v1 as released; see the module's head. Its counts follow from the view."""

    def choose(self, view: View, dice: Dice) -> str:
        """The emotion for the next message, one of the seven."""
        heard = [NEUTRAL, *(likeliest(reading.emotions) for reading in view.readings)]
        shown = [NEUTRAL, *(INDEX[emotion] for emotion in view.shown)]
        if len(view.readings) < SWITCH.window or not mostly_negative(heard, SWITCH):
            return EMOTIONS7[any_best_reply(PAYOFF[heard[-1]], dice)]
        manner, mirror = [list(row) for row in MANNER], [list(row) for row in MIRROR]
        for before, own, read in zip(shown, shown[1:], heard, strict=False):
            manner[before][own] += 1.0
            mirror[own][read] += 1.0
        now = shown[-1]
        # The row of A is the same for every e, so that only B's rows need their sums.
        scores = [manner[now][e] * mirror[e][heard[-1]] / sum(mirror[e]) * NEGATIVE_BIAS[e] for e in _ALL]
        return EMOTIONS7[any_best_reply(scores, dice)]


@policy(
    "eq-negotiator-v1",
    "answers by the payoff table, and looks one reaction ahead while the debtor stays negative (corrected)",
)
def corrected_v1() -> EqNegotiatorV1:
    """What `eq-negotiator-v1` stands for."""
    return EqNegotiatorV1()


@policy(
    "eq-negotiator-v1-faithful",
    "EQ-Negotiator v1 as released, or by the paper's rule alone, which mirrors a negative debtor and stays angry",
    argument="paper",
)
def faithful_v1(argument: str) -> EqNegotiatorV1 | ReleasedEqNegotiatorV1:
    """What `eq-negotiator-v1-faithful` and `eq-negotiator-v1-faithful:paper` stand for."""
    if argument not in ("", "paper"):
        raise AgentError(
            f"eq-negotiator-v1-faithful:{argument}: say eq-negotiator-v1-faithful for the released code, or "
            "eq-negotiator-v1-faithful:paper for the paper's rule"
        )
    return EqNegotiatorV1(faithful=True) if argument else ReleasedEqNegotiatorV1()
