"""The worlds experiment, played small: its page says what the stores hold, and nobody is judged where it was chosen."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import sys
import tomllib
from functools import partial
from unittest import mock

import pytest
from helpers.paths import ROOT

from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.store import read_snapshot
from poise.training import baselines

pytest.importorskip("torch")

from poise.training.offline.fitted_q import FitSettings

HERE = ROOT / "examples" / "experiments" / "worlds"
INTERVAL = re.compile(r"([+-]?\d\.\d{3})\s+\[([+-]?\d\.\d{3}),\s+([+-]?\d\.\d{3})\]")
SMALL = """
seed = 5
prior = ""
scenarios = { train = "builtin:0-9", test = "builtin:10-19" }
reference = "vanilla"
concessions = ["linear", "boulware"]
engines = ["vanilla", "random:7", "lookup", "eq-negotiator", "eq-negotiator:no-menu"]
published = ["eq-negotiator"]
crossing = ["vanilla", "lookup"]
noise = { levels = [0.3, 0.6], creditors = ["vanilla", "lookup"] }
training.seeds = [0, 1]
training.chains = { "emodebt (tuned)" = "bayes" }

[sizes.quick]
worlds = 6
permuted = 2
judged = 4
crossed = 2
noisy = 3
chosen = 1
trained = 2
trained_in = [1, 2]
q_negotiations = 62
chains = true
iql_negotiations = 10
iql_steps = 5

[[claim]]
paper = "none"
says = "the oracle beats everybody"
better = "oracle"
than = "best fixed"

[[claim]]
paper = "none"
says = "nothing differs from itself"
better = "lookup"
than = "lookup"

