"""DPO on a tiny model, and which replies it compares."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from helpers.words_fakes import ALL, RUN, curve, pair, sft_home
from test_words_choice import CHAT

from poise.common.errors import ConfigError, StoreError
from poise.tournaments.storage.errors import LOCK
from poise.training.language.adapter import read_provenance
from poise.training.language.choose import choose
from poise.training.language.dpo import preferences, train_dpo
from poise.training.language.settings import DpoSettings, Steps

pytest.importorskip("torch")


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


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return sft_home(tmp_path_factory.mktemp("dpo"), 2, judged())


def settings(home, **changes) -> DpoSettings:
    steps = Steps(0.02, epochs=3, batch=2, warmup=0.0)
    return replace(DpoSettings(home / "judged", home / "sft", str(home / "base"), ALL, steps), **changes)


@pytest.fixture(scope="module")
def trained(home):
    return train_dpo(settings(home), home / "dpo", RUN)


def test_dpo_begins_at_log_2_and_leaves_an_adapter_like_the_others(home, trained):
    """At the reference both rewards are 0, and the loss is -log sigmoid(0) (Rafailov et al. 2023, eq. 7)."""
    losses = curve(home / "dpo")
    assert losses[0] == pytest.approx(math.log(2), abs=1e-6)
    assert losses[-1] < losses[0]
    assert trained.provenance["method"] == "dpo"
    assert trained.provenance["parent"] == read_provenance(home / "sft")["digest"]
    names = ["adapter_config.json", "adapter_model.safetensors", "curve.jsonl", "provenance.json", LOCK]
    assert sorted(path.name for path in (home / "dpo").iterdir()) == names


def test_the_better_reply_is_preferred_afterwards(home, trained):
    scores = trained.provenance["scores"]
    assert scores["preferred"] == 1
    assert scores["margin"] > 0.01


def test_the_loss_does_not_depend_on_how_much_is_computed_at_once(home, trained, tmp_path):
    train_dpo(settings(home), tmp_path, replace(RUN, portion=1))
    assert curve(tmp_path) == pytest.approx(curve(home / "dpo"), abs=1e-4)


@pytest.mark.parametrize("after", [1, 2])
def test_a_stopped_dpo_is_resumed_along_the_same_curve(home, trained, tmp_path, after):
    asked = iter(range(100))
    with pytest.raises(KeyboardInterrupt):
        train_dpo(settings(home), tmp_path, replace(RUN, stop=lambda: next(asked) == after - 1))
    assert len(curve(tmp_path)) == after
    train_dpo(settings(home), tmp_path, RUN)
    assert curve(tmp_path) == pytest.approx(curve(home / "dpo"), abs=1e-5)
    assert train_dpo(settings(home), tmp_path, RUN).earlier
    with pytest.raises(StoreError, match=r"beta was 0.1, now 0.2"):
        train_dpo(settings(home, beta=0.2), tmp_path, RUN)


def test_settings_without_effect_are_refused(home):
    with pytest.raises(ConfigError, match="above 0"):
        settings(home, beta=0.0)
