"""A training that is stopped, killed or repeated: nothing is lost, and nothing is overwritten."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from helpers.train_settings import LONGER, SHORT, files

from poise.agents.registry import find_agent
from poise.common.errors import AgentError, StoreError
from poise.common.files import digest_of
from poise.training.online.plan import plan_training
from poise.training.online.train import train


class StopAfter:
    """A watch that presses Ctrl-C in a round."""

    def __init__(self, rounds):
        self.left = rounds
        self.began = []

    def begin(self, what, total, done):
        self.began.append((total, done))

    def advance(self, count, note):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("method", LONGER)
def test_stopped_at_any_round_it_goes_on_to_the_same_artifact(tmp_path, method):
    whole = train(LONGER[method], tmp_path / "whole", workers=1)
    rounds = plan_training(LONGER[method]).rounds
    assert rounds > 1
    for stop in (1, rounds):
        folder = tmp_path / str(stop)
        with pytest.raises(KeyboardInterrupt) as stopped:
            train(LONGER[method], folder, workers=1, watch=StopAfter(stop))
        assert "repeat the command" in stopped.value.__notes__[0]
        with pytest.raises(AgentError, match="not finished"):
            find_agent(str(folder), "creditor")
        again = StopAfter(0)
        train(LONGER[method], folder, workers=1, watch=again)
        assert again.began[0][1] > 0
        assert files(folder) == files(whole.folder)


@pytest.mark.parametrize("method", LONGER)
def test_once_its_minutes_are_over_it_keeps_what_it_learned(tmp_path, method):
    with pytest.raises(KeyboardInterrupt) as stopped:
        train(LONGER[method], tmp_path / "out", workers=1, minutes=0)
    assert "repeat the command to resume" in stopped.value.__notes__[0]
    again = StopAfter(0)
    train(LONGER[method], tmp_path / "out", workers=1, watch=again)
    assert again.began[0][1] > 0


DIES = """
import os, signal
from poise.cli.app import app
from poise.training.online import train
keep = train.keep_trainer
def keep_once(*state):
    keep(*state)
    os.kill(os.getpid(), signal.SIGKILL)
train.keep_trainer = keep_once
app()
"""


def test_killed_outright_it_goes_on_to_the_same_artifact(tmp_path):
    settings = replace(SHORT["q"], budget=300, talks=10)
    command = [sys.executable, "-c", DIES, *settings.command().split()[1:], "--out", str(tmp_path / "killed")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "artifact.json").exists()
    assert json.loads((tmp_path / "killed" / "checkpoint.json").read_bytes())["rounds"]
    train(settings, tmp_path / "killed")
    train(settings, tmp_path / "whole")
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_a_checkpoint_of_before_is_resumed_without_the_curve_that_it_did_not_keep(tmp_path):
    whole = train(LONGER["q"], tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(LONGER["q"], tmp_path / "old", watch=StopAfter(1))
    path = tmp_path / "old" / "checkpoint.json"
    data = json.loads(path.read_bytes())
    data["rounds"] = len(data["rounds"])
    data["digest"] = digest_of([data["identity"], data["rounds"], data["trainer"]])
    path.write_text(json.dumps(data))
    resumed = train(LONGER["q"], tmp_path / "old")
    assert resumed.artifact.parameters == whole.artifact.parameters
    kept = resumed.artifact.scores["curve"]["steps"]
    assert kept == whole.artifact.scores["curve"]["steps"][data["rounds"] :]


def test_a_finished_training_is_not_played_again(tmp_path):
    first = train(SHORT["q"], tmp_path)
    watch = StopAfter(0)
    again = train(SHORT["q"], tmp_path, watch=watch)
    assert again.earlier
    assert not watch.began
    assert again.artifact == first.artifact


def test_another_training_s_folder_is_refused_with_the_difference(tmp_path):
    train(SHORT["q"], tmp_path)
    with pytest.raises(StoreError, match="seed was 5, now 6"):
        train(replace(SHORT["q"], seed=6), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train(SHORT["bayes"], tmp_path / "bayes", watch=StopAfter(1))
    with pytest.raises(StoreError, match="mode was 'corrected', now 'faithful'"):
        train(replace(SHORT["bayes"], mode="faithful"), tmp_path / "bayes")


def test_a_damaged_checkpoint_is_refused(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(SHORT["q"], tmp_path, watch=StopAfter(1))
    data = json.loads((tmp_path / "checkpoint.json").read_bytes())
    data["rounds"].append(0.5)
    for content in (json.dumps(data).encode(), b"{", b"[]"):
        (tmp_path / "checkpoint.json").write_bytes(content)
        with pytest.raises(StoreError, match="is damaged"):
            train(SHORT["q"], tmp_path)
