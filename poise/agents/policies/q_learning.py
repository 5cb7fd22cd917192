"""The baseline that learns by trial: tabular Q-learning, from one negotiation of a series to the next.

A baseline of EvoEmo (https://arxiv.org/abs/2509.04310) and EmoMAS (https://arxiv.org/abs/2604.07003); the update is in
`poise.agents.policies.learned.q_table`.

    state    the emotion read last (7) x phase (3) x gap small or large (2), see `poise.agents.policies.situations`
    action   the emotion to show, one of seven
    reward   after the last message: u, the creditor's utility, for a deal; -0.1 without; 0 before
    alpha    0.1        gamma  0.9
    choice   with probability epsilon_k = max(0.1, 0.3 * 0.995^k) in the k-th negotiation a random emotion, else one
             with the greatest Q; of equals any

`q-learning` begins with an empty table, so its first negotiations are guesses. `poise train q` fills the table, and the
artifact plays it without learning on or exploring.

Differs from the reference: in EvoEmo's release the state is the emotion that the agent itself showed last, so that the
debtor does not enter, and the reward of the whole talk is shared out equally over its messages. EmoMAS's release adds
random weights to Q that it never learns. Both draw by softmax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from poise.agents.emotions.parameters import EMOTION_COUNT
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies import policy
from poise.agents.policies.game_theory import any_best_reply
from poise.agents.policies.learned.q_table import QTable, Transition
from poise.agents.policies.learned.series import Settled
from poise.agents.policies.situations import PHASES, Situation, choices, now
from poise.agents.protocols import Policy, View
from poise.common.errors import AgentError
from poise.common.seeds import Dice

STATES: Final = EMOTION_COUNT * PHASES * 2
FAILURE: Final = -0.1


@dataclass(frozen=True, slots=True)
class QSettings:
    """The published numbers.

    epsilon, decay, least: exploration in negotiation k is max(least, epsilon * decay^k).
    """

    alpha: float = 0.1
    gamma: float = 0.9
    epsilon: float = 0.3
    decay: float = 0.995
    least: float = 0.1

    def exploration(self, talks: int) -> float:
        """The probability of a random emotion after so many negotiations."""
        return max(self.least, self.epsilon * self.decay**talks)


GREEDY: Final = QSettings(epsilon=0.0, least=0.0)


def q_state(situation: Situation) -> int:
    """The number of a situation's state, in [0, STATES)."""
    return situation.heard + EMOTION_COUNT * (situation.phase + PHASES * situation.large_gap)


def q_transitions(view: View, reward: float) -> list[Transition]:
    """The steps of a finished negotiation; `reward` comes with the last."""
    made = choices(view)
    states = [q_state(choice.situation) for choice in made]
    last = len(made) - 1
    return [
        Transition(state, choice.shown, reward if place == last else 0.0, None if place == last else states[place + 1])
        for place, (state, choice) in enumerate(zip(states, made, strict=True))
    ]


def _trained_q_learning(parameters: Mapping[str, Any], _arrays: Mapping[str, Any]) -> Policy:
    """Plays the best known emotion and learns no more; with "epsilon", as in training, it explores and learns on."""
    epsilon = parameters.get("epsilon")
    trained = QLearning(GREEDY if epsilon is None else QSettings(epsilon=float(epsilon), decay=1.0, least=0.0))
    trained.restore(parameters)
    return Settled(trained) if epsilon is None else trained


@policy(
    "q-learning",
    "learns by trial what to show (tabular Q-learning); `poise train q` trains it before",
    restore=_trained_q_learning,
    trainer="poise.training.online.plan:TABULAR_Q",
)
class QLearning:
    """Tabular Q-learning; a learner. See the module's head."""

    def __init__(self, settings: QSettings | None = None) -> None:
        self.settings = settings or QSettings()
        self.table = QTable(EMOTION_COUNT, self.settings.alpha, self.settings.gamma)
        self.talks = 0

    def choose(self, view: View, dice: Dice) -> str:
        """The emotion for the next message, one of the seven."""
        if dice.unit() < self.settings.exploration(self.talks):
            return dice.pick(EMOTIONS7)
        return EMOTIONS7[any_best_reply(self.table.row(q_state(now(view))), dice)]

    def learn(self, view: View, utility: float, deal: bool) -> None:
        """Take in one finished negotiation; `utility` is the creditor's, in [0, 1]."""
        self.table.learn(q_transitions(view, utility if deal else FAILURE))
        self.talks += 1

    def memory(self) -> dict[str, Any]:
        """What was learned, as JSON data."""
        return {"talks": self.talks, "table": self.table.memory()}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Go on from `memory`.

        Raises:
            BadInput: it is not the memory of a q-learning.
        """
        talks = memory.get("talks")
        if type(talks) is not int or talks < 0:
            raise AgentError("this is not the memory of a q-learning; begin the series afresh")
        self.table.restore(memory.get("table", {}), STATES)
        self.talks = talks
