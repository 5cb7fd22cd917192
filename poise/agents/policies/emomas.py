"""EmoMAS: three advisers under an orchestrator that learns whom to trust when.

Paper: EmoMAS (https://arxiv.org/abs/2604.07003). The advisers are in `poise.agents.policies.emomas_advisers`.

    c, d      the emotion shown last and the one read last; neutral where there is none
    k         the context: phase (early, middle, late) x gap (small, large), see `poise.agents.policies.situations`
    c_i(e)    adviser i's distribution; e_i one draw from it, its recommendation
    w_i(k)    the trust in adviser i in context k; 1/3 each at first, the mean of the paper's Dirichlet(2)

    next emotion = argmax_e sum_{i: e_i = e} w_i(k) c_i(e)

After each negotiation, with r = u / (1 + ln n) for a deal worth u after n messages and -0.1 without, and q = Phi(z), z
being r in deviations from its running mean: for every context k that occurred, with the mean over the messages in it,

    L_i = mean[q c_i(e) + (1 - q) (1 - c_i(e))]   how likely adviser i makes it that what was shown turned out so well
    w_i(k) <- w_i(k) L_i / sum_j w_j(k) L_j       the paper's update; then no trust falls below 0.05

and the reinforcement adviser learns from r.

`emomas` needs no model. `emomas:URI` has the coherence adviser ask the model of that URI, such as
emomas:ollama:qwen2.5:7b; `emomas:orchestrator=URI` has it choose among the three recommendations as well.

Differs from the reference:
- The release keeps weights over emotions for each adviser, and after every negotiation raises or lowers, in all
  contexts alike, the entry that was the largest already. Here the paper's update is used, where talks went through.
- Its macro reward takes min(1, x_c / x) for u, which hardly moves (see the collection rate in `poise.games.metrics`).
- Its rule-based coherence scores are equal for all emotions; here they come from the published tables.
- Its game-theory adviser judges winning by the payoff it was about to get; here by the one it got.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from poise.agents.emotions.parameters import EMOTION_COUNT, checked_table
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies import policy
from poise.agents.policies.emomas_advisers import (
    Q_STATES,
    Adviser,
    Coherence,
    GameTheory,
    Reinforcement,
    Scores,
    emomas_state,
)
from poise.agents.policies.emomas_model import Ask, PolicyModel, choose_by_model, scores_by_model
from poise.agents.policies.learned.q_table import Transition
from poise.agents.policies.situations import PHASES, Situation, SituationChoice, choices, now
from poise.agents.protocols import View
from poise.common.errors import AgentError
from poise.common.seeds import Dice

ADVISERS: Final = ("game theory", "reinforcement", "coherence")
CONTEXTS: Final = PHASES * 2
FAILURE: Final = -0.1
LEAST: Final = 0.05
_RATE: Final = 0.1  # of the newest reward in the running mean and variance
_ORCHESTRATOR: Final = "orchestrator="


def context_of(situation: Situation) -> int:
    """The number of a situation's context, in [0, CONTEXTS)."""
    return situation.phase + PHASES * situation.large_gap


def macro_reward(utility: float, messages: int, *, deal: bool) -> float:
    """The reward r: u / (1 + ln n) for a deal, -0.1 without."""
    return utility / (1.0 + math.log(messages)) if deal else FAILURE


