"""Training: it improves, the same seed comes to the same artifact however it is played, and the budget is kept."""

from dataclasses import replace

import pytest
from helpers.seats import case
from helpers.train_settings import LONGER, SHORT, files
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.artifact import load_artifact
from poise.agents.registry import find_agent
from poise.common.errors import PoiseError
from poise.games.scenarios.loaders import load_scenarios
from poise.training.online.field import Field, Stage, Trial, players
from poise.training.online.plan import plan_training
from poise.training.online.settings import TrainSettings
from poise.training.online.train import train

# --- it helps


@pytest.mark.parametrize(("method", "budget"), [("evolve", 800), ("q", 700)])
def test_training_improves_on_its_start_and_on_vanilla(tmp_path, method, budget):
    """New talks, paired; the whole 95 % interval of the gain is above 0. Seeds are fixed, so this is no gamble."""
    settings = TrainSettings(method, ("vanilla",), budget=budget, seed=1, talks=8 if method == "evolve" else None)
    gain = train(settings, tmp_path, workers=1).artifact.scores["gain"]
    assert gain["start"]["low"] > 0
    assert gain["vanilla"]["low"] > 0


# --- the same artifact


@pytest.mark.parametrize("method", LONGER)
def test_same_seed_same_artifact(tmp_path, method):
    for place in ("one", "two"):
        train(LONGER[method], tmp_path / place, workers=1)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert set(files(tmp_path / "one")) == {"artifact.json"}
    agent = find_agent(str(tmp_path / "one"), "creditor")
    assert agent.settings["artifact"] == load_artifact(tmp_path / "one").digest[:16]


def test_another_seed_another_artifact(tmp_path):
    for place, seed in (("one", 5), ("other", 6)):
        train(replace(SHORT["q"], seed=seed), tmp_path / place)
    assert load_artifact(tmp_path / "one").parameters != load_artifact(tmp_path / "other").parameters


@pytest.mark.parametrize("method", ["evolve", "bayes"])
def test_two_workers_come_to_the_artifact_of_one(tmp_path, method):
    for workers in (1, 2):
        train(SHORT[method], tmp_path / str(workers), workers=workers)
    assert files(tmp_path / "1") == files(tmp_path / "2")


# --- what is played


@pytest.mark.parametrize("method", SHORT)
def test_the_budget_is_kept_and_spent(tmp_path, method, monkeypatch):
    played = []
    real = Stage.play
    monkeypatch.setattr(Stage, "play", lambda self, trial, talks: played.extend(talks) or real(self, trial, talks))
    plan = plan_training(SHORT[method])
    train(SHORT[method], tmp_path, workers=1)
    assert len(played) == plan.total <= SHORT[method].budget
    assert SHORT[method].budget - plan.total < plan.talks * plan.policies


@given(st.integers(1, 4), st.integers(1, 7), st.integers(0, 100))
def test_the_field_is_covered_evenly(debtors, scenarios, seed):
    field = Field(("vanilla",) * debtors, (case(),) * scenarios)
    size = debtors * scenarios
    talks = field.matches(seed, "training", 0, 2 * size)
    for epoch in talks[:size], talks[size:]:
        assert {(talk.debtor, talk.scenario) for talk in epoch} == {
            (d, s) for d in range(debtors) for s in range(scenarios)
        }
    assert [talk.debtor for talk in talks[:debtors]] == list(range(debtors))
    assert len({talk.seed for talk in talks}) == len(talks)
    assert talks[3:5] == field.matches(seed, "training", 3, 2)[: len(talks[3:5])]
    assert not {talk.seed for talk in talks} & {talk.seed for talk in field.matches(seed, "check", 0, size)}


def test_what_a_learner_learned_from_one_debtor_it_knows_against_the_next():
    field = Field(("vanilla", "angry"), tuple(load_scenarios("builtin:0-3")))
    talks = field.matches(1, "training", 0, 6)
    with players(field, 1) as play:
        (played,) = play([Trial("q-learning", {"talks": 0, "table": {}, "epsilon": 1.0})], talks, learns=True)
    assert played.memory["talks"] == 6


def test_failed_negotiations_teach_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("poise.agents.policies.wsls.WinStayLoseShift.choose", lambda self, view, dice: "rage")
    field = Field(("vanilla",), (case(),))
    with pytest.raises(PoiseError, match=r"failed: .*'rage'"), players(field, 1) as play:
        play([Trial("policy", {"name": "wsls"})], field.matches(1, "training", 0, 1), learns=False)
