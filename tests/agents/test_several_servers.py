"""One model on several servers: negotiations are spread over them, and each keeps its own."""

from __future__ import annotations

import pytest

from poise.agents.models import calls
from poise.agents.models.calls import Reply, SpreadCaller, open_caller
from poise.agents.models.endpoint import Question
from poise.agents.models.models import check_model
from poise.agents.models.providers.ollama import OllamaProvider
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError, ModelMissing

HOSTS = "http://127.0.0.1:7, http://127.0.0.1:8"


@pytest.mark.parametrize("uri", ["ollama:x", "openai:x", "llamacpp:x"])
def test_negotiations_take_turns_and_stay_where_they_began(uri, monkeypatch):
    asked = []

    def ask(self, question):
        asked.append((question.conversation, self.endpoint.address))
        return Reply("45 days.")

    monkeypatch.setattr(calls.Caller, "ask", ask)
    caller = open_caller(uri, ModelSettings(base_url=HOSTS))
    assert isinstance(caller, SpreadCaller)
    for turn in range(3):
        for negotiation in "abcd":
            caller.ask(Question([("user", "x")], turn, f"{negotiation}/creditor"))
            caller.ask(Question([("user", "x")], turn, f"{negotiation}/debtor"))
    places = {negotiation: {at for name, at in asked if name[0] == negotiation} for negotiation in "abcd"}
    assert all(len(each) == 1 for each in places.values())
    used = [next(iter(each)) for each in places.values()]
    assert sorted(used.count(address) for address in set(used)) == [2, 2]


def test_the_environment_may_list_them_too(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:7,127.0.0.1:8")
    assert isinstance(open_caller("ollama:x", ModelSettings()), SpreadCaller)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:7")
    assert not isinstance(open_caller("ollama:x", ModelSettings()), SpreadCaller)


def test_every_server_is_checked_and_they_must_have_the_same_weights(monkeypatch):
    checked = []
    monkeypatch.setattr(
        OllamaProvider, "check", lambda _, name, given, adapter: checked.append(given.base_url) or ("small",)
    )
    monkeypatch.setattr(OllamaProvider, "digest", lambda _, name, given: "sha256:one")
    assert check_model("ollama:x", ModelSettings(base_url=HOSTS)) == ("small",)
    assert checked == ["http://127.0.0.1:7", "http://127.0.0.1:8"]
    monkeypatch.setattr(OllamaProvider, "digest", lambda _, name, given: f"sha256:{given.base_url}")
    with pytest.raises(ModelMissing, match="different weights under that name"):
        check_model("ollama:x", ModelSettings(base_url=HOSTS))


def test_a_password_in_any_of_them_is_refused():
    with pytest.raises(AgentError, match="holds a secret"):
        ModelSettings.from_options({"base_url": "http://a, http://me:word@b"})
