"""The page on engines names what there is, and its commands are commands."""

import re

import pytest
from helpers.paths import ROOT
from typer.testing import CliRunner

from poise.agents.builtin import built_in
from poise.agents.registry import find_agent
from poise.cli.app import app
from poise.training.online import train as training
from poise.training.online.plan import methods

PAGE = (ROOT / "docs" / "engines.md").read_text()
NAMES = re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE)
COMMANDS = re.findall(r"^    poise (train .*?) --out", PAGE, re.MULTILINE)


def test_every_engine_has_its_row():
    elsewhere = {"vanilla", "random", "fixed", "oracle", "emodistill"}
    assert set(NAMES) == set(built_in("creditor")) - elsewhere
    assert all(f"`{name}" in PAGE for name in elsewhere)


@pytest.mark.parametrize("name", NAMES)
def test_its_row_says_whether_it_learns(name):
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    assert row.split("|")[3].strip() == ("yes" if find_agent(name, "creditor").learns else "no")


def test_every_way_to_train_is_shown():
    assert {command.split()[1] for command in COMMANDS} == set(methods())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_are_commands(command, monkeypatch):
    asked = []
    monkeypatch.setattr(training, "train", lambda settings, *rest, **more: asked.append(settings))
    monkeypatch.setattr("poise.cli.train._show", lambda *_: None)
    assert CliRunner().invoke(app, command.split()).exit_code == 0
    assert asked[0].method == command.split()[1]
