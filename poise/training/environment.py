"""The choice of an emotion as a Gymnasium environment, for agents of any reinforcement learning library.

    env = EmotionEnv("angry")    # or gymnasium.make("poise/Emotion-v0", debtor="angry") once this module is imported
    observation, info = env.reset(seed=1)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())

The agent is a creditor that chooses which emotion each of its messages shows; its concession chooses the offers and the
referee judges. One episode is one negotiation, one step one message of the creditor and the answer to it:

    observation  a state of `poise.agents.policies.learned.states`, float32: only what a seat may know
    action       the emotion, by its place in `emotions`
    reward       after the last step the creditor's utility, computed by the referee, in [0, 1]; 0 before, and
                 without a deal
    end          terminated, always: the rules end every negotiation, and how many messages are left is observed

With a discount of 1 the return is the utility. Scenario and seed of an episode are drawn from the environment's own
generator, so that `reset(seed=...)` decides everything.
"""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from poise.agents.agent import Agent, default_concession
from poise.agents.concessions import named_concession
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28
from poise.agents.policies.learned.states import BUILDERS, STATES
from poise.agents.protocols import View
from poise.agents.registry import find_agent
from poise.common.errors import AgentError, BadInput
from poise.common.seeds import Dice
from poise.common.words import did_you_mean
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Transcript
from poise.graphs.pairing import Pairing, PlaySettings

Observation = NDArray[np.float32]
_PATIENCE: Final = 1e7  # seconds: a learner may be slow between two steps


