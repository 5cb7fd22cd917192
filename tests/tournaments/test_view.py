"""The viewer without a browser: who is answered, what pages hold, and that nothing is written or leaves the folder."""

import csv
import io
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from helpers.process_talks import feeling, talk
from helpers.seats import case
from helpers.tournament_fakes import config
from helpers.view_fakes import HOSTILE, LONG, client, fake_folder, fake_matches, fake_plan, fake_store, real_folder
from hypothesis import example, given
from hypothesis import strategies as st

from poise.common.errors import BadInput, StoreError
from poise.tournaments.storage.errors import only_run
from poise.tournaments.storage.snapshot import Snapshot
from poise.tournaments.storage.store import Store
from poise.tournaments.view.charts import belief_chart, offers_chart
from poise.tournaments.view.guard import POLICY, host_of, is_loopback
from poise.tournaments.view.library import Library
from poise.tournaments.view.live import RunPace, is_running
from poise.tournaments.view.matches import ENDINGS, MatchFilter
from poise.tournaments.view.pages import STATIC, shown_words
from poise.tournaments.view.server import ServerAddress, serve

PAGES = ("/run/fake/", "/run/fake/matches", "/run/fake/match/0", "/run/fake/match/0/graph", "/beside?a=fake:0&b=fake:3")


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    return fake_folder(tmp_path_factory.mktemp("view") / "fake")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return fake_folder(tmp_path_factory.mktemp("view") / "fake", hostile=True)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return real_folder(tmp_path_factory.mktemp("view") / "real")


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.words = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return "".join(self.words)


# Who is answered.


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:80", "[::1]:8000", "127.8.9.1"])
def test_this_machine_s_own_names_are_answered(fake, host):
    assert client(fake).get("/run/fake/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "", "10.0.0.7", "[2001:db8::1]", "a:b:c"],
)
def test_another_host_name_is_refused_whatever_it_leads_to(fake, host):
    answer = client(fake).get("/run/fake/", headers={"host": host})
    assert answer.status_code == 421
    assert "c0" not in answer.text


def test_open_to_others_it_answers_addresses_and_its_own_name_and_still_no_foreign_one(fake):
    asked = client(fake, names=["Desk.local"], anywhere=True)
    for host, status in (("10.0.0.7:80", 200), ("desk.local:80", 200), ("[fe80::1]", 200), ("evil.example", 421)):
        assert asked.get("/run/fake/", headers={"host": host}).status_code == status


@given(st.text(max_size=30))
@example("[::1]:8000")
@example("localhost:")
def test_any_host_header_is_read_without_failing(header):
    host = host_of(header)
    assert is_loopback(host) in (True, False)
    if is_loopback(host) and host != "localhost":
        assert re.fullmatch(r"[0-9.]+|[0-9a-f:.]+(%.*)?", host)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_only_shows(fake, method):
    assert client(fake).request(method, "/run/fake/").status_code == 405


def test_it_listens_to_others_only_when_told_twice_and_says_what_that_means(fake):
    with pytest.raises(BadInput, match="--anyone-may-read"):
        serve([fake], ServerAddress("0.0.0.0"), browse=False, tell=print)


def test_what_is_no_tournament_is_refused_before_anything_is_opened(tmp_path, capsys):
    with pytest.raises(BadInput, match="no tournament in"):
        serve([tmp_path], ServerAddress(), browse=False, tell=print)
    assert capsys.readouterr().out == ""
    with pytest.raises(StoreError, match="no tournament in"):
        Library([tmp_path])


# What a page may do.


@pytest.mark.parametrize("path", [*PAGES, "/run/fake/matches.json", "/nowhere", "/static/view.css"])
def test_every_answer_carries_the_policy(fake, path):
    headers = client(fake).get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none'")


