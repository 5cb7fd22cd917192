"""A policy is one file: what it registers is played, listed, restored and trained, with nothing else edited."""

import pytest
from helpers.seats import case
from helpers.wordless import DICE
from typer.testing import CliRunner

from poise.agents import policies as registration
from poise.agents.artifact import load_artifact
from poise.agents.builtin import built_in
from poise.agents.policies import (
    ENTRY_POINTS,
    engines,
    find_policy,
    make_policy,
    policies,
    policy,
    restores,
    trained_policy,
)
from poise.agents.registry import find_agent, list_agents
from poise.cli.app import app
from poise.common.errors import AgentError
from poise.graphs import Pairing
from poise.training.online.plan import OnlineMethod, methods
from poise.training.online.trainers import Trial


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """What a test registers is forgotten afterwards; what Poise has is all there before."""
    registration.engines()
    for registry in ("_NAMED", "_RESTORERS"):
        monkeypatch.setattr(registration, registry, dict(getattr(registration, registry)))
    for cached in (registration.installed_policies, built_in):
        cached.cache_clear()
    yield
    for cached in (registration.installed_policies, built_in):
        cached.cache_clear()


class Stubborn:
    """Shows one emotion, which training counts up."""

    def __init__(self, shown="joy"):
        self.shown = shown

    def choose(self, view, dice):
        return self.shown


class StubbornTrainer:
    learns = False
    rounds = 0

    def ask(self):
        return [Trial("stubborn", {"shown": "joy"})]

    def tell(self, played):
        self.rounds += len(played)

    def best(self):
        return Trial("stubborn", {"shown": "pride" if self.rounds else "joy"})

    def memory(self):
        return {"rounds": self.rounds}

    def restore(self, memory):
        self.rounds = memory["rounds"]


STUBBORN = OnlineMethod("stubbornly", lambda plan: StubbornTrainer(), talks=lambda left: 5)


def register():
    return policy(
        "stubborn",
        "shows one emotion",
        argument="EMOTION",
        restore=lambda parameters, arrays: Stubborn(parameters["shown"]),
        trainer=f"{__name__}:STUBBORN",
    )(Stubborn)


class Entry:
    """An installed package's entry point."""

    name = "stubborn"
    loaded = 0

    def load(self):
        self.loaded += 1
        return register()


@pytest.fixture
def installed(monkeypatch):
    entry = Entry()

    def entry_points(*, group, name=None):
        return [entry] if group == ENTRY_POINTS and name in (None, entry.name) else []

    monkeypatch.setattr(registration, "entry_points", entry_points)
    return entry


def shown(spec):
    creditor, debtor = find_agent(spec, "creditor"), find_agent("vanilla", "debtor")
    messages = Pairing(creditor, debtor).play(case(), 1).transcript.messages
    return {message.emotion for message in messages if message.seat == "creditor"}


def test_a_decorated_policy_is_played_by_its_name_with_its_argument():
    assert register() is Stubborn
    assert shown("stubborn:pride") == {"pride"}
    assert shown("vanilla,emotion=stubborn:love") == {"love"}
    assert "stubborn" in {agent.name for agent in list_agents() if agent.seat == "creditor"}


def test_a_policy_of_a_package_is_loaded_when_it_is_named_and_not_before(installed):
    assert make_policy("vanilla").choose(None, DICE) is None
    assert installed.loaded == 0
    assert shown("stubborn:pride") == {"pride"}
    assert trained_policy("stubborn", {"shown": "love"}, {}).shown == "love"


def test_a_policy_of_a_package_restores_what_was_trained_and_is_listed(installed):
    assert trained_policy("stubborn", {"shown": "love"}, {}).shown == "love"
    assert "stubborn" in {agent.name for agent in list_agents() if agent.seat == "creditor"}


def test_poise_train_trains_it_and_the_artifact_plays(installed, tmp_path):
    words = ["train", "stubbornly", "--debtor", "vanilla", "--budget", "40", "--out", str(tmp_path / "trained")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert load_artifact(tmp_path / "trained").engine == "stubborn"
    assert shown(str(tmp_path / "trained")) == {"pride"}


def test_a_command_of_poise_train_that_no_policy_names_is_refused():
    assert CliRunner().invoke(app, ["train", "stubbornly", "--debtor", "vanilla"]).exit_code == 2


def test_every_trainer_that_a_policy_names_is_there():
    named = {each.name for each in policies().values() if each.trainer}
    assert named == {"dqn", "emodebt", "evoemo", "q-learning"}
    assert set(methods()) == {"bayes", "dqn", "evolve", "learn", "q"}
    assert named < set(engines())


def test_two_policies_of_one_name_are_refused_and_the_same_one_twice_is_not():
    register()
    register()
    with pytest.raises(AgentError, match=r"two policies are called 'stubborn': .*Stubborn and .*StubbornTrainer"):
        policy("stubborn", "another")(StubbornTrainer)


def test_an_engine_of_artifacts_alone_is_no_agent():
    @restores("stubborn-trained")
    def restored(parameters, arrays):
        return Stubborn(**parameters)

    assert trained_policy("stubborn-trained", {"shown": "pride"}, {}).shown == "pride"
    assert find_policy("stubborn-trained") is None


def test_what_takes_no_argument_refuses_one():
    policy("plain-stubborn", "shows joy")(Stubborn)
    assert make_policy("plain-stubborn").shown == "joy"
    with pytest.raises(AgentError, match="takes nothing after a colon; say just plain-stubborn"):
        make_policy("plain-stubborn:pride")
