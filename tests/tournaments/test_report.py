"""The report: one file, no network, and hostile text stays text."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from helpers.tournament_fakes import OpenFake, Pairing, config, scenarios, schedule
from hypothesis import given, settings
from hypothesis import strategies as st

from poise.common.errors import StoreError
from poise.common.words import visible
from poise.tournaments.charts.small import breakable, forest
from poise.tournaments.report.page import _TEMPLATES, _json, write_report
from poise.tournaments.statistics.bootstrap import Estimate
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.snapshot import Header, spread_evenly
from poise.tournaments.storage.store import Store
from poise.tournaments.workers.queue import TaskPlayer, TaskQueue, WorkerPlan

HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>\u2028{{ 7 * 7 }} javascript:alert(2) \" ' &lt;"


DATA = "application/json"


class Said(Pairing):
    """A model that says what it should not."""

    def play(self, scenario, seed):
        played = super().play(scenario, seed)
        messages = tuple(replace(message, text=HOSTILE) for message in played.transcript.messages)
        outcome = replace(played.transcript.outcome, reason=HOSTILE)
        played.transcript = replace(played.transcript, messages=messages, outcome=outcome)
        return played


class OpenSaid(OpenFake):
    def __call__(self, pair):
        return Said(self.plan, pair, 0.0, self.trouble)


def make_folder(folder, *, hostile=False, cases=3):
    plan = schedule(config(), cases)
    name = HOSTILE if hostile else "c0"
    header = Header(
        id=plan.id,
        config={**config().model_dump(mode="json"), "name": name},
        creditors=[{"label": name, "declared": {}}, {"label": "c1", "declared": {}}],
        debtors=[{"label": "vanilla", "declared": {}}, {"label": "d1", "declared": {}}],
        total=len(plan.matches),
        provenance={"poise": "0.1.0", "python": "3.11", "packages": {"numpy": HOSTILE}},
    )
    told = [replace(case, context={"Reason": HOSTILE}) for case in scenarios(cases)] if hostile else scenarios(cases)
    player = TaskPlayer(WorkerPlan(plan, config().rules, (OpenSaid if hostile else OpenFake)(plan)))
    queue = TaskQueue.of(plan, {})
    with Store.create(folder, header, told) as store:
        while task := queue.take(99):
            store.add(list(player.play(task)))
    return folder


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and the text of each script."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.scripts, self.text, self._inside = [], [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.scripts.append((tag, dict(attrs), ""))
            self._inside = tag

    def handle_endtag(self, tag):
        self._inside = None if tag == self._inside else self._inside

    def handle_data(self, data):
        if self._inside:
            tag, attrs, text = self.scripts[-1]
            self.scripts[-1] = (tag, attrs, text + data)
        else:
            self.text.append(data)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return Page(write_report(make_folder(tmp_path_factory.mktemp("hostile"), hostile=True)).read_text())


def test_what_models_say_never_becomes_markup(hostile):
    assert not [
        attrs for tag, attrs in hostile.tags if tag == "img" and not attrs["src"].startswith("data:image/svg+xml;")
    ]
    assert not [key for _, attrs in hostile.tags for key in attrs if key.startswith("on")]
    assert not [attrs for _, attrs in hostile.tags if "style" in attrs], "the page's policy would refuse it"
    runnable = [attrs for tag, attrs, _ in hostile.scripts if tag == "script" and attrs.get("type") != DATA]
    assert runnable == [{}], "one script, inline"
    assert visible(HOSTILE) in "".join(hostile.text), "it is shown as it was said, and what is invisible written out"


def test_the_data_are_whole_and_say_exactly_what_was_said(hostile):
    data = {
        attrs["id"]: json.loads(text) for _, attrs, text in hostile.scripts if attrs.get("type") == "application/json"
    }
    index = data.pop("index")
    assert len(data) == len(index["matches"]) == 12
    assert index["creditors"][0] == index["scenarios"][0]["context"]["Reason"] == HOSTILE
    for talk in data.values():
        assert {message["text"] for message in talk["messages"]} == {HOSTILE}
        assert talk["outcome"]["reason"] == HOSTILE


def test_nothing_can_be_fetched_and_only_this_script_and_style_run(hostile):
    (policy,) = [attrs["content"] for tag, attrs in hostile.tags if tag == "meta" and "http-equiv" in attrs]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag, attrs, text in hostile.scripts:
        if attrs.get("type") != DATA:
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    for _, attrs in hostile.tags:
        for key in ("href", "src", "action", "srcset", "data"):
            assert re.match(r"#|data:", attrs.get(key, "#"))


def test_the_pages_own_script_only_sets_text():
    script = (_TEMPLATES / "report.js").read_text()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function\(|fetch|XMLHttp|import\(", script
    )


@given(st.text(), st.text())
@settings(max_examples=200)
def test_embedded_json_survives_and_holds_nothing_html_could_read(key, text):
    try:
        text.encode()
        key.encode()
    except UnicodeEncodeError:
        return  # cleaned before it is stored
    embedded = str(_json({key: [text]}))
    assert json.loads(embedded) == {key: [text]}
    assert not set(embedded) & set("<>&\u2028\u2029")
    assert visible(embedded) == embedded, "nothing in it turns a line around or cannot be seen"


def test_standings_are_of_all_matches_and_transcripts_as_many_as_wanted(tmp_path):
    folder = make_folder(tmp_path / "run", cases=8)
    few = write_report(folder, tmp_path / "few.html", 5).read_text()
    every = write_report(folder, tmp_path / "all.html").read_text()
    none = write_report(folder, tmp_path / "none.html", 0).read_text()
    assert [page.count('id="match-') for page in (few, every, none)] == [5, 32, 0]
    assert "This page holds 5 of 32 transcripts" in few
    assert "This page holds" not in every
    tables = [re.findall(r"<table.*?</table>", page, re.DOTALL) for page in (few, every, none)]
    assert tables[0] == tables[1] == tables[2]


@given(st.integers(0, 50), st.integers(0, 60))
def test_what_is_shown_is_spread_over_the_schedule(count, most):
    shown = spread_evenly(list(range(count)), most)
    assert len(shown) == min(count, most)
    assert shown == sorted(set(shown))
    gaps = [after - before for before, after in pairwise(shown)]
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_an_unfinished_tournament_has_a_report_and_says_so(tmp_path):
    folder = make_folder(tmp_path)
    plan = schedule(config(), 3)
    with Store.open(folder) as store:
        store._db.execute("DELETE FROM documents WHERE position > 4")
        store._db.execute("DELETE FROM matches WHERE position > 4")
        store._db.commit()
    page = write_report(folder).read_text()
    assert "This tournament is not finished" in page
    assert f"of {len(plan.matches)} matches" in " ".join(page.split()).replace("</b>", "")


def test_the_report_replaces_the_old_one_in_one_step(tmp_path, monkeypatch):
    folder = make_folder(tmp_path)
    path = write_report(folder)
    before = path.read_text()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StoreError, match=r"disk of .* is full"):
        write_report(folder)
    assert path.read_text() == before


def test_effect_sizes_are_rounded_as_in_the_terminal(tmp_path):
    folder = make_folder(tmp_path / "run", cases=6)
    page = write_report(folder, tmp_path / "page.html", 0).read_text()
    (difference,) = read_standings(folder).differences
    assert f"{difference.effect:+z.3f}" == "+0.328"  # two digits cut off would be +0.32
    assert 'data-label="d">+0.33</td>' in page


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_forest_stays_in_its_picture(mean, low, high):
    low, mean, high = sorted((low, mean, high))
    numbers = re.findall(r'(?:x1|x2|cx)="([-0-9.]+)"', forest(Estimate(mean, low, high), 0.0, 1.0, "creditor"))
    assert all(4 <= float(number) <= 146 for number in numbers)


def test_names_break_where_a_person_would_break_them():
    assert str(breakable("a<b>@ollama:q")) == "a&lt;b&gt;@<wbr>ollama:<wbr>q"
