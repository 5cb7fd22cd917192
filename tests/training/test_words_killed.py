"""A training that is killed outright is resumed along the curve of one that was not."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from helpers.paths import TESTS
from helpers.words_fakes import ALL, RUN, curve, pairs, tiny_base, write_pairs

from poise.training.language.settings import LoraSettings, SftSettings, Steps
from poise.training.language.sft import train_sft

pytest.importorskip("torch")
PROGRAM = """
import itertools, os, signal, sys
from pathlib import Path
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/training"]
import torch
torch.set_num_threads(1)
from test_words_killed import train
from poise.training.language import loop
loop._CHECKPOINT_SECONDS = 0.0
asked = itertools.count(1)
def stop():
    "Asked after each step, before its checkpoint is kept."
    return next(asked) == 5 and os.kill(os.getpid(), signal.SIGKILL)
home = Path(sys.argv[1])
train(home, home / "out", loop.LanguageRun("cpu", "float32", stop=stop))
"""


def train(home, out, run=RUN):
    """6 epochs of 2 steps each."""
    steps = Steps(0.02, epochs=6, batch=4)
    return train_sft(SftSettings(home / "data", str(home / "base"), ALL, LoraSettings(4, 8), steps), out, run)


def test_a_killed_training_is_resumed_along_the_same_curve(tmp_path):
    tiny_base(tmp_path / "base")
    write_pairs(tmp_path / "data", pairs(4))
    killed = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path), str(TESTS)], check=False)
    assert killed.returncode == -signal.SIGKILL
    out = tmp_path / "out"
    assert not (out / "provenance.json").exists()
    assert 4 <= len(curve(out)) <= 5
    train(tmp_path, tmp_path / "whole")
    assert not train(tmp_path, out).earlier
    assert curve(out) == pytest.approx(curve(tmp_path / "whole"), abs=1e-5)
    assert len(curve(out)) == 12
