"""The command as a person meets it: help, errors in one paragraph, exit codes, output for programs."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import orjson
import pytest
from helpers.tournament_fakes import OpenFake, scenarios
from typer.testing import CliRunner

import poise
from poise.cli.app import app
from poise.cli.output import plain
from poise.common.errors import ModelDown
from poise.tournaments import runner
from poise.tournaments.config import TournamentConfig

run_cli = CliRunner()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POISE_DEBUG", raising=False)


@pytest.fixture
def fakes(monkeypatch):
    """Play by formula on a few cases: the command is tested here, not the talks."""
    monkeypatch.setattr("poise.games.scenarios.loaders.load_scenarios", lambda source="builtin": scenarios(4))
    monkeypatch.setattr(runner, "Pairings", lambda _config, schedule: OpenFake(schedule))


def poise_says(*words, code=0):
    result = run_cli.invoke(app, list(words))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def standings_of(folder):
    return orjson.loads(poise_says("tournament", "standings", folder, "--json").stdout)


PAIR = ("--creditor", "vanilla", "--creditor", "random", "--debtor", "angry")


def test_help_names_every_command_and_every_setting():
    assert {"tournament", "agents", "graph"} <= set(poise_says("--help").output.split())
    told = poise_says("tournament", "run", "--help").output
    names = set(TournamentConfig.model_fields) - {"creditors", "debtors", "model_options"} | {
        "creditor",
        "debtor",
        "option",
    }
    for name in names:
        assert f"--{name.replace('_', '-')} " in told


def test_version_and_module():
    assert poise_says("--version").output == f"poise {poise.__version__}\n"
    module = subprocess.run([sys.executable, "-m", "poise", "--version"], capture_output=True, text=True, check=True)
    assert module.stdout == f"poise {poise.__version__}\n"


def test_a_tournament_from_beginning_to_report(fakes):
    ran = poise_says("tournament", "run", *PAIR, "--seed", "5", "--out", "runs/one")
    assert re.search(r"Creditors.*random.*vanilla", ran.stdout, re.DOTALL)
    assert "report: runs/one/report.html" in ran.stdout
    assert "2 creditors x 1 debtor x 4 matches = 8 matches" in ran.stderr
    assert Path("runs/one/report.html").stat().st_size > 10_000
    told = standings_of("runs/one")
    assert (told["version"], told["seed"], told["matches"]) == (1, 5, {"total": 8, "finished": 8})
    assert {one["label"] for one in told["creditors"]} == {"vanilla", "random"}
    assert "Creditors" in poise_says("tournament", "standings", "runs/one").stdout
    page = poise_says("tournament", "report", "runs/one", "--transcripts", "2", "--out", "page.html")
    assert page.stdout == "report: page.html\n"
    assert Path("page.html").read_text().count('id="match-') == 2
    again = poise_says("tournament", "run", *PAIR, "--seed", "5", "--out", "runs/one")
    assert "nothing was played" in again.stderr
    assert "every match was finished before" in poise_says("tournament", "resume", "runs/one").stderr


def test_a_file_says_the_same_and_options_override_it(fakes):
    Path("t.toml").write_text('creditor = ["vanilla", "random"]\ndebtor = ["angry"]\nseed = 5\nname = "mine"\n')
    poise_says("tournament", "run", "t.toml")
    poise_says("tournament", "run", *PAIR, "--seed", "5", "--out", "other")
    one, other = (
        orjson.loads(poise_says("tournament", "standings", folder, "--json").stdout)
        for folder in ("runs/mine", "other")
    )
    assert one["creditors"] == other["creditors"]
    poise_says("tournament", "run", "t.toml", "--seed", "6", "--out", "third")
    assert orjson.loads(poise_says("tournament", "standings", "third", "--json").stdout)["seed"] == 6


def test_a_dry_run_shows_the_schedule_and_plays_nothing(fakes):
    told = poise_says("tournament", "run", *PAIR, "--matches-per-pair", "7", "--dry-run").stdout
    assert "2 creditors x 1 debtor x 7 matches = 14 matches" in told
    assert "plays 4 scenarios (case-0 to case-3) once, and the first 3 of them once more" in " ".join(told.split())
    assert "time: about" in told
    assert not list(Path.cwd().iterdir())


def test_a_run_says_which_scenarios_it_leaves_out(fakes):
    words = ("tournament", "run", *PAIR)  # of 4 scenarios
    assert "3 of 4 are left out, --matches-per-pair 4 plays all" in poise_says(*words, "--matches-per-pair", "1").stderr
    said = poise_says(*words, "--repeats", "2", "--out", "both")
    assert "left out" not in said.stderr
    assert "2 creditors x 1 debtor x 8 matches = 16 matches" in said.stderr


def test_a_dry_run_with_a_model_counts_calls_and_asks_none(fakes):
    told = poise_says("tournament", "run", *PAIR, "--model", "ollama:q", "--max-messages", "10", "--dry-run").stdout
    # 8 matches of 10 messages; at most each message is asked for twice.
    assert "model calls: about 80, at most 160" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("tournament", "run"), "name no creditor; add --creditor vanilla"),
        (("tournament", "run", "none.toml"), "none.toml does not exist"),
        (("tournament", "run", "--creditor", "vanila", "--debtor", "angry"), "did you mean 'vanilla'"),
        (("tournament", "run", *PAIR, "--tolerance", "-1"), "tolerance -1 is negative; use 0 or more"),
        (("tournament", "run", *PAIR, "--option", "warm"), "'warm' is not NAME=VALUE"),
        (("tournament", "run", *PAIR, "--baseline", "vanila"), "baseline 'vanila' is not one of the agents"),
        (("tournament", "resume", "nowhere"), "there is no tournament in nowhere"),
        (("tournament", "standings", "nowhere"), "there is no tournament in nowhere"),
        (("tournament", "report", "nowhere"), "there is no tournament in nowhere"),
        (("agents", "check", "none.py"), "none.py does not exist"),
        (("agents", "check", "vanilla", "--message-seconds", "0"), "give seconds above 0"),
        (("graph", "draw", "nobody"), "is called 'nobody'"),
        (("graph", "draw", "--format", "gif"), "'gif' is not one of mermaid, svg, png"),
    ],
)
def test_a_mistake_is_answered_with_one_paragraph_and_code_1(words, told):
    result = poise_says(*words, code=1)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_another_tournament_is_not_overwritten(fakes):
    poise_says("tournament", "run", *PAIR, "--out", "one")
    told = poise_says("tournament", "run", *PAIR, "--out", "one", "--seed", "9", code=1).stderr
    assert "seed was 0, now 9" in told
    assert "poise tournament resume one" in told


def test_a_server_that_is_down_ends_in_one_paragraph_and_the_way_on(fakes, monkeypatch):
    def down(pair):
        raise ModelDown("the Ollama server at 127.0.0.1:11434 does not answer; start it with `ollama serve`")

    monkeypatch.setattr(runner, "Pairings", lambda _config, _schedule: down)
    told = poise_says("tournament", "run", *PAIR, "--out", "my run", code=1).stderr
    assert "start it with `ollama serve`" in told
    assert "poise tournament resume 'my run'" in told


def test_words_from_elsewhere_cannot_steer_the_terminal(fakes, monkeypatch):
    def down(pair):
        raise ModelDown("500: \x1b[2J\x1b]0;owned\x07 gone")

    monkeypatch.setattr(runner, "Pairings", lambda _config, _schedule: down)
    told = poise_says("tournament", "run", *PAIR, code=1).stderr
    assert "500:" in told
    assert "\x1b]" not in told
    assert "\x07" not in told
    assert plain("a\x1b[31mb\nc" + "d" * 500) == "a\u27e8U+001B\u27e9[31mb c" + "d" * 384 + "..."


def test_a_fault_of_poise_itself_is_admitted_without_a_traceback(fakes, monkeypatch):
    monkeypatch.setattr("poise.tournaments.runner.begin_store", lambda *_: 1 / 0)
    told = poise_says("tournament", "run", *PAIR, code=1).stderr
    assert "ZeroDivisionError: division by zero. This is a fault in Poise; POISE_DEBUG=1 shows where" in told
    monkeypatch.setenv("POISE_DEBUG", "1")
    assert isinstance(run_cli.invoke(app, ["tournament", "run", *PAIR]).exception, ZeroDivisionError)


def test_the_agents_are_listed_for_people_and_for_programs():
    listed = orjson.loads(poise_says("agents", "list", "--json").stdout)
    names = {(one["seat"], one["name"]) for one in listed}
    assert {("creditor", "eq-negotiator"), ("creditor", "fixed:EMOTION"), ("debtor", "stonewalling")} <= names
    told = poise_says("agents", "list").stdout
    assert all(name in told for _, name in names)


def test_graphs_are_drawn():
    assert "perceive" in poise_says("graph", "draw").stdout
    assert "perceive" in poise_says("graph", "draw", "vanilla").stdout
    assert poise_says("graph", "draw", "vanilla", "--format", "svg", "--out", "v.svg").stdout == "drawing: v.svg\n"
    assert Path("v.svg").read_text().lstrip().startswith("<?xml")
    told = poise_says("graph", "draw", "vanilla", "--format", "png", code=1).stderr
    assert "a drawing as png needs a file: add --out vanilla.png" in told


LEFT_WAITING = """
import threading, sys
from poise.cli import app
wait = threading.Event().wait
threading.Thread(target=wait, name="poise-call", daemon=True).start()  # given up; it still waits for a model
"""
REFUSED = ["tournament", "standings", "nowhere"]


def test_whoever_calls_the_app_from_python_goes_on_beside_a_call_that_was_given_up(test_over):
    threading.Thread(target=test_over.wait, name="poise-call").start()
    assert run_cli.invoke(app, REFUSED).exit_code == 1
    assert run_cli.invoke(app, ["tournament", "run", *PAIR, "--scenarios", "builtin:0", "--out", "run"]).exit_code == 0


def test_the_program_ends_beside_a_call_that_was_given_up():
    """The entry point ends the process, as a thread that is no daemon would otherwise keep it."""
    code = LEFT_WAITING.replace(", daemon=True", "") + f"sys.argv[1:] = {REFUSED!r}\napp.main()"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ")
