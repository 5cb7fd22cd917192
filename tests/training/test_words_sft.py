"""Supervised fine-tuning on a tiny random model: it learns, stops, resumes, and leaves a folder that peft reads."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers.words_fakes import RUN, curve, pair, pairs, tiny_base, write_pairs

from poise.common.errors import AgentError, ConfigError, StoreError
from poise.tournaments.storage.errors import LOCK, only_run
from poise.training.language.adapter import load_adapter, read_provenance
from poise.training.language.base import load_base
from poise.training.language.settings import LoraSettings, PairSelection, SftSettings, Steps
from poise.training.language.sft import train_sft
from poise.training.libraries import quietly

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    tiny_base(folder / "base")
    write_pairs(folder / "data", pairs(8))
    return folder


def settings(home, **changes) -> SftSettings:
    choice = PairSelection(top=1.0, held_out=4, max_reply=200)
    return replace(
        SftSettings(home / "data", str(home / "base"), choice, LoraSettings(4, 8), Steps(0.02, epochs=4, batch=4)),
        **changes,
    )


@pytest.fixture(scope="module")
def trained(home):
    return train_sft(settings(home), home / "sft", RUN)


def test_the_loss_falls_on_what_was_learned_and_on_what_was_set_aside(home, trained):
    scores = trained.provenance["scores"]
    losses = curve(home / "sft")
    assert scores["steps"] == len(losses) == 12
    assert losses[-1] < losses[0]
    assert scores["loss_after"] < scores["loss_before"]
    assert scores["tokens_per_second"] > scores["computed_per_second"] > 0


def test_the_folder_says_what_it_was_made_from_and_of_nothing_on_this_machine(home, trained):
    found = read_provenance(home / "sft")
    assert found["base"] == load_base(str(home / "base")).id.to_dict()
    assert found["data"]["pairs"] + found["data"]["held_out"] == 16
    assert str(home) not in (home / "sft" / "provenance.json").read_text()
    assert json.loads((home / "sft" / "adapter_config.json").read_text())["base_model_name_or_path"] == "base"
    assert sorted(path.name for path in (home / "sft").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "curve.jsonl",
        "provenance.json",
        LOCK,
    ]


def test_plain_peft_reads_the_folder_and_gives_the_measured_loss(home, trained):
    import peft
    import transformers

    with quietly():
        model = transformers.AutoModelForCausalLM.from_pretrained(str(home / "base"))
        model = peft.PeftModel.from_pretrained(model, str(home / "sft")).eval()
    from poise.training.language.choose import choose
    from poise.training.language.sft import held_out_loss
    from poise.training.language.tokens import Chat

    chosen = choose(pairs(8), settings(home).choice, Chat(load_base(str(home / "base")).tokenizer))
    loss = held_out_loss(model, chosen.held, RUN)
    assert loss == pytest.approx(trained.provenance["scores"]["loss_after"], abs=1e-5)


def test_what_is_done_is_not_done_again_and_other_settings_are_refused(home, trained):
    again = train_sft(settings(home), home / "sft", RUN)
    assert again.earlier
    assert again.provenance == trained.provenance
    with pytest.raises(StoreError, match=r"another training \(steps.rate was 0.02, now 0.01\)"):
        train_sft(settings(home, steps=Steps(0.01, epochs=4, batch=4)), home / "sft", RUN)


def test_a_folder_that_another_training_holds_is_refused_and_left_as_it_is(home, tmp_path, monkeypatch):
    monkeypatch.setattr("poise.tournaments.storage.errors._PATIENCE", 0.0)
    with only_run(tmp_path), pytest.raises(StoreError, match="another run is at work"):
        train_sft(settings(home), tmp_path, RUN)
    assert [path.name for path in tmp_path.iterdir() if path.name != LOCK] == []


@pytest.mark.parametrize("after", [1, 7])
def test_a_stopped_training_goes_on_along_the_same_curve(home, trained, tmp_path, after):
    asked = iter(range(100))
    with pytest.raises(KeyboardInterrupt):
        train_sft(settings(home), tmp_path, replace(RUN, stop=lambda: next(asked) == after - 1))
    assert len(curve(tmp_path)) == after
    with pytest.raises(AgentError, match="no finished adapter"):
        read_provenance(tmp_path)
    train_sft(settings(home), tmp_path, RUN)
    assert curve(tmp_path) == pytest.approx(curve(home / "sft"), abs=1e-5)


def test_out_of_minutes_it_keeps_a_checkpoint_that_belongs_to_its_settings_alone(home, tmp_path):
    with pytest.raises(KeyboardInterrupt, match="minutes"):
        train_sft(settings(home), tmp_path, replace(RUN, minutes=0.0))
    assert len(curve(tmp_path)) == 1
    with pytest.raises(StoreError, match=r"another training \(lora.alpha was 8, now 16\)"):
        train_sft(settings(home, lora=LoraSettings(4, 16)), tmp_path, RUN)
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(StoreError, match="damaged"):
        train_sft(settings(home), tmp_path, RUN)


class CountingClock:
    """A clock that is one second further each time it is looked at."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        self.seconds += 1
        return self.seconds


