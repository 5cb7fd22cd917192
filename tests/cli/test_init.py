"""`poise init` makes a folder in which everything that its README says runs as it stands."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest
from helpers.pages import clean_registries, view_once
from typer.testing import CliRunner

from poise.cli.app import app


def poise(*words):
    return CliRunner().invoke(app, list(words))


def test_all_that_its_readme_says_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = poise("init", "my-agent")
    assert made.exit_code == 0, made.output
    monkeypatch.chdir(tmp_path / "my-agent")
    readme = (tmp_path / "my-agent" / "README.md").read_text()
    commands = [shlex.split(line) for line in readme.splitlines() if line.startswith("    ")]
    assert len(commands) == 6
    for program, *words in commands:
        if program == "python":
            run = subprocess.run(
                [sys.executable, *words, "-q", "-p", "no:cacheprovider"],
                env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # it needs none, and they take seconds
                capture_output=True,
                text=True,
                check=False,
            )
            assert run.returncode == 0, run.stdout
            assert "2 passed" in run.stdout
        elif words[0] == "view":
            view_once(words)
        else:
            with clean_registries():
                done = poise(*words, *(["--workers", "1"] if "run" in words else []))
            assert done.exit_code == 0, f"{words}\n{done.output}"
    assert (tmp_path / "my-agent" / "results" / "report.html").exists()
    assert b"consult" in (tmp_path / "my-agent" / "agent.svg").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["../up"], "cannot be an agent's name; use a letter"),
        (["1st"], "cannot be an agent's name"),
        (["mine", "full"], "full already exists and is not an empty folder; name another one: poise init mine DIR"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_written(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    refused = poise("init", *words)
    assert refused.exit_code == 1
    assert said in " ".join(refused.output.split())
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "thesis.txt"]


@pytest.mark.parametrize("name", ["class", "speak", "A_b-C", "ledger"])
def test_whatever_the_name_the_agent_has_it(tmp_path, name):
    from poise.agents.registry import find_agent
    from poise.cli.init import write_starter
    from poise.graphs import Pairing

    write_starter(name, tmp_path / "made")
    with clean_registries():
        found = find_agent(str(tmp_path / "made" / "agent.py"), "creditor")
        assert found.name == name
        Pairing(found, find_agent("angry", "debtor"))
