"""A training that is killed outright goes on along the curve of one that was not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from helpers.paths import TESTS
from helpers.words_fakes import pairs, tiny_base, write_pairs

from poise.training.language.adapter import LoraSettings
from poise.training.language.choose import PairSelection
from poise.training.language.loop import LanguageRun, Steps
from poise.training.language.sft import SftSettings, train_sft

pytest.importorskip("torch")
PROGRAM = """
import sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/training"]
import torch
torch.set_num_threads(1)
from test_words_killed import settings
from poise.training.language import loop
from poise.training.language.sft import train_sft
loop._CHECKPOINT_SECONDS = 0.0
home = Path(sys.argv[1])
train_sft(settings(home), home / "out", loop.LanguageRun("cpu", "float32", stop=lambda: time.sleep(0.2) or False))
"""


def settings(home) -> SftSettings:
    choice, steps = PairSelection(top=1.0, held_out=0, max_reply=200), Steps(0.02, epochs=25, batch=4)
    return SftSettings(home / "data", str(home / "base"), choice, LoraSettings(4, 8), steps)


def curve(folder) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "curve.jsonl").read_text().splitlines()]


def test_a_killed_training_goes_on_along_the_same_curve(tmp_path):
    tiny_base(tmp_path / "base")
    write_pairs(tmp_path / "data", pairs(4))
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path), str(TESTS)])
    train_sft(settings(tmp_path), tmp_path / "whole", LanguageRun("cpu", "float32"))
    out = tmp_path / "out"
    while not (out / "curve.jsonl").exists() or len(curve(out)) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "provenance.json").exists()
    assert 3 <= len(curve(out)) < 50
    trained = train_sft(settings(tmp_path), out, LanguageRun("cpu", "float32"))
    assert not trained.earlier
    assert curve(out) == pytest.approx(curve(tmp_path / "whole"), abs=1e-5)
    assert len(curve(out)) == 50
