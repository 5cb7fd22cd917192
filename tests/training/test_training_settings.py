"""What `poise train` refuses, what it says, and what it records."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.train_settings import LONGER, SHORT
from typer.testing import CliRunner

from poise.cli.app import app
from poise.common.errors import AgentError, ConfigError
from poise.games.scenarios.loaders import load_scenarios, save_scenarios
from poise.training.online import train as training
from poise.training.online.plan import methods, plan_training
from poise.training.online.settings import TrainSettings

run_cli = CliRunner()

# --- what is refused


@pytest.mark.parametrize("source", ["builtin", "builtin:test", "builtin:79-80"])
def test_evaluation_scenarios_are_refused_unless_insisted_on(source):
    with pytest.raises(ConfigError, match=r"kept for evaluation.*--allow-test"):
        plan_training(replace(SHORT["q"], scenarios=source))
    assert plan_training(replace(SHORT["q"], scenarios=source, allow_test=True)).total


def test_evaluation_scenarios_are_known_by_what_is_in_them(tmp_path):
    cases = load_scenarios("builtin")
    copied = [type(one).from_dict({**one.to_dict(), "id": f"copy {place}"}) for place, one in enumerate(cases[75:85])]
    save_scenarios(tmp_path / "copy.jsonl", copied)
    with pytest.raises(ConfigError, match="3 of the 8 scenarios"):
        plan_training(replace(SHORT["q"], scenarios=f"{tmp_path}/copy.jsonl:train"))


def test_a_file_s_own_last_fifth_is_kept(tmp_path):
    cases = [type(one).from_dict({**one.to_dict(), "creditor_target": 3}) for one in load_scenarios("builtin:0-9")]
    save_scenarios(tmp_path / "own.jsonl", cases)
    plan_training(replace(SHORT["q"], scenarios=f"{tmp_path}/own.jsonl:train"))
    for rows in ("", ":test", ":7-8"):
        with pytest.raises(ConfigError, match="kept for evaluation"):
            plan_training(replace(SHORT["q"], scenarios=f"{tmp_path}/own.jsonl{rows}"))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"method": "hope"}, "method 'hope' does not exist; there are"),
        ({"debtors": ()}, "--debtor"),
        ({"mode": "kind"}, "mode 'kind' is refused; it can be corrected, faithful"),
        ({"seed": -1}, "seed -1 is not 0 or more"),
        ({"rows": "theirs"}, "rows 'theirs' is refused; it can be own, heard"),
        ({"method": "evolve", "mode": "faithful", "rows": "heard"}, "--rows own"),
        ({"talks": 0}, "talks 0 is not 1 or more"),
        ({"budget": 3}, "--budget"),
        ({"budget": 0}, "budget 0 is not 1 or more"),
        ({"debtors": ("nobody",)}, "no debtor is called"),
    ],
)
def test_impossible_settings_are_refused(wrong, says):
    with pytest.raises((ConfigError, AgentError), match=says):
        plan_training(replace(SHORT["q"], **wrong))


def test_the_budget_that_an_error_asks_for_is_enough():
    with pytest.raises(ConfigError) as refused:
        plan_training(TrainSettings("evolve", ("vanilla",), budget=300))
    least = int(str(refused.value).split("--budget ")[1].split()[0])
    assert plan_training(TrainSettings("evolve", ("vanilla",), budget=least)).rounds == 1


# --- from the command line


def test_the_command_trains_and_says_how_to_play_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "q", "--debtor", "vanilla", "--scenarios", "builtin:0-9", "--budget", "60", "--talks", "10"]
    first, second = (run_cli.invoke(app, [*words, "--out", "runs/mine"]) for _ in range(2))
    assert first.exit_code == second.exit_code == 0, first.output
    assert "play it with: --creditor runs/mine" in first.stdout
    assert "negotiations each, mean utility" in first.stdout
    assert "is trained already" in second.stdout
    match = ["tournament", "run", "--creditor", "runs/mine", "--creditor", "vanilla", "--debtor", "vanilla"]
    played = run_cli.invoke(app, [*match, "--matches-per-pair", "2", "--out", "runs/match"])
    assert played.exit_code == 0, played.output


@pytest.mark.parametrize("method", methods())
def test_every_method_has_its_command(method):
    told = run_cli.invoke(app, ["train", method, "--help"])
    assert told.exit_code == 0
    assert "--debtor" in told.output


def test_a_wrong_setting_is_one_sentence(tmp_path):
    told = run_cli.invoke(app, ["train", "evolve", "--debtor", "vanilla", "--mode", "kind", "--out", str(tmp_path)])
    assert told.exit_code == 1
    assert "mode 'kind' is refused; it can be corrected, faithful" in told.output


@pytest.mark.parametrize("method", LONGER)
def test_the_recorded_command_asks_for_the_same_training(method, monkeypatch):
    settings = replace(LONGER[method], allow_test=True)
    asked = []
    monkeypatch.setattr(training, "train", lambda settings, *rest, **more: asked.append(settings))
    monkeypatch.setattr("poise.cli.train._show", lambda *_: None)
    assert run_cli.invoke(app, settings.command().split()[1:]).exit_code == 0
    assert asked == [settings]
