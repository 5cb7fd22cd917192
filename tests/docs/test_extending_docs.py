"""The page on adding one's own: its code runs, its commands run, and what it shows is what stands in the examples."""

from __future__ import annotations

import re
import shlex

import pytest
from helpers.pages import clean_registries
from helpers.paths import ROOT
from typer.testing import CliRunner

from poise.cli.app import app
from poise.games.domains import SEARCH

PAGE = (ROOT / "docs" / "extending.md").read_text()
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^    poise (.*)$", PAGE, re.MULTILINE)
CODE = [text for kind, text in BLOCKS if kind == "python"]
SHOWN = ("examples/mirror.py", "examples/second_thoughts.py", "examples/weary.toml", "examples/costly_talks.py")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder in which the page's paths lead where they say."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(SEARCH, "")
    with clean_registries():
        yield tmp_path


def test_the_page_has_one_of_each():
    assert [section.split(":")[0] for section in SECTIONS[:5]] == [
        "A policy",
        "A graph",
        "A persona",
        "A domain",
        "A game",
    ]
    for section in SECTIONS[:5]:
        assert re.search(r"poise agents check \S+$|assert_\w+\(", section, re.MULTILINE)


@pytest.mark.parametrize("path", SHOWN)
def test_a_shown_file_is_the_file(path):
    """Without the docstring or the comment at its head, which says how to run it."""
    text = (ROOT / path).read_text()
    body = re.sub(r'^""".*?"""\n|^#.*?\n(?!#)', "", text, count=1, flags=re.DOTALL)
    assert body.strip() in [block.strip() for _, block in BLOCKS]


def test_the_shown_domain_is_the_file():
    assert (ROOT / "examples/domains/rent/domain.json").read_text().split() in [text.split() for _, text in BLOCKS]


@pytest.mark.parametrize("code", CODE, ids=range(len(CODE)))
def test_the_code_runs(code, here):
    exec(compile(code, "docs/extending.md", "exec"), {"__name__": "page"})


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_run(command, here, monkeypatch):
    monkeypatch.setenv(SEARCH, re.search(r"export POISE_DOMAINS=(\S+)", PAGE)[1])
    ran = CliRunner().invoke(app, [*shlex.split(command), *(["--workers", "1"] if "tournament" in command else [])])
    assert ran.exit_code == 0, ran.output
    if "check" in command:
        assert "all 13 checks passed" in ran.output
