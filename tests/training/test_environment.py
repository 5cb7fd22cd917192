"""The Gymnasium environment: its own library's check, and the same negotiations as `play` gives."""

from __future__ import annotations

import threading

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from helpers.pages import Page, clean_registries
from helpers.paths import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from poise import Rules, agent, find_agent, load_scenarios, play
from poise.agents.emotions.taxonomy import EMOTIONS7, EMOTIONS28
from poise.agents.policies.learned.states import EXTENDED, PUBLISHED
from poise.common.errors import AgentError, BadInput, ScenarioError
from poise.graphs.pairing import PlaySettings
from poise.tournaments.statistics.standings import read_standings
from poise.training.environment import EmotionEnv


def played(env, actions, **reset):
    """Observations, rewards and the transcript of a negotiation; the last action is repeated."""
    observation, info = env.reset(**reset)
    seen, rewards, done, taken = [observation], [], False, 0
    while not done:
        observation, reward, done, truncated, info = env.step(actions[min(taken, len(actions) - 1)])
        assert not truncated
        assert env.observation_space.contains(observation)
        seen.append(observation)
        rewards.append(reward)
        taken += 1
    return seen, rewards, info["transcript"]


@pytest.mark.parametrize(
    "given",
    [{"debtor": "angry"}, {"debtor": "simulated", "state": "published", "emotions": EMOTIONS28, "render_mode": "ansi"}],
)
def test_gymnasiums_own_check_passes(given):
    env = gymnasium.make("poise/Emotion-v0", **given).unwrapped
    check_env(env)
    env.close()


def test_a_forgotten_environment_leaves_nothing_at_work():
    EmotionEnv("sad").reset(seed=1)  # the fixture of every test looks for threads


@settings(max_examples=10)
@given(st.integers(0, 2**31), st.sampled_from(EMOTIONS7), st.sampled_from(["angry", "simulated", "threatening"]))
def test_a_constant_action_is_the_fixed_agent(seed, emotion, debtor):
    """The environment is another way to play what `play` plays: the same words, offers and utility."""
    env = EmotionEnv(debtor)
    observation, info = env.reset(seed=seed)
    _, rewards, transcript = played(env, [EMOTIONS7.index(emotion)], seed=seed)
    scenario = next(one for one in load_scenarios("builtin:train") if one.id == info["scenario"])
    alone = play(scenario, find_agent(f"fixed:{emotion}", "creditor"), find_agent(debtor, "debtor"), seed=info["seed"])
    assert [(one.text, one.move) for one in transcript.messages] == [(one.text, one.move) for one in alone.messages]
    assert transcript.outcome == alone.outcome
    assert sum(rewards) == rewards[-1] == alone.outcome.utilities[0]
    assert observation.dtype == np.float32


@settings(max_examples=10)
@given(st.integers(0, 1000), st.lists(st.integers(0, 6), min_size=1, max_size=8))
def test_seed_and_actions_decide_everything(seed, actions):
    one, other = (played(EmotionEnv("sad"), actions, seed=seed) for _ in range(2))
    assert np.array_equal(one[0], other[0])
    assert one[1:] == other[1:]


def test_the_agent_sees_in_a_tournament_what_it_saw_in_training():
    env, views = EmotionEnv("angry"), []
    seen, _, _ = played(env, [3, 1, 4], seed=5, options={"scenario": 2})
    _, info = env.reset(seed=5, options={"scenario": 2})
    env.close()
    choices = iter([3, 1, 4])
    with clean_registries():

        @agent("watching", seat="creditor")
        def watching(view):
            views.append(env.observe(view))
            return EMOTIONS7[next(choices, 4)]

        play(
            load_scenarios("builtin:train")[2],
            find_agent("watching", "creditor"),
            find_agent("angry", "debtor"),
            seed=info["seed"],
        )
    assert np.array_equal(views, seen[: len(views)])
    assert len(views) == len(seen) - 1


@pytest.mark.parametrize(("state", "width"), [("extended", EXTENDED), ("published", PUBLISHED)])
def test_the_observation_is_the_documented_state(state, width):
    assert EmotionEnv(state=state).observation_space.shape == (width,)


def test_what_was_begun_is_left_by_a_reset_and_by_closing():
    env = EmotionEnv("stonewalling")
    for seed in range(5):
        env.reset(seed=seed)
        env.step(0)
    env.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "poise-gym"]
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)


def test_a_failing_debtor_is_an_error_and_not_a_reward():
    with clean_registries():

        @agent("breaks", seat="debtor")
        def breaks(view):
            raise RuntimeError("out of patience")

        env = EmotionEnv("breaks")
        env.reset(seed=1)
        with pytest.raises(AgentError, match="out of patience"):
            env.step(0)
        env.reset(seed=2)
        env.close()


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"debtor": "angri"}, AgentError, "did you mean 'angry'"),
        ({"scenarios": "builtin:medcal"}, ScenarioError, "did you mean 'medical'"),
        ({"state": "extendd"}, BadInput, "did you mean 'extended'"),
        ({"emotions": ["joyy"]}, BadInput, "did you mean 'joy'"),
        ({"emotions": ["joy", "joy"]}, BadInput, "each once"),
        ({"emotions": []}, BadInput, "name some of"),
        ({"concession": "boulwar"}, AgentError, "did you mean 'boulware'"),
        ({"render_mode": "human"}, BadInput, "neither None nor 'ansi'"),
    ],
)
def test_what_is_not_there_is_refused(wrong, error, says):
    with pytest.raises(error, match=says):
        EmotionEnv(**wrong)


def test_actions_and_scenarios_out_of_bounds_are_refused():
    env = EmotionEnv(settings=PlaySettings(rules=Rules(max_messages=5)))
    with pytest.raises(BadInput, match="scenario 80 is not one of 0 to 79"):
        env.reset(options={"scenario": 80})
    env.reset(seed=1)
    with pytest.raises(BadInput, match="action 7 is not one of 0 to 6"):
        env.step(7)
    env.close()


def test_following_the_page_trains_an_agent_that_beats_vanilla(tmp_path, monkeypatch, thorough):
    learns = pytest.importorskip("stable_baselines3").DQN
    if not thorough:
        monkeypatch.setattr(learns, "learn", lambda model, steps, real=learns.learn: real(model, steps // 3))
    monkeypatch.chdir(tmp_path)
    with clean_registries():
        page = Page(ROOT / "docs" / "gymnasium.md")
        page.follow()
        page.names["env"].close()
    utility = {one.label: one.utility.mean for one in read_standings("runs/gym").standings if one.seat == "creditor"}
    assert page.ran
    assert utility["my-dqn"] > utility["vanilla"]
