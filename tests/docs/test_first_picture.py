"""The README's picture is drawn by the script that it names, from the tournament that it names."""

import importlib.util

import matplotlib as mpl
from helpers.paths import ROOT

from poise.tournaments.config import load_config
from poise.tournaments.runner import run_tournament


def test_the_picture_is_that_of_the_first_tournament(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(mpl.rcParams, "font.size", 9)  # as other drawings of this process may leave it
    made = importlib.util.spec_from_file_location("make_first", ROOT / "docs" / "images" / "make_first.py")
    maker = importlib.util.module_from_spec(made)
    made.loader.exec_module(maker)
    assert run_tournament(load_config(ROOT / "examples" / "first.toml", {"workers": 1}), tmp_path / "run").complete
    maker.draw(str(tmp_path / "run"), tmp_path / "first.svg")
    texts = [line.strip() for line in (tmp_path / "first.svg").read_text().splitlines() if "<text" in line]
    assert texts == [line.strip() for line in maker.PICTURE.read_text().splitlines() if "<text" in line]
    assert all(any(name in text for text in texts) for name in ("eq-negotiator", "wsls", "listener"))
