"""The tutorials, followed word for word in an empty folder."""

from __future__ import annotations

import pytest
from helpers.pages import Page, clean_registries
from helpers.paths import ROOT

EMBEDDED = "needs the embedded model, for minutes"
UNRUN = {"1-first-negotiator": [EMBEDDED], "2-tournament-to-trust": [EMBEDDED], "3-what-happened": []}
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    with clean_registries():
        yield tmp_path


def test_there_is_one_for_each_of_the_three_jobs():
    assert [path.stem for path in TUTORIALS] == list(UNRUN)


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_following_it_gives_what_it_shows(path, empty_folder):
    page = Page(path)
    page.follow()
    assert page.ran
    assert page.unrun == UNRUN[path.stem]