@pytest.mark.parametrize("path", PAGES)
def test_what_models_and_users_wrote_never_becomes_markup(hostile, path):
    page = Page(client(hostile).get(path).text)
    assert not [tag for tag, _ in page.tags if tag in ("img", "iframe", "object", "style", "base")]
    for tag, attrs in page.tags:
        assert not [key for key in attrs if key.startswith("on") or key == "style"]
        if tag == "script":
            assert attrs["src"].startswith("/static/")
        assert not attrs.get("href", "/").lower().startswith(("javascript:", "data:", "//", "http"))
    assert "49" not in re.findall(r"&lt; (\d+)", page.text)


def test_it_is_shown_as_it_was_said_with_what_cannot_be_seen_written_out(hostile):
    text = Page(client(hostile).get("/run/fake/match/0").text).text
    assert "<script>document.title = 'taken'</script>" in text
    assert "{{ 7 * 7 }}" in text
    assert "⟨U+202E⟩evil⟨U+202C⟩⟨U+200B⟩" in text
    assert not set(text) & set("\u202e\u202c\u2028\u200b\x00")
    assert f"{len(LONG) - 20_000:,} more characters" in text
    assert client(hostile).get("/run/fake/match/0.json").json()["messages"][1]["text"] == LONG


@given(st.text())
def test_words_lose_nothing_but_what_would_play_tricks(text):
    shown = shown_words(text)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\x00\x1b")
    back = re.sub(r"\u27e8U\+([0-9A-F]{4,6})\u27e9", lambda found: chr(int(found[1], 16)), shown)
    if "\u27e8" not in text:
        assert back == text


def test_the_pages_own_scripts_only_set_text():
    for path, kind in STATIC.values():
        text = path.read_text()
        if kind == "text/javascript":
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(|DOMParser", text
            )
        assert not re.search(r"https?://(?!www\.w3\.org)", text)


# What can be reached.


@pytest.mark.parametrize(
    "path",
    [
        "/static/app.py", "/static/..%2fapp.py", "/static/%2e%2e%2fapp.py", "/run/..%2f..%2fetc/", "/run/%2e%2e/",
        "/run/fake/match/99", "/run/fake/match/-1", "/run/other/", "/run/fake%00/", "/beside?a=fake:0&b=..%2f:0",
        "/run/fake/match/0/prompt/9", "/compare?a=/etc&b=fake", "/nowhere",
    ],
)  # fmt: skip
def test_nothing_else_is_reached(fake, path):
    answer = client(fake).get(path)
    assert answer.status_code in (400, 404)
    assert "root:" not in answer.text


def test_no_link_leads_out_of_the_folder(tmp_path):
    outside = fake_folder(tmp_path / "outside")
    fake_folder(tmp_path / "runs" / "inside")
    (tmp_path / "runs" / "linked").symlink_to(outside)
    (tmp_path / "runs" / "file").mkdir()
    (tmp_path / "runs" / "file" / "tournament.sqlite").symlink_to(outside / "tournament.sqlite")
    assert list(Library([tmp_path / "runs"]).runs()) == ["inside"]


def test_two_folders_of_one_name_are_told_apart_and_a_new_one_appears(tmp_path):
    for parent in ("a", "b"):
        fake_folder(tmp_path / parent / "run")
    assert list(Library([tmp_path / "a" / "run", tmp_path / "b" / "run"]).runs()) == ["run", "run (2)"]
    library = Library([tmp_path / "a"])
    fake_folder(tmp_path / "a" / "later")
    assert library.run("later").snapshot().header.total == 12


def damage(folder, kind):
    """Make the store in `folder` one that cannot be read."""
    path = folder / "tournament.sqlite"
    if kind == "garbage":
        path.write_bytes(b"no database at all " * 400)
        return
    with closing(sqlite3.connect(path)) as db, db:
        statements = {
            "newer": "PRAGMA user_version = 99",
            "headless": "DELETE FROM header WHERE key = 'config'",
            "text": "UPDATE matches SET rounds = 'many' WHERE position = 1",
        }
        db.execute(statements[kind])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("garbage", "damaged"),
        ("newer", "newer Poise"),
        ("headless", "its header lacks config"),
        ("text", "the rows of its matches"),
    ],
)
def test_a_damaged_tournament_takes_no_other_one_away(tmp_path, kind, words):
    for name in ("bad", "good", "other"):
        fake_folder(tmp_path / name)
    damage(tmp_path / "bad", kind)
    viewer = client(tmp_path)
    start = viewer.get("/")
    assert start.status_code == 200
    assert words in start.text
    assert 'href="/run/good/"' in start.text
    assert 'href="/run/bad/"' not in start.text
    for address in ("/run/good/", "/run/good/match/0", "/compare", "/compare?a=good"):
        assert viewer.get(address).status_code == 200, address
    explained = viewer.get("/run/bad/")
    assert words in explained.text
    assert "fault in Poise" not in explained.text
    with pytest.raises(StoreError, match=words):
        Library([tmp_path / "bad"])


