"""Learning from a fixed data set: golden values, a world whose answer is known, refusals, stops that cost nothing."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from poise.agents.artifact import FILE, load_artifact
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.policies.learned.network import q_values
from poise.agents.policies.learned.offline import Learned, learned
from poise.agents.policies.learned.states import EXTENDED, PUBLISHED, network_input
from poise.agents.registry import find_agent
from poise.common.errors import AgentError, ConfigError, StoreError
from poise.games.scenarios.loaders import load_scenarios
from poise.graphs import Pairing
from poise.testing import check_agent
from poise.training.data.dataset import FORMAT, MANIFEST, REWARDS, TRANSITIONS, Transitions, select
from poise.training.libraries import choose_device
from poise.training.offline.evaluation import importance, observed
from poise.training.offline.problem import OfflineSettings, problem_of
from poise.training.offline.train import CHECKPOINT, evaluate, loss_curve, train_offline

torch = pytest.importorskip("torch")

from poise.training.offline import fitted_q  # noqa: E402
from poise.training.offline.baselines import Cloning, Cql  # noqa: E402
from poise.training.offline.iql import Iql, advantage_weights, expectile_loss  # noqa: E402 - it needs torch
from poise.training.offline.learner import threads  # noqa: E402

RIGHT = {0: 3, 1: 7}  # the emotion that pays, by the kind of talk
SHOWN = (3, 7, 12)  # what the data show at all
LEARNERS = {"iql": Iql, "cql": Cql, "bc": Cloning}


def corridor(talks=400, seed=0, steps=2):
    """Talks of two kinds: u = 1 where the right emotion was shown in both messages, 0.25 where in one.

    The state's first number is the kind, its second how often it was right so far; emotions are uniform over SHOWN.
    """
    rng = np.random.default_rng(seed)
    kind = rng.integers(2, size=talks)
    action = rng.choice(SHOWN, size=(talks, steps))
    right = (action == np.array([RIGHT[0], RIGHT[1]])[kind][:, None]).sum(1)
    utility = np.where(right == steps, 1.0, np.where(right == 1, 0.25, 0.0)).astype(np.float32)
    before = np.concatenate([np.zeros((talks, 1)), (action == np.where(kind, 7, 3)[:, None]).cumsum(1)], axis=1)

    def states(width, first):
        found = np.zeros((talks, steps + 1, width), np.float32)
        found[:, :, 0] = kind[:, None]
        found[:, :, 1] = before / steps
        found[:, :, 2] = np.arange(steps + 1) / steps
        return found[:, first : first + steps].reshape(-1, width)

    done = np.zeros((talks, steps), bool)
    done[:, -1] = True
    earned = np.zeros((talks, steps), np.float32)
    earned[:, -1] = utility
    count = talks * steps
    return Transitions(
        state=states(PUBLISHED, 0),
        next_state=states(PUBLISHED, 1),
        extended=states(EXTENDED, 0),
        next_extended=states(EXTENDED, 1),
        action=action.reshape(-1).astype(np.int64),
        rewards={name: earned.reshape(-1) for name in REWARDS},
        judge=np.full(count, np.nan, np.float32),
        done=done.reshape(-1),
        propensity=np.full(count, 1 / len(SHOWN), np.float32),
        episode=np.repeat(np.arange(talks), steps),
        step=np.tile(np.arange(steps), talks),
        scenario=np.arange(talks) % 20,
        utility=utility,
        manifest={"files": {TRANSITIONS: "none"}},
    )


def written(folder, data):
    """`data` as a data set's folder."""
    import hashlib

    folder.mkdir(exist_ok=True)
    np.savez(folder / TRANSITIONS, **data.arrays())
    digest = hashlib.sha256((folder / TRANSITIONS).read_bytes()).hexdigest()
    sources = [{"kind": "tournament", "path": str(folder / "sweep"), "matches": 400}]
    manifest = {"format": FORMAT, "kind": "dataset", "files": {TRANSITIONS: digest}, "sources": sources}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


