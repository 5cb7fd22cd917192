"""What a model was asked and answered, try by try: kept in the transcript, and shown beside the very prompts."""

from __future__ import annotations

import json
import re

import pytest
from helpers.view_fakes import HOSTILE, client
from helpers.voice_fakes import FakeModel, request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_voice import speak

from poise.agents import voices
from poise.agents.models import models
from poise.agents.registry import find_agent
from poise.games.moves import offer
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import REPLY_CHARACTERS, Message, Outcome, Transcript, Wording
from poise.graphs import Pairing, PlaySettings
from poise.tournaments.human.match import HumanMatch, invite
from poise.tournaments.report.page import _compact_message
from poise.tournaments.view.prompts import prompt_of

ROLES = {"system": "system", "human": "user", "ai": "assistant"}
SENTENCE = re.compile(r'(?:Repeat|Finish) this sentence: "(.*?)"', re.DOTALL)
CASE = load_scenarios("builtin:debt:3")[0]


class Wayward:
    """Names a number that cannot be, every third time; else does as it is told."""

    calls = 0

    def __call__(self, messages):
        self.calls += 1
        if self.calls % 3 == 1:
            return "  I can do 99999 days, <b>friend</b>.  "
        asked = SENTENCE.search(messages[-1].content)
        if not asked:
            return "I can do 41 days."
        return asked[1] if "Repeat" in asked[0] else f"{asked[1]} 41 days."


@pytest.fixture
def model(monkeypatch):
    fake = FakeModel(replies=[Wayward()])
    monkeypatch.setattr(models, "open_chat_model", lambda *_: fake)
    voices._model_voice.cache_clear()
    yield fake
    voices._model_voice.cache_clear()


def test_each_try_keeps_what_the_model_said_as_it_came_and_what_it_was_told_was_wrong():
    said = ("I can wait 60 days.  ", 'Creditor: "Then 45 days."')
    speech, asked = speak(request(offer(45), ("debtor", 90)), *said)
    wording = speech.wording
    assert wording.replies == said
    assert speech.text == "Then 45 days."
    assert len(wording.complaints) == len(wording.problems) == 1
    assert f"\n\n{wording.complaints[0]} Repeat" in asked.asked[1][-1].content
    assert len(speech.tries) == 2
    assert {name: sum(one.get(name, 0) for one in speech.tries) for name in speech.usage} == speech.usage


def test_one_good_reply_is_kept_and_its_cost_told_once():
    speech, _ = speak(request(offer(45), ("debtor", 90)), "I need 45 days.")
    assert (speech.wording.replies, speech.wording.complaints) == (("I need 45 days.",), ())
    assert speech.tries == ()


@given(st.one_of(st.text(max_size=60), st.integers(1, 3).map(lambda times: "very long " * 300 * times)))
@settings(max_examples=30, deadline=None)
def test_replies_are_bounded_and_say_how_much_more_there_was(text):
    speech, _ = speak(request(offer(45), ("debtor", 90)), text)
    assert len(speech.wording.replies) == speech.wording.attempts
    for reply in speech.wording.replies:
        assert len(reply) <= REPLY_CHARACTERS + 40
        if len(text) <= REPLY_CHARACTERS:
            assert reply in (text, "")
        else:
            assert reply == f"{text[:REPLY_CHARACTERS]}\n[{len(text) - REPLY_CHARACTERS:,} more characters]"


def test_a_cut_reply_is_kept_whole_and_one_that_never_came_is_empty():
    speech, _ = speak(request(offer(45), ("debtor", 90)), ("I need 45 days. And then", "length"))
    assert speech.text == "I need the full payment in 45 days."
    assert speech.wording.replies == ("I need 45 days. And then",) * 2
    speech, _ = speak(request(offer(45), ("debtor", 90)), TimeoutError(), "45 days.")
    assert speech.wording.replies == ("", "45 days.")


