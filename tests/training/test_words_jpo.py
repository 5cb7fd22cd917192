"""JPO on a tiny model: better replies become likelier, worse ones less, and nothing is learned from nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.words_fakes import ALL, RUN, curve, pair, sft_home, write_pairs

from poise.common.errors import AgentError, ConfigError
from poise.training.language.adapter import read_provenance
from poise.training.language.jpo import mean_ratios, train_jpo
from poise.training.language.objectives import advantages
from poise.training.language.settings import JpoSettings, Steps

pytest.importorskip("torch")


def judged(matches: int = 4) -> list:
    """Three replies to each prompt, one good, one bad and one between."""
    texts = {"I am angry! I need the full payment in 30 days.": 9.0, "Well, 30 days.": 5.0, "Zebra 12 days.": 2.0}
    return [pair(match, 0, "anger", text, score) for match in range(matches) for text, score in texts.items()]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return sft_home(tmp_path_factory.mktemp("jpo"), 4, judged())


def settings(home, **changes) -> JpoSettings:
    steps = Steps(0.01, epochs=3, batch=6, warmup=0.0)
    return replace(JpoSettings(home / "judged", home / "sft", str(home / "base"), ALL, steps), **changes)


@pytest.fixture(scope="module")
def trained(home):
    return train_jpo(settings(home), home / "jpo", RUN)


def test_better_replies_become_likelier_and_worse_ones_less(home, trained):
    scores = trained.provenance["scores"]
    assert scores["ratio_better"] > 1.02
    assert scores["ratio_worse"] < 0.98
    assert scores["kl"] > 0
    assert scores["score"] == pytest.approx(16 / 3)
    assert trained.provenance["parent"] == read_provenance(home / "sft")["digest"]
    assert not (home / "jpo" / "reference.safetensors").exists()


def test_the_first_step_begins_at_the_snapshot(home, trained):
    """There rho = 1 and K3 = 0, so that the loss of the first batch is minus the mean of its advantages."""
    made = judged()
    found = advantages([each.rewards["judge"] for each in made], [each.scenario for each in made])
    from poise.training.language.judged_message import prompt_key

    batch = settings(home).steps.batches([prompt_key(each) for each in made])[0]
    assert curve(home / "jpo")[0] == pytest.approx(-np.mean(found[batch]), abs=1e-5)


def test_a_reply_of_average_score_counts_for_neither_side():
    found = mean_ratios([1.5, 1.3, 7.0, 0.5], [2.0, 0.1, 0.0, -1.0])
    assert found == pytest.approx({"ratio_better": 1.4, "ratio_worse": 0.5})
    assert mean_ratios([2.0, 9.0], [1.0, 0.0]) == {"ratio_better": 2.0}


def test_with_kappa_0_worse_replies_are_left_alone(home, tmp_path):
    only = train_jpo(settings(home, kappa=0.0), tmp_path, RUN).provenance["scores"]
    both = read_provenance(home / "jpo")["scores"]
    assert only["ratio_better"] > 1.02
    assert only["ratio_worse"] > both["ratio_worse"]


def test_a_stopped_training_is_resumed_along_the_same_curve(home, trained, tmp_path):
    asked = iter(range(100))
    with pytest.raises(KeyboardInterrupt):
        train_jpo(settings(home), tmp_path, replace(RUN, stop=lambda: next(asked) == 2))
    assert (tmp_path / "reference.safetensors").exists()
    train_jpo(settings(home), tmp_path, RUN)
    assert curve(tmp_path) == pytest.approx(curve(home / "jpo"), abs=1e-5)
    assert train_jpo(settings(home), tmp_path, RUN).earlier


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([pair(0, 0, judge=5.0), pair(0, 2)], "has no score"),
        ([pair(0, 0, judge=5.0), pair(0, 2, judge=5.0)], "are equal within each"),
        ([pair(0, 0, judge=5.0)], "are equal within each"),
        ([], "none of the 0 pairs"),
    ],
)
def test_rewards_that_are_missing_or_teach_nothing_are_an_error(home, tmp_path, made, words):
    write_pairs(tmp_path / "data", made)
    with pytest.raises(ConfigError, match=words):
        train_jpo(settings(home, data=tmp_path / "data"), tmp_path / "out", RUN)
    assert not (tmp_path / "out").exists()


def test_an_adapter_is_needed_to_begin_with(home, tmp_path):
    with pytest.raises(AgentError, match="no finished adapter"):
        train_jpo(settings(home, sft=tmp_path), tmp_path / "out", RUN)
    with pytest.raises(ConfigError, match="--base"):
        train_jpo(settings(home, base=None), tmp_path / "out", RUN)