def test_looking_changes_nothing_in_the_folder(fake):
    def state():
        return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in fake.iterdir()}

    before = state()
    for path in (*PAGES, "/run/fake/progress.json", "/run/fake/matches.json?words=days"):
        assert client(fake).get(path).status_code == 200
    assert state() == before


# The list, the filters, the address.

_FIELD = st.sampled_from(["", "c0", "c1", "d0", "d1", "debt", "medical", "case-1", "nobody", *ENDINGS])


@given(choice=st.builds(MatchFilter, creditor=_FIELD, debtor=_FIELD, domain=_FIELD, scenario=_FIELD, ending=_FIELD))
def test_a_filter_keeps_exactly_what_fits(fake, choice):
    snapshot = Library([fake]).run("fake").snapshot() if not _SEEN else _SEEN[0]
    _SEEN[:] = [snapshot]
    kept = {row.position for row in choice.pick(snapshot)}
    for row in snapshot.rows:
        case = snapshot.scenarios[row.scenario]
        is_ = MatchFilter(f"c{row.creditor}", f"d{row.debtor}", case.domain, case.id, row.ending)
        fits = all(getattr(choice, name) in ("", getattr(is_, name)) for name in MatchFilter.__slots__[:5])
        assert (row.position in kept) == fits


_SEEN: list[Snapshot] = []


@given(st.builds(MatchFilter, *[st.text(max_size=20).map(str.strip)] * 6))
def test_filters_survive_the_address(choice):
    from starlette.datastructures import QueryParams

    try:
        query = choice.query()
    except UnicodeEncodeError:
        return  # a lone surrogate comes from no browser
    assert MatchFilter.of(QueryParams(query.removeprefix("?"))) == choice


def test_pieces_of_the_list_make_the_whole_of_it(tmp_path):
    asked = client(fake_folder(tmp_path / "run", cases=40))
    whole, offset = [], 0
    while True:
        piece = asked.get(f"/run/run/matches.json?offset={offset}&limit=37").json()
        whole += piece["rows"]
        offset += 37
        if not piece["rows"]:
            break
    assert [row[0] for row in whole] == list(range(160))
    assert piece["total"] == piece["all"] == 160
    assert asked.get("/run/run/matches.json?offset=x&limit=-3").json()["offset"] == 0


def test_words_are_looked_for_in_what_was_said_and_nowhere_else(real):
    asked = client(real)
    found = asked.get("/run/real/matches.json?words=FURIOUS%20days&names=1").json()
    assert 0 < found["total"] < found["all"]
    for row in found["rows"]:
        said = " ".join(m["text"] for m in asked.get(f"/run/real/match/{row[0]}.json").json()["messages"]).lower()
        assert "furious" in said
        assert "days" in said
    assert asked.get("/run/real/matches.json?words=creditor_target").json()["total"] == 0


# What a replay holds.


