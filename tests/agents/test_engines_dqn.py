"""Deep Q-learning: states, replay and targets by NumPy alone; gradients where torch is installed."""

import importlib.util
import json
import os
import signal
from collections import Counter

import numpy as np
import pytest
from helpers.emotion_strategies import BRIEF, DICE, EVEN, a_view, heard_view, one_hot, views
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.emotions.tables import INITIAL
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.policies import trained_policy
from poise.agents.policies.dqn import FEATURES, HIDDEN, Collector, DeepQ, states, taken
from poise.agents.policies.learned.network import checked_network, initial_network, q_values
from poise.agents.protocols import View
from poise.agents.registry import find_agent
from poise.common.errors import AgentError, ConfigError
from poise.common.seeds import Dice
from poise.games.transcript import Reading
from poise.training.online.deep_q import DeepQSettings, DeepQTrainer, Replay, ReplayBatch, packed, targets, unpacked
from poise.training.online.plan import plan_training
from poise.training.online.settings import TrainSettings
from poise.training.online.train import train
from poise.training.online.trainers import PlayedEpisode

TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not TORCH, reason="torch is not installed: pip install 'poise[train]'")
NEUTRAL = one_hot("neutral")


# --- states


@given(view=views)
def test_what_is_seen_when_choosing_is_what_is_learned_from(view):
    """The state before each message is the one that the finished talks show for it, and all are numbers in [0, 1]."""
    found = states(view)
    assert len(found) == len(view.shown) + 1
    for number, state in enumerate(found):
        before = View(view.brief, view.lines[: 2 * number], view.readings[:number], view.shown[:number])
        assert states(before)[-1] == state
        assert len(state) == FEATURES
        assert all(-1e-9 <= value <= 1 + 1e-9 for value in state)
    assert [step.state for step in taken(view)] == found[:-1]


def test_a_state_by_hand():
    """Second message: joy was shown and anger read; 1 of 15 messages behind; the gap is the first one still."""
    first, second = states(heard_view(("joy",), ("anger",)))
    assert first == (*NEUTRAL, *INITIAL, *NEUTRAL, 0.0, 1.0)
    assert second == (*one_hot("anger"), *EVEN, *one_hot("joy"), 1 / 15, 1.0)
    third = states(heard_view(("joy", "fear"), ("anger", "joy")))[-1]
    assert third[-1] == pytest.approx((99 - 21) / (100 - 20))  # both moved by one unit


# --- the network


@given(st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=1, max_size=4))
def test_a_network_by_hand(inputs):
    network = {
        "w0": np.array([[1.0, -1.0], [0.0, 2.0], [0.5, 0.0]]),
        "b0": np.array([0.1, -0.2]),
        "w1": np.array([[1.0], [3.0]]),
        "b1": np.array([0.5]),
    }
    for row, (value,) in zip(inputs, q_values(network, inputs), strict=True):
        x, y, z = row
        assert value == pytest.approx(max(0, x + 0.5 * z + 0.1) + 3 * max(0, -x + 2 * y - 0.2) + 0.5)


def test_an_untrained_network_values_all_the_same_and_so_guesses():
    network = initial_network(FEATURES, HIDDEN, 7)
    assert not q_values(network, [[0.3] * FEATURES]).any()
    assert np.var(network["w1"]) == pytest.approx(2 / HIDDEN, rel=0.1)  # He et al. 2015
    counts = Counter(DeepQ().choose(View(BRIEF), Dice(number)) for number in range(700))
    assert set(counts) == set(EMOTIONS7)
    assert max(abs(count - 100) for count in counts.values()) < 40


