"""The trained creditor that ships: its folder is whole and as described, and its words are those of its training."""

from __future__ import annotations

import json
import re
from statistics import mean

import pytest

from poise.agents.artifact import load_artifact
from poise.agents.models.embedded.weights import find_weights
from poise.agents.registry import find_agent
from poise.agents.trained import PACKAGED
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.storage.store import Store
from poise.training.data.files import digest_of_file
from poise.training.language.judged_message import spoken_in
from poise.training.language.verifiable import TOP, emotion_rank

FOLDER = PACKAGED / "emodistill"


def test_it_is_whole_small_and_says_where_it_comes_from():
    artifact = load_artifact(FOLDER)
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 3_500_000
    told = artifact.provenance["adapter"]
    assert told["method"] == "jpo"
    assert told["parent"]
    assert told["data"]["evaluation"] == artifact.provenance["policy"]["provenance"]["data"]["evaluation"] == "left out"
    assert not re.search(r'"\.?\.?/', (FOLDER / "artifact.json").read_text())  # no place of the machine it was made on


def test_its_adapter_is_for_the_embedded_model():
    assert find_agent("emodistill", "creditor").adapter.base_sha256 == digest_of_file(find_weights())


@pytest.mark.model
def test_its_words_state_the_number_and_show_the_emotion_better_than_the_untuned_models(tmp_path, thorough):
    config = make_config(
        {
            "creditors": ["emodistill", "emodistill,adapter=none"],
            "debtors": ["angry@scripted"],
            "scenarios": "builtin:test",
            "matches_per_pair": 2 if thorough else 1,
            "model": "embedded:smollm2",
            "max_messages": 5,
            "message_seconds": 1000.0,
            "match_seconds": 5000.0,
            "workers": 1,  # what a slot holds depends on who else talks
            "seed": 2,
        }
    )
    run_tournament(config, tmp_path / "run")
    with Store.read(tmp_path / "run") as store:
        rows, talks = store.rows(), list(store.transcripts())
    at_once, own_words, heard = {0: [], 1: []}, {0: [], 1: []}, {0: [], 1: []}
    for row, talk in zip(rows, talks, strict=True):
        assert talk.outcome.ending != "failed", json.dumps(talk.to_dict())[:400]
        for message in talk.messages:
            if message.seat == "creditor" and message.wording.attempts:
                at_once[row.creditor].append(message.wording.attempts == 1 and not message.wording.repaired)
                own_words[row.creditor].append(not message.wording.repaired)
        heard[row.creditor] += [emotion_rank(each.text, each.emotion) <= TOP for _, each in spoken_in(talk, "creditor")]
    for values in (at_once, own_words, heard):
        assert mean(values[0]) > mean(values[1])
    assert mean(own_words[0]) >= 0.7  # at once it is 2 or 3 of 3, which differs with the last digits of the arithmetic
