"""Baselines are chosen on training worlds alone, and are what the table says is best."""

from __future__ import annotations

import tomllib

import pytest
from typer.testing import CliRunner

from poise.agents.concessions import BLIND, named_concession
from poise.agents.registry import find_agent
from poise.agents.simulated.prior import read_prior, sample_worlds
from poise.cli.app import app
from poise.common.errors import ConfigError
from poise.tournaments.statistics.standings import read_standings
from poise.training import baselines
from poise.training.baselines import choose_baselines
from poise.training.data.settings import BaselineSettings


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    sample_worlds(folder, read_prior(), worlds=4, seed=9)
    return folder


def test_no_candidate_is_there_twice():
    made = [find_agent(name, "creditor").make_concession() for name in baselines.CONCEDING]
    assert len(set(made)) == len(made) == len(BLIND) + 1


def test_what_is_chosen_is_best_and_can_be_played(worlds, tmp_path, monkeypatch):
    monkeypatch.setattr(baselines, "FIXED", ("fixed:gratitude", "fixed:disgust"))
    monkeypatch.setattr(baselines, "CONCEDING", ("vanilla", "vanilla,concession=clock:1:0"))
    settings = BaselineSettings((f"worlds:{worlds}/train",), matches_per_pair=10)
    found = choose_baselines(settings, tmp_path, workers=1)
    utilities = {one.label: one.utility.mean for one in read_standings(tmp_path).seat("creditor")}
    assert dict(found.utilities) == utilities
    for name, among in ((found.fixed, baselines.FIXED), (found.blind, baselines.CONCEDING)):
        assert utilities[name] == max(utilities[each] for each in among)
        find_agent(name, "creditor")
    assert found.blind == "vanilla"  # who never concedes is given little
    written = tomllib.loads((tmp_path / "baselines.toml").read_text())
    assert (written["fixed"], written["blind"]) == (found.fixed, found.blind)
    assert choose_baselines(settings, tmp_path, workers=1) == found


def test_what_is_kept_for_evaluation_chooses_nothing(worlds, tmp_path):
    for fields, message in (
        ({"debtors": (f"worlds:{worlds}/test",)}, "come from worlds that are kept for evaluation"),
        ({"debtors": ("simulated",), "scenarios": "builtin:test"}, "are kept for evaluation"),
    ):
        with pytest.raises(ConfigError, match=message):
            choose_baselines(BaselineSettings(**fields), tmp_path / "out")
    with pytest.raises(ConfigError, match="no debtor to choose against"):
        BaselineSettings(())


def test_the_command_says_how_to_play_them(worlds, tmp_path, monkeypatch):
    monkeypatch.setattr(baselines, "FIXED", ("fixed:gratitude",))
    monkeypatch.setattr(baselines, "CONCEDING", ("vanilla",))
    words = ["train", "baselines", "--debtor", f"worlds:{worlds}/train", "--matches-per-pair", "1"]
    said = CliRunner().invoke(app, [*words, "--workers", "1", "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert said.exit_code == 0
    assert "best fixed emotion: --creditor fixed:gratitude (utility 0." in said.stdout
    assert "best concession without emotion: --creditor vanilla (utility 0." in said.stdout


@pytest.mark.parametrize("name", BLIND)
def test_every_named_rival_concedes_by_its_name(name):
    concession = named_concession(name)
    if name.startswith("clock:"):
        assert (concession.beta, concession.reach) == tuple(map(float, name.split(":")[1:]))
