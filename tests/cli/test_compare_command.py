"""`poise tournament compare`: two agents against the same opponents, the difference, and what would tell more."""

import json

import pytest
from helpers.paths import ROOT
from typer.testing import CliRunner

from poise.cli.app import app
from poise.common.errors import ConfigError, StoreError
from poise.tournaments.statistics.comparison import compare_agents
from poise.tournaments.statistics.power import PowerPlan, matches_needed
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.store import Store, read_snapshot


def run(*words, code=0):
    line = ["tournament", "compare", *map(str, words), "--workers", "1"]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "two"
    mirror = ROOT / "examples/mirror.py"
    run(mirror, "wsls", "--debtor", "angry", "--debtor", "sad", "--scenarios", "builtin:0-5", "--out", out)
    return out


def test_it_says_who_is_better_by_how_much_and_what_it_takes(folder):
    mirror = ROOT / "examples/mirror.py"
    line = (mirror, "wsls", "--debtor", "angry", "--debtor", "sad", "--scenarios", "builtin:0-5", "--out", folder)
    text = run(*line, "--difference", "0.3").stdout
    (difference,) = [one for one in read_standings(folder).differences if one.seat == "creditor"]
    assert f"wsls is better than mirror by {-difference.utility.mean:.3f}" in text
    assert f"{difference.utility.mean:+z.3f}" in text
    assert "6 were played, which suffice" in text
    data = json.loads(run(*line, "--json", "--difference", "0.05").stdout)
    assert data["difference"]["utility"] == difference.utility.to_dict()
    assert [one["opponent"] for one in data["opponents"]] == ["angry", "sad"]
    assert data["agents"][0]["file"] == str(mirror)
    assert data["needed"]["more_scenarios"] == data["needed"]["needed"] - 6 > 0
    assert data["needed"]["more_matches"] == 2 * 2 * data["needed"]["more_scenarios"]


def test_the_same_command_with_more_scenarios_plays_what_is_missing(folder):
    mirror = ROOT / "examples/mirror.py"
    with Store.read(folder) as store:
        before = {match: position for position, match in store.done().items()}
    run(mirror, "wsls", "--debtor", "angry", "--debtor", "sad", "--scenarios", "builtin:0-6", "--out", folder)
    with Store.read(folder) as store:
        after = set(store.done().values())
    assert before.keys() < after
    assert len(after) == 28


def test_what_it_says_is_what_the_other_commands_say(folder):
    snapshot = read_snapshot(folder)
    plan = PowerPlan(0.02)
    forth, back = (compare_agents(snapshot, *pair, plan) for pair in (("mirror", "wsls"), ("wsls", "mirror")))
    assert forth.difference.utility.mean == pytest.approx(-back.difference.utility.mean)
    (needed,) = [one for one in matches_needed(snapshot.against("wsls"), plan) if one.seat == "creditor"]
    assert forth.needed == needed
    # Against all is the mean over opponents, as each met the agents equally often.
    means = [one.utility.mean for _, one in forth.opponents]
    assert sum(means) / 2 == pytest.approx(forth.difference.utility.mean)
    (table,) = forth.tables()
    assert [row[0] for row in table.rows] == ["all debtors", "angry", "sad"]
    assert all(row[-1].startswith("\N{MINUS SIGN}") for row in table.rows if row[2].startswith("\N{MINUS SIGN}"))
    with pytest.raises(ConfigError, match="did you mean 'mirror'"):
        compare_agents(snapshot, "miror", "wsls")
    with pytest.raises(StoreError, match="no matches yet"):
        compare_agents(snapshot, "mirror", "angry")


def test_debtors_are_compared_against_creditors(tmp_path):
    text = run("angry", "sad", "--scenarios", "builtin:0-1", "--out", tmp_path / "usual").stdout
    assert "all creditors" in text
    run("vanilla", "sad", "--creditor", "wsls", "--scenarios", "builtin:0-1", "--out", tmp_path / "named")
    assert read_snapshot(tmp_path / "named").debtors == ["vanilla", "sad"]
    both = run("angry", "sad", "--creditor", "wsls", "--debtor", "fear", code=1)
    assert "of debtors by --creditor" in both.stderr
    assert "did you mean 'vanilla'" in run("vanila", "wsls", code=1).stderr
