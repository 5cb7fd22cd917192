"""The engines experiment, played small: what its page says is what the stores hold."""

import contextlib
import io
import re
import runpy
import sys
from unittest import mock

import pytest
from helpers.paths import ROOT

from poise.tournaments.statistics.standings import read_standings

HERE = ROOT / "examples" / "experiments" / "engines"
SMALL = """
seed = 3
scenarios = "builtin:test"
repeats = 1
world_repeats = 1
reference = "vanilla"
debtors = ["angry", "simulated"]
engines = ["vanilla", "eq-negotiator", "oracle"]
fixed = ["fixed:neutral", "fixed:anger"]

[training]
scenarios = "builtin:train"
budget = 80

[[trained]]
name = "taught"
method = "learn"
policy = "eq-negotiator"

[[claim]]
paper = "none"
says = "anger pays"
better = "fixed:anger"
than = "best fixed"

[[claim]]
paper = "none"
says = "nothing differs from itself"
better = "vanilla"
than = "vanilla"
"""


def run(folder, **places):
    """Run the experiment in `folder`, in this process; what it printed."""
    words = ["run.py", *(word for name, place in places.items() for word in (f"--{name}", place))]
    with (
        contextlib.chdir(folder),
        mock.patch.object(sys, "argv", words),
        mock.patch.object(sys, "path", [str(HERE), *sys.path]),
        contextlib.redirect_stdout(io.StringIO()) as said,
    ):
        try:
            runpy.run_path(str(HERE / "run.py"), run_name="run")["main"]()
        finally:
            for name in ("page", "figures"):  # other examples have modules of these names
                sys.modules.pop(name, None)
    return said.getvalue()


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines")
    (folder / "small.toml").write_text(SMALL)
    run(folder, settings="small.toml", runs="runs", page="page/engines.md", workers="1")
    return folder, (folder / "page/engines.md").read_text()


def test_the_page_says_what_the_store_holds(played):
    folder, page = played
    standings = read_standings(folder / "runs/field")
    for one in standings.seat("creditor"):
        name = {"learn-eq-negotiator": "taught", "fixed:anger": None}.get(one.label, one.label)
        if name is None:
            continue  # on the page stands the best fixed emotion alone
        row = re.search(rf"^\| {re.escape(name)}[^|]*\| ([0-9.]+) \| ([^|]*)\|", page, re.MULTILINE)
        assert float(row[1]) == pytest.approx(one.utility.mean, abs=5e-4)
        difference = standings.against_baseline(one.label, "creditor")
        if difference is not None:
            assert float(row[2]) == pytest.approx(difference.utility.mean, abs=5.1e-4)


def test_claims_can_fail_and_stay_open(played):
    page = played[1]
    assert re.search(r"anger pays .*\*\*fails\*\*", page)
    assert re.search(r"nothing differs from itself .*\*\*open\*\*", page)


def test_the_drawings_are_there(played):
    drawings = sorted(path.name for path in (played[0] / "page").glob("*.svg"))
    assert drawings == ["engines-debtors.svg", "engines-fixed.svg", "engines-gain.svg"]
    assert all(f"]({name})" in played[1] for name in drawings)


def test_an_experiment_that_is_done_is_not_played_again(played):
    folder, _ = played
    assert "taught: kept" in run(folder, settings="small.toml", runs="runs", page="again.md", workers="1")
