"""A folder of worlds as debtors: the world is the unit, and worlds that judge do not train."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.view_fakes import client
from scipy import stats

from poise.agents.registry import each_debtor, find_agent
from poise.agents.simulated import load_world
from poise.agents.simulated.files import world_files
from poise.agents.simulated.prior import read_prior, sample_worlds
from poise.common.errors import AgentError, BadInput, ConfigError, StoreError
from poise.tournaments.charts.game import game_figures
from poise.tournaments.charts.ratings import rated
from poise.tournaments.config import make_config
from poise.tournaments.game_theory.bimatrix import bimatrix
from poise.tournaments.process.measure import measure_process
from poise.tournaments.runner import resume_tournament, run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.statistics.bradley_terry import games_of
from poise.tournaments.statistics.changes import ALL, changes
from poise.tournaments.statistics.comparison import compare_agents
from poise.tournaments.statistics.power import PowerPlan, matches_needed
from poise.tournaments.statistics.ratings import rate_tournament
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.store import read_snapshot
from poise.training.data.dataset import read_manifest
from poise.training.data.make import make_dataset
from poise.training.data.settings import DatasetSettings, SweepSettings
from poise.training.data.sweep import sweep
from poise.training.online.settings import TrainSettings
from poise.training.online.train import train


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    sample_worlds(folder, read_prior(), worlds=8, seed=3, permuted=2)
    return folder


def played(folder, debtors, *creditors, matches=3, **settings):
    given = {"creditors": creditors, "debtors": debtors, "scenarios": "builtin:test", "matches_per_pair": matches}
    run_tournament(make_config({**given, "workers": 1, **settings}), folder)
    return folder


@pytest.fixture(scope="module")
def tournament(worlds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "over"
    return played(folder, f"worlds:{worlds}/test", "vanilla", "fixed:gratitude", "fixed:annoyance", seed=4)


def test_every_second_world_is_kept_for_evaluation_and_says_so(worlds):
    train_, test = (world_files(worlds / name) for name in ("train", "test"))
    assert [file.stem for file in train_] == [f"world-000{n}" for n in (0, 2, 4, 6)]
    assert [file.stem for file in test] == [f"world-000{n}" for n in (1, 3, 5, 7)]
    assert all(load_world(file).evaluation for file in (*test, *world_files(worlds / "permuted")))
    assert not any(load_world(file).evaluation for file in (*train_, worlds / "null.toml"))
    assert not {load_world(file).digest for file in train_} & {load_world(file).digest for file in test}


def test_a_folder_stands_for_a_debtor_from_each_of_its_worlds(worlds):
    files = world_files(worlds / "test")
    assert each_debtor([f"worlds:{worlds}/test"]) == tuple(f"simulated:{file}" for file in files)
    assert each_debtor(["vanilla", f"worlds:{worlds}/test,offers=policy@scripted"])[1].endswith(
        "world-0001.toml,offers=policy@scripted"
    )
    with pytest.raises(AgentError, match="stands for many debtors"):
        find_agent(f"worlds:{worlds}/test", "debtor")
    for nothing in (worlds, worlds / "nowhere"):
        with pytest.raises(AgentError, match="is no folder of worlds; name one"):
            each_debtor([f"worlds:{nothing}"])
    with pytest.raises(ConfigError, match="plays without other debtors"):
        make_config({"creditors": "vanilla", "debtors": (f"worlds:{worlds}/test", "angry")})


def test_gains_are_tested_over_worlds_by_t(tournament):
    standings, snapshot = read_standings(tournament), read_snapshot(tournament)
    assert (standings.unit, standings.worlds) == ("world", 4)
    by = {(row.creditor, row.debtor, row.scenario): row.creditor_utility for row in snapshot.rows}
    gains = np.array([[by[1, world, case] - by[0, world, case] for case in range(3)] for world in range(4)]).mean(1)
    found = standings.against_baseline("fixed:gratitude", "creditor").utility
    expected = stats.t.interval(0.95, 3, gains.mean(), stats.sem(gains))
    assert (found.mean, found.low, found.high) == pytest.approx((gains.mean(), *expected))
    assert standings.against_baseline("fixed:gratitude", "creditor").p == pytest.approx(
        stats.ttest_1samp(gains, 0).pvalue
    )
    assert json.loads(json.dumps(standings.to_dict()))["unit"] == "world"


def test_whatever_is_said_of_creditors_is_over_worlds(tournament):
    snapshot = read_snapshot(tournament)
    process = measure_process(tournament)
    assert "36 negotiations in 4 worlds on 3 scenarios" in process.footnote
    assert "bootstrap over worlds. With fewer than 5 worlds the intervals are too narrow" in process.footnote
    assert (process.to_dict()["unit"], process.to_dict()["worlds"]) == ("world", 4)
    assert compare_agents(snapshot, "fixed:gratitude", "vanilla").to_dict()["unit"] == "world"
    games = games_of(snapshot)
    assert (games.cluster == games.debtor).all()
    for one in matches_needed(snapshot, PowerPlan(0.05, 1, 0.8, 0.05, 1)):
        assert (one.scenarios, one.pairs) == (4, 3)


def test_worlds_are_nobody_s_rivals(tournament):
    snapshot = read_snapshot(tournament)
    for method in ("bradley-terry", "elo"):
        assert {one.seat for one in rate_tournament(snapshot, method).listed} == {"creditor"}
    assert [side.seat for side in rated(snapshot)] == ["creditor"]
    standings = read_standings(tournament)
    with pytest.raises(BadInput, match="4 worlds, a sample that nobody chooses from, so that there is no game"):
        bimatrix(standings)
    assert "4 worlds, a sample" in game_figures(standings, snapshot.rows).missing


def test_two_runs_are_compared_over_their_worlds(tournament, worlds, tmp_path):
    """Each creditor over all worlds, by t over them; runs that share no match by Welch's t over worlds."""
    short = played(tmp_path / "short", f"worlds:{worlds}/test", "vanilla", "fixed:gratitude", seed=4, max_messages=9)
    before, after = (read_snapshot(folder) for folder in (tournament, short))
    found = changes(before, after, "creditor")
    assert [(one.creditor, one.debtor, one.samples, one.paired) for one in found] == [
        ("vanilla", ALL, 4, 12),
        ("fixed:gratitude", ALL, 4, 12),
    ]
    means = [
        [
            np.mean([row.creditor_utility for row in each.rows if (row.creditor, row.debtor) == (0, world)])
            for world in range(4)
        ]
        for each in (before, after)
    ]
    gains = np.subtract(means[1], means[0])
    expected = stats.t.interval(0.95, 3, gains.mean(), stats.sem(gains))
    assert (found[0].difference.low, found[0].difference.high) == pytest.approx(expected)
    other = played(tmp_path / "other", f"worlds:{worlds}/permuted", "vanilla", seed=4)
    (apart,) = changes(before, read_snapshot(other), "creditor")
    assert (apart.samples, apart.paired) == (2, 0)
    page = client(tournament, short).get("/compare?a=over&b=short").text
    assert "all worlds" in page
    assert "12 pairs, 4 worlds" in page
    assert "sign-flip test over worlds" in page