def test_a_replay_has_every_message_every_node_and_a_link_to_each(real):
    asked = client(real)
    stored = asked.get("/run/real/match/7.json").json()["messages"]
    text = asked.get("/run/real/match/7").text
    page = Page(text)
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id", "").startswith("m")]
    assert [name for name in ids if re.fullmatch(r"m\d+", name)] == [f"m{message['index'] + 1}" for message in stored]
    steps = [attrs["data-step"] for tag, attrs in page.tags if tag == "div" and "data-step" in attrs]
    assert steps == ["perceive", "feel", "decide", "speak"] * len(stored)
    for message in stored:
        assert message["text"] in page.text
        assert not message["emotion"] or f"shows {message['emotion']}" in page.text
        if "reading" in message and message["index"]:
            assert f"read as {message['reading']['label']}" in page.text
    graph = Page(asked.get("/run/real/match/7/graph").text)
    lit = [attrs["data-node"] for _, attrs in graph.tags if "data-node" in attrs]
    assert {f"{seat}:{node}" for seat in ("creditor", "debtor") for node in steps[:4]} <= set(lit)


def test_a_message_without_a_model_has_no_prompt_and_one_with_a_model_has_it_again(real, hostile):
    none = client(real).get("/run/real/match/0/prompt/0").json()
    assert none["tries"] == []
    assert "No model was asked" in none["note"]
    told = client(hostile).get("/run/fake/match/0/prompt/0").json()
    first, second = told["tries"]
    assert first["turns"][0][0] == "system"
    assert (first["reply"], bool(first["problem"]), second["problem"]) == (shown_words(HOSTILE), True, "")
    assert second["reply"].endswith("more characters; the raw transcript has them]")
    assert len(second["reply"]) < 21_000
    assert second["turns"][:-1] == first["turns"][:-1]
    assert second["turns"][-1] != first["turns"][-1]


def test_what_was_rejected_repaired_and_judged_is_shown(hostile):
    text = Page(client(hostile).get("/run/fake/match/0").text).text
    assert "reply 1 rejected" in text
    assert "repaired without the model" in text
    assert "breaks" in text


def test_a_match_that_was_given_up_is_shown_as_such(tmp_path):
    from poise.tournaments.storage.rows import failed

    plan = fake_plan()
    with fake_store(tmp_path / "run", plan) as store:
        store.add([failed(plan, plan.matches[0], config().rules, "the server went away")])
    text = Page(client(tmp_path / "run").get("/run/run/match/0").text).text
    assert "Nothing was said." in text
    assert "the server went away" in text


def test_two_matches_share_a_scale_and_say_when_their_scenarios_differ(fake):
    asked = client(fake)
    assert "different scenarios" not in asked.get("/beside?a=fake:0&b=fake:3").text
    assert "different scenarios" in asked.get("/beside?a=fake:0&b=fake:1").text
    assert asked.get("/beside?a=fake:0&b=").status_code == 400


# While it runs.


def test_the_viewer_sees_matches_as_they_come(tmp_path):
    plan = fake_plan()
    matches = list(fake_matches(plan))
    with fake_store(tmp_path / "run", plan) as store:
        asked = client(tmp_path / "run")
        assert "this page fills itself" in asked.get("/run/run/").text
        for done in (1, 5, 12):
            store.add(matches[store.count() : done])
            assert asked.get("/run/run/progress.json").json()["finished"] == done
            assert asked.get(f"/run/run/match/{done - 1}").status_code == 200
        with only_run(tmp_path / "run"):
            assert asked.get("/run/run/progress.json").json()["state"] == "running"
        assert asked.get("/run/run/progress.json").json()["state"] == "finished"


def test_a_page_that_hears_of_more_matches_is_given_as_many(tmp_path, monkeypatch):
    """Also while the store grows between the two requests, and where reading it takes long."""
    monkeypatch.setattr("poise.tournaments.view.library._REST", float("inf"))
    plan = fake_plan()
    matches = list(fake_matches(plan))
    with fake_store(tmp_path / "run", plan) as store:
        asked = client(tmp_path / "run")
        with only_run(tmp_path / "run"):
            for done in range(1, len(matches) + 1):
                store.add(matches[store.count() : done])
                finished = asked.get("/run/run/progress.json").json()["finished"]
                assert asked.get("/run/run/matches.json").json()["all"] == finished
        assert asked.get("/run/run/progress.json").json()["finished"] == len(matches)


