"""What a run records of where it comes from: enough to compare runs by, nothing that names a person or a machine."""

import hashlib
import json
import os
import platform

import pytest
from helpers.ollama_server import Answer, StandIn, free_port
from helpers.tournament_fakes import config, schedule

from poise.agents.models.embedded.weights import SMOLLM2_WEIGHTS
from poise.agents.models.models import model_digest
from poise.agents.voices.prompts import FOLDER
from poise.tournaments.storage.provenance import machine_class, origin, prompts

EMBEDDED = "embedded:smollm2"
LISTED = {"models": [{"name": "qwen:latest", "model": "qwen:latest", "digest": "ab" * 32}]}


def test_where_no_model_is_asked_there_are_no_prompts():
    told = origin(config(), schedule(config()))
    assert (told["prompts"], told["models"]) == (None, {})
    assert told["packages"]["numpy"]


def test_the_machines_class_and_no_name():
    told = json.dumps(machine_class())
    assert machine_class() == {"architecture": platform.machine(), "system": platform.system(), "cpus": os.cpu_count()}
    assert platform.node() not in told


def test_prompts_are_the_files_that_models_are_told_with():
    settings = config(model=EMBEDDED)
    found = prompts(schedule(settings))
    assert set(found["files"]) == {"debt.toml", "directions.toml", "emotions.toml"}
    assert found["files"]["debt.toml"] == hashlib.sha256((FOLDER / "debt.toml").read_bytes()).hexdigest()
    judged = prompts(schedule(config(judge=EMBEDDED)))
    assert set(judged["files"]) == {"judge.toml"}
    assert judged["digest"] != found["digest"]
    assert prompts(schedule(settings)) == found


def test_another_word_in_a_prompt_is_another_digest(tmp_path, monkeypatch):
    before = prompts(schedule(config(model=EMBEDDED)))["digest"]
    for path in FOLDER.glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes() + b"\n")
    monkeypatch.setattr("poise.agents.voices.prompts.FOLDER", tmp_path)
    assert prompts(schedule(config(model=EMBEDDED)))["digest"] != before


def test_models_are_known_by_their_weights():
    told = origin(config(model=EMBEDDED), schedule(config(model=EMBEDDED)))
    assert told["models"] == {EMBEDDED: f"sha256:{SMOLLM2_WEIGHTS.sha256} as q8_0"}
    assert model_digest("openai:anything", {}) is None


@pytest.mark.parametrize("name", ["qwen", "qwen:latest"])
def test_ollama_says_its_digest(name):
    with StandIn([Answer([LISTED])]) as server:
        asked = {"base_url": server.address}
        assert model_digest(f"ollama:{name}", asked) == f"sha256:{'ab' * 32}"
        assert model_digest("ollama:other", asked) is None


def test_a_server_that_does_not_say_is_no_reason_not_to_play():
    asked = {"base_url": f"http://127.0.0.1:{free_port()}"}
    assert model_digest("ollama:qwen", asked) is None
