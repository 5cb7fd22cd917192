"""`poise train dataset`: what goes in, what stays out, and that evaluation scenarios never enter."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.paths import SHARED

from poise.common.errors import ConfigError, StoreError
from poise.games.scenarios.loaders import load_scenarios, save_scenarios
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.storage.rows import transcript_from
from poise.tournaments.storage.store import Store
from poise.training.data import dataset
from poise.training.data import make as train_dataset
from poise.training.data.dataset import (
    MANIFEST,
    PAIRS,
    TRANSITIONS,
    read_manifest,
    read_pairs,
    read_transitions,
    select,
)
from poise.training.data.dialogues import Dialogues
from poise.training.data.held_out import HeldOut, content, held_out
from poise.training.data.make import EVALUATION, make_dataset
from poise.training.data.settings import DatasetSettings, SweepSettings
from poise.training.data.sweep import sweep

SHARED = SHARED / "data"


def tournament(folder, scenarios, **more):
    fields = {"creditors": ["random"], "debtors": ["simulated"], "scenarios": scenarios, "workers": 1, **more}
    run_tournament(make_config(fields), folder)
    return str(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tournament(tmp_path_factory.mktemp("runs") / "edge", "builtin:76-83")


@pytest.fixture(scope="module")
def made(run, tmp_path_factory):
    return make_dataset(DatasetSettings(runs=(run,), scripted=True, seat="both"), tmp_path_factory.mktemp("data"))


# --- what it holds


def test_transitions_of_a_talk_follow_each_other(made):
    data = read_transitions(made)
    assert len(data) == read_manifest(made)["transitions"] > 0
    for row in range(len(data) - 1):
        if data.done[row]:
            assert data.step[row + 1] == 0
            assert data.episode[row + 1] == data.episode[row] + 1
        else:
            assert (data.next_state[row] == data.state[row + 1]).all()
            assert (data.next_extended[row] == data.extended[row + 1]).all()
    assert data.done[-1]
    assert np.allclose(data.propensity, 1 / 28)
    assert np.isnan(data.judge).all()
    assert np.allclose(np.bincount(data.episode, weights=data.rewards["utility"]), data.utility)


def test_selected_talks_are_whole(made):
    data = read_transitions(made)
    chosen = np.zeros(len(data.utility), bool)
    chosen[1::2] = True
    some = select(data, chosen)
    assert (some.utility == data.utility[chosen]).all()
    assert (some.action == data.action[np.isin(data.episode, np.flatnonzero(chosen))]).all()
    assert some.episode.max() == chosen.sum() - 1


def test_pairs_are_read_back_as_they_were_written(made):
    found = read_pairs(made)
    assert found.header["pairs"] == len(found.pairs) == read_manifest(made)["pairs"]
    assert {pair.seat for pair in found.pairs} == {"creditor", "debtor"}
    for pair in found.pairs:
        assert dataset.PromptReply.from_dict(json.loads(json.dumps(pair.to_dict()))) == pair
        assert pair.messages[0].role == "system"


def test_scripted_words_become_pairs_only_when_asked_for(run, tmp_path):
    found = read_manifest(make_dataset(DatasetSettings(runs=(run,)), tmp_path))
    assert found["pairs"] == 0
    assert found["left_out"]["messages that no model worded"] > 0


def test_scores_of_judges_are_taken_by_match_and_message(run, made, tmp_path):
    pair = read_pairs(made).pairs[0]
    (tmp_path / "scores.jsonl").write_text(json.dumps({"match": pair.match, "index": pair.index, "score": 7}) + "\n")
    settings = DatasetSettings(runs=(run,), scores=(str(tmp_path / "scores.jsonl"),), scripted=True)
    folder = make_dataset(settings, tmp_path / "data")
    assert [each.rewards["judge"] for each in read_pairs(folder).pairs].count(7.0) == 1
    assert np.nansum(read_transitions(folder).judge) == 7
    (tmp_path / "scores.jsonl").write_text('{"match": "x", "index": 0, "score": 0}\n')
    with pytest.raises(ConfigError, match="outside 1 to 10"):
        make_dataset(settings, tmp_path / "data")


# --- evaluation scenarios stay out


def test_talks_on_evaluation_scenarios_stay_out(run, made):
    kept = {(each.domain, each.id) for each in load_scenarios("builtin:test")}
    names = {(pair.domain, pair.scenario) for pair in read_pairs(made).pairs}
    assert names
    assert not names & kept
    manifest = read_manifest(made)
    assert manifest["left_out"][EVALUATION] == 4  # rows 80 to 83
    assert manifest["evaluation"] == "left out"
    assert len(manifest["scenarios"]) == 4


def test_letting_them_in_is_explicit_and_recorded(run, tmp_path):
    folder = make_dataset(DatasetSettings(runs=(run,), scripted=True, allow_test=True), tmp_path)
    assert EVALUATION not in read_manifest(folder)["left_out"]
    assert "allow-test" in read_manifest(folder)["evaluation"]
    assert "allow-test" in read_pairs(folder).header["evaluation"]


def test_a_copy_of_evaluation_scenarios_under_other_names_stays_out(tmp_path):

    renamed = [replace(each, id=f"mine-{place}") for place, each in enumerate(load_scenarios("builtin:medical:test"))]
    save_scenarios(tmp_path / "mine.jsonl", renamed)
    run = tournament(tmp_path / "run", f"{tmp_path / 'mine.jsonl'}:0-2")
    with pytest.raises(ConfigError, match=EVALUATION):
        make_dataset(DatasetSettings(runs=(run,)), tmp_path / "data")
    (tmp_path / "mine.jsonl").unlink()
    with pytest.raises(ConfigError, match="it is unknown which"):
        make_dataset(DatasetSettings(runs=(run,)), tmp_path / "data")


@pytest.mark.parametrize("domain", ["debt", "disaster", "medical", "student"])
def test_the_last_fifth_is_held_out_and_nothing_else(domain):
    kept = held_out(f"builtin:{domain}:train")
    rows = load_scenarios(f"builtin:{domain}")
    assert [each in kept for each in rows] == [False] * 80 + [True] * 20
    assert all(content(each) in held_out().contents for each in rows[80:])


def test_a_sweep_refuses_them(tmp_path):
    with pytest.raises(ConfigError, match="kept for evaluation"):
        sweep(SweepSettings(("simulated",), "builtin:test"), tmp_path)


def test_a_sweep_plays_its_trajectories_and_goes_on(tmp_path):
    settings = SweepSettings(("simulated", "angry"), "builtin:student:0-3", trajectories=2)
    result = sweep(settings, tmp_path, workers=1)
    assert (result.finished, result.played) == (16, 16)
    assert sweep(settings, tmp_path, workers=1).played == 0


def test_a_sweep_draws_other_emotions_for_each_debtor(tmp_path):
    """Equal draws would repeat one row of emotions for every debtor, as if it belonged to the scenario."""
    debtors = ("angry", "sad", "simulated", "stonewalling", "victim", "cheating")
    sweep(SweepSettings(debtors, "builtin:0-3", trajectories=1), tmp_path, workers=1)
    with Store.read(tmp_path) as store:
        played = [transcript_from(*each[:2]) for each in store.documents(range(store.count()))]
    for case in {each.scenario.id for each in played}:
        assert len({each.messages[0].emotion for each in played if each.scenario.id == case}) > 2


# --- dialogues


def dialogue(**more):
    data = {
        "domain": "debt",
        "scenario_id": "debt_003",
        "experiment": "test",
        "final_state": "accept",
        "final_days": 80,
        "creditor_target_days": 12,
        "creditor_emotions": ["happy", "surprising"],
        "debtor_emotions": None,
        "turns": [
            ["seller", "I am glad to talk. I need it in 30 days.", "offer", 30],
            ["buyer", "I need 100 days.", "offer", 100],
            ["seller", "What a surprise. I can do 80 days.", "offer", 80],
            ["buyer", "I agree to 80 days.", "accept", 80],
        ],
    }
    return {**data, **more}


def written(path, *dialogues):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in dialogues)
    return path


def test_a_dialogue_becomes_the_talk_it_tells(tmp_path):
    found = Dialogues(written(tmp_path / "d.jsonl.gz", dialogue()))
    ((row, talk),) = found.talks()
    transcript = talk.transcript
    assert row == 2
    assert (transcript.scenario.creditor_target, transcript.scenario.debtor_target) == (12, 100)
    assert [each.emotion for each in transcript.messages] == ["joy", None, "surprise", None]
    assert [each.move.value for each in transcript.messages] == [30, 100, 80, None]
    assert transcript.messages[-1].move.kind == "accept"
    assert transcript.outcome.value == 80
    assert transcript.outcome.utilities[0] == pytest.approx(20 / 88)
    assert talk.fitted == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{", "that cannot be read"),
        ("[]", "that cannot be read"),
        (dialogue(turns=[]), "that cannot be read"),
        (dialogue(turns=[["seller", "Hello.", "offer", None], ["buyer", "Hello.", "offer", None]]), "without numbers"),
        (dialogue(creditor_emotions=["happy"]), "whose emotions are not one for each message"),
        (dialogue(creditor_emotions=["happy", "grumpy"]), "with an unknown emotion"),
        (dialogue(turns=dialogue()["turns"][1:]), "whose turns do not alternate, the creditor first"),
        (dialogue(final_days=300), "whose deal lies outside what was said"),
        (dialogue(creditor_target_days=100), "whose targets are not those of a scenario"),
    ],
)
def test_what_cannot_be_read_is_left_out_and_counted(tmp_path, bad, reason):
    found = Dialogues(written(tmp_path / "d.jsonl.gz", bad, dialogue()))
    assert len(list(found.talks())) == 1
    assert found.left_out == {f"dialogues {reason}": 1}


def test_dialogues_about_evaluation_rows_stay_out(tmp_path):
    path = written(tmp_path / "d.jsonl.gz", dialogue(scenario_id="debt_081"), dialogue(scenario_id="debt_080"))
    folder = make_dataset(DatasetSettings(dialogues=(str(path),)), tmp_path / "data")
    assert {pair.scenario for pair in read_pairs(folder).pairs} == {"debt_080"}
    assert read_manifest(folder)["left_out"][EVALUATION] == 1


def test_words_that_do_not_state_their_number_become_no_pair(tmp_path):
    turns = dialogue()["turns"]
    turns[2][1] = "I can do 70 days."
    folder = make_dataset(
        DatasetSettings(dialogues=(str(written(tmp_path / "d.gz", dialogue(turns=turns))),)), tmp_path
    )
    assert [pair.index for pair in read_pairs(folder).pairs] == [0]
    assert len(read_transitions(folder)) == 2


@pytest.mark.data
@pytest.mark.skipif(not SHARED.is_dir(), reason="the reference data are not beside the checkout")
def test_the_published_dialogues(tmp_path):
    whole = gzip.decompress((SHARED / "dialogues" / "debt_dialogues.jsonl.gz").read_bytes()).decode().splitlines()
    path = written(tmp_path / "d.jsonl.gz", *whole[:2627:40])
    cases = str(SHARED / "scenarios" / "credit_recovery_scenarios.csv")
    folder = make_dataset(DatasetSettings(dialogues=(str(path),), cases=cases, parts="pairs"), tmp_path / "data")
    pairs = read_pairs(folder).pairs
    assert len(pairs) > 500
    assert {pair.emotion for pair in pairs} <= {
        "joy",
        "sadness",
        "anger",
        "fear",
        "surprise",
        "disgust",
        "neutral",
        None,
    }
    assert any("Outstanding balance" in pair.messages[0].content for pair in pairs)


# --- nothing usable, damage, a full disk


def test_nothing_to_learn_from_is_refused_and_leaves_nothing(tmp_path):
    run = tournament(tmp_path / "run", "builtin:0-1", creditors=["vanilla"])
    with pytest.raises(ConfigError, match="messages without an emotion"):
        make_dataset(DatasetSettings(runs=(run,)), tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
    with pytest.raises(ConfigError, match="nothing to read"):
        DatasetSettings()
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(ConfigError, match="no dialogue"):
        make_dataset(DatasetSettings(dialogues=(str(empty),)), tmp_path / "data")


def test_a_full_disk_leaves_no_half_data_set(run, tmp_path, monkeypatch):
    make_dataset(DatasetSettings(runs=(run,)), tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(train_dataset.shutil, "copyfileobj", full)
    with pytest.raises(StoreError, match="No space left"):
        make_dataset(DatasetSettings(runs=(run,)), tmp_path)
    with pytest.raises(ConfigError, match="does not exist"):
        read_transitions(tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_damage_is_refused(made, tmp_path):
    files = {name: (made / name).read_bytes() for name in (MANIFEST, PAIRS, TRANSITIONS)}

    def folder(**changed):
        for name, whole in files.items():
            (tmp_path / name).write_bytes(changed.get(name.split(".")[0], whole))
        return tmp_path

    for spoiled in (files[TRANSITIONS][:-9], b"", files[TRANSITIONS][:90] + b"x" + files[TRANSITIONS][91:]):
        with pytest.raises(ConfigError, match="damaged"):
            read_transitions(folder(transitions=spoiled))
    with pytest.raises(ConfigError, match="format 1"):
        read_transitions(folder(dataset=b'{"format": 9}'))
    lines = files[PAIRS].split(b"\n")
    for spoiled in (b"\n".join(lines[:-2]), files[PAIRS][:-40], b"", b"\n".join([lines[0], b"[]"])):
        with pytest.raises(ConfigError, match="again with"):
            read_pairs(folder(pairs=spoiled))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seat", "judge"),
        ("reply", " "),
        ("messages", []),
        ("emotion", "bliss"),
        ("quality", float("nan")),
        ("rewards", {}),
    ],
)
def test_a_pair_that_is_none_is_refused(made, field, value):
    data = read_pairs(made).pairs[0].to_dict() | {field: value}
    with pytest.raises(dataset.BadInput):
        dataset.PromptReply.from_dict(data)


def test_held_out_holds_scenarios_only():
    assert "debt-80" not in HeldOut(frozenset())


def near_copies(rows):
    """By what was changed, each row as somebody's file may hold it."""
    return {
        "name": [replace(row, id=f"mine-{row.id}") for row in rows],
        "space": [replace(row, context={key: f"{text} " for key, text in row.context.items()}) for row in rows],
        "case": [replace(row, context={key: text.upper() for key, text in row.context.items()}) for row in rows],
        "bounds": [replace(row, bounds=(row.bounds[0], row.bounds[1] + 7)) for row in rows],
        "no context": [replace(row, id="mine", context={}) for row in rows],
        "half": [replace(row, id="mine", context=dict(list(row.context.items())[::2])) for row in rows],
        "more": [replace(row, id="mine", context={**row.context, "Sky": "It is blue."}) for row in rows],
    }