QUICK = OfflineSettings(
    steps=600, batch=64, hidden=24, rate=3e-3, polyak=0.02, reward="utility", gamma=1.0, kept=0.0, threads=1
)  # fmt: skip


def trained(method, data, settings=QUICK):
    settings = replace(settings, method=method)
    learner = LEARNERS[method](problem_of(data, settings), settings)
    with threads(1):
        for chunk in range(settings.steps // 100):
            learner.train(chunk, 100)
    return learner


def greedy(network, data):
    return q_values(network, network_input(data.extended, "extended")).argmax(axis=1)


@pytest.fixture(autouse=True)
def one_thread():
    with threads(1):
        yield


# --- losses


def test_losses_have_their_golden_values():
    loss = expectile_loss(torch.tensor([1.0, -1.0, 0.5]), 0.7)
    assert float(loss) == pytest.approx(0.391667, abs=1e-6)
    weights = advantage_weights(torch.tensor([2.0, 0.0, -1.0]), 3.0, 100.0)
    assert weights.tolist() == pytest.approx([100.0, 1.0, 0.0497871])


def test_an_expectile_of_a_half_is_the_mean():
    found = torch.tensor([0.3, 1.7, -0.4])
    value = torch.zeros(1, requires_grad=True)
    adam = torch.optim.SGD([value], lr=0.5)
    for _ in range(50):
        adam.zero_grad()
        expectile_loss(found - value, 0.5).backward()
        adam.step()
    assert float(value.detach()) == pytest.approx(float(found.mean()), abs=1e-5)


# --- a world whose answer is known


@pytest.mark.parametrize("method", ["iql", "cql"])
def test_the_emotion_that_pays_is_found(method):
    data = corridor()
    shown = greedy(trained(method, data).policy(), data)
    wanted = np.array([RIGHT[0], RIGHT[1]])[data.extended[:, 0].astype(int)]
    assert (shown == wanted).mean() > 0.95


def test_the_value_is_learned():
    """With tau near 1 and gamma 1, V of the first message nears 1, what the best emotions earn."""
    data = corridor(1000)
    settings = replace(QUICK, tau=0.98, steps=1000, scale="none")
    learner = trained("iql", data, settings)
    states = torch.from_numpy(data.extended[data.step == 0])
    from poise.training.offline.learner import forward, network_slice

    with torch.no_grad():
        value = forward(network_slice(learner.stack, 0, 1), states)[0, :, 0]
    assert float(value.mean()) == pytest.approx(1.0, abs=0.1)


def test_cloning_shows_what_the_data_show():
    data = corridor(2000)
    mostly = replace(data, action=np.where(np.arange(len(data)) % 4, 12, data.action))
    assert (greedy(trained("bc", mostly).policy(), mostly) == 12).mean() > 0.95


@pytest.mark.parametrize("method", LEARNERS)
def test_emotions_that_the_data_do_not_hold_are_never_shown(method):
    data = corridor(100)
    network = trained(method, data, replace(QUICK, steps=100)).policy()
    anywhere = np.random.default_rng(1).normal(size=(500, EXTENDED)) * 10
    assert set(q_values(network, anywhere).argmax(axis=1)) <= set(SHOWN)


def test_evaluation_finds_the_known_values():
    """Uniform emotions earn (1/9) 1 + (4/9) 0.25; the right ones earn 1."""
    data = corridor(3000, seed=5)
    assert observed(data).mean == pytest.approx(1 / 9 + 4 / 9 * 0.25, abs=0.02)
    right = np.array([RIGHT[0], RIGHT[1]])[data.extended[:, 0].astype(int)]
    found = importance(data, (data.action == right).astype(float))
    assert found["mean"] == pytest.approx(1.0)
    assert found["effective_talks"] == pytest.approx(3000 / 9, rel=0.15)
    half = importance(data, np.where(data.action == right, 0.5, 0.25))
    wanted = 0.25 + 0.5 * 0.25
    assert half["low"] < wanted < half["high"]
    assert half["mean"] == pytest.approx(wanted, abs=0.03)
    unknown = replace(data, propensity=np.full(len(data), np.nan, np.float32))
    assert importance(unknown, np.ones(len(data))) is None


def test_importance_sampling_stays_where_utilities_can_be_and_its_interval_holds_the_truth():
    """60 data sets of 200 negotiations; half right at each message earns 0.25 + 0.5 * 0.25."""
    held = 0
    for seed in range(60):
        data = corridor(200, seed=seed)
        right = np.array([RIGHT[0], RIGHT[1]])[data.extended[:, 0].astype(int)]
        found = importance(data, np.where(data.action == right, 0.5, 0.25), seed)
        assert 0 <= found["low"] <= found["mean"] <= found["high"] <= 1
        held += found["low"] <= 0.375 <= found["high"]
    assert held >= 51  # at a true 95 %, fewer has a chance of 0.1 %


def test_fitted_q_finds_the_value_of_a_policy_within_what_utilities_can_be(monkeypatch, thorough):
    """The right emotions earn 1, the border itself; the networks may fall short of it by 0.05."""
    if not thorough:
        monkeypatch.setattr(fitted_q, "FitSettings", partial(fitted_q.FitSettings, networks=4, steps=500))
    policy = trained("iql", corridor()).policy()
    for seed in range(6, 9 if thorough else 7):
        scores = evaluate(corridor(1500, seed=seed), policy, replace(QUICK, seed=seed))
        found = scores["fitted_q"]
        assert 0 <= found["low"] <= found["mean"] <= found["high"] <= 1
        assert found["mean"] == pytest.approx(1.0, abs=0.1)
        assert found["high"] >= 0.95
        assert scores["data"]["mean"] < 0.3


def test_an_estimate_beyond_the_border_is_cut():
    far = torch.full((10, 3, 4), 1.3)
    far[1:] += torch.linspace(-0.6, 0.6, 9)[:, None, None]
    tables = {
        "states": torch.zeros(3, 1),
        "first": torch.arange(3),
        "opening": torch.zeros(3, dtype=torch.int64),
        "group": torch.arange(3),
    }
    stack = [torch.zeros(10, 1, 4), far[:, :1, :]]
    found = fitted_q._interval(stack, tables, torch.ones(10, 3), (0.0, 1.0))
    assert (found.mean, found.high) == (1.0, 1.0)
    assert 0.0 < found.low < 1.0


def test_the_kept_talks_are_evaluated_and_not_learned_from(tmp_path, monkeypatch):
    monkeypatch.setattr(fitted_q, "FitSettings", partial(fitted_q.FitSettings, steps=50))  # what it finds plays no part
    settings = replace(QUICK, kept=0.1, steps=100)
    artifact = train_offline(settings, written(tmp_path / "data", corridor()), tmp_path / "out").artifact
    assert artifact.provenance["rows"] == 720  # of 800; 2 of 20 scenarios are kept
    assert artifact.scores["offline"]["talks"] == 40
    assert artifact.scores["offline"]["importance"]["low"] <= artifact.scores["offline"]["importance"]["high"]


# --- bad data


def test_no_data_are_refused():
    with pytest.raises(ConfigError, match="no transition"):
        problem_of(select(corridor(4), np.zeros(4, bool)), QUICK)


def test_all_equal_rewards_are_refused_but_not_by_cloning():
    data = corridor(40)
    flat = replace(data, rewards=dict.fromkeys(REWARDS, np.ones(len(data), np.float32)))
    with pytest.raises(ConfigError, match="no emotion is better"):
        problem_of(flat, QUICK)
    assert len(problem_of(flat, replace(QUICK, method="bc")).actions) == len(data)


def test_one_emotion_is_refused():
    data = corridor(40)
    with pytest.raises(ConfigError, match="only one emotion"):
        problem_of(replace(data, action=np.full_like(data.action, 4)), QUICK)


def test_a_reward_that_nobody_gave_is_refused_and_never_zero():
    data = corridor(40)
    judged = replace(QUICK, reward="judge")
    with pytest.raises(ConfigError, match="no message of the data has the reward"):
        problem_of(data, judged)
    scores = np.where(np.arange(len(data)) % 3, np.nan, 1 + np.arange(len(data)) % 9).astype(np.float32)
    problem = problem_of(replace(data, judge=scores), judged)
    assert len(problem.actions) == np.isfinite(scores).sum()
    assert np.isfinite(problem.rewards).all()


def test_losses_that_are_no_longer_finite_are_refused(tmp_path):
    data = corridor(60)
    wild = replace(data, rewards={**data.rewards, "utility": data.rewards["utility"] * np.float32(1e30)})
    settings = replace(QUICK, scale="none", steps=300)
    with pytest.raises(ConfigError, match="no longer finite"):
        train_offline(settings, written(tmp_path / "data", wild), tmp_path / "out")
    assert not (tmp_path / "out" / FILE).exists()


@pytest.mark.parametrize(
    "bad", [{"steps": 0}, {"tau": 1.0}, {"rate": float("nan")}, {"reward": "v9"}, {"state": "all"}, {"kept": 0.9},
            {"faithful": True}]
)  # fmt: skip
def test_settings_out_of_bounds_are_refused(bad):
    with pytest.raises(ConfigError):
        OfflineSettings(**bad)


# --- the artifact, and stops


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offline")
    data = written(folder / "data", corridor())
    return data, train_offline(QUICK, data, folder / "out")


def test_the_artifact_plays_and_tells_what_it_is(made):
    _, result = made
    assert result.artifact.engine == "iql"
    assert set(result.artifact.provenance["emotions"]) == {EMOTIONS28[each] for each in SHOWN}
    assert "offline" not in result.artifact.scores  # no talks were kept
    assert [row[0] for row in loss_curve(result.artifact)] == [100, 200, 300, 400, 500, 600]
    agent = find_agent(str(result.folder), "creditor")
    check_agent(agent)
    transcript = Pairing(agent, find_agent("simulated", "debtor")).play(load_scenarios("builtin:0")[0], 1).transcript
    assert {each.emotion for each in transcript.messages if each.seat == "creditor"} <= {EMOTIONS28[x] for x in SHOWN}


def test_the_artifact_names_its_data_but_no_place_of_the_machine(made):
    data, result = made
    assert result.artifact.provenance["data"]["sources"] == [{"kind": "tournament", "path": "sweep", "matches": 400}]
    assert str(data.parent) not in (result.folder / FILE).read_text()


def test_playing_it_needs_no_torch(made, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    agent = find_agent(str(made[1].folder), "creditor")
    played = Pairing(agent, find_agent("simulated", "debtor")).play(load_scenarios("builtin:0")[0], 1)
    assert played.transcript.outcome.ending in ("deal", "walked", "timeout")


def test_it_is_trained_once_and_another_training_is_refused(made):
    data, result = made
    assert train_offline(QUICK, data, result.folder).earlier
    with pytest.raises(StoreError, match=r"tau was 0\.7, now 0\.9"):
        train_offline(replace(QUICK, tau=0.9), data, result.folder)


def test_another_folder_of_the_same_training_is_the_same_to_the_byte(made, tmp_path):
    data, result = made
    train_offline(QUICK, data, tmp_path)
    for name in ("artifact.json", "arrays.npz"):
        assert (tmp_path / name).read_bytes() == (result.folder / name).read_bytes()


def test_as_many_threads_as_cores_and_the_artifact_says_how_many(made, tmp_path, monkeypatch):
    data, _ = made
    asked = replace(QUICK, threads=None, steps=1)
    for cores, taken in ((64, 8), (2, 2), (1, 1)):
        monkeypatch.setattr("poise.training.offline.problem.usable_cores", lambda cores=cores: cores)
        assert asked.with_threads().threads == taken
    trained = train_offline(asked, data, tmp_path)
    assert trained.artifact.settings["threads"] == 1
    with pytest.raises(StoreError, match="threads was 1, now 3"):
        train_offline(replace(asked, threads=3), data, trained.folder)


class StopAfter:
    """Presses Ctrl-C once so many steps are done."""

    def __init__(self, steps):
        self.steps = steps

    def begin(self, what, total, done):
        self.done = done

    def advance(self, count, note):
        self.done += count
        if self.done == self.steps:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)


def test_stopped_it_goes_on_to_the_same_curve_and_artifact(made, tmp_path):
    data, result = made
    for steps in (100, 400):
        with pytest.raises(KeyboardInterrupt):
            train_offline(QUICK, data, tmp_path / "out", StopAfter(steps))
        assert (tmp_path / "out" / CHECKPOINT).exists()
        with pytest.raises(AgentError, match="not finished"):
            load_artifact(tmp_path / "out")
    found = train_offline(QUICK, data, tmp_path / "out")
    assert loss_curve(found.artifact) == loss_curve(result.artifact)
    assert (tmp_path / "out" / "arrays.npz").read_bytes() == (result.folder / "arrays.npz").read_bytes()
    assert not (tmp_path / "out" / CHECKPOINT).exists()


def test_once_its_minutes_are_over_it_keeps_a_checkpoint(made, tmp_path):
    data, result = made
    with pytest.raises(KeyboardInterrupt) as stopped:
        train_offline(QUICK, data, tmp_path / "out", minutes=0)
    assert "repeat the command to resume" in stopped.value.__notes__[0]
    found = train_offline(QUICK, data, tmp_path / "out", minutes=60, device="cpu")
    assert loss_curve(found.artifact) == loss_curve(result.artifact)


def test_a_device_that_is_not_there_is_refused(made, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for device in ("cuda", "tpu"):
        with pytest.raises(ConfigError, match=f"device '{device}' is not available; this machine has cpu"):
            train_offline(QUICK, made[0], tmp_path / "out", device=device)
    assert choose_device() == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert (choose_device(), choose_device("cpu")) == ("cuda", "cpu")


def test_killed_outright_it_goes_on_to_the_same_curve(made, tmp_path):
    """A process that keeps a checkpoint after every chunk is killed between the second and the third."""
    data, result = made
    code = (
        "import os, signal\n"
        "from poise.training.offline import train as o\n"
        "from poise.training.offline.problem import OfflineSettings\n"
        "o._CHECKPOINT_SECONDS, keep, kept = 0.0, o._Run._keep, []\n"
        "def keep_twice(*given):\n"
        "    kept.append(keep(*given))\n"
        "    len(kept) == 2 and os.kill(os.getpid(), signal.SIGKILL)\n"
        "o._Run._keep = keep_twice\n"
        f"o.train_offline(OfflineSettings(**{QUICK.to_dict()!r}), {str(data)!r}, {str(tmp_path)!r})\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert (tmp_path / CHECKPOINT).exists()
    found = train_offline(QUICK, data, tmp_path)
    assert loss_curve(found.artifact) == loss_curve(result.artifact)


def test_a_damaged_checkpoint_is_refused(made, tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"x" * 100)
    with pytest.raises(StoreError, match="damaged"):
        train_offline(QUICK, made[0], tmp_path)


def test_arrays_of_another_state_are_refused(made):
    arrays = load_artifact(made[1].folder).arrays
    for parameters in (
        {"state": "published", "faithful": False},
        {"state": "all"},
        {"state": "extended", "faithful": 3},
    ):
        with pytest.raises(AgentError):
            learned(parameters, arrays)
    assert isinstance(learned({"state": "extended"}, arrays), Learned)


def test_without_torch_training_says_what_to_install(made, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match=r"poise\[train\]"):
        train_offline(QUICK, made[0], tmp_path)