def test_asking_whether_it_runs_writes_nothing_and_keeps_no_run_from_starting(tmp_path):
    assert not is_running(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with only_run(tmp_path):
        assert is_running(tmp_path)
    assert not is_running(tmp_path)
    with only_run(tmp_path):
        pass


@given(st.integers(2, 30), st.floats(0.01, 50), st.integers(1, 9))
def test_at_a_steady_pace_the_time_left_is_what_is_left_over_the_pace(sightings, seconds, batch):
    pace = RunPace()
    for number in range(sightings):
        pace.see(number * batch, number * seconds)
    now, done, total = (sightings - 1) * seconds, (sightings - 1) * batch, sightings * batch + 100
    assert pace.left(total, now) == pytest.approx((total - done) * seconds / batch)
    assert pace.left(total, now + 1e9) == 0.0


def test_before_anything_grew_nobody_knows_the_pace_and_a_new_beginning_forgets_the_old(tmp_path):
    pace = RunPace()
    pace.see(5, 0.0)
    pace.see(5, 60.0)
    assert pace.left(10, 60.0) is None
    pace.see(7, 100.0)
    pace.see(1, 101.0)
    assert pace.left(10, 101.0) is None


def test_ratings_stand_in_the_overview_and_not_where_one_agent_alone_was_chosen(real):
    asked = client(real)
    assert "Bradley and Terry" in asked.get("/run/real/").text
    assert "Bradley and Terry" not in asked.get("/run/real/?creditor=vanilla").text


# Custom graphs.

_LEDGER = """
from dataclasses import replace
from langgraph.graph import END, START
from poise import graph_agent
from poise.graphs import decide, empty_seat_graph, perceive, speak

def consult(state):
    if len(state.lines) % 4:
        return {}
    return {"memory": replace(state.memory, notes={**state.memory.notes, "gap": len(state.lines)})}

def choose(state):
    return {"emotion": "caring"}

@graph_agent("ledger", seat="creditor")
def ledger():
    graph = empty_seat_graph()
    nodes = (perceive, consult, choose, decide, speak)
    for node in nodes:
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "perceive")
    for one, two in zip(nodes, nodes[1:]):
        graph.add_edge(one.__name__, two.__name__)
    graph.add_edge("speak", END)
    return graph
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    place = tmp_path_factory.mktemp("ledger")
    (place / "ledger.py").write_text(_LEDGER)
    folder = place / "run"
    real_folder(folder, creditors=(str(place / "ledger.py"),), debtors=("sad",), matches_per_pair=1)
    (place / "ledger.py").unlink()  # the viewer runs no agent's code
    return folder


def steps_of(address):
    """Of each message its nodes in order, each with the words under it."""
    found = []
    for turn in re.split(r'<section class="turn', address)[1:]:
        parts = re.split(r'<div class="step"', turn)[1:]
        found.append([(re.search(r"<h3>(.*?)</h3>", part)[1], Page(part).text) for part in parts])
    return found


def test_a_note_stands_under_the_node_that_wrote_it_and_later_as_kept(ledger):
    turns = steps_of(client(ledger).get("/run/run/match/0").text)
    own = turns[::2]
    assert [[name for name, _ in steps] for steps in own[:2]] == [
        ["perceive", "consult", "choose", "decide", "speak"],
        ["perceive", "consult", "choose", "decide", "speak", "kept from earlier turns"],
    ]
    assert all(("note: gap" in text) == (name == "consult") for name, text in own[0])
    assert all(("note: gap" in text) == (name == "kept from earlier turns") for name, text in own[1])
    assert "showscaring" in dict(own[0])["choose"]
    assert [name for name, _ in turns[1]] == ["perceive", "feel", "decide", "speak"]
    graph = Page(client(ledger).get("/run/run/match/0/graph").text)
    nodes = {attrs["data-node"] for _, attrs in graph.tags if "data-node" in attrs}
    assert {"creditor:consult", "creditor:choose", "debtor:feel"} <= nodes
    assert "creditor:feel" not in nodes


_MEMORY = """
import operator
from dataclasses import dataclass, field
from typing import Annotated
from langgraph.graph import END, START
from poise import graph_agent
from poise.graphs import PER_TURN, SeatState, decide, empty_seat_graph, perceive, speak

@dataclass
class Memory(SeatState):
    heard: Annotated[list[str], operator.add] = field(default_factory=list)
    gap: Annotated[int, PER_TURN] = 0

def consult(state):
    return {"gap": 7, "heard": [state.memory.readings[-1].label] if state.memory.readings else []}

@graph_agent("memory", seat="creditor")
def memory():
    graph = empty_seat_graph(Memory)
    nodes = (perceive, consult, decide, speak)
    for node in nodes:
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "perceive")
    for one, two in zip(nodes, nodes[1:]):
        graph.add_edge(one.__name__, two.__name__)
    graph.add_edge("speak", END)
    return graph
