"""What a command imports before it does anything: help, lists and plans come quickly because little is loaded for them.

Asserted on modules, not on seconds. LangGraph alone takes longer than everything that these commands load.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from poise.cli.app import app
from poise.tournaments.schedule import Schedule

_GRAPHS = ("langgraph", "langchain_core", "langsmith", "httpx", "asyncio", "networkx", "matplotlib")
_NUMBERS = ("scipy", "pyspiel", "torch")
_PLAY = ("poise.graphs", "poise.agents.conduct", "poise.agents.emotions.detector", "poise.tournaments.workers")
_OWN = str(Path(__file__).parents[2] / "examples" / "listener.py")
_FIELD = "tournament run --creditor evoemo --debtor angry --debtor simulated"
_MATCH = "tournament run --creditor vanilla --debtor angry --matches-per-pair 1 --scenarios builtin:0 --out run"
_RUN = """
import sys
from poise.cli.app import app
try:
    app({words!r}.split())
except SystemExit as ended:
    assert not ended.code, ended.code
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "shown", "spared"),
    [
        ("--help", "tournament", (*_GRAPHS, *_NUMBERS, "numpy", "pydantic", "rich", "poise.games", "poise.agents")),
        (
            "agents list",
            "eq-negotiator",
            (
                *_GRAPHS,
                *_NUMBERS,
                *_PLAY,
                "numpy",
                "urllib.request",
                "poise.agents.personas.files",
                "poise.agents.simulated",
                "poise.tournaments",
            ),
        ),
        (
            f"{_FIELD} --dry-run",
            "= 200 matches",
            (
                *_GRAPHS,
                *_NUMBERS,
                *_PLAY,
                "poise.training",
                "poise.tournaments.statistics",
                "poise.tournaments.storage",
            ),
        ),
        (
            f"{_FIELD} --creditor {_OWN} --dry-run",
            "listener.py may take longer",
            (*_GRAPHS, *_NUMBERS, *_PLAY, "numpy", "poise.training"),
        ),
        (_MATCH, "report: run/report.html", (*_GRAPHS, "scipy", "torch", "poise.training", "poise.graphs.fast")),
        ("train sft --help", "--lr", (*_GRAPHS, "scipy", "torch", "transformers", "poise.training.language.sft")),
    ],
)
def test_a_command_imports_only_what_it_needs(words, shown, spared, tmp_path):
    command = [sys.executable, "-c", _RUN.format(words=words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert shown in done.stdout, done.stderr
    assert sorted(set(spared) & set(done.stderr.split())) == []


def test_a_dry_run_lists_no_match(monkeypatch):
    def listed(schedule):
        raise AssertionError("a dry run counts")

    monkeypatch.setattr(Schedule, "_draws", listed)
    many = ["--creditor", "evoemo", "--debtor", "angry", "--matches-per-pair", "1000000", "--dry-run"]
    for part in ([], ["--part", "2/3"]):
        said = CliRunner().invoke(app, ["tournament", "run", *many, *part])
        assert said.exit_code == 0, said.output
        assert "1 creditor x 1 debtor x 1,000,000 matches = 1,000,000 matches" in said.stdout
    assert "part 2/3: 333,333 of them" in said.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("poise tour", ["tournament"]), ("poise tournament run --cre", ["--creditor"]), ("poise sch", ["schema"])],
)
def test_a_shell_completes_commands_and_options(typed, offered):
    asked = {"_POISE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    said = CliRunner().invoke(app, [], prog_name="poise", env=asked)
    assert said.stdout.split() == offered
