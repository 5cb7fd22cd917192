"""Progress of tournaments and trainings: in a terminal, line by line, and below the cell of a notebook."""

import io
import re
import sys
from types import SimpleNamespace

import pytest
from helpers.tournament_fakes import config, schedule
from helpers.train_settings import SHORT
from helpers.view_fakes import HOSTILE, fake_matches

from poise.cli.screens.console import TextConsole
from poise.common import progress
from poise.common.plain_tables import PlainTable
from poise.common.progress import ProgressDisplay, Unwatched, usual_watch
from poise.tournaments.board import Board
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.training.online.train import train

TABLE = PlainTable("creditors so far", ("agent", "utility", "n"), [(f"c{n}", f"0.{n}", str(n)) for n in range(5)])


@pytest.fixture
def clock(monkeypatch):
    """The time, which stands still until a test moves it."""
    now = SimpleNamespace(now=0.0)
    monkeypatch.setattr(progress, "monotonic", lambda: now.now)
    return now


@pytest.fixture
def cell(monkeypatch):
    """What a notebook's cell showed, one after the other."""
    pages: list[str] = []

    def display(page, display_id):
        pages.append(page)
        return SimpleNamespace(update=pages.append)

    shows = SimpleNamespace(HTML=str, display=display)
    kernel = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: kernel, display=shows))
    monkeypatch.setitem(sys.modules, "IPython.display", shows)
    return pages


def lines(out):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", out.getvalue()).splitlines()


def test_elsewhere_it_is_a_line_at_each_tenth_that_one_can_read(clock):
    out = io.StringIO()
    with ProgressDisplay(TextConsole(file=out, width=200)) as watch:
        watch.begin("matches", 1000, 100, "1 creditor x 1 debtor", lambda: [TABLE])
        for _ in range(36):
            clock.now += 0.25
            watch.advance(25)
    first, *rest = lines(out)
    assert first == "1 creditor x 1 debtor; 100 of them were finished earlier"
    assert rest[0] == (
        "325 of 1,000 matches (32%) after 2.2 s, about 6.8 s left; creditors so far: c0 0.0, c1 0.1, c2 0.2"
    )
    assert [line.partition(" of")[0] for line in rest] == ["325", "550", "775", "1,000"]


def test_a_slow_one_is_heard_of_every_quarter_of_a_minute(clock):
    out = io.StringIO()
    with ProgressDisplay(TextConsole(file=out, width=200)) as watch:
        watch.begin("steps", 10_000, 0)
        for number in range(60):
            clock.now += 1
            watch.advance(number % 2, "loss 0.3")
    first, *rest = lines(out)
    assert first == "10,000 steps"
    assert [line.partition(" of")[0] for line in rest] == ["8", "16", "24"]
    assert rest[0].endswith("left; loss 0.3")


def test_a_terminal_shows_a_bar_and_tables_and_leaves_nothing_of_them_behind(clock):
    out = io.StringIO()
    with ProgressDisplay(TextConsole(file=out, width=100, force_terminal=True)) as watch:
        watch.begin("matches", 10, 0, tables=lambda: [TABLE])
        clock.now += 1
        watch.advance(4, "half a figure")
        watch.remark("a server is slow")
        drawn = len(out.getvalue())
        watch.advance(1)
        assert len(out.getvalue()) == drawn, "it is drawn a few times a second at most"
    shown = "\n".join(lines(out))
    assert "4 of 10 matches (40%) after 1.0 s, about 1.5 s left; half a figure" in shown
    assert "creditors so far" in shown
    assert re.search(r"c3 +0\.3 +3", shown)
    assert out.getvalue().count("\x1b[2K") > 5, "what was drawn is wiped"


def test_without_a_kernel_nothing_is_shown(monkeypatch):
    assert isinstance(usual_watch(), Unwatched)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=SimpleNamespace))
    assert isinstance(usual_watch(), Unwatched), "a terminal's IPython has no kernel"


def test_a_notebook_shows_a_tournament_as_one_output_that_ends_at_all_matches(tmp_path, cell):
    run_tournament(
        make_config({"creditors": "vanilla", "debtors": "angry", "matches_per_pair": 3, "workers": 1}), tmp_path
    )
    assert 'value="3"' in cell[-1]
    assert "3 of 3 matches" in cell[-1]


def test_a_notebook_shows_a_training(tmp_path, cell):
    trained = train(SHORT["q"], tmp_path, workers=1)
    assert "negotiations (100%)" in cell[-1]
    assert f"utility {trained.artifact.scores['vanilla']['utility']:.3f}" in cell[-1]


def test_a_cell_tells_how_far_it_is_and_escapes_names(cell):
    plan = schedule(config(creditors=2, debtors=2))
    board = Board(plan, {})
    board.add(list(fake_matches(plan))[:5])
    watch = ProgressDisplay()
    watch.remark(HOSTILE)
    watch.begin(HOSTILE, plan.total, 5, tables=board.tables)
    assert f'max="{plan.total}" value="5"' in cell[-1]
    assert "creditors so far" in cell[-1]
    for page in cell:
        assert "<script" not in page
        assert "<img" not in page
