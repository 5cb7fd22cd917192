"""Artifacts: whole or refused, played by the path of their folder, and never by accident."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.emotion_strategies import BRIEF, heard_view
from helpers.engine_strategies import chains
from helpers.seats import case
from hypothesis import HealthCheck, given, settings

from poise.agents.artifact import ARRAYS, FILE, FORMAT, Artifact, load_artifact, save_artifact
from poise.agents.policies import engines, trained_policy
from poise.agents.policies.chains import Chain
from poise.agents.policies.eq_negotiator import EqNegotiator
from poise.agents.policies.evoemo import INITIAL
from poise.agents.policies.learned.series import Settled, learner
from poise.agents.protocols import Learner, View
from poise.agents.registry import find_agent
from poise.agents.trained import split_folder
from poise.common.errors import AgentError, BadInput, StoreError
from poise.common.files import digest_of
from poise.common.seeds import Dice
from poise.graphs import Pairing
from poise.testing import check_agent

ALWAYS_JOY = Chain(tuple((1.0, *(0.0,) * 6) for _ in range(7)))


@pytest.fixture
def folder(tmp_path):
    save_artifact(Artifact("evoemo", ALWAYS_JOY.parameters(), scores={"utility": 0.5}), tmp_path / "joyful")
    return tmp_path / "joyful"


# --- on disk


@given(chain=chains)
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_saved_is_what_is_loaded(tmp_path, chain):
    made = Artifact("evoemo", chain.parameters(), settings={"budget": 3}, provenance={"seed": 1}, scores={"x": 0.25})
    digest = save_artifact(made, tmp_path)
    found = load_artifact(tmp_path)
    assert (found.engine, found.parameters, found.settings) == (made.engine, made.parameters, made.settings)
    assert (found.provenance, found.scores, found.digest) == (made.provenance, made.scores, digest)
    assert Chain.from_parameters(found.parameters) == chain
    assert [path.name for path in tmp_path.iterdir()] == [FILE]  # no draft is left behind


def test_the_same_artifact_is_the_same_bytes_arrays_included(tmp_path):
    arrays = {"layer": np.arange(6.0).reshape(2, 3)}
    for place in ("one", "two"):
        save_artifact(Artifact("evoemo", {"n": 1}, arrays), tmp_path / place)
    for name in (FILE, ARRAYS):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert load_artifact(tmp_path / "one").arrays["layer"].tolist() == arrays["layer"].tolist()


def test_every_byte_of_it_counts(folder):
    whole = (folder / FILE).read_bytes()
    for place in range(0, len(whole), 37):
        changed = bytearray(whole)
        changed[place] ^= 1
        (folder / FILE).write_bytes(bytes(changed))
        try:
            found = load_artifact(folder)
        except AgentError:
            continue
        assert found == load_original(folder, whole)  # white space may change


def load_original(folder, whole):
    (folder / FILE).write_bytes(whole)
    return load_artifact(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"null", b"[" * 100_000])
def test_a_damaged_file_is_refused_with_the_remedy(folder, content):
    (folder / FILE).write_bytes(content)
    with pytest.raises(AgentError, match="restore it from a copy, or train it again"):
        load_artifact(folder)


def test_half_an_artifact_is_refused(folder):
    (folder / FILE).write_bytes((folder / FILE).read_bytes()[:-40])
    with pytest.raises(AgentError, match="damaged"):
        find_agent(str(folder), "creditor")


def test_an_artifact_of_another_format_is_refused_by_number(folder):
    data = json.loads((folder / FILE).read_bytes())
    data["format"] = FORMAT + 2
    (folder / FILE).write_text(json.dumps(data))
    with pytest.raises(AgentError, match=f"format {FORMAT + 2}; this Poise reads formats {FORMAT} and"):
        load_artifact(folder)


def test_a_changed_number_is_noticed(folder):
    data = json.loads((folder / FILE).read_bytes())
    data["scores"]["utility"] = 0.9
    (folder / FILE).write_text(json.dumps(data))
    with pytest.raises(AgentError, match="its digest differs"):
        load_artifact(folder)


def test_arrays_that_are_lost_or_changed_are_noticed(tmp_path):
    save_artifact(Artifact("evoemo", {}, {"layer": np.ones(3)}), tmp_path)
    (tmp_path / ARRAYS).write_bytes((tmp_path / ARRAYS).read_bytes()[:-5])
    with pytest.raises(AgentError, match=ARRAYS):
        load_artifact(tmp_path)
    (tmp_path / ARRAYS).unlink()
    with pytest.raises(AgentError, match=ARRAYS):
        load_artifact(tmp_path)


def test_training_that_was_not_finished_is_told_from_a_wrong_path(tmp_path):
    with pytest.raises(AgentError, match="name the --out folder of a finished"):
        load_artifact(tmp_path)
    (tmp_path / "checkpoint.json").write_text("{}")
    with pytest.raises(AgentError, match="repeat the command that began it"):
        load_artifact(tmp_path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        save_artifact(Artifact("evoemo", {}), tmp_path / "file" / "below")


def test_numbers_that_are_not_finite_are_never_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_artifact(Artifact("evoemo", {"x": float("nan")}), tmp_path)
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


# --- played


def test_the_path_of_its_folder_plays_it(folder):
    agent = find_agent(str(folder), "creditor")
    assert agent.name == str(folder)
    assert agent.settings == {"engine": "evoemo", "artifact": load_artifact(folder).digest[:16]}
    played = Pairing(agent, find_agent("vanilla", "debtor")).play(case(), 1).transcript
    assert {message.emotion for message in played.messages if message.seat == "creditor"} == {"joy"}
    assert not [check for check in check_agent(agent) if not check.ok]


def test_settings_and_a_model_may_follow_the_path(folder):
    agent = find_agent(f"{folder},concession=tit-for-tat@openai:some/model", "creditor")
    assert agent.name == f"{folder},concession=tit-for-tat"
    assert agent.model == "openai:some/model"


def test_a_folder_with_odd_characters_is_found_by_its_longest_beginning(tmp_path):
    odd = tmp_path / "a@b, c"
    save_artifact(Artifact("evoemo", ALWAYS_JOY.parameters()), odd)
    assert split_folder(f"{odd},concession=linear") == (str(odd), ",concession=linear")
    assert find_agent(f"{odd}@ollama:x", "creditor").model == "ollama:x"


def test_a_name_is_never_taken_for_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_artifact(Artifact("evoemo", ALWAYS_JOY.parameters()), Path("vanilla"))
    assert find_agent("vanilla", "creditor").settings == {}
    assert find_agent("./vanilla", "creditor").settings["engine"] == "evoemo"
    assert find_agent("vanilla@openai:org/model", "creditor").model == "openai:org/model"
    save_artifact(Artifact("evoemo", ALWAYS_JOY.parameters()), Path("mine"))
    assert find_agent("mine", "creditor").settings["engine"] == "evoemo"


def test_a_wrong_path_and_a_wrong_seat_are_said(folder):
    with pytest.raises(AgentError, match="no trained agent"):
        find_agent("runs/nowhere", "creditor")
    with pytest.raises(AgentError, match="give it to --creditor"):
        find_agent(str(folder), "debtor")


def test_an_artifact_written_anew_is_read_anew(folder):
    before = find_agent(str(folder), "creditor").settings
    save_artifact(Artifact("evoemo", Chain(INITIAL).parameters()), folder)
    assert find_agent(str(folder), "creditor").settings != before


# --- engines


def test_an_unknown_engine_and_foreign_parameters_are_refused(tmp_path):
    save_artifact(Artifact("magic", {}), tmp_path)
    with pytest.raises(AgentError, match="no engine is called 'magic'"):
        find_agent(str(tmp_path), "creditor")
    for engine in engines():
        with pytest.raises(BadInput):
            trained_policy(engine, {"matrix": 3, "policy": "nobody", "name": "nobody"}, {})


def test_a_learner_s_memory_plays_as_it_was_and_learns_on_only_if_told():
    taught = EqNegotiator()
    for _ in range(3):
        taught.learn(heard_view(("joy",), ("anger",)), 0.9, True)
    view = heard_view(("joy",), ("anger",))
    for learning in (False, True):
        parameters = {"policy": "eq-negotiator", "memory": taught.memory(), "learning": learning}
        policy = trained_policy("memory", json.loads(json.dumps(parameters)), {})
        assert isinstance(policy, Learner) == learning
        assert policy.tracker.parameters == taught.tracker.parameters
        for seen in (view, View(BRIEF)):
            assert policy.choose(seen, Dice(1)) == taught.choose(seen, Dice(1))


def test_what_does_not_learn_is_refused_with_those_that_do():
    with pytest.raises(AgentError, match=r"these do: .*eq-negotiator"):
        learner("vanilla")
    with pytest.raises(AgentError, match="no policy is called"):
        learner("nobody")


def test_a_trained_table_plays_greedily_and_settled():
    parameters = {"talks": 3, "table": {str(6 + 7 * 3): [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], [1] * 7]}}
    policy = trained_policy("q-learning", parameters, {})
    assert isinstance(policy, Settled)
    assert {policy.choose(View(BRIEF), Dice(seed)) for seed in range(20)} == {"neutral"}
    assert isinstance(trained_policy("q-learning", {**parameters, "epsilon": 0.5}, {}), Learner)