def test_it_shows_what_its_network_values_most():
    network = initial_network(FEATURES, HIDDEN, 7)
    network["b2"] = np.array([0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    policy = trained_policy("dqn", {}, network)
    assert {policy.choose(View(BRIEF), Dice(number)) for number in range(9)} == {"anger"}
    explorer = trained_policy("dqn", {"epsilon": 1.0}, network)
    assert len({explorer.choose(View(BRIEF), Dice(number)) for number in range(60)}) == 7


@pytest.mark.parametrize("change", [{"w1": np.zeros((3, 3))}, {"b2": np.zeros(6)}, {"w9": np.zeros(1)}, {"b0": None}])
def test_arrays_that_do_not_fit_are_refused(change):
    arrays = {**initial_network(FEATURES, HIDDEN, 7), **change}
    with pytest.raises(AgentError, match="no network of 20 inputs"):
        checked_network({name: array for name, array in arrays.items() if array is not None}, FEATURES, 7)
    with pytest.raises(AgentError):
        trained_policy("dqn", {}, {})


# --- replay and targets


def step(number, *, ended=False):
    return [[float(number)] * 2, number % 7, number / 100, None if ended else [float(number) + 0.5] * 2]


def test_the_replay_keeps_the_latest_and_draws_evenly():
    replay = Replay(2, capacity=10)
    replay.add([step(number, ended=number == 14) for number in range(15)])
    assert len(replay) == 10
    batch = replay.draw(4000, np.random.default_rng(1))
    counts = Counter(batch.states[:, 0].tolist())
    assert set(counts) == {float(number) for number in range(5, 15)}
    assert max(abs(count - 400) for count in counts.values()) < 4 * 20
    for state, action, reward, after, on in zip(
        batch.states, batch.actions, batch.rewards, batch.following, batch.goes_on, strict=True
    ):
        number = int(state[0])
        assert (action, on) == (number % 7, number != 14)
        assert reward == pytest.approx(number / 100)
        assert after.tolist() == ([number + 0.5] * 2 if on else [0.0] * 2)


def test_the_replay_survives_json():
    one, two = Replay(2, capacity=4), Replay(2, capacity=4)
    one.add([step(number) for number in range(6)])
    two.restore(json.loads(json.dumps(one.memory())))
    for replay in (one, two):
        replay.add([step(9)])
    drawn = [replay.draw(50, np.random.default_rng(2)) for replay in (one, two)]
    assert (drawn[0].states == drawn[1].states).all()


@given(st.integers(0, 2**32), st.sampled_from(["float32", "float64"]))
def test_arrays_survive_json_to_the_last_bit(seed, kind):
    array = np.random.default_rng(seed).normal(size=(2, 3)).astype(kind)
    again = unpacked(json.loads(json.dumps(packed(array))))
    assert (again == array).all()
    assert again.dtype == array.dtype


def linear(*rows):
    """A network without hidden layers: Q(s, a) = s . w_a."""
    return {"w0": np.array(rows, float).T, "b0": np.zeros(len(rows))}


def test_targets_choose_by_one_network_and_value_by_the_other():
    """Double Q-learning (van Hasselt et al. 2016, eq. 4): y = r + gamma Q'(s', argmax Q(s', .))."""
    batch = ReplayBatch(
        states=np.zeros((2, 2)),
        actions=np.array([0, 1]),
        rewards=np.array([0.1, 0.7]),
        following=np.array([[1.0, 2.0], [1.0, 2.0]]),
        goes_on=np.array([1.0, 0.0]),
    )
    online, frozen = linear([1, 0], [0, 1]), linear([10, 0], [0, 3])
    # s' = (1, 2): the online network prefers action 1 (2 over 1); the frozen one gives it 6, though 10 to the other.
    assert targets(batch, online, frozen, 0.5).tolist() == pytest.approx([0.1 + 0.5 * 6, 0.7])


# --- training without gradients


class Recording:
    """A stepper that counts, and moves its last bias so that a change can be seen."""

    def __init__(self):
        self.seen = []
        self.held = initial_network(2, 3, 7)

    def network(self):
        return dict(self.held)

    def step(self, batch, aims):
        self.seen.append((len(aims), float(aims.max())))
        self.held["b2"] = self.held["b2"] + 1.0
        return 0.0

    def state(self):
        return {"bias": self.held["b2"].tolist()}

    def restore(self, state):
        self.held["b2"] = np.array(state["bias"])


def trained(rounds, restart=None, **numbers):
    trainer = DeepQTrainer(10, 2, Recording, 3, DeepQSettings(**{"batch": 8, "every": 2, "renew": 3, **numbers}))
    for number in range(rounds):
        if number == restart:
            again = DeepQTrainer(10, 2, Recording, 3, trainer.settings)
            again.restore(json.loads(json.dumps(trainer.memory())))
            trainer = again
        trainer.tell([PlayedEpisode([], {"steps": [step(4 * number + k, ended=k == 3) for k in range(4)]})])
    return trainer


def test_gradient_steps_keep_pace_with_play_and_the_target_is_renewed():
    trainer = trained(5)
    assert len(trainer._stepper.seen) == 5 * 4 // 2
    assert {size for size, _ in trainer._stepper.seen} == {8}
    # 10 steps raise the bias to 10; the target network was last renewed after the ninth.
    assert trainer._frozen["b2"].tolist() == [9.0] * 7
    assert trainer.best().arrays["b2"].tolist() == [10.0] * 7


@pytest.mark.parametrize("restart", [1, 3])
def test_training_goes_on_from_its_memory_as_if_never_stopped(restart):
    assert trained(5, restart).memory() == trained(5).memory()


def test_exploration_falls_from_certain_to_its_least():
    assert [round(trained(n).epsilon, 3) for n in (0, 3, 6, 9)] == [1.0, 0.525, 0.05, 0.05]


def test_a_collector_keeps_every_step_with_the_result_at_the_end():
    collector = Collector(initial_network(FEATURES, HIDDEN, 7), 0.5)
    collector.learn(heard_view(("joy", "fear"), ("anger", "joy")), 0.6, deal=True)
    collector.learn(heard_view(("anger",), ("anger",)), 0.0, deal=False)
    steps = collector.memory()["steps"]
    assert [EMOTIONS7[action] for _, action, _, _ in steps] == ["joy", "fear", "anger"]
    assert [reward for _, _, reward, _ in steps] == [0.0, 0.6, -0.1]
    assert [after is None for *_, after in steps] == [False, True, True]
    assert steps[0][3] == steps[1][0]


@pytest.mark.skipif(TORCH, reason="torch is installed here, so nothing is missing")
def test_without_torch_training_says_what_to_install():
    with pytest.raises(ConfigError, match=r"pip install 'poise\[train\]'"):
        plan_training(TrainSettings("dqn", ("vanilla",), budget=100))


# --- with torch


@needs_torch
def test_torch_computes_the_same_network_and_its_gradient_step_lowers_the_loss():
    from poise.training.online.deep_q_torch import TorchStepper

    network = initial_network(4, 8, 3, seed=2)
    network["w2"] = np.random.default_rng(1).normal(size=(8, 3))
    stepper = TorchStepper(network, 1e-2)
    states_, rng = np.random.default_rng(2).normal(size=(32, 4)), np.random.default_rng(3)
    assert stepper._forward(
        stepper._torch.tensor(states_, dtype=stepper._torch.float32)
    ).detach().numpy() == pytest.approx(q_values(network, states_), abs=1e-5)
    actions, aims = rng.integers(3, size=32), rng.normal(size=32)
    batch = ReplayBatch(states_, actions, aims, states_, np.zeros(32))
    losses = [stepper.step(batch, aims) for _ in range(200)]
    chosen = q_values(network, states_)[np.arange(32), actions] - aims
    huber = np.where(np.abs(chosen) < 1, 0.5 * chosen**2, np.abs(chosen) - 0.5).mean()
    assert losses[0] == pytest.approx(huber, rel=1e-4)
    assert losses[-1] < 0.1 * losses[0]


@needs_torch
def test_a_stepper_goes_on_from_its_state_to_the_last_bit():
    from poise.training.online.deep_q_torch import TorchStepper

    rng = np.random.default_rng(4)
    batch = ReplayBatch(rng.normal(size=(8, 4)), rng.integers(3, size=8), np.zeros(8), np.zeros((8, 4)), np.zeros(8))
    one = TorchStepper(initial_network(4, 8, 3), 1e-2)
    for _ in range(5):
        one.step(batch, np.ones(8))
    two = TorchStepper(initial_network(4, 8, 3), 1e-2)
    two.restore(json.loads(json.dumps(one.state())))
    for stepper in (one, two):
        for _ in range(5):
            stepper.step(batch, np.ones(8))
    assert one.state() == two.state()


@needs_torch
def test_deep_q_learning_finds_the_values_of_a_small_problem():
    """From 0 one may take 0.3 or go on to 1, where 1 or nothing is to be had: Q(0, on) = gamma (Bellman)."""
    from poise.training.online.deep_q_torch import TorchStepper

    numbers = DeepQSettings(every=1, renew=20, rate=5e-3, batch=32, gamma=0.9)
    trainer = DeepQTrainer(40, 2, lambda: TorchStepper(initial_network(2, 16, 2), numbers.rate), 1, numbers)
    zero, one, dice = [1.0, 0.0], [0.0, 1.0], Dice(6)
    for _ in range(40):
        steps = []
        for _ in range(10):
            steps += [[zero, 1, 0.3, None], [zero, 0, 0.0, one]]
            second = dice.pick([0, 1])
            steps.append([one, second, float(second == 0), None])
        trainer.tell([PlayedEpisode([], {"steps": steps})])
    found = q_values(trainer.best().arrays, [zero, one])
    assert found[0] == pytest.approx([0.9, 0.3], abs=0.1)
    assert found[1] == pytest.approx([1.0, 0.0], abs=0.1)


class StopSoon:
    """A watch that presses Ctrl-C in the second round."""

    def begin(self, what, total, done):
        self.left = 2

    def advance(self, count, note):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGINT)


@needs_torch
def test_training_plays_stops_and_goes_on_to_the_same_artifact(tmp_path):
    chosen = TrainSettings("dqn", ("vanilla", "angry"), scenarios="builtin:0-9", budget=30, talks=5, seed=5)
    train(chosen, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(chosen, tmp_path / "stopped", watch=StopSoon())
    train(chosen, tmp_path / "stopped")
    for name in ("artifact.json", "arrays.npz"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes()
    agent = find_agent(f"{tmp_path}/whole", "creditor")
    view = a_view(("joy",), [Reading(one_hot("anger"), "anger", EVEN)])
    assert agent.make_policy().choose(view, DICE) in EMOTIONS7


@needs_torch
def test_training_improves_on_its_start_and_on_vanilla(tmp_path):
    """New talks, paired; the whole 95 % interval of the gain is above 0."""
    gain = train(TrainSettings("dqn", ("vanilla",), budget=500, seed=1), tmp_path).artifact.scores["gain"]
    assert gain["start"]["low"] > 0
    assert gain["vanilla"]["low"] > 0
