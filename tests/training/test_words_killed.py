"""A training that is killed outright is resumed along the curve of one that was not."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from helpers.paths import TESTS
from helpers.words_fakes import pair, pairs, tiny_base, write_pairs

from poise.training.language.dpo import train_dpo
from poise.training.language.loop import LanguageRun
from poise.training.language.settings import DpoSettings, LoraSettings, PairSelection, SftSettings, Steps
from poise.training.language.sft import train_sft

pytest.importorskip("torch")
RUN = LanguageRun("cpu", "float32")
ALL = PairSelection(top=1.0, held_out=0, max_reply=200)
PROGRAM = """
import sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/training"]
import torch
torch.set_num_threads(1)
from test_words_killed import curve, train
from poise.training.language import loop
loop._CHECKPOINT_SECONDS = 0.0
home = Path(sys.argv[1])
out = home / "out"
def stop():
    "From the fifth step on it waits to be killed."
    time.sleep(3600 if (out / "curve.jsonl").exists() and len(curve(out)) >= 5 else 0)
train(sys.argv[3], home, out, loop.LanguageRun("cpu", "float32", stop=stop))
"""


def train(method, home, out, run=RUN, epochs=25):
    """25 epochs of 2 steps each."""
    base, lora = str(home / "base"), LoraSettings(4, 8)
    if method == "sft":
        return train_sft(SftSettings(home / "data", base, ALL, lora, Steps(0.02, epochs=epochs, batch=4)), out, run)
    steps = Steps(0.01, epochs=epochs, batch=2)
    return train_dpo(DpoSettings(home / "judged", home / "sft", base, ALL, steps), out, run)


def judged() -> list:
    """A good and a bad reply to each of four prompts."""
    texts = {"I am angry! I need the full payment in 30 days.": 9.0, "Zebra 12 days.": 2.0}
    return [pair(0, index, "anger", text, score) for index in (0, 2, 4, 6) for text, score in texts.items()]


def curve(folder) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "curve.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_killed_training_is_resumed_along_the_same_curve(tmp_path, method):
    tiny_base(tmp_path / "base")
    write_pairs(tmp_path / "data", pairs(4))
    write_pairs(tmp_path / "judged", judged())
    if method == "dpo":
        train("sft", tmp_path, tmp_path / "sft", epochs=1)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path), str(TESTS), method])
    train(method, tmp_path, tmp_path / "whole")
    out = tmp_path / "out"
    while not (out / "curve.jsonl").exists() or len(curve(out)) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "provenance.json").exists()
    assert 3 <= len(curve(out)) < 50
    trained = train(method, tmp_path, out)
    assert not trained.earlier
    assert curve(out) == pytest.approx(curve(tmp_path / "whole"), abs=1e-5)
    assert len(curve(out)) == 50
