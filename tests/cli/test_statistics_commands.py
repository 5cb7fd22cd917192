"""The commands on a stored tournament: tables for people, JSON for programs, words for mistakes."""

import json

import pytest
from typer.testing import CliRunner

from poise.cli.app import app


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "small"
    line = (
        "tournament run --creditor vanilla --creditor wsls --creditor eq-negotiator --debtor angry --debtor simulated"
    )
    result = CliRunner().invoke(app, [*line.split(), "--matches-per-pair", "6", "--workers", "1", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out


def said(*words):
    result = CliRunner().invoke(app, ["tournament", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.stdout


def told(*words):
    return json.loads(said(*words, "--json"))


@pytest.mark.parametrize("method", ["bradley-terry", "elo", "openskill"])
def test_ratings_list_every_agent_once(folder, method):
    data = told("ratings", folder, "--method", method)
    assert (data["version"], data["method"], data["games"]) == (2, method, 36)
    assert sorted(one["label"] for one in data["ratings"]) == [
        "angry", "eq-negotiator", "simulated", "vanilla", "wsls",
    ]  # fmt: skip
    text = said("ratings", folder, "--method", method)
    assert all(one["label"] in text for one in data["ratings"])


def test_an_unknown_method_names_those_there_are(folder):
    result = CliRunner().invoke(app, ["tournament", "ratings", str(folder), "--method", "chess"])
    assert result.exit_code == 1
    assert "bradley-terry, elo, openskill" in result.stderr


def test_power_of_what_was_played_and_of_what_is_assumed(folder):
    data = told("power", folder, "--difference", "0.1")
    assert [one["label"] for one in data["comparisons"]] == ["wsls", "eq-negotiator"]
    for one in data["comparisons"]:
        assert (one["scenarios"], one["pairs"]) == (6, 2)
        assert one["matches"] == 4 * one["needed"]
    assert "detectable" in said("power", folder)
    assert told("power", "--difference", "0.1", "--between", "0.2", "--within", "0")["needed"] == 34


def test_power_does_not_mix_what_was_played_with_what_is_assumed(folder):
    result = CliRunner().invoke(app, ["tournament", "power", str(folder), "--between", "0.1"])
    assert result.exit_code == 1
    assert "assumed" in result.stderr


def test_the_game_between_the_fields_is_solved(folder):
    data = told("solve", folder)
    assert sum(one["alpha_rank"] for one in data["creditors"]) == pytest.approx(1)
    assert sum(one["equilibrium"] for one in data["debtors"]) == pytest.approx(1)
    assert "regret" in said("solve", folder)


def test_any_agent_can_be_the_baseline_after_the_run_and_all_pairs_are_shown(folder):
    usual, other = told("standings", folder), told("standings", folder, "--baseline", "wsls")
    assert {one["baseline"] for one in usual["differences"]} == {"vanilla"}
    assert {(one["label"], one["baseline"]) for one in other["differences"]} == {
        ("vanilla", "wsls"), ("eq-negotiator", "wsls"),
    }  # fmt: skip
    assert len(usual["pairwise"]) == 4
    assert usual["pairwise"] == other["pairwise"]
    text = said("standings", folder, "--baseline", "wsls", "--pairs")
    assert "vs wsls" in text
    assert ": all pairs" in text
    assert ": all pairs" not in said("standings", folder)
    assert {one["baseline"] for one in told("power", folder, "--baseline", "wsls")["comparisons"]} == {"wsls"}
    for command in ("standings", "report", "power"):
        refused = CliRunner().invoke(app, ["tournament", command, str(folder), "--baseline", "wsl"])
        assert (refused.exit_code, "did you mean 'wsls'?" in refused.stderr) == (1, True)


def test_the_report_compares_with_any_agent(folder, tmp_path):
    page = tmp_path / "page.html"
    said("report", folder, "--baseline", "eq-negotiator", "--out", page)
    assert "Against eq-negotiator" in page.read_text()
    assert "Differences of all pairs of creditors (3)" in page.read_text()
