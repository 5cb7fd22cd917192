"""What a command imports before it does anything: help, lists and plans come quickly because little is loaded for them.

Asserted on modules, not on seconds. LangGraph alone takes longer than everything that these commands load.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from poise.cli.app import app

_GRAPHS = ("langgraph", "langchain_core", "httpx", "asyncio")
_NUMBERS = ("scipy", "pyspiel", "torch")
_MATCH = "tournament run --creditor evoemo --debtor angry --debtor simulated --dry-run"
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
            (*_GRAPHS, *_NUMBERS, "numpy", "urllib.request", "poise.tournaments", "poise.training"),
        ),
        (
            _MATCH,
            "= 200 matches",
            (*_GRAPHS, *_NUMBERS, "poise.training", "poise.tournaments.statistics"),
        ),
        ("train sft --help", "--lr", (*_GRAPHS, "scipy", "torch", "transformers", "poise.training.language.sft")),
    ],
)
def test_a_command_imports_only_what_it_needs(words, shown, spared):
    done = subprocess.run([sys.executable, "-c", _RUN.format(words=words)], capture_output=True, text=True, check=False)
    assert shown in done.stdout, done.stderr
    assert sorted(set(spared) & set(done.stderr.split())) == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("poise tour", ["tournament"]), ("poise tournament run --cre", ["--creditor"]), ("poise sch", ["schema"])],
)
def test_a_shell_completes_commands_and_options(typed, offered):
    asked = {"_POISE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    said = CliRunner().invoke(app, [], prog_name="poise", env=asked)
    assert said.stdout.split() == offered