def test_what_a_training_gained_is_told_over_its_worlds(worlds, tmp_path):
    """With one scenario, an interval over scenarios would be open."""
    asked = TrainSettings("q", (f"worlds:{worlds}/train",), scenarios="builtin:0-0", budget=200)
    gain = train(asked, tmp_path / "q").artifact.scores["gain"]["vanilla"]
    assert gain["low"] <= gain["mean"] <= gain["high"]


def test_creditors_share_the_draws_of_a_world_and_worlds_have_their_own(worlds):
    given = {"creditors": ("vanilla", "lookup"), "scenarios": "builtin:test", "matches_per_pair": 3}
    files = [f"simulated:{file}" for file in world_files(worlds / "test")]
    for debtors, number in ((f"worlds:{worlds}/test", 4 * 3), (files, 3)):
        matches = plan_matches(make_config({**given, "debtors": debtors})).matches
        first, second = matches[:12], matches[12:]
        assert [match.seed for match in first] == [match.seed for match in second]
        assert len({match.seed for match in first}) == number


def test_in_the_null_world_every_gain_is_nothing(worlds, tmp_path):
    (tmp_path / "null").mkdir()
    (tmp_path / "null" / "null.toml").write_bytes((worlds / "null.toml").read_bytes())
    rivals = ("vanilla", "random:7", "lookup", "eq-negotiator", "emomas", f"oracle:{tmp_path}/null")
    folder = played(tmp_path / "run", f"worlds:{tmp_path}/null", *rivals)
    gains = [one.utility for one in read_standings(folder).differences]
    assert len(gains) == 5
    assert {gain.mean for gain in gains} == {0.0}
    assert {gain.low for gain in gains} == {None}  # one world tells nothing of others


