"""The reference says what there is, no more and no less; and no link in any page leads nowhere."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields

import pytest
from helpers.pages import Page, clean_registries
from helpers.paths import ROOT

import poise
import poise.testing
from poise.agents.protocols import Asking, Concession, Learner, Noting, Planning, Policy, Voice
from poise.games.transcript import Message, Outcome, Transcript
from poise.tournaments.config import TournamentConfig

REFERENCE = ROOT / "docs" / "reference"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_command_line_is_described_as_it_is(request):
    """Options that came or went show here: run this file with --regenerate-goldens to write the page."""
    made = importlib.util.spec_from_file_location("make", REFERENCE / "make_command_line.py")
    maker = importlib.util.module_from_spec(made)
    made.loader.exec_module(maker)
    if request.config.getoption("--regenerate-goldens"):
        maker.PAGE.write_text(maker.page())
    assert maker.PAGE.read_text() == maker.page(), "run: python docs/reference/make_command_line.py"


@pytest.mark.parametrize("names", [poise.__all__, poise.testing.__all__], ids=["poise", "poise.testing"])
def test_every_public_name_is_described(names):
    page = (REFERENCE / "python.md").read_text()
    assert [name for name in names if not re.search(rf"`@?{name}\b", page)] == []


@pytest.mark.parametrize("seam", [Policy, Noting, Planning, Asking, Learner, Concession, Voice])
def test_a_seam_is_described_with_its_methods(seam):
    page = (REFERENCE / "python.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith(f"| `{seam.__name__}` |"))
    methods = [name for name in vars(seam) if callable(getattr(seam, name)) and not name.startswith("_")]
    assert methods
    assert [name for name in methods if f"`{name}(" not in row] == []


@pytest.mark.parametrize(
    "names",
    [
        tuple(TournamentConfig.model_fields),
        *(tuple(field.name for field in fields(kind)) for kind in (Transcript, Message, Outcome)),
    ],
    ids=["settings", "transcript", "message", "outcome"],
)
def test_every_field_is_described(names):
    page = (REFERENCE / "formats.md").read_text()
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_code_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with clean_registries():
        page = Page(REFERENCE / "python.md")
        page.follow()
    assert page.output


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_its_links_lead_somewhere(path):
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (path.parent / name).resolve() if name else path
        assert place.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in _anchors(place), f"{target}: no such heading"


def _anchors(path):
    """The headings of a page as GitHub links to them."""
    found = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}