class EmoMas:
    """EmoMAS; a learner. See the module's head.

    scores:       what the coherence adviser goes by; rules unless given.
    orchestrator: a model that chooses among the recommendations instead of the weights.
    model:        the model that either of them asks; None where it takes no limits.
    """

    def __init__(
        self, scores: Scores | None = None, orchestrator: Ask | None = None, model: PolicyModel | None = None
    ) -> None:
        self._reinforcement = Reinforcement()
        self._advisers: tuple[Adviser, ...] = (GameTheory(), self._reinforcement, Coherence(scores))
        self._orchestrator = orchestrator
        self._model = model
        self._weights = [[1.0 / len(ADVISERS)] * len(ADVISERS) for _ in range(CONTEXTS)]
        self._usual: tuple[float, float] | None = None  # running mean and variance of the reward

    def ask_within(self, timeout: float, patience: float) -> None:
        """Call the model, if any, by these limits in seconds."""
        if self._model is not None:
            self._model.limits = {"timeout": timeout, "patience": patience}

    def choose(self, view: View, dice: Dice) -> str:
        """The emotion for the next message, one of the seven."""
        situation = now(view)
        given = [adviser.advise(situation) for adviser in self._advisers]
        drawn = [dice.weighted(distribution) for distribution in given]
        if self._orchestrator is not None:
            return choose_by_model(self._orchestrator, situation, dict(zip(ADVISERS, drawn, strict=True)))
        score = [0.0] * EMOTION_COUNT
        for weight, emotion, distribution in zip(self.weights(context_of(situation)), drawn, given, strict=True):
            score[emotion] += weight * distribution[emotion]
        return EMOTIONS7[score.index(max(score))]

    def weights(self, context: int) -> tuple[float, ...]:
        """The trust in each of ADVISERS in `context`; they sum to 1."""
        return tuple(self._weights[context])

    def learn(self, view: View, utility: float, deal: bool) -> None:
        """Take in one finished negotiation; `utility` is the creditor's, in [0, 1]."""
        made = choices(view)
        if not made:
            return
        reward = macro_reward(utility, len(view.lines), deal=deal)
        self._learn_weights(made, self._quality(reward))
        states = [emomas_state(choice.situation) for choice in made]
        last = len(made) - 1
        self._reinforcement.table.learn(
            [
                Transition(state, choice.shown, reward * (place == last), states[place + 1] if place < last else None)
                for place, (state, choice) in enumerate(zip(states, made, strict=True))
            ]
        )

    def _quality(self, reward: float) -> float:
        """How well a negotiation went compared with the others: Phi of its deviation; 0.5 where all went alike."""
        mean, variance = self._usual or (reward, 0.0)
        off = reward - mean
        variance = (1.0 - _RATE) * (variance + _RATE * off * off)
        self._usual = mean + _RATE * off, variance
        return 0.5 * math.erfc(-off / math.sqrt(2.0 * variance)) if variance > 0.0 else 0.5

    def _learn_weights(self, made: Sequence[SituationChoice], quality: float) -> None:
        seen: dict[int, list[list[float]]] = {}
        for situation, shown in made:
            confidence = [adviser.advise(situation)[shown] for adviser in self._advisers]
            seen.setdefault(context_of(situation), []).append(confidence)
        for context, confidences in seen.items():
            self._weights[context] = updated(self._weights[context], confidences, quality)

    def memory(self) -> dict[str, Any]:
        """What was learned, as JSON data."""
        return {
            "weights": [list(row) for row in self._weights],
            "usual": None if self._usual is None else list(self._usual),
            "table": self._reinforcement.table.memory(),
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Go on from `memory`.

        Raises:
            BadInput: it is not the memory of an emomas.
        """
        weights = checked_table(memory.get("weights"), "weights", CONTEXTS, len(ADVISERS))
        if any(abs(sum(row) - 1.0) > 1e-9 for row in weights):
            raise AgentError(f"{_FOREIGN}: the trust in the advisers does not sum to 1")
        usual = memory.get("usual")
        try:
            self._usual = None if usual is None else (float(usual[0]), float(usual[1]))
        except (TypeError, ValueError, IndexError):
            raise AgentError(_FOREIGN) from None
        if self._usual is not None and not (math.isfinite(self._usual[0]) and 0.0 <= self._usual[1] < math.inf):
            raise AgentError(_FOREIGN)
        self._reinforcement.table.restore(memory.get("table", {}), Q_STATES)
        self._weights = [list(row) for row in weights]


_FOREIGN: Final = "this is not the memory of an emomas; begin the series afresh"


def updated(weights: Sequence[float], confidences: Sequence[Sequence[float]], quality: float) -> list[float]:
    """The trust of one context after a negotiation.

    confidences: for each message in it, what each adviser gave the emotion that was shown. quality: how well the talks
    went, in [0, 1].
    """
    likelihood = [
        sum(quality * c + (1.0 - quality) * (1.0 - c) for c in column) for column in zip(*confidences, strict=True)
    ]
    share = [weight * value for weight, value in zip(weights, likelihood, strict=True)]
    total = sum(share)
    kept = [max(LEAST, part / total) if total > 0.0 else weight for part, weight in zip(share, weights, strict=True)]
    return [part / sum(kept) for part in kept]


def _model_of(argument: str) -> str:
    return argument.removeprefix(_ORCHESTRATOR)


@policy(
    "emomas",
    "three advisers, trusted by how they did in each context; emomas:MODEL_URI has a model judge coherence",
    argument="MODEL_URI",
    asks=_model_of,
)
def make_emomas(argument: str) -> EmoMas:
    """What `emomas`, `emomas:URI` and `emomas:orchestrator=URI` stand for."""
    if not argument:
        return EmoMas()
    model = PolicyModel(_model_of(argument))
    return EmoMas(scores_by_model(model), model if argument.startswith(_ORCHESTRATOR) else None, model)
