"""The README and the pages, followed from the repository's root; and none is left out unsaid."""

from __future__ import annotations

import re

import pytest
from helpers.pages import Page, clean_registries
from helpers.paths import ROOT
from typer.testing import CliRunner

from poise.cli.app import app
from poise.games.domains import SEARCH

OLLAMA, EMBEDDED = "needs an Ollama server", "needs the embedded model, for minutes"
SLURM = "tests/docs/test_slurm.py"
SETUP = "sets up the machine"
SERVER = "tests/graphs/test_dev_server.py"

# What of a page is not run, and why: a block that joins them, in silence, fails here.
FOLLOWED = {
    "README.md": [EMBEDDED],
    "docs/agents.md": [],
    "docs/compare.md": [],
    "docs/conduct.md": [EMBEDDED],
    "docs/emotions.md": [
        "needs the data sets",
        "needs the data sets",
        "needs the data sets",
        OLLAMA,
        "needs the embedded model and the data sets",
        "plays for minutes",
    ],
    "docs/domains.md": [],
    "docs/graphs.md": [
        f"a server that keeps running; {SERVER} starts it and runs the code below",
        f"needs the server; {SERVER} runs it",
    ],
    "docs/install.md": [EMBEDDED, SETUP, SETUP, SETUP],
    "docs/judge.md": [],
    "docs/play.md": [OLLAMA],
    "docs/process.md": [],
    "docs/simulated-debtor.md": ["needs your own world", "plays some 12,000 negotiations", "plays 800 negotiations"],
    "docs/slurm.md": [f"{SLURM} runs it in bash, once for each task", f"{SLURM} runs it in bash"],
    "docs/reference/formats.md": [],
    "docs/statistics.md": [],
    "docs/talk.md": [],
    "docs/tournaments.md": [EMBEDDED],
    "docs/view.md": [],
}

# Pages that other tests follow or read, and those that take hours of training.
ELSEWHERE = {
    "docs/adapters.md": "tests/training/test_export.py",
    "docs/engines.md": "tests/docs/test_engines_docs.py",
    "docs/extending.md": "tests/docs/test_extending_docs.py",
    "docs/gymnasium.md": "tests/training/test_environment.py",
    "docs/models.md": "tests/agents/test_embedded_files.py",
    "docs/ray.md": "tests/tournaments/ray_nodes.py",
    "docs/reading.md": "tests/agents/test_structured.py",
    "docs/reference/command-line.md": "tests/cli/test_startup.py",
    "docs/reference/python.md": "tests/docs/test_reference.py",
    "docs/results/emodistill.md": "tests/docs/test_emodistill_experiment.py",
    "docs/results/worlds.md": "tests/docs/test_worlds_experiment.py",
    "docs/training-words.md": "tests/cli/test_train_words_command.py",
    "docs/training.md": "tests/training/test_offline_learning.py",
    "docs/tutorials/1-first-negotiator.md": "tests/docs/test_tutorials.py",
    "docs/tutorials/2-tournament-to-trust.md": "tests/docs/test_tutorials.py",
    "docs/tutorials/3-what-happened.md": "tests/docs/test_tutorials.py",
}
PLAYED = (
    "tournament run --creditor vanilla --creditor eq-negotiator --debtor angry --debtor sad --scenarios builtin:0-4"
)
BEFORE = {
    "docs/process.md": ["runs/any"],
    "docs/statistics.md": ["runs/any"],
    "docs/view.md": ["runs/quickstart", "runs/before", "runs/after"],
}  # tournaments that the page takes as played
LESS = {"docs/simulated-debtor.md": {"20": "2"}}  # played for more, but in `make test-all`


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with what a copy of Poise has beside its code."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv(SEARCH, "")
    with clean_registries():
        yield tmp_path


@pytest.mark.parametrize("name", FOLLOWED)
def test_following_it_gives_what_it_shows(name, root, thorough):
    for folder in BEFORE.get(name, []):
        played = CliRunner().invoke(app, [*PLAYED.split(), "--workers", "1", "--out", folder])
        assert played.exit_code == 0, played.output
    less = {} if thorough else LESS.get(name, {})
    page = Page(ROOT / name, {"DIR": "runs/any", "FOLDER": "figures"} | less)
    page.follow()
    assert page.ran
    assert page.unrun == FOLLOWED[name]


def test_every_page_with_something_to_run_is_in_a_test():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    runs = re.compile(r"^(?:    (?:poise|python|make) |```(?:python|sh|console)$)", re.MULTILINE)
    found = {str(page.relative_to(ROOT)) for page in pages if runs.search(page.read_text())}
    assert found == FOLLOWED.keys() | ELSEWHERE.keys()
    assert all((ROOT / test).exists() for test in ELSEWHERE.values())