"""


def test_a_field_of_the_state_has_its_value_or_says_that_there_is_none(tmp_path):
    (tmp_path / "memory.py").write_text(_MEMORY)
    folder = real_folder(
        tmp_path / "run", creditors=(str(tmp_path / "memory.py"),), debtors=("sad",), matches_per_pair=1
    )
    first, second, *_ = (dict(steps)["consult"] for steps in steps_of(client(folder).get("/run/run/match/0").text)[::2])
    assert "heardnothing" in first
    assert "gapset for this turn alone, and not recorded" in first
    assert "heardnothing" not in second


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 300))
def test_words_beside_the_offers_lie_apart_and_within_the_picture(low, gap, deal):
    """Wherever the deal is; a line of words is 20 pixels high on a phone."""
    scenario = case(creditor_target=low, debtor_target=low + max(gap, 5))
    deal = min(low + deal, low + max(gap, 5))
    drawn = ET.fromstring(offers_chart(talk([deal, deal], deal, scenario)))
    words = [one for one in drawn.iter("text") if one.text in ("target", f"deal {deal}")]
    heights = sorted(float(one.get("y")) for one in words)
    assert [two - one > 18 for one, two in pairwise(heights)] == [True, True]
    assert heights[0] > 8
    assert heights[-1] < float(drawn.get("viewBox").split()[3])


@pytest.mark.parametrize("messages", [2, 3, 4])
def test_what_was_believed_lies_within_the_picture(messages):
    """A belief that was held once, after the last message too, is drawn over the messages and not over the words."""
    drawn = ET.fromstring(belief_chart(feeling(["joy"] * messages)))
    axis = next(one for one in drawn.iter("line") if one.get("class") == "axis")
    places = [float(point.split(",")[0]) for one in drawn.iter("polygon") for point in one.get("points").split()]
    assert float(axis.get("x1")) <= min(places) < max(places) <= float(axis.get("x2"))


def rewritten(folder, change):
    """The folder with its creditors as an older Poise, or somebody else, wrote them."""
    with Store.open(folder) as store:
        header = store.header()
        store.grow(replace(header, creditors=[change(dict(one)) for one in header.creditors]), store.scenarios(), [])
    return folder


def test_a_store_without_graphs_is_shown_and_says_that_none_was_recorded(ledger, tmp_path):
    folder = rewritten(
        shutil.copytree(ledger, tmp_path / "run"), lambda one: {k: one[k] for k in ("label", "declared")}
    )
    page = client(folder).get("/run/run/match/0").text
    assert "was not recorded" in page
    nodes = [attrs.get("data-node") for _, attrs in Page(client(folder).get("/run/run/match/0/graph").text).tags]
    assert "creditor:not recorded" in nodes
    assert "debtor:feel" in nodes


def test_names_of_nodes_never_become_markup(ledger, tmp_path):
    bad = HOSTILE.replace("\x00", "").replace(":", "")
    graph = {"nodes": [bad, "speak"], "edges": [["__start__", bad], [bad, "speak"], ["speak", "__end__"]]}
    folder = rewritten(shutil.copytree(ledger, tmp_path / "run"), lambda one: {**one, "graph": graph})
    page = Page(client(folder).get("/run/run/match/0/graph").text)
    assert not [tag for tag, _ in page.tags if tag in ("script", "img")]
    assert any(attrs.get("data-node", "").startswith("creditor:</div>") for _, attrs in page.tags)


# What can be kept.


def test_tables_and_figures_can_be_downloaded(real):
    asked = client(real)
    page = asked.get("/run/real/").text
    for address in re.findall(r'href="([^"]+)" download', page):
        answer = asked.get(address)
        assert answer.status_code == 200
        if address.endswith(".csv"):
            rows = list(csv.reader(io.StringIO(answer.text)))
            assert len({len(row) for row in rows}) == 1
            table = address.rpartition("/")[2].removesuffix(".csv")
            assert len(rows) == 1 + {"matches": 24, "standings": 4, "pairs": 2}[table]
        else:
            assert ET.fromstring(answer.text).tag == "{http://www.w3.org/2000/svg}svg"
    assert page.count(" download") == 14
    assert asked.get("/run/real/provenance.csv").status_code == 404
    assert asked.get("/run/real/figure/nothing.svg").status_code == 404


@pytest.mark.parametrize("column", ["number", "creditor", "scenario", "settled", "creditor-got", "messages"])
def test_a_sorted_list_is_the_same_list_in_another_order(real, column):
    asked = client(real)
    plain = asked.get("/run/real/matches.json").json()["rows"]
    up, down = (asked.get(f"/run/real/matches.json?sort={sign}{column}").json()["rows"] for sign in ("", "-"))
    assert sorted(up) == sorted(down) == sorted(plain)
    place = {"number": 0, "creditor": 1, "scenario": 3, "settled": 6, "creditor-got": 8, "messages": 7}[column]
    values = [row[place] for row in up if row[place] is not None]
    if column not in ("creditor", "scenario"):
        assert values == sorted(values)
        assert [row[place] for row in down if row[place] is not None] == values[::-1]
    assert asked.get("/run/real/matches.json?sort=nothing").json()["rows"] == plain


def test_the_baseline_is_chosen_in_the_viewer_and_an_unknown_one_is_refused(real):
    page = client(real).get("/run/real/").text
    tags = Page(page).tags
    assert ("select", {"name": "baseline"}) in tags
    snapshot = Library([real]).run("real").snapshot()
    for label in {*snapshot.creditors, *snapshot.debtors}:
        answer = client(real).get("/run/real/", params={"baseline": label})
        assert answer.status_code == 200
        assert f"Against {label}" in answer.text or len(snapshot.creditors) == len(snapshot.debtors) == 1
        rows = csv.DictReader(io.StringIO(client(real).get("/run/real/standings.csv", params={"baseline": label}).text))
        assert {row["baseline"] for row in rows} == {"", label}
    pairs = list(csv.DictReader(io.StringIO(client(real).get("/run/real/pairs.csv").text)))
    sides = [len(snapshot.creditors), len(snapshot.debtors)]
    assert len(pairs) == sum(count * (count - 1) // 2 for count in sides)
    near = snapshot.creditors[0] + "x"
    refused = client(real).get("/run/real/", params={"baseline": near})
    assert refused.status_code == 400
    assert snapshot.creditors[0] in Page(refused.text).text


def test_an_agent_of_a_file_is_called_by_its_name_and_its_file_stands_beside_it(ledger):
    asked, header = client(ledger), Library([ledger]).run(ledger.name).snapshot().header
    (name, file), *_ = header.names("creditor")
    assert header.entered("creditor")[0] == file != name
    address = f"/run/{ledger.name}"
    overview, replay = (Page(asked.get(f"{address}/{part}").text).text for part in ("", "match/0"))
    assert name in overview
    assert file in overview
    assert f"{name} against" in replay
    assert "creditor from" in replay
    assert file in replay
    listed = asked.get(f"{address}/matches.json", params={"names": "1", "creditor": name}).json()
    assert listed["creditors"][0] == name
    assert listed["total"] > 0
    rows = list(csv.DictReader(io.StringIO(asked.get(f"{address}/standings.csv").text)))
    assert (name, file) in [(row["agent"], row["file"]) for row in rows]