@pytest.mark.parametrize("domain", ["debt", "disaster", "medical", "student"])
def test_near_copies_are_found_and_other_scenarios_are_not(domain):
    kept = held_out()
    for changed, copies in near_copies(load_scenarios(f"builtin:{domain}:test")).items():
        assert all(map(kept.copied, copies)), changed
    for changed, copies in near_copies(load_scenarios(f"builtin:{domain}:train")).items():
        assert changed in ("half", "no context") or not list(filter(kept.copied, copies)), changed
    other = [replace(row, id="mine", debtor_target=row.debtor_target + 1) for row in load_scenarios("builtin:test")]
    assert not list(filter(kept.copied, other)), "another target makes another negotiation"


def test_it_is_said_how_many_are_left_out_and_why(tmp_path):
    rows = load_scenarios("builtin:debt:test")[:3]
    spaced = replace(rows[0], id="a", context={key: f" {text}" for key, text in rows[0].context.items()})
    listed = [spaced, replace(rows[1], id="b", context={}), replace(rows[2], id="c"), *load_scenarios("builtin:0-1")]
    save_scenarios(tmp_path / "mine.jsonl", listed)
    with pytest.raises(ConfigError, match=r"4 of the 5 .*other spelling.*: 1, .*without their facts: 1"):
        sweep(SweepSettings(("simulated",), str(tmp_path / "mine.jsonl")), tmp_path / "out")
    run = tournament(tmp_path / "run", str(tmp_path / "mine.jsonl"))
    left_out = read_manifest(make_dataset(DatasetSettings(runs=(run,), scripted=True), tmp_path / "data"))["left_out"]
    assert sorted(left_out[key] for key in left_out if key.startswith(EVALUATION)) == [1, 1, 2]
