"""The baseline with a network: deep Q-learning.

Paper: V. Mnih et al. 2015 (https://doi.org/10.1038/nature14236), with the double estimator of H. van Hasselt, A. Guez
and D. Silver 2016 (https://arxiv.org/abs/1509.06461); a baseline of EvoEmo (https://arxiv.org/abs/2509.04310). The
learning is in `poise.training.online.deep_q`.

    state    20 numbers: probabilities of the seven emotions in the last reading; belief over the four hidden states;
             own emotion shown last (one-hot of seven); share of the own messages behind; gap between the standing
             offers, as a share of the first. Before the debtor has spoken: neutral, the tracker's start, a whole gap.
    action   the emotion to show, one of seven
    network  20 - 64 - 64 - 7, ReLU
    reward   after the last message: u, the creditor's utility, for a deal; -0.1 without; 0 before
    gamma    0.95

`dqn` plays an untrained network, whose last layer is 0: all emotions are worth the same, and one is drawn. `poise train
dqn` trains it, which needs torch (pip install 'poise[train]'); to play the artifact needs NumPy alone.

Differs from the reference: in EvoEmo's release the debtor does not enter the state, rewards add bonuses for patterns of
emotions, and replay is prioritised; here replay is uniform.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from poise.agents.emotions.parameters import EMOTION_COUNT, PUBLISHED, STATE_COUNT
from poise.agents.emotions.tables import INITIAL
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.emotions.tracker import Tracker
from poise.agents.policies import policy
from poise.agents.policies.eq_negotiator import INDEX, NEUTRAL
from poise.agents.policies.game_theory import any_best_reply
from poise.agents.policies.q_learning import FAILURE
from poise.agents.protocols import View
from poise.common.seeds import Dice

if TYPE_CHECKING:
    from poise.agents.policies.learned.network import Network
    from poise.games.transcript import Reading

FEATURES: Final = EMOTION_COUNT + STATE_COUNT + EMOTION_COUNT + 2
HIDDEN: Final = 64
_CERTAIN: Final = tuple(tuple(float(e == shown) for e in range(EMOTION_COUNT)) for shown in range(EMOTION_COUNT))


class Taken(NamedTuple):
    """A message of the creditor: the state it was made in, and the emotion (index in EMOTIONS7) that it showed."""

    state: tuple[float, ...]
    shown: int


def states(view: View) -> list[tuple[float, ...]]:
    """The state before each of this seat's messages, oldest first, and that of the message about to be made."""
    readings, shown = iter(view.readings), iter(view.shown)
    reading: Reading | None = None
    own, made, first = NEUTRAL, 0, 0
    standing: dict[str, int] = {}
    last = max(1, (view.brief.rules.max_messages - 1) // 2)
    found: list[tuple[float, ...]] = []

    def state() -> tuple[float, ...]:
        gap = abs(standing["creditor"] - standing["debtor"]) / first if first else 1.0
        seven, belief = (reading.emotions, reading.belief) if reading else (_CERTAIN[NEUTRAL], INITIAL)
        return (*seven, *belief, *_CERTAIN[own], min(1.0, made / last), min(1.0, gap))

    for line in view.lines:
        if line.seat == view.brief.seat:
            found.append(state())
            own, made = INDEX[next(shown, None)], made + 1
        else:
            reading = next(readings, reading)
        if line.move.value is not None:
            standing[line.seat] = line.move.value
            if not first and len(standing) == 2:
                first = abs(standing["creditor"] - standing["debtor"])
    return [*found, state()]


def taken(view: View) -> list[Taken]:
    """Every message of this seat in finished negotiations."""
    return [Taken(state, INDEX[shown]) for state, shown in zip(states(view), view.shown, strict=False)]


def _trained_dqn(parameters: Mapping[str, Any], arrays: Mapping[str, Any]) -> DeepQ:
    """Plays the emotion of the highest value; with "epsilon", as in training, it explores and collects its steps."""
    from poise.agents.policies.learned.network import checked_network

    network = checked_network(arrays, FEATURES, EMOTION_COUNT)
    epsilon = parameters.get("epsilon")
    return DeepQ(network) if epsilon is None else Collector(network, float(epsilon))


@policy(
    "dqn",
    "a network that values each emotion (deep Q-learning); guesses until `poise train dqn` trained it",
    restore=_trained_dqn,
    trainer="poise.training.online.plan:DEEP_Q",
)
class DeepQ:
    """Shows the emotion that its network values most; with probability `epsilon` a random one.

    tracker: with the published tables, on which networks were trained from the first on.
    """

    tracker: Final = Tracker(parameters=PUBLISHED)

    def __init__(self, network: Network | None = None, epsilon: float = 0.0) -> None:
        if network is not None:
            self._network = network
        self._epsilon = epsilon

    @cached_property
    def _network(self) -> Network:
        from poise.agents.policies.learned.network import initial_network

        return initial_network(FEATURES, HIDDEN, EMOTION_COUNT)

    def choose(self, view: View, dice: Dice) -> str:
        """The emotion for the next message, one of the seven."""
        if self._epsilon and dice.unit() < self._epsilon:
            return dice.pick(EMOTIONS7)
        from poise.agents.policies.learned.network import q_values  # NumPy: not for who only lists the agents

        return EMOTIONS7[any_best_reply(q_values(self._network, [states(view)[-1]])[0].tolist(), dice)]


class Collector(DeepQ):
    """Plays for training: its memory is every step of its negotiations since it was made.

    A step is [state, action, reward, state after it or null].
    """

    def __init__(self, network: Network, epsilon: float) -> None:
        super().__init__(network, epsilon)
        self._steps: list[list[Any]] = []

    def learn(self, view: View, utility: float, deal: bool) -> None:
        """Take in one finished negotiation."""
        made = taken(view)
        reward = utility if deal else FAILURE
        for place, (state, shown) in enumerate(made):
            ended = place == len(made) - 1
            self._steps.append([state, shown, reward if ended else 0.0, None if ended else made[place + 1].state])

    def memory(self) -> dict[str, Any]:
        """The steps."""
        return {"steps": self._steps}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Continue from `memory`."""
        self._steps = list(memory["steps"])
