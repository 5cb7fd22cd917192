"""DPO by trl on a tiny model, and which replies it compares."""

from __future__ import annotations

import json
import math
import random

import pytest
from helpers.words_fakes import pair, pairs, tiny_base, write_pairs
from test_words_choice import CHAT

from poise.common.errors import ConfigError
from poise.training.language.adapter import LoraSettings
from poise.training.language.choose import PairSelection, choose
from poise.training.language.dpo import DpoSettings, preferences, train_dpo
from poise.training.language.loop import LanguageRun, Steps
from poise.training.language.sft import SftSettings, train_sft

pytest.importorskip("torch")
RUN = LanguageRun(device="cpu", precision="float32")
ALL = PairSelection(top=1.0, held_out=0, max_reply=200)


def judged() -> list:
    """Two replies to each of two prompts, and one to a third."""
    texts = {"I am angry! I need the full payment in 30 days.": 9.0, "Zebra 12 days.": 2.0}
    found = [pair(0, index, "anger", text, score) for index in (0, 2) for text, score in texts.items()]
    return [*found, pair(9, 0, "joy", "alone", 9.0)]


def test_preferences_are_the_best_and_worst_of_a_prompt_that_are_apart():
    chosen = choose(judged(), ALL, CHAT)
    scores = [each.rewards["judge"] for each in chosen.sources]
    found = preferences(chosen, scores, 1.0)
    assert len(found) == 2
    assert {(each.better.reply[0], each.worse.reply[0]) for each in found} == {(11, 3)}
    with pytest.raises(ConfigError, match="none of 3 prompts"):
        preferences(chosen, scores, 8.0)


def test_dpo_begins_at_log_2_and_leaves_an_adapter_like_the_others(tmp_path):
    """At the reference both rewards are 0, and the loss is -log sigmoid(0) (Rafailov et al. 2023, eq. 7)."""
    base = str(tiny_base(tmp_path / "base"))
    write_pairs(tmp_path / "data", pairs(2))
    write_pairs(tmp_path / "judged", judged())
    train_sft(SftSettings(tmp_path / "data", base, ALL, LoraSettings(4, 8), Steps(0.01)), tmp_path / "sft", RUN)
    before, out = random.getstate(), tmp_path / "dpo"
    steps = Steps(0.02, epochs=3, batch=2, warmup=0.0)
    trained = train_dpo(DpoSettings(tmp_path / "judged", tmp_path / "sft", base, ALL, steps), out, RUN)
    losses = [json.loads(line)["loss"] for line in (out / "curve.jsonl").read_text().splitlines()]
    assert losses[0] == pytest.approx(math.log(2), abs=1e-4)
    assert losses[-1] < losses[0]
    assert trained.provenance["method"] == "dpo"
    assert random.getstate() == before
    names = ["adapter_config.json", "adapter_model.safetensors", "curve.jsonl", "provenance.json"]
    assert sorted(path.name for path in out.iterdir()) == names