def test_the_oracle_of_a_folder_knows_each_of_its_worlds_and_no_other(worlds, tmp_path):
    oracle, one = f"oracle:{worlds}/test", f"oracle:{worlds}/test/world-0003.toml"
    folder = played(tmp_path / "run", f"worlds:{worlds}/test", "vanilla", oracle, matches=8)
    assert read_standings(folder).against_baseline(oracle, "creditor").utility.mean > 0
    assert find_agent(one, "creditor").settings == load_world(worlds / "test/world-0003.toml").declared()
    stranger = played(tmp_path / "other", f"worlds:{worlds}/permuted", oracle, matches=1)
    assert {row.ending for row in read_snapshot(stranger).rows} == {"failed"}


def test_a_folder_that_has_grown_is_not_resumed_unsaid_and_can_be_played_on(worlds, tmp_path):
    first, *others = world_files(worlds / "train")
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / first.name).write_bytes(first.read_bytes())
    folder = played(tmp_path / "run", f"worlds:{tmp_path}/few", "vanilla")
    before = {row.position: row.creditor_utility for row in read_snapshot(folder).rows}
    (tmp_path / "few" / others[0].name).write_bytes(others[0].read_bytes())
    with pytest.raises(StoreError, match="began with 1 worlds, and their folder has 2 now"):
        resume_tournament(folder, workers=1)
    played(folder, f"worlds:{tmp_path}/few", "vanilla")
    after = read_snapshot(folder).rows
    assert [row.creditor_utility for row in after if row.debtor == 0] == list(before.values())
    assert len(after) == 2 * len(before)


def test_worlds_kept_for_evaluation_train_nobody(worlds, tmp_path):
    one = f"simulated:{worlds}/test/world-0005.toml"
    copy = tmp_path / "copy.toml"
    copy.write_bytes((worlds / "test/world-0005.toml").read_bytes())
    for debtors, count in ((f"worlds:{worlds}/test", 4), (one, 1), (f"simulated:{copy}", 1)):
        message = f"{count} of the {count} debtors come from worlds that are kept for evaluation"
        with pytest.raises(ConfigError, match=message):
            train(TrainSettings("q", (debtors,), budget=100), tmp_path / "q")
        with pytest.raises(ConfigError, match=message):
            sweep(SweepSettings((debtors,), trajectories=1), tmp_path / "sweep")
    mixed = played(
        tmp_path / "mixed", (one, f"simulated:{worlds}/train/world-0000.toml"), "random", scenarios="builtin:train"
    )
    data = read_manifest(make_dataset(DatasetSettings((str(mixed),)), tmp_path / "data"))
    assert data["left_out"]["negotiations in worlds that are kept for evaluation"] == 3
    assert data["sources"][0]["worlds"] == [load_world(worlds / "train/world-0000.toml").digest]


def test_a_creditor_that_meets_the_worlds_it_was_trained_on_is_told_of(worlds, tmp_path):
    artifact = train(TrainSettings("q", (f"worlds:{worlds}/train",), budget=100), tmp_path / "q")
    assert artifact.artifact.worlds == {load_world(file).digest for file in world_files(worlds / "train")}
    for name, doubts in (("train", 1), ("test", 0)):
        folder = played(tmp_path / name, f"worlds:{worlds}/{name}", "vanilla", str(tmp_path / "q"), matches=1)
        found = [doubt for doubt in read_standings(folder).doubts if doubt.kind == "trained"]
        assert len(found) == doubts
    assert "was trained on 4 of these 4 worlds" in read_standings(tmp_path / "train").doubts[0].text