[[claim]]
paper = "none"
says = "what was trained is compared, too"
better = "emodebt (tuned)"
than = "lookup"
"""


def run(folder):
    """Run the experiment in `folder`, in this process; what it printed."""
    words = ["run.py", "--quick", "--settings", "small.toml", "--runs", "runs", "--workers", "1"]
    with (
        contextlib.chdir(folder),
        mock.patch.object(sys, "argv", words),
        mock.patch.object(sys, "path", [str(HERE), *sys.path]),
        mock.patch.object(baselines, "FIXED", ("fixed:gratitude", "fixed:confusion")),
        mock.patch("poise.training.offline.problem._MOST_THREADS", 1),
        mock.patch("poise.training.offline.fitted_q.FitSettings", partial(FitSettings, steps=5)),
        mock.patch.object(baselines, "CONCEDING", ("vanilla", "vanilla,concession=clock:1:0")),
        contextlib.redirect_stdout(io.StringIO()) as said,
    ):
        try:
            runpy.run_path(str(HERE / "run.py"), run_name="run")["main"]()
        finally:
            for name in ("page", "figures", "measures"):  # other examples have modules of these names
                sys.modules.pop(name, None)
    return said.getvalue()


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worlds")
    (folder / "small.toml").write_text(SMALL)
    run(folder)
    return folder / "runs/quick", (folder / "runs/quick/worlds.md").read_text()


def test_the_page_says_what_the_store_holds(played):
    runs, page = played
    standings = read_standings(runs / "judge-test")
    chosen = tomllib.loads((runs / "baselines/baselines.toml").read_text())
    names = {chosen["fixed"]: "best fixed", chosen["blind"]: "best blind"}
    for one in standings.differences:
        if one.seat == "creditor":
            name = names.get(one.label, one.label.partition(":runs")[0])
            row = re.search(rf"^\| {re.escape(name)}(?: \(`[^|]*)? \| ([0-9.]+) \| ([^|]*) \|", page, re.MULTILINE)
            gain = one.utility
            assert row[2] == f"{gain.mean:+z.3f} [{gain.low:+z.3f}, {gain.high:+z.3f}]"
    assert "Every interval here is over 3 worlds" in page


def test_in_the_null_world_nothing_is_gained(played):
    assert "creditors that concede alike is 0." in played[1]


def test_claims_are_judged_over_worlds_and_counted_in_each(played):
    counts = [tuple(map(int, found)) for found in re.findall(r"\| (\d+) / (\d+) / (\d+) \|", played[1])]
    assert [sum(each) for each in counts] == [3, 3, 3]
    assert counts[1] == (0, 3, 0)
    assert re.search(r"nothing differs from itself .*\*\*open\*\*", played[1])


def test_nobody_is_judged_in_a_world_that_chose_or_trained(played):
    runs, _ = played

    def worlds(name):
        debtors = read_snapshot(runs / name).header.debtors
        return {one["declared"]["settings"]["world"]["digest"] for one in debtors}

    judged = worlds("judge-test") | worlds("judge-permuted") | worlds("judge-trained") | worlds("judge-boulware")
    assert len(judged) == 3 + 2
    assert not judged & (worlds("baselines") | worlds("engines-in-training"))
    trained = [one.get("trained_on", ()) for one in read_snapshot(runs / "judge-trained").header.creditors]
    assert sorted(map(len, trained)) == [0, *[1] * 4, *[2] * 6]  # vanilla; Q and IQL with two seeds, and EmoDebt
    assert not judged & {digest for each in trained for digest in each}


def test_what_was_trained_played_the_matches_that_the_others_played(played):
    """So its differences from them are paired: `vanilla` is in both tournaments and earned the same in each match."""
    runs, _ = played

    def earned(name):
        rows = read_snapshot(runs / name).rows
        return {(row.debtor, row.scenario, row.repeat): row.creditor_utility for row in rows if row.creditor == 0}

    trained = earned("judge-trained")
    assert trained
    assert trained.items() <= earned("judge-test").items()


def test_the_noisy_worlds_are_those_to_judge_in_with_a_channel(played):
    runs, page = played
    for level in (0.3, 0.6):
        for file in (runs / "sample/test").iterdir():
            world = tomllib.loads((runs / f"sample/noisy-{level}" / file.name).read_text())
            assert world.pop("channel")["noise"] == level
            assert world == tomllib.loads(file.read_text())
        (gain,) = [
            one.utility
            for one in read_standings(runs / f"judge-noisy-{level}").differences
            if one.seat == "creditor" and one.label == "lookup"
        ]
        section = page[page.index("## Does it survive imperfect reading?") : page.index("## Does the ranking")]
        assert f"{gain.mean:+z.3f} [{gain.low:+z.3f}, {gain.high:+z.3f}]" in section


def test_the_drawings_are_there(played):
    drawings = sorted(path.name for path in played[0].glob("*.svg"))
    assert drawings == ["worlds-gain.svg", "worlds-tau.svg", "worlds-training.svg"]
    assert all(f"]({name})" in played[1] for name in drawings)


def test_an_experiment_that_is_done_is_not_played_again(played):
    said = run(played[0].parents[1])
    assert re.findall(r": (\d+) of \d+ matches played", said) == ["0"] * 8
    assert (played[0] / "worlds.md").read_text() == played[1]


def test_the_page_on_science_says_what_the_page_of_results_says():
    """Every interval of its section, whichever way round the difference is told, stands on the page of results."""
    science = (ROOT / "docs/science.md").read_text()
    section = science[science.index("## What survives") : science.index("## What results can show")]
    told, shown = (
        {tuple(sorted(abs(float(number)) for number in found)) for found in re.findall(INTERVAL, text)}
        for text in (section, (ROOT / "docs/results/worlds.md").read_text())
    )
    assert len(told) > 5
    assert told <= shown


def test_the_settings_name_what_can_be_played():
    settings = tomllib.loads((HERE / "experiment.toml").read_text())
    keys = {frozenset(size) for size in settings["sizes"].values()}
    assert len(keys) == 1
    chosen = {"best fixed", "best blind", "best engine", "oracle"}
    for claim in settings["claim"]:
        assert {claim["better"], claim["than"]} <= {*settings["engines"], *chosen, *settings["training"]["chains"]}
    assert {*settings["crossing"], *settings["noise"]["creditors"]} <= set(settings["engines"])
