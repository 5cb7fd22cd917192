"""LangSmith's tracing sends no prompt away unless Poise's user says so."""

from __future__ import annotations

import pytest
from helpers.voice_fakes import FakeModel
from langchain_core.messages import HumanMessage
from langsmith.utils import get_env_var, tracing_is_enabled

from poise.agents.models.calls import Caller
from poise.agents.models.endpoint import Question
from poise.agents.models.settings import ModelSettings
from poise.common.tracing import kept_here, tracing_remark


@pytest.fixture(params=["LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"])
def switched_on(request, monkeypatch):
    monkeypatch.setenv(request.param, "true")
    monkeypatch.delenv("POISE_TRACING", raising=False)
    get_env_var.cache_clear()
    yield request.param
    get_env_var.cache_clear()


def test_a_call_is_not_traced_and_one_is_told(switched_on):
    seen = []

    def reply(messages):
        seen.append(tracing_is_enabled())
        return "Fine."

    assert tracing_is_enabled()
    Caller(FakeModel(replies=[reply]), ModelSettings()).ask(Question([("user", "x")], 1))
    assert seen == [False]
    assert f"{switched_on} is set and has no effect here" in tracing_remark()


def test_who_allows_it_is_told_so_too(switched_on, monkeypatch):
    monkeypatch.setenv("POISE_TRACING", "1")
    with kept_here():
        assert tracing_is_enabled()
    assert "prompts and replies go to LangSmith" in tracing_remark()


def test_nothing_is_said_where_nothing_is_switched_on(monkeypatch):
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING"):
        monkeypatch.delenv(name, raising=False)
    assert tracing_remark() == ""
    assert FakeModel(replies=["Yes."]).invoke([HumanMessage("x")]).text == "Yes."