@pytest.mark.parametrize("offers", ["policy", "model"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_viewer_shows_the_very_prompt_of_each_try_beside_its_reply(model, offers, seed):
    play = PlaySettings(model="ollama:recorder", offers=offers)
    played = Pairing(find_agent("eq-negotiator", "creditor"), find_agent("cheating", "debtor"), play).play(CASE, seed)
    transcript = Transcript.from_dict(json.loads(json.dumps(played.transcript.to_dict())))
    assert transcript == played.transcript
    usage = {"per_message": played.usage.per_message}
    sent = iter(list(model.asked))
    several = 0
    for message in transcript.messages:
        tries = prompt_of(transcript, message.index, usage)["tries"]
        several += len(tries) > 1
        assert len(tries) == message.wording.attempts
        for place, one in enumerate(tries):
            assert one["turns"] == [[ROLES[each.type], each.content] for each in next(sent)]
            assert one["reply"] == message.wording.replies[place]
            assert bool(one["problem"]) == (place < len(message.wording.problems))
            assert one["cost"].startswith("1 call")
    assert next(sent, None) is None
    assert several


def test_the_same_seed_keeps_the_same_replies_whatever_the_time(model):
    play = PlaySettings(model="ollama:recorder")
    pairing = Pairing(find_agent("vanilla", "creditor"), find_agent("angry", "debtor"), play)
    told = []
    for _ in range(2):
        model.replies = [Wayward()]
        told.append(json.dumps(pairing.play(CASE, 5).transcript.to_dict()))
    first, second = told
    assert first == second
    assert '"replies"' in first
    assert "seconds" not in first


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=2), st.integers(1, 2))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_replies_survive_json_and_older_transcripts_have_none(replies, complaints, attempts):
    wording = Wording(attempts, (), False, tuple(replies), tuple(complaints))
    message = Message(0, "creditor", "Hm.", offer(40), wording=wording)
    whole = Transcript(CASE, {"name": "a"}, {"name": "b"}, 1, {}, (message,), Outcome("timeout"))
    data = json.loads(json.dumps(whole.to_dict()))
    assert Transcript.from_dict(data) == whole
    old = data | {"version": 2}
    for one in old["messages"]:
        for name in ("replies", "complaints"):
            one.get("wording", {}).pop(name, None)
    read = Transcript.from_dict(old)
    assert (read.version, read.messages[0].wording.replies) == (2, ())
    assert read.to_dict() == old


def test_an_older_transcript_shows_the_first_prompt_and_says_what_was_not_kept(model):
    play = PlaySettings(model="ollama:recorder")
    whole = Pairing(find_agent("vanilla", "creditor"), find_agent("angry", "debtor"), play).play(CASE, 5).transcript
    data = whole.to_dict() | {"version": 2}
    for message in data["messages"]:
        for name in ("replies", "complaints"):
            message["wording"].pop(name, None)
    told = prompt_of(Transcript.from_dict(data), 0)
    assert "kept no raw replies" in told["note"]
    (one,) = told["tries"]
    assert one["turns"] == [[ROLES[each.type], each.content] for each in model.asked[0]]
    assert one["reply"] is None


def test_the_report_leaves_raw_replies_to_the_viewer():
    wording = Wording(2, ("no number",), True, (HOSTILE, HOSTILE), ("Say a number.",))
    whole = Transcript(
        CASE, {}, {}, 1, {}, (Message(0, "creditor", "Hm.", offer(40), wording=wording),), Outcome("timeout")
    )
    (message,) = whole.to_dict()["messages"]
    assert _compact_message(message)["wording"] == {"attempts": 2, "problems": ["no number"], "repaired": True}


def test_a_person_s_match_says_so_and_draws_the_person_s_nodes(tmp_path):
    config, scenario = invite("debtor", "vanilla", "builtin:debt:3", {"seed": 4})
    with HumanMatch.start(config, scenario, tmp_path / "mine") as match:
        match.session.start()
        match.session.answer("walk")
        match.session.answer("yes")
        match.store()
    asked = client(tmp_path / "mine")
    told = asked.get("/run/mine/match/0/prompt/1").json()
    assert told == {"note": "No model was asked for this message: a person wrote it.", "tries": []}
    page = asked.get("/run/mine/match/0").text
    steps = re.findall('data-step="(\\w+)"', page)
    assert steps == ["perceive", "feel", "decide", "speak", "perceive", "listen", "confirm", "say"]
    assert '<dd dir="auto">a person</dd>' in page
    graph = asked.get("/run/mine/match/0/graph").text
    nodes = re.findall('data-node="([^"]+)"', graph)
    assert {"creditor:speak", "debtor:listen", "debtor:confirm", "debtor:say"} <= set(nodes)
    assert "debtor:speak" not in nodes