def test_the_minutes_are_kept_within_a_step_and_its_gradients_with_them(home, trained, tmp_path):
    """Every run computes a few portions only, none completes a step, and together they come to the same curve."""
    wanted = replace(settings(home).choice, held_out=0, limit=8)
    given = settings(home, choice=wanted, steps=Steps(0.02, batch=4))
    whole = train_sft(given, tmp_path / "whole", replace(RUN, portion=1))
    reasons = []
    while not (tmp_path / "out" / "provenance.json").exists():
        try:
            train_sft(given, tmp_path / "out", replace(RUN, portion=1, minutes=0.5 / 60, clock=CountingClock()))
        except KeyboardInterrupt as stopped:
            reasons.append(str(stopped))
            assert len(curve(tmp_path / "out")) == len(reasons) // 4  # a portion a run, four in a step
    assert reasons == ["the minutes are over"] * 7
    assert whole.provenance["scores"]["steps"] == 2
    assert curve(tmp_path / "out") == pytest.approx(curve(tmp_path / "whole"), abs=1e-5)


def test_a_checkpoint_of_before_is_resumed(home, trained, tmp_path):
    """Once it held the digest of what was trained, "plan", in place of the identity."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    asked = iter(range(100))
    with pytest.raises(KeyboardInterrupt):
        train_sft(settings(home), tmp_path, replace(RUN, stop=lambda: next(asked) == 4))
    path = tmp_path / "checkpoint.safetensors"
    with safe_open(str(path), framework="pt") as file:
        state = json.loads(file.metadata()["poise"])
    old = {"plan": trained.provenance["settings"]["plan"], **{name: state[name] for name in ("steps", "curve")}}
    for plan, resumes in (("of another training", False), (old["plan"], True)):
        save_file(load_file(path), path, {"poise": json.dumps({**old, "plan": plan, "facts": {}})})
        if not resumes:
            with pytest.raises(StoreError, match="another training"):
                train_sft(settings(home), tmp_path, RUN)
    steps = []
    watch = SimpleNamespace(begin=lambda what, total, done: steps.append(done), advance=lambda count, note: None)
    train_sft(settings(home), tmp_path, replace(RUN, watch=watch))
    assert steps == [5]
    assert curve(tmp_path) == pytest.approx(curve(home / "sft"), abs=1e-5)


def test_a_loss_that_is_no_number_is_an_error_and_leaves_nothing_behind(home, tmp_path):
    import torch

    base = tiny_base(tmp_path / "base")
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(str(base))
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    model.save_pretrained(base)
    with pytest.raises(ConfigError, match="--lr"):
        train_sft(settings(home, base=str(base)), tmp_path / "out", RUN)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tournament.lock"]


def test_an_adapter_is_refused_on_another_base_and_when_it_was_changed(home, trained, tmp_path):
    import shutil

    other = load_base(str(tiny_base(tmp_path / "other", "entirely different words to cut text by")))
    with pytest.raises(ConfigError, match="an adapter for 'base'"):
        load_adapter(other, home / "sft")
    copy = shutil.copytree(home / "sft", tmp_path / "copy")
    (copy / "adapter_config.json").write_text("{}")
    with pytest.raises(AgentError, match="not what was written"):
        load_adapter(other, copy)


@pytest.mark.parametrize(
    ("made", "choice", "words"),
    [
        ([], PairSelection(), "none of the 0 pairs"),
        ([pair(0, 0)], PairSelection(seat="debtor"), "none of the 1 pairs is the debtor's"),
        ([pair(0, 0)], PairSelection(max_reply=3), "1 reply longer than 3 tokens"),
        ([pair(0, 0)], PairSelection(by="judge", max_reply=200), "poise train score"),
    ],
)
def test_data_that_teach_nothing_are_refused(home, tmp_path, made, choice, words):
    write_pairs(tmp_path / "data", made)
    with pytest.raises(ConfigError, match=words):
        train_sft(settings(home, data=tmp_path / "data", choice=choice), tmp_path / "out", RUN)
    assert not (tmp_path / "out").exists()
