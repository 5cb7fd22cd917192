"""A person's seat in the viewer, without a browser: what is played, kept, shown and refused."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from html import unescape
from time import sleep

import pytest
from helpers.seats import case, pair
from helpers.view_fakes import HOSTILE, client, fake_folder

from poise.agents.models.models import model_forms
from poise.cli.screens.play import converse
from poise.common.errors import ModelDown, PoiseError
from poise.tournaments.human import match as human_match
from poise.tournaments.human.match import HOME, TALKS, HumanMatch, invite
from poise.tournaments.storage.store import Store
from poise.tournaments.view import invitation, seats
from poise.tournaments.view.server import ServerAddress, serve

GLAD = """
from poise import agent


@agent("glad", seat="creditor")
def glad(view):
    return "joy"
"""
OURS = {"origin": "http://127.0.0.1:8000"}
WISH = {"seat": "debtor", "creditor": "eq-negotiator", "debtor": "angry", "domain": "debt", "case": "3", "seed": "5"}


class Typed:
    """Somebody in a terminal who types these lines."""

    def __init__(self, *lines):
        self.lines = list(lines)

    def tell(self, text, style=""):
        pass

    def ask(self, prompt):
        return self.lines.pop(0)


class Visitor:
    """Somebody in a browser: follows redirects, sends the forms of the page, and keeps every page seen."""

    def __init__(self, folder, **more):
        self.http = client(folder, **more)
        self.seen = []
        self.open("/play")
        self.token = self.field("token")

    def open(self, address):
        return self._saw(self.http.get(address))

    def send(self, address=None, headers=OURS, **fields):
        token = {"token": self.token}
        return self._saw(self.http.post(address or self.address, data={**token, **fields}, headers=headers))

    def sit_down(self, **wish):
        return self.send("/play", **{**WISH, **wish})

    def say(self, words):
        self.send(stamp=self.field("stamp"), words=words, do="say")

    def answer(self, what):
        self.send(stamp=self.field("stamp"), do=what)

    def _saw(self, answer):
        while "http-equiv" in answer.text:
            self.seen.append(answer.text)
            sleep(0.02)
            answer = self.http.get(str(answer.url))
        self.page, self.address, self.status = answer.text, answer.url.path, answer.status_code
        self.seen.append(answer.text)
        return answer

    def field(self, name):
        found = re.search(rf'name="{name}"[^>]*?\bvalue="([^"]*)"', self.page)
        return unescape(found[1])

    @property
    def text(self):
        return unescape(re.sub(r"<[^>]+>", "", self.page))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return fake_folder(tmp_path / "watched" / "fake")


@pytest.fixture
def visitor(folder):
    return Visitor(folder)


def kept(folder):
    with Store.read(folder) as store:
        (transcript,) = store.transcripts()
        return store.header(), transcript, store.scenarios()


def only_talks():
    (found,) = HOME.glob("*")
    return found


def test_it_is_the_match_that_poise_play_stores_though_one_left_and_the_viewer_was_killed(folder, visitor):
    visitor.sit_down()
    assert "You want 168 days" in visitor.text
    visitor.say("3 months")
    assert 'You offer 90 days: "3 months"' in visitor.text
    visitor.answer("no")
    assert visitor.field("words") == "3 months"
    visitor.say("no way, 80")
    visitor.answer("yes")
    assert "80 days of yours" in visitor.text
    visitor.say("[anger] tell me more")
    assert "showing anger" in visitor.text

    later = Visitor(folder)  # another process would see as much: another app, another token
    assert "Unfinished negotiations" in later.text
    left = later.open(visitor.address).text
    assert "You left this negotiation" in left
    later.send(do="return")
    assert "showing anger" in later.text
    later.answer("yes")
    later.say("ok deal")
    assert "That ends the negotiation" in later.text
    later.answer("yes")
    assert "The debtor accepted the creditor's offer" in later.text
    assert "The other side wanted 9 days" in later.text

    settings = {"model": None, "model_options": {}, "seed": 5, "judge": None}
    with HumanMatch.start(
        *invite("debtor", "eq-negotiator", "builtin:3", settings), folder.parent / "terminal"
    ) as there:
        lines = ("3 months", "n", "no way, 80", "y", "[anger] tell me more", "y", "ok deal", "", "n")
        assert converse(there, Typed(*lines))
    (header, talk, cases), (same_header, same_talk, same_cases) = kept(only_talks()), kept(folder.parent / "terminal")
    assert talk == same_talk
    assert talk.debtor["human"] is True
    assert (header.id, header.config, header.creditors, header.debtors) == (
        *(same_header.id, same_header.config, same_header.creditors, same_header.debtors),
    )
    assert cases == same_cases
    assert not list(only_talks().glob(f"{TALKS}*"))
    address = re.search(r'href="(/run/[^"]+)">Replay', later.page)[1]
    assert "no way, 80" in later.open(address).text
    assert "The other side wanted 9 days" in unescape(Visitor(folder).open(visitor.address).text)


def test_the_terminal_goes_on_where_the_browser_was_left(visitor):
    visitor.sit_down()
    visitor.say("70")
    with HumanMatch.resume() as there:
        assert converse(there, Typed("y", "walk", "y", "n"))
    visitor.answer("yes")
    assert visitor.status == 404
    assert "there is no negotiation called" in visitor.text
    assert [line.text for line in kept(only_talks())[1].messages if line.seat == "debtor"] == ["70 days", "walk"]


def test_an_answer_to_another_question_is_not_sent(visitor):
    visitor.sit_down()
    visitor.say("70")
    old = visitor.field("stamp")
    visitor.answer("yes")
    visitor.send(stamp=old, do="yes")
    assert "this was not sent" in visitor.text
    visitor.send(stamp=old, do="say", words="99")
    assert visitor.field("words") == "99"
    assert "70 days of yours" in visitor.text


def test_what_cannot_be_is_refused_with_the_remedy_and_stays_typed(visitor):
    visitor.sit_down()
    for words, told in (("400", "outside 0 to 365 days"), ("[angr] 40", "did you mean 'anger'"), ("", "say something")):
        visitor.say(words)
        assert told in visitor.text
        assert visitor.field("words") == words
    visitor.say("/leave")
    assert visitor.address == "/play"


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"seat": "judge"}, "seat 'judge' is none of creditor, debtor"),
        ({"creditor": "../../agent.py:mine"}, "is none of"),
        ({"creditor": "human"}, "is none of"),
        ({"domain": "../secret.csv"}, "is none of"),
        ({"case": "../3"}, "is not a whole number"),
        ({"case": "500"}, "500"),
        ({"seed": "-1"}, "is not a whole number"),
        ({"model": "magic"}, f"is none of {model_forms()}"),
        ({"name": "<b>x</b>"}, "may have only letters"),
        ({"name": "x" * 500}, "more than 200 characters"),
    ],
)
def test_a_seat_that_cannot_be_had_is_refused_and_what_was_chosen_stays(visitor, wish, told):
    visitor.sit_down(**wish)
    assert visitor.status == 400
    assert told in visitor.text
    assert "<b>x</b>" not in visitor.page
    assert visitor.field("case") == wish.get("case", "3")
    assert not list(HOME.glob("*"))


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, None),
        ({"origin": "null"}, None),
        ({"origin": "http://evil.example"}, None),
        ({"origin": "http://127.0.0.1:8001"}, None),
        ({**OURS, "sec-fetch-site": "cross-site"}, None),
        ({**OURS, "sec-fetch-site": "same-site"}, None),
        (OURS, "guessed"),
        (OURS, ""),
        (OURS, "\u00e9"),
    ],
)
def test_a_form_of_another_page_does_nothing(visitor, headers, token):
    given = visitor.token if token is None else token
    visitor.send("/play", headers, **WISH | {"token": given})
    assert visitor.status == 403
    assert not HOME.exists()
    visitor.sit_down()
    before = visitor.page
    visitor.send(None, headers, stamp=visitor.field("stamp"), do="say", words="70", token=given)
    assert visitor.status == 403
    assert ("You typed: 70" in visitor.text) == (headers is OURS)
    address = f"/play/{only_talks().name}"
    assert visitor.open(address).text == before


def test_a_form_comes_under_a_known_name_and_is_small_and_a_form(visitor):
    assert visitor.http.post("/play", data=WISH, headers={**OURS, "host": "evil.example"}).status_code == 421
    assert visitor.http.post("/play", content=b"x" * 99_999, headers=OURS).status_code == 400
    assert visitor.http.post("/play", json={"token": visitor.token}, headers=OURS).status_code == 400
    for path in ("/", "/run/fake/", "/playing", "/static/view.css"):
        assert visitor.http.post(path, data={"token": visitor.token}, headers=OURS).status_code == 405


def test_there_is_no_seat_where_others_can_reach_the_viewer(folder):
    for more in ({"names": ["desk"]}, {"anywhere": True}):
        asked = client(folder, **more)
        assert asked.get("/play").status_code == 404
        assert asked.post("/play", data=WISH, headers=OURS).status_code == 405
        assert "Take a seat" not in asked.get("/run/fake/").text
    assert "Take a seat" in client(folder).get("/run/fake/").text


def test_a_name_is_looked_up_and_never_a_path(visitor, folder):
    HOME.mkdir(parents=True)
    (HOME / "out").symlink_to(folder)
    for name in ("..%2F..%2Fwatched%2Ffake", "out", "nowhere", "%2Fetc%2Fpasswd"):
        assert visitor.http.get(f"/play/{name}").status_code == 404
        assert visitor.send(f"/play/{name}", do="return").status_code == 404
    assert "out" not in [kept.name for kept in seats.Seats().over()]


def test_no_page_shows_the_others_target_or_mind_before_the_end_and_all_words_are_text(visitor, monkeypatch):
    scenario = replace(case(7351, 9173), context={"Reason": "<img src=x onerror=alert(1)>"})
    monkeypatch.setattr(invitation, "invite", lambda *given: (invite(*given)[0], scenario))
    words = HOSTILE.replace("\x00", "")[:200]
    visitor.sit_down(seat="creditor", debtor="simulated")
    for said in (words, "7400", "what do you want?"):
        visitor.say(said)
        visitor.answer("yes")
    visitor.say("walk")
    before = list(visitor.seen)
    assert "You want 7351 days" in before[-1]
    assert not [page for page in before if re.search("9173|read as|mood|private notes", page)]
    visitor.answer("yes")
    assert "The other side wanted 9173 days" in visitor.page
    for page in visitor.seen:
        assert not re.search(r"<(img|iframe|script|object|style|base)\b", page)
        assert not re.search(r"<[^>]+\s(on\w+|style)=", page)


class Slow:
    """Thinks until it is told to go on; its server is down the second time."""

    go_on = threading.Event()
    down = True

    def choose(self, view, dice):
        if view.index == 2:
            self.go_on.wait(120)
            if Slow.down:
                raise ModelDown("no server at <that> address")


def test_a_slow_or_failing_other_side_holds_up_nobody_and_costs_nothing(visitor, monkeypatch):
    monkeypatch.setattr(human_match, "find_agent", lambda *_: replace(pair()[0], make_policy=Slow))
    monkeypatch.setattr(seats, "_PATIENCE", 0.05)
    visitor.sit_down()
    visitor.say("90")
    answer = visitor.http.post(
        visitor.address, data={"token": visitor.token, "stamp": visitor.field("stamp"), "do": "yes"}, headers=OURS
    )
    assert "The other side is thinking" in answer.text
    assert '<meta http-equiv="refresh"' in answer.text
    assert "90 days" in answer.text.split("<ol")[1]
    assert visitor.http.get("/run/fake/").status_code == 200
    Slow.go_on.set()
    visitor.open(visitor.address)
    assert "no server at <that> address" in visitor.text
    Slow.down = False
    visitor.answer("return")
    assert "Message 4 is yours" in visitor.text
    assert "90 days of yours" in visitor.text


def test_an_agent_of_ones_own_sits_across_and_only_where_it_can(folder):
    own = folder.parent.parent / "glad.py"
    own.write_text(GLAD, encoding="utf-8")
    spec = own.name
    visitor = Visitor(folder, across=[spec, "fixed:joy"])
    across = {
        seat: re.search(rf'<select name="{seat}">(.*?)</select>', visitor.page)[1] for seat in ("creditor", "debtor")
    }
    assert f">{spec}<" in across["creditor"]
    assert f">{spec}<" not in across["debtor"]
    assert ">fixed:joy<" in across["creditor"]
    visitor.sit_down(creditor=spec)
    visitor.say("80 days")
    visitor.answer("yes")
    assert "80 days of yours" in visitor.text
    assert only_talks().is_dir()


def test_nobody_is_named_from_outside(folder, visitor):
    (folder.parent.parent / "glad.py").write_text(GLAD, encoding="utf-8")
    visitor.sit_down(creditor="glad.py")
    assert visitor.status == 400
    assert "is none of" in visitor.text


def test_who_cannot_sit_across_is_refused_before_anything_is_shown(folder):
    for place, wrong, said in (
        (ServerAddress(), "nobody", "nobody"),
        (ServerAddress("0.0.0.0", anywhere=True), "vanilla", "--across needs"),
    ):
        with pytest.raises(PoiseError, match=said):
            serve([folder], place, browse=False, tell=pytest.fail, across=[wrong])
