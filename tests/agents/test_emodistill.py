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


def measured(creditor, matches, folder):
    """What share of the creditor's messages was right at once, in its own words at last, and heard as the emotion."""
    config = make_config(
        {
            "creditors": [creditor],
            "debtors": ["angry@scripted"],
            "scenarios": "builtin:test",
            "matches_per_pair": matches,
            "model": "embedded:smollm2",
            "model_options": {"wording": "free"},  # a grammar would have any model state the number at once
            "max_messages": 5,
            "message_seconds": 1000.0,
            "match_seconds": 5000.0,
            "workers": 1,  # what a slot holds depends on who else talks
            "seed": 2,
        }
    )
    run_tournament(config, folder)
    with Store.read(folder) as store:
        talks = list(store.transcripts())
    assert not [json.dumps(talk.to_dict())[:400] for talk in talks if talk.outcome.ending == "failed"]
    said = [
        each.wording for talk in talks for each in talk.messages if each.seat == "creditor" and each.wording.attempts
    ]
    heard = [emotion_rank(each.text, each.emotion) <= TOP for talk in talks for _, each in spoken_in(talk, "creditor")]
    at_once = [each.attempts == 1 and not each.repaired for each in said]
    return tuple(map(mean, (at_once, [not each.repaired for each in said], heard)))


@pytest.mark.model
def test_its_words_state_the_number_and_show_the_emotion_better_than_the_untuned_models(tmp_path, thorough):
    """At once is a matter of the last digits for the tuned model too, in one message or another; at last is not."""
    tuned, untuned = (
        measured(creditor, 2 if thorough else 1, tmp_path / creditor)
        for creditor in ("emodistill", "emodistill,adapter=none")
    )
    assert all(ours > theirs for ours, theirs in zip(tuned, untuned, strict=True))
    assert tuned[1] >= 0.7
