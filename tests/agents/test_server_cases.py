"""Replies of servers as they were met in the field, each with the right value: none is charged to an agent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.ollama_server import Answer, StandIn, said
from helpers.paths import SHARED
from helpers.voice_fakes import request

from poise.agents.models.calls import Caller, CutReply
from poise.agents.models.endpoint import Question
from poise.agents.models.models import check_model, open_chat_model
from poise.agents.models.settings import ModelSettings
from poise.agents.models.text import clean_reply, without_thoughts
from poise.agents.voices.voice import ModelVoice
from poise.common.errors import ModelDown, ModelMissing
from poise.common.seeds import Dice
from poise.games.moves import FORFEIT, offer

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
FOLDER = SHARED / "cases"
SAID = "I can agree on 17 days."
ASK = Question([("system", "You are a creditor."), ("user", "I need 71 days.")], seed=7)


def openai(text: str | None = SAID, **message: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "tiny:1b", "choices": [choice]}


def json_answer(body: Any, status: int = 200) -> Answer:
    return Answer([body], status, content_type="application/json")


def given(case: dict[str, Any]) -> Answer:
    if "lines" in case:
        return Answer(case["lines"])
    return json_answer(case["body"], case["status"])


def case(file: str, name: str) -> dict[str, Any]:
    if not FOLDER.exists():
        pytest.skip("the cases are not beside the checkout")
    cases = json.loads((FOLDER / file).read_text(encoding="utf-8"))["cases"]
    return next(found for found in cases if found["id"].split()[0] == name)


def caller(server: StandIn, provider: str, **more: Any) -> tuple[Caller, list[float]]:
    pauses: list[float] = []
    address = server.address + ("/v1" if provider == "openai" else "")
    settings = ModelSettings(base_url=address, **{"patience": 1, "timeout": 60, **more})
    model = open_chat_model(f"{provider}:tiny:1b", settings)
    return Caller(model, settings, clock=lambda: sum(pauses), sleep=pauses.append), pauses


def spoken(server: StandIn, provider: str, move: Any = None) -> Any:
    asked = request(move, ("debtor", 90), target=10)
    return ModelVoice(caller(server, provider)[0], "policy" if move else "model").speak(asked, Dice(1))


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "name"), [("ollama", "S12b"), ("ollama", "S13"), ("ollama", "S11"), ("openai", "S12")]
)
def test_what_passes_is_tried_again_and_leaves_no_trace(file, name):
    good = Answer([said(SAID)]) if file == "ollama" else json_answer(openai())
    with StandIn([given(case(f"{file}_replies.json", name)), good]) as server:
        speech = spoken(server, file, offer(17))
    assert (speech.text, speech.wording.attempts, speech.wording.problems) == (SAID, 1, ())


@pytest.mark.data
@pytest.mark.parametrize(
    ("file", "name", "words", "tries"),
    [
        ("openai", "S8", "Provider returned error: upstream overloaded", 3),
        ("openai", "S10", "Only the default .* value is supported", 1),
        ("openai", "S3", "no such path .*Not Found.*ends in /v1", 1),
        ("ollama", "S14", "requires more system memory", 3),
    ],
)
def test_a_fault_of_the_server_is_raised_with_its_words_and_is_no_agents_message(file, name, words, tries):
    with StandIn([given(case(f"{file}_replies.json", name))]) as server:
        with pytest.raises(ModelDown, match=words):
            spoken(server, file, offer(17))
        assert len(server.asked) == tries


@pytest.mark.data
def test_a_reply_that_is_all_thoughts_names_the_limit_and_the_remedy():
    with StandIn([given(case("ollama_replies.json", "S5"))]) as server:
        with pytest.raises(
            CutReply, match="all thoughts and no message; raise max_tokens, or thinking where the model thinks"
        ):
            caller(server, "ollama")[0].ask(ASK)
        assert server.asked[0]["think"] is False


@pytest.mark.data
def test_of_content_in_blocks_the_text_is_said():
    with StandIn([given(case("openai_replies.json", "S7"))]) as server:
        assert caller(server, "openai")[0].ask(ASK).text == SAID


@pytest.mark.data
def test_a_refusal_is_told_in_its_words():
    with StandIn([given(case("openai_replies.json", "S21"))]) as server:
        problems = spoken(server, "openai", offer(17)).wording.problems
    assert problems == ("tiny:1b refused: 'I cannot help with that.'",) * 2


@pytest.mark.parametrize("text", [None, "", SAID])
def test_what_a_content_filter_withheld_is_told_and_never_said(text):
    body = openai(text) | {"usage": {"prompt_tokens": 30, "completion_tokens": 2, "total_tokens": 32}}
    body["choices"][0]["finish_reason"] = "content_filter"
    with StandIn([json_answer(body)]) as server:
        speech = spoken(server, "openai", offer(17))
    assert speech.wording.problems == ("tiny:1b's reply was withheld by its content filter",) * 2
    assert speech.wording.own_words
    assert (speech.move, speech.usage["prompt_tokens"]) == (offer(17), 60)


def test_a_refusal_counts_beside_words_too():
    with StandIn([json_answer(openai(SAID, refusal="I will not help to collect a debt."))]) as server:
        problems = spoken(server, "openai", offer(17)).wording.problems
    assert problems == ("tiny:1b refused: 'I will not help to collect a debt.'",) * 2


@pytest.mark.data
@pytest.mark.parametrize("name", ["T1", "T3", "T3b", "T0"])
def test_thoughts_are_never_said(name):
    lines = case("thoughts.json", name)["ollama_lines"]
    with StandIn([Answer(lines)]) as server:
        speech = spoken(server, "ollama")
    assert (speech.text, speech.move) == (SAID, offer(17))
    assert speech.wording.replies == ("".join(line["message"]["content"] for line in lines),)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>nginx</html>", "text/html"),
        ("", "application/json"),
        ("null", "application/json"),
        ("[]", "application/json"),
        ('{"choices": null}', "application/json"),
        ('{"choices": []}', "application/json"),
        ('{"error": "overloaded"}', "application/json"),
        ('data: {"choices": []}', "text/event-stream"),
        ("[" * 20_000, "application/json"),
    ],
)
@pytest.mark.parametrize("provider", ["ollama", "openai"])
def test_whatever_else_comes_is_the_servers_fault_and_tried_again(provider, body, kind):
    with StandIn([Answer([body], content_type=kind)]) as server:
        with pytest.raises(ModelDown):
            caller(server, provider)[0].ask(ASK)
        assert len(server.asked) == 3


@pytest.mark.parametrize("provider", ["ollama", "openai"])
def test_a_redirect_is_not_followed(provider, monkeypatch):
    with StandIn([Answer([], 307)]) as server, pytest.raises(ModelDown, match="redirects to another address"):
        caller(server, provider)[0].ask(ASK)
    assert len(server.asked) == 1


THOUGHT = "My private goal is 10 days."
FORMS = [
    f"<think>{THOUGHT}</think>{SAID}",
    f"<think>\n{THOUGHT}\n</think>\n\n{SAID}",
    f"{THOUGHT}</think>{SAID}",
    f"<thinking>{THOUGHT}</thinking>{SAID}",
    f"<thought>{THOUGHT}</thought>{SAID}",
    f"<reasoning>{THOUGHT}</reasoning>{SAID}",
    f"<THINK>{THOUGHT} <think>more</think></THINK>{SAID}",
    f'<think type="private">{THOUGHT}</think>{SAID}',
    f"[THINK]{THOUGHT}[/THINK]{SAID}",
    f"<|START_THINKING|>{THOUGHT}<|END_THINKING|>{SAID}",
    f"<|begin_of_thought|>{THOUGHT}<|end_of_thought|>{SAID}",
    f"<seed:think>{THOUGHT}</seed:think>{SAID}",
    f"\u25c1think\u25b7{THOUGHT}\u25c1/think\u25b7{SAID}",
    f"\uff1cthink\uff1e{THOUGHT}\uff1c/think\uff1e{SAID}",
    f"&lt;think&gt;{THOUGHT}&lt;/think&gt;{SAID}",
    f"<unused94>thought\n{THOUGHT}<unused95>{SAID}",
    f"<|channel>thought\n{THOUGHT}<channel|>{SAID}",
    f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{SAID}<|return|>",
    f"analysis{THOUGHT}assistantfinal{SAID}",
    f"Thoughts: {THOUGHT}\n\nFinal answer: {SAID}",
    f"**Thinking:** {THOUGHT}\n**Response:** {SAID}",
    f"Here is my thought process: {THOUGHT}\nHere is my response: {SAID}",
    f"{SAID} <think>{THOUGHT}</think>",
    f"{SAID}<think>{THOUGHT}",
]


@pytest.mark.parametrize("text", FORMS)
def test_every_known_form_of_a_thought_is_stripped(text):
    assert clean_reply(text) == SAID


@pytest.mark.parametrize(
    "text",
    [
        f"<think>{THOUGHT}",
        f"[THINK]{THOUGHT}",
        f"<|channel|>analysis<|message|>{THOUGHT}",
        f"<|start|>assistant<|channel|>commentary<|message|>{THOUGHT}",
        f"analysis{THOUGHT}",
        f"Thinking: {THOUGHT}",
    ],
)
def test_a_thought_alone_is_no_message(text):
    assert clean_reply(text) == ""
    with StandIn([Answer([said(text)])]) as server:
        speech = spoken(server, "ollama")
    assert speech.move == FORFEIT
    assert "10" not in speech.text


@pytest.mark.parametrize(
    "text", [SAID, "I think 17 days will do.", "In my analysis: 17 days.", "On reflection, 17 days."]
)
def test_words_without_thoughts_stay(text):
    assert without_thoughts(text).strip() == text


LISTED = {"object": "list", "data": [{"id": "deal-7b"}, {"id": "other:latest"}]}


class TestOpenAIsListOfModels:
    @pytest.mark.parametrize("name", ["deal-7b", "other", "other:latest"])
    def test_a_listed_model_is_there(self, name):
        with StandIn([json_answer(LISTED)]) as server:
            assert check_model(f"openai:{name}", ModelSettings(base_url=f"{server.address}/v1")) == ()
            assert server.paths == ["/v1/models"]

    def test_another_name_is_missing_and_the_nearest_is_named(self):
        with (
            StandIn([json_answer(LISTED)]) as server,
            pytest.raises(ModelMissing, match="no 'deal-7'; it has deal-7b"),
        ):
            check_model("openai:deal-7", ModelSettings(base_url=f"{server.address}/v1"))

    def test_a_server_without_a_list_is_taken_at_its_word(self):
        with StandIn([json_answer({"detail": "Not Found"}, 404)]) as server:
            assert check_model("openai:x", ModelSettings(base_url=server.address)) == ()

    def test_a_wrong_key_is_found(self):
        with StandIn([json_answer({"error": "no: sk-very-secret"}, 401)]) as server:
            settings = ModelSettings(base_url=server.address, api_key="sk-very-secret")
            with pytest.raises(ModelDown, match="set OPENAI_API_KEY") as caught:
                check_model("openai:x", settings)
        assert "sk-very-secret" not in str(caught.value)


def test_what_a_server_does_not_count_is_unknown():
    with StandIn([Answer([said(SAID)])]) as server:
        assert not {"cached_tokens", "evaluated_tokens"} & set(caller(server, "ollama")[0].ask(ASK).usage)
    with StandIn([json_answer(openai())]) as server:
        assert set(caller(server, "openai")[0].ask(ASK).usage) == {"calls", "model_seconds"}


@pytest.mark.parametrize("provider", ["ollama", "openai"])
def test_what_a_small_model_needs_is_sent_to_servers(provider):
    answer = Answer([said(SAID)]) if provider == "ollama" else json_answer(openai())
    with StandIn([answer]) as server:
        caller(server, provider, sampling="small")[0].ask(ASK)
    sent = server.asked[0].get("options", server.asked[0])
    assert (sent["temperature"], sent["min_p"], sent["repeat_last_n"], sent["stop"]) == (0.4, 0.1, 20, ["\n"])


def test_a_reply_that_runs_over_its_time_writes_nothing_to_the_terminal(capfd):
    slow = Answer([*[{"message": {"role": "assistant", "content": "word "}, "done": False}] * 30, said("")], pause=0.02)
    with StandIn([slow]) as server, pytest.raises(Exception, match="did not finish"):
        caller(server, "ollama", timeout=0.1)[0].ask(ASK)
    assert "callback" not in "".join(capfd.readouterr())