class EmotionEnv(gymnasium.Env[Observation, np.int64]):
    """A creditor's choice of emotions against `debtor`; see the module for observations, actions and rewards.

    debtor:      an agent's name, or an agent.
    scenarios:   a source (see `poise.load_scenarios`), or scenarios; each episode draws one, or takes that of
                 `reset(options={"scenario": INDEX})`.
    state:       extended or published.
    emotions:    the actions, of the 28.
    concession:  what chooses the creditor's offers; "" for the usual one.
    settings:    how a negotiation is played: rules, models, detector.
    render_mode: "ansi" lets `render` give the last negotiation as text.

    Raises AgentError, ScenarioError and BadInput for unknown names.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012 - gymnasium's declaration

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        debtor: str | Agent = "angry",
        *,
        scenarios: str | Sequence[Scenario] = "builtin:train",
        state: str = "extended",
        emotions: Sequence[str] = EMOTIONS7,
        concession: str = "",
        settings: PlaySettings | None = None,
        render_mode: str | None = None,
    ) -> None:
        unknown = [emotion for emotion in emotions if emotion not in EMOTIONS28]
        if unknown or not emotions or len(set(emotions)) < len(emotions):
            hint = did_you_mean(unknown[0], EMOTIONS28) if unknown else ""
            raise BadInput(f"emotions {list(emotions)!r}: {hint}name some of {', '.join(EMOTIONS28)}, each once")
        if state not in STATES:
            raise BadInput(
                f"state {state!r} does not exist; {did_you_mean(state, STATES)}there are {', '.join(STATES)}"
            )
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise BadInput(f"render_mode {render_mode!r} is neither None nor 'ansi'")
        self.emotions = tuple(emotions)
        self.render_mode = render_mode
        self._scenarios = load_scenarios(scenarios) if isinstance(scenarios, str) else list(scenarios)
        self._build = BUILDERS[state]
        kind = concession or default_concession("creditor")
        named_concession(kind)  # refused here, not in an episode
        self._desk = desk = _Desk()
        weakref.finalize(self, desk.chosen.put, None)  # an environment that was not closed leaves no thread behind
        creditor = Agent("gymnasium", "creditor", lambda: desk, lambda: named_concession(kind))
        rules = replace(settings or PlaySettings(), message_seconds=_PATIENCE, match_seconds=_PATIENCE)
        debtor = find_agent(debtor, "debtor") if isinstance(debtor, str) else debtor
        self._pairing = Pairing(creditor, debtor, rules)
        self._thread: threading.Thread | None = None
        self._transcript: Transcript | None = None
        width = len(self._build(View(self._pairing.context(self._scenarios[0], 0).creditor.brief)))
        reach = max(2.0, rules.rules.max_messages / 10)  # counts are in tenths, all else is clipped to +-2
        self.observation_space = spaces.Box(-2.0, reach, (width,), np.float32)
        self.action_space = spaces.Discrete(len(self.emotions))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start a negotiation: the observation before the creditor's first message. info: its `scenario` and `seed`."""
        super().reset(seed=seed)
        self._leave()
        drawn = int(self.np_random.integers(len(self._scenarios)))
        index = (options or {}).get("scenario", drawn)
        if not isinstance(index, int) or not 0 <= index < len(self._scenarios):
            raise BadInput(f"scenario {index!r} is not one of 0 to {len(self._scenarios) - 1}")
        scenario, match_seed = self._scenarios[index], int(self.np_random.integers(2**63))
        self._transcript = None
        given = self._pairing, self._desk, scenario, match_seed  # and not this object, so that it can be collected
        self._thread = threading.Thread(target=_play, args=given, name="poise-gym", daemon=True)
        self._thread.start()
        view = self._next()
        if view is None:
            raise AgentError("the negotiation was over before the creditor's first message; check the agents")
        return self.observe(view), {"scenario": scenario.id, "seed": match_seed}

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Show an emotion. info: the `emotion`, and at the end the `transcript`.

        The last observation is that of the last message: nothing is chosen in it. Raises what ended the negotiation.
        """
        if self._thread is None:
            raise gymnasium.error.ResetNeeded("this negotiation is over; call reset() to begin another")
        if not self.action_space.contains(np.int64(action)):
            raise BadInput(f"action {action!r} is not one of 0 to {len(self.emotions) - 1}")
        emotion = self.emotions[int(action)]
        self._desk.chosen.put(emotion)
        view = self._next()
        info: dict[str, Any] = {"emotion": emotion}
        if view is not None:
            return self.observe(view), 0.0, False, False, info
        transcript = self._transcript
        assert transcript is not None  # noqa: S101 - for the type checker: it is there when no view follows
        if transcript.outcome.ending == "failed":
            raise AgentError(f"the negotiation failed: {transcript.outcome.reason}")
        return self._last, transcript.outcome.utilities[0], True, False, {**info, "transcript": transcript}

    def render(self) -> str | None:
        """The last finished negotiation as text, for the mode "ansi"."""
        if self.render_mode is None:
            return None
        lines = self._transcript.messages if self._transcript else ()
        return "\n".join(f"{line.seat} ({line.emotion}): {line.text}" for line in lines)

    def close(self) -> None:
        """End the current negotiation."""
        self._leave()

    def observe(self, view: View) -> Observation:
        """The observation before a message, the same in training and from a view in a tournament."""
        self._last = np.asarray(self._build(view), np.float32)
        return self._last

    def _next(self) -> View | None:
        """The view before the creditor's next message; None when the negotiation is over."""
        found = self._desk.shown.get()
        if isinstance(found, View):
            return found
        self._thread = None
        if isinstance(found, BaseException):
            raise found
        self._transcript = found
        return None

    def _leave(self) -> None:
        if self._thread is not None:
            self._desk.chosen.put(None)
            self._desk.shown.get()
            self._thread.join()
            self._thread = None


class _Desk:
    """The policy through which the environment plays: it hands over the view, and waits for the action."""

    def __init__(self) -> None:
        self.shown: queue.SimpleQueue[View | Transcript | BaseException] = queue.SimpleQueue()
        self.chosen: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def choose(self, view: View, dice: Dice) -> str:  # noqa: ARG002 - the learner draws by itself
        self.shown.put(view)
        emotion = self.chosen.get()
        if emotion is None:
            raise AgentError("the environment was reset")
        return emotion


def _play(pairing: Pairing, desk: _Desk, scenario: Scenario, seed: int) -> None:
    """Play a negotiation, and hand over its transcript or the error that ended it."""
    found: Transcript | BaseException
    try:
        found = pairing.play(scenario, seed).transcript
    except Exception as error:  # noqa: BLE001 - raised again in `step`
        found = error
    desk.shown.put(found)


gymnasium.register("poise/Emotion-v0", entry_point=f"{__name__}:EmotionEnv")
