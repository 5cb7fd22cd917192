"""The optional cache of replies."""

from __future__ import annotations

import threading

import pytest
from helpers.voice_fakes import FakeModel

from poise.agents.models.cache import ReplyCache
from poise.agents.models.calls import Caller
from poise.agents.models.endpoint import Question
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError

TURNS = [("system", "You are the creditor."), ("user", "Well?")]


@pytest.fixture
def cache(tmp_path):
    found = ReplyCache(tmp_path / "replies.db")
    yield found
    found.close()


def test_the_same_question_is_asked_once(cache):
    model = FakeModel(replies=["one", "two"])
    asks = [Caller(model, ModelSettings(), cache).ask(Question(TURNS, seed=1)) for _ in range(2)]
    assert [reply.text for reply in asks] == ["one", "one"]
    assert len(model.asked) == 1
    assert asks[0].usage["calls"] == 1
    assert asks[1].usage == {"cache_hits": 1}


@pytest.mark.parametrize(
    ("settings", "question"),
    [
        (ModelSettings(), Question(TURNS, seed=2)),
        (ModelSettings(), Question([*TURNS, ("assistant", "x")], seed=1)),
        (ModelSettings(), Question(TURNS, seed=1, schema={"type": "object"})),
        (ModelSettings(max_tokens=9), Question(TURNS, seed=1)),
        (ModelSettings(temperature=0.1), Question(TURNS, seed=1)),
        (ModelSettings(extra=(("top_p", 0.5),)), Question(TURNS, seed=1)),
    ],
)
def test_another_draw_message_or_option_is_another_question(cache, settings, question):
    model = FakeModel(replies=["one", "{}"])
    Caller(model, ModelSettings(), cache).ask(Question(TURNS, seed=1))
    assert Caller(model, settings, cache).ask(question).text == "{}"


def test_another_model_is_another_question(cache):
    Caller(FakeModel(replies=["one"], name="a"), ModelSettings(), cache).ask(Question(TURNS, seed=1))
    assert (
        Caller(FakeModel(replies=["two"], name="b"), ModelSettings(), cache).ask(Question(TURNS, seed=1)).text == "two"
    )


def test_replies_outlive_the_process_that_asked(tmp_path):
    path = tmp_path / "replies.db"
    for _ in range(2):
        cache = ReplyCache(path)
        reply = Caller(FakeModel(replies=["\u201chello\u201d \x00 \ud83d"]), ModelSettings(), cache).ask(
            Question(TURNS, 1)
        )
        assert reply.text == "\u201chello\u201d \x00 \ud83d"
        cache.close()


def test_threads_share_a_cache(cache):
    def work(name: str) -> None:
        for number in range(10):
            cache.put([("user", name)], number, f"{name}{number}")
            assert cache.get([("user", name)], number) == f"{name}{number}"

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(cache.get([("user", name)], 9) == f"{name}9" for name in "abcd")


@pytest.mark.parametrize("content", [None, b"this is no database, whatever it says " * 100])
def test_a_file_that_cannot_be_used_is_refused(tmp_path, content):
    path = tmp_path / "missing" / "replies.db" if content is None else tmp_path / "replies.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AgentError, match=r"cannot be used.*name another file"):
        ReplyCache(path)
