"""The documentation as a site: built strictly, whole, searchable, and without a network."""

import json
import re
import subprocess
import sys

import pytest
from helpers.paths import ROOT

import poise
import poise.graphs
import poise.testing

PAGES = {str(path.relative_to(ROOT / "docs").with_suffix("")) for path in (ROOT / "docs").rglob("*.md")}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs", reason="needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_is_there_and_has_its_place_in_the_navigation(site):
    pages = {str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html")} - {"404"}
    assert pages == {"index" if page == "README" else page for page in PAGES}
    listed = (site / "index.html").read_text()
    assert all(f'href="{page}.html"' in listed for page in pages - {"index"})


def test_the_search_finds_pages_and_docstrings(site):
    found = json.loads((site / "search" / "search_index.json").read_text())["docs"]
    text = " ".join(f"{one['location']} {one['title']} {one['text']}" for one in found)
    assert "reference/api.html#poise.find_agent" in text
    assert "bootstrap over scenarios" in text


@pytest.mark.parametrize("module", [poise, poise.testing, poise.graphs], ids=lambda module: module.__name__)
def test_the_reference_has_every_public_name(site, module):
    page = (site / "reference" / "api.html").read_text()
    assert [name for name in module.__all__ if f'id="{module.__name__}.{name}"' not in page] == []


def test_no_page_loads_anything_from_elsewhere(site):
    loads = re.compile(r"<(?:script|img|iframe)[^>]*\ssrc=[\"']?(?:https?:)?//|<link[^>]*\shref=[\"']?(?:https?:)?//")
    assert [path.name for path in site.rglob("*.html") if loads.search(path.read_text())] == []


def test_a_link_that_leaves_the_site_is_text(site):
    assert 'href="../examples' not in (site / "agents.html").read_text()
