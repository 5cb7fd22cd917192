"""The experiment behind docs/results/emodistill.md: its commands are commands, and its figures are the transcripts'."""

from __future__ import annotations

import shlex
import sys
import tomllib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import typer
from helpers.paths import ROOT

from poise.agents.registry import find_agent
from poise.cli.app import app
from poise.games.scenarios.loaders import load_scenarios
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.storage.store import Store

FOLDER = ROOT / "examples/experiments/emodistill"
SETTINGS = tomllib.loads((FOLDER / "experiment.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def experiment():
    sys.path.insert(0, str(FOLDER))
    try:
        import measures
        import page
        import run

        yield run, measures, page
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("run", "measures", "page"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiment") / "play" / "debt"
    fields = {"creditors": ["vanilla", "eq-negotiator"], "debtors": ["angry", "fear"], "scenarios": "builtin:test"}
    run_tournament(make_config({**fields, "matches_per_pair": 6, "seed": 3}), folder)
    return folder


def test_every_command_is_one_that_poise_has(experiment):
    run, _, _ = experiment
    root = typer.main.get_command(app)
    for told in (*run.training(SETTINGS), *run.playing(SETTINGS)):
        words = shlex.split(told.format(runs="runs", dialogues="D", cases="C"))
        command = root
        while hasattr(command, "get_command"):
            command = command.get_command(None, words.pop(0))
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, told


def test_who_plays_is_trained_before():
    exported = {
        command.split("--out ")[1]
        for step in SETTINGS["step"]
        for command in step["commands"]
        if command.startswith("train export")
    }
    named = [*SETTINGS["creditors"].values(), *(name for play in SETTINGS["play"] for name in play["debtors"])]
    for spec in named:
        folder = next((part for part in spec.replace("adapter=", "").split(",") if part.startswith("{runs}")), None)
        assert folder is None or folder in exported, spec


def test_what_is_played_is_held_out():
    for play in SETTINGS["play"]:
        assert play["scenarios"].endswith(":test")
        assert play["matches"] <= len(load_scenarios(play["scenarios"]))
        for name in play["debtors"]:
            if "{runs}" not in name:
                assert find_agent(name, "debtor")


def test_its_means_are_those_of_the_rows(experiment, played):
    _, measures, _ = experiment
    found = measures.Played(played, ["one", "two"], ["angry", "fear"], 0)
    with Store.read(played) as store:
        rows = store.rows()
    for place, name in enumerate(("one", "two")):
        utilities = [row.creditor_utility for row in rows if row.creditor == place]
        assert found.estimates("utility")[name].mean == pytest.approx(np.mean(utilities))
        assert found.estimates("success")[name].mean == np.mean(
            [row.ending == "deal" for row in rows if row.creditor == place]
        )
        assert found.estimates("first try")[name] is None  # no model worded a message
    gained = found.gains("one")["two"].mean
    assert gained == pytest.approx(found.estimates("utility")["two"].mean - found.estimates("utility")["one"].mean)
    angry = [row.creditor_utility for row in rows if row.creditor == 1 and row.debtor == 0]
    assert found.estimates("utility", ["angry"])["two"].mean == pytest.approx(np.mean(angry))


def test_heard_emotions_are_counted_one_by_one_and_in_all(experiment, played):
    _, measures, _ = experiment
    with Store.read(played) as store:
        talk = next(each for row, each in zip(store.rows(), store.transcripts(), strict=True) if row.creditor == 1)
    worded = [replace(each, wording=replace(each.wording, attempts=1)) for each in talk.messages]
    values, counts, asked = measures._measured(replace(talk, messages=tuple(worded)), [{}] * len(worded))
    shown = [each.emotion for each in worded if each.seat == "creditor" and each.emotion]
    assert {emotion: times for emotion, (times, _) in asked.items()} == Counter(shown)
    assert sum(heard for _, heard in asked.values()) == values["emotion"] > 0
    assert counts["emotion"] == len(shown)


def test_the_page_says_what_is_missing(experiment, played, tmp_path):
    _, _, page = experiment
    debt = {**SETTINGS["play"][0], "debtors": ["angry@scripted", "fear@scripted"]}
    settings = {
        **SETTINGS,
        "creditors": {"untrained": "vanilla", "SFT + JPO": "eq-negotiator"},
        "play": [debt, *SETTINGS["play"][1:]],
    }
    page.write_page(settings, played.parents[1], tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert text.count("Not played yet.") == len(SETTINGS["play"]) - 1
    assert "{runs}" not in text
    with pytest.raises(SystemExit, match="not played yet"):
        page.write_page(settings, tmp_path, tmp_path / "none.md")
