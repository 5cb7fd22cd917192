"""The tracker: a belief over the other side's hidden state, updated by every message it sends.

The hidden-state filter of EQ-Negotiator v2 (https://arxiv.org/abs/2511.03370, Eq. 2 and 3; forward filtering as in
Rabiner 1989, https://doi.org/10.1109/5.18626). One step, for a message in which the detector reads emotion d with
probability p(d), sent in reaction to a message in which this seat showed c:

    L(s)    = sum_d p(d) B[s, c, d]                      expected likelihood; a certain label is the special case
    bel'(s) = L(s) sum_r bel(r) T[r, s] / Z              Z makes it sum to 1

    corrected (default)   B[s, c, d] = mix E[c, d] + (1 - mix) R[s, d]
    faithful              B[s, c, d] = w[s, c] E[c, d]

s is one of STATES; E and w are MIRROR and WEIGHTS of `poise.agents.emotions.tables`. T, R, mix and the first belief are
fitted to simulated debtors in the corrected mode (FITTED); in the faithful one, T and the first belief are published.

Differs from the reference: `faithful` is what the released code computes. Its likelihood is a factor in (state, own
emotion) times one in (own emotion, the other's emotion), and the second cancels in Z: the belief follows what this seat
shows and never sees the other side's emotion. From the initial belief, with neutral shown, one step gives
[0.3143, 0.24, 0.16, 0.2857] whatever was read. `corrected` gives each state a character of its own (R, our proposal).

The seats are alike: the creditor's tracker reads the debtor, the debtor's reads the creditor. For a debtor,
"cooperative" is a creditor who is warm and makes room, "confrontational" one who presses with anger or contempt,
"distressed" one who shows worry or regret, "strategic" one whose tone fits none of these and keeps changing. Before a
seat has shown anything, and where it had no direction, the other side is taken to react to a neutral message.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import mul
from typing import Any, Final, Literal, NamedTuple

from poise.agents.emotions.learning import TINY, LearningStep, OnlineEM, ParameterLearner, ReleasedCounts
from poise.agents.emotions.parameters import FITTED, PUBLISHED, Parameters
from poise.agents.emotions.tables import STATES, Row, Table
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28, SEVEN_INDEX
from poise.agents.protocols import View
from poise.common.errors import BadInput
from poise.common.words import did_you_mean

Mode = Literal["corrected", "faithful"]
_NEUTRAL: Final = EMOTIONS7.index("neutral")


class Evidence(NamedTuple):
    """One message of the other side: what was read in it, what it reacted to, and what this seat answered.

    seven: 7 probabilities (EMOTIONS7). reacted_to, reply: emotions of the 28 or the 7; None for no direction, and for
    a message that does not exist. replied: whether this seat answered at all.
    """

    seven: Sequence[float]
    reacted_to: str | None = None
    reply: str | None = None
    replied: bool = False


def evidence_of(view: View) -> list[Evidence]:
    """The evidence in `view`, oldest first, for either seat; messages that were not read are left out."""
    readings, shown = iter(view.readings), iter(view.shown)
    found: list[Evidence] = []
    last: str | None = None
    for line in view.lines:
        if line.seat != view.brief.seat:
            reading = next(readings, None)
            if reading is not None:
                found.append(Evidence(reading.emotions, last))
            continue
        last = next(shown, None)
        if found and not found[-1].replied:
            found[-1] = found[-1]._replace(reply=last, replied=True)
    return found


class Tracker:
    """The filter of one seat, with the parameters it has learned so far.

    A step is a pure function of its arguments and the parameters; only `learn` and `restore` change these.

    mode:       "corrected" or "faithful", see the module's head.
    parameters: where learning starts from; by default the fitted ones, and the published ones for `faithful`.
    """

    __slots__ = ("_causes", "_columns", "_learner", "_parameters", "_prior", "mode")

    def __init__(self, mode: Mode = "corrected", parameters: Parameters | None = None) -> None:
        if mode not in ("corrected", "faithful"):
            raise BadInput(f"tracker mode {mode!r} is neither 'corrected' nor 'faithful'")
        self.mode = mode
        self._prior = parameters or (FITTED if mode == "corrected" else PUBLISHED)
        self._learner: ParameterLearner | None = None  # most trackers never learn
        self._use(self._prior)

    @property
    def parameters(self) -> Parameters:
        """The parameters in use."""
        return self._parameters

    def _use(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._columns, self._causes = _laid_out(self.mode, parameters)

    def _learning(self) -> ParameterLearner:
        if self._learner is None:
            self._learner = OnlineEM(self._prior) if self.mode == "corrected" else ReleasedCounts(self._prior)
        return self._learner

    def start(self) -> Row:
        """The belief before the first message, one probability for each of STATES."""
        return self._parameters.initial

    def step(self, belief: Sequence[float], seven: Sequence[float], reacted_to: str | None) -> Row:
        """The belief after one more message of the other side.

        Args:
            belief: the belief before it, 4.
            seven: what the detector reads in it, 7 numbers >= 0 (EMOTIONS7); their scale does not matter, and all
                zeros mean that nothing was read.
            reacted_to: the emotion (of the 28 or the 7) this seat showed in its last message before; None when it has
                shown none.

        Raises:
            BadInput: `seven` is not 7 finite numbers >= 0, or `reacted_to` is no emotion.
        """
        rows = self._causes.get(reacted_to)
        if rows is None or len(seven) != 7 or min(seven) < 0.0:
            raise self._refusal(seven, reacted_to)
        b0, b1, b2, b3 = belief
        p0, p1, p2, p3, p4, p5, p6 = seven
        a, b, c, d = [  # written out, which takes half the time of sums over products
            (b0 * t0 + b1 * t1 + b2 * t2 + b3 * t3)
            * (p0 * e0 + p1 * e1 + p2 * e2 + p3 * e3 + p4 * e4 + p5 * e5 + p6 * e6)
            for (t0, t1, t2, t3), (e0, e1, e2, e3, e4, e5, e6) in zip(self._columns, rows, strict=True)
        ]
        total = a + b + c + d
        if TINY < total < math.inf:
            return (a / total, b / total, c / total, d / total)
        return self._rare_step(belief, seven, reacted_to)

    def _rare_step(self, belief: Sequence[float], seven: Sequence[float], reacted_to: str | None) -> Row:
        """A step on evidence that says nothing, or that under- or overflows: scaled to a largest entry of 1."""
        if not all(map(math.isfinite, seven)):
            raise self._refusal(seven, reacted_to)
        largest = max(seven)
        if largest in (0.0, 1.0):  # nothing read, or ruled out by parameters with zeros: only time has passed
            return self.predict(belief)
        return self.step(belief, [value / largest for value in seven], reacted_to)

    @staticmethod
    def _refusal(seven: Sequence[float], reacted_to: str | None) -> BadInput:
        if reacted_to is not None and reacted_to not in EMOTIONS28:
            hint = did_you_mean(reacted_to, EMOTIONS28)
            return BadInput(f"{reacted_to!r} is not an emotion; {hint}say one of: {', '.join(EMOTIONS28)}, or None")
        return BadInput(f"the evidence {list(seven)!r} must be 7 finite numbers, none negative (EMOTIONS7)")

    def predict(self, belief: Sequence[float]) -> Row:
        """The belief about the state at the other side's next message: bel T, 4."""
        moved = [sum(map(mul, belief, column)) for column in self._columns]
        total = sum(moved)
        return tuple(value / total for value in moved)

    def filter(self, evidence: Iterable[Evidence]) -> list[Row]:
        """The belief after each message of `evidence`, from the start."""
        beliefs: list[Row] = []
        belief = self.start()
        for item in evidence:
            belief = self.step(belief, item.seven, item.reacted_to)
            beliefs.append(belief)
        return beliefs

    def learn(self, evidence: Iterable[Evidence]) -> None:
        """Take in one finished negotiation (see `evidence_of`); the parameters change now, and only now."""
        heard = list(evidence)
        before = [self.start(), *self.filter(heard)]
        steps = [
            LearningStep(
                belief, tuple(item.seven), _index(item.reacted_to), _index(item.reply) if item.replied else None
            )
            for belief, item in zip(before[:-1], heard, strict=True)
        ]
        self._use(self._learning().learn(steps))

    def memory(self) -> dict[str, Any]:
        """What was learned, as JSON data."""
        return {"mode": self.mode, **self._learning().memory()}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Go on from `memory`.

        Raises:
            BadInput: it is not the memory of a tracker of this mode.
        """
        if memory.get("mode") != self.mode:
            raise BadInput(f"the memory of a tracker of mode {memory.get('mode')!r} was given to a {self.mode} one")
        self._use(self._learning().restore(memory))

    def explain(self, belief: Sequence[float], seven: Sequence[float], reacted_to: str | None) -> str:
        """One sentence on why this step moves the belief as it does."""
        after, due = self.step(belief, seven, reacted_to), self.predict(belief)
        state = max(range(len(STATES)), key=lambda s: abs(after[s] - belief[s]))
        read = max(range(len(EMOTIONS7)), key=seven.__getitem__)
        moved = f"{STATES[state]} went from {belief[state]:.0%} to {after[state]:.0%}"
        if self.mode == "faithful":
            return f"{moved}, because this seat showed {reacted_to or 'neutral'}; what was read plays no part."
        cause = f"{EMOTIONS7[read]} ({seven[read]:.0%}) in reply to {reacted_to or 'neutral'}"
        factor = after[state] / due[state] if due[state] > 0.0 else 1.0
        if abs(due[state] - belief[state]) > abs(after[state] - due[state]):
            return f"{moved}: states drift by themselves, and {cause} tells little of them."
        return f"{moved}: {cause} is {factor:.1f} times as likely from that state as from the other side at large."


@lru_cache(maxsize=8)  # a match without learning begins with the same parameters as the one before
def _laid_out(mode: Mode, parameters: Parameters) -> tuple[Table, Mapping[str | None, Table]]:
    """The tables as `step` reads them: T by columns, and for each cause the rows B[s, cause, :]."""
    likelihood = parameters.emission if mode == "corrected" else parameters.released_likelihood()
    by_cause = tuple(zip(*likelihood, strict=True))
    causes: dict[str | None, Table] = {
        label: by_cause[index] for label, index in zip(EMOTIONS28, SEVEN_INDEX, strict=True)
    }
    return tuple(zip(*parameters.transition, strict=True)), causes | {None: by_cause[_NEUTRAL]}


def _index(emotion: str | None) -> int:
    return _NEUTRAL if emotion is None else SEVEN_INDEX[EMOTIONS28.index(emotion)]
