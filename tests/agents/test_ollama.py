"""Calls to servers: Ollama's exchanges replayed over the loopback, and every way in which a server can fail.

The stand-in answers as `ollama_server` says; where the reference data is at hand, the same tests run on exchanges that
were recorded with a real Ollama 0.6.8.
"""

from __future__ import annotations

import pytest
from helpers.ollama_server import (
    HANGS,
    MODEL,
    QUESTION,
    RECORDED,
    Answer,
    StandIn,
    answer,
    free_port,
    own_exchanges,
    part,
    recorded_exchanges,
    said,
)

from poise.agents.models.calls import Caller, CutReply, EmptyReply
from poise.agents.models.endpoint import Question
from poise.agents.models.models import check_model, open_chat_model
from poise.agents.models.settings import ModelSettings
from poise.common.errors import BadReply, ModelDown, ModelMissing, ModelTimeout, PoiseError

ASK = Question(QUESTION, seed=7)
SCHEMA = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}


class FakeTime:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def caller(address: str, *, provider: str = "ollama", name: str = MODEL, **settings) -> tuple[Caller, FakeTime]:
    fake = FakeTime()
    known = ModelSettings(
        **{"patience": 10.0, "timeout": 60.0, "api_key": "sk-very-secret", **settings}, base_url=address
    )
    model = open_chat_model(f"{provider}:{name}", known)
    return Caller(model, known, clock=fake.clock, sleep=fake.sleep), fake


@pytest.fixture(params=["own", pytest.param("recorded", marks=pytest.mark.data)])
def exchanges(request):
    if request.param == "own":
        return own_exchanges()
    if not RECORDED.exists():
        pytest.skip("the recorded exchanges are not beside the checkout")
    return recorded_exchanges()


class TestExchanges:
    def test_a_chat_gives_its_text_and_its_counters(self, exchanges):
        body = exchanges["chat"]["response"]["body"]
        with StandIn([answer(exchanges["chat"])]) as server:
            reply = caller(server.address)[0].ask(ASK)
        assert reply.text == body["message"]["content"]
        assert reply.usage["prompt_tokens"] == body["prompt_eval_count"]
        assert reply.usage["reply_tokens"] == body["eval_count"]
        assert reply.usage["calls"] == 1

    def test_a_streamed_chat_is_put_together(self, exchanges):
        lines = exchanges["chat_stream"]["response"]["body"]
        whole = [*lines[:-1], {**lines[-1], "done_reason": "stop"}]
        with StandIn([Answer(whole)]) as server:
            reply = caller(server.address)[0].ask(ASK)
        assert reply.text == "".join(line["message"]["content"] for line in lines)

    @pytest.mark.parametrize("name", ["chat_length", "chat_stream"])
    def test_a_reply_that_was_cut_is_an_error_that_holds_what_there_is(self, exchanges, name):
        body = exchanges[name]["response"]["body"]
        lines = body if isinstance(body, list) else [body]
        with StandIn([answer(exchanges[name])]) as server, pytest.raises(CutReply, match="raise max_tokens") as caught:
            caller(server.address)[0].ask(ASK)
        assert caught.value.text == "".join(line["message"]["content"] for line in lines)
        assert caught.value.usage["reply_tokens"] == lines[-1]["eval_count"]

    def test_json_that_was_cut_is_no_reply(self, exchanges):
        question = Question(QUESTION, 7, schema=exchanges["chat_schema"]["request"]["json"]["format"])
        with StandIn([answer(exchanges["chat_schema"])]) as server, pytest.raises(BadReply):
            caller(server.address)[0].ask_json(question)

    def test_a_missing_model_names_the_command_that_gets_it(self, exchanges):
        name = exchanges["chat_missing"]["request"]["json"]["model"]
        with StandIn([answer(exchanges["chat_missing"])]) as server:
            ask, fake = caller(server.address, name=name)
            with pytest.raises(ModelMissing, match=f"`ollama pull {name}`"):
                ask.ask(ASK)
        assert fake.pauses == []

    def test_a_refused_request_is_an_error_with_the_servers_words(self, exchanges):
        with StandIn([answer(exchanges["chat_bad"])]) as server:
            ask, fake = caller(server.address)
            with pytest.raises(ModelDown, match=r"\(400\).*cannot unmarshal"):
                ask.ask(ASK)
        assert fake.pauses == []

    def test_asking_whether_a_model_is_there(self, exchanges):
        with StandIn([answer(exchanges["show"]), answer(exchanges["show_missing"])]) as server:
            settings = ModelSettings(base_url=server.address)
            check_model(f"ollama:{MODEL}", settings)
            with pytest.raises(ModelMissing, match=f"`ollama pull {MODEL}`"):
                check_model(f"ollama:{MODEL}", settings)
            assert server.paths == ["/api/show", "/api/show"]


class TestWhatIsSent:
    def test_settings_draw_and_messages_reach_ollama(self):
        with StandIn([Answer([said("40 days.")])]) as server:
            ask, _ = caller(server.address, context=2048, max_tokens=33, keep_alive="3m", extra=(("top_p", 0.5),))
            ask.ask(ASK)
        (sent,) = server.asked
        assert sent["messages"] == [{"role": role, "content": text} for role, text in QUESTION]
        assert sent["options"] == {"num_ctx": 2048, "num_predict": 33, "temperature": 0.7, "top_p": 0.5, "seed": 7}
        assert (sent["model"], sent["keep_alive"]) == (MODEL, "3m")

    @pytest.mark.parametrize(("thinking", "sent", "most"), [(None, False, 48), (0, False, 48), (500, True, 548)])
    def test_thoughts_are_off_or_have_a_budget_of_their_own(self, thinking, sent, most):
        with StandIn(
            [Answer([said("40 days.", message={"role": "assistant", "content": "40 days.", "thinking": "Hm"})])]
        ) as server:
            reply = caller(server.address, thinking=thinking)[0].ask(ASK)
        assert reply.text == "40 days."
        assert (server.asked[0]["think"], server.asked[0]["options"]["num_predict"]) == (sent, most)

    @pytest.mark.parametrize(
        ("thinking", "kwargs", "most"),
        [(None, None, 48), (0, {"enable_thinking": False}, 48), (500, {"enable_thinking": True}, 548)],
    )
    def test_another_server_is_told_of_thoughts_only_where_that_is_set(self, thinking, kwargs, most):
        with StandIn([_openai_reply("40 days.")]) as server:
            caller(f"{server.address}/v1", provider="openai", thinking=thinking)[0].ask(ASK)
        assert (server.asked[0].get("chat_template_kwargs"), server.asked[0]["max_tokens"]) == (kwargs, most)

    @pytest.mark.parametrize("provider", ["ollama", "openai"])
    def test_a_reply_of_fixed_form_has_room_for_it(self, provider):
        good = Answer([said('{"days": 40}')]) if provider == "ollama" else _openai_reply('{"days": 40}')
        with StandIn([good]) as server:
            address = server.address + ("/v1" if provider == "openai" else "")
            caller(address, provider=provider, thinking=100)[0].ask(Question(QUESTION, 7, schema=SCHEMA, room=24))
        sent = server.asked[0]
        assert sent.get("max_tokens", sent.get("options", {}).get("num_predict")) == 48 + 100 + 24

    def test_a_seed_in_the_settings_replaces_the_draw(self):
        with StandIn([Answer([said("40 days.")])]) as server:
            caller(server.address, seed=99)[0].ask(ASK)
        assert server.asked[0]["options"]["seed"] == 99

    def test_a_schema_reaches_ollama_and_the_reply_comes_as_data(self):
        with StandIn([Answer([said('{"days": 40}')])]) as server:
            data = caller(server.address)[0].ask_json(Question(QUESTION, 7, schema=SCHEMA))
        assert data == {"days": 40}
        assert server.asked[0]["format"] == SCHEMA

    def test_an_openai_compatible_server_gets_its_own_form(self):
        with StandIn([_openai_reply("40 days.")]) as server:
            reply = caller(f"{server.address}/v1", provider="openai")[0].ask(ASK)
        assert (reply.text, reply.usage["cached_tokens"], reply.usage["evaluated_tokens"]) == ("40 days.", 20, 10)
        sent = server.asked[0]
        assert server.paths == ["/v1/chat/completions"]
        assert (sent["seed"], sent["max_tokens"], sent["temperature"]) == (7, 48, 0.7)
        assert sent["messages"] == [{"role": role, "content": text} for role, text in QUESTION]


def _openai_reply(text: str, reason: str = "stop") -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    usage = {
        "prompt_tokens": 30,
        "completion_tokens": 6,
        "total_tokens": 36,
        "prompt_tokens_details": {"cached_tokens": 20},
    }
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice], "usage": usage}
    return Answer([body], content_type="application/json")


class TestFailures:
    @pytest.mark.parametrize("text", ['{"days": "many"}', "{}", "[]", "forty days", '{"days": 4'])
    def test_json_that_does_not_follow_its_schema(self, text):
        with StandIn([Answer([said(text)])]) as server, pytest.raises(BadReply, match="asked for JSON"):
            caller(server.address)[0].ask_json(Question(QUESTION, 7, schema=SCHEMA))

    @pytest.mark.parametrize("text", ["", "  \n "])
    def test_an_empty_reply(self, text):
        with StandIn([Answer([said(text)])]) as server, pytest.raises(EmptyReply, match="empty reply"):
            caller(server.address)[0].ask(ASK)

    def test_a_server_that_is_down_is_tried_as_long_as_patience_lasts(self):
        address = f"http://127.0.0.1:{free_port()}"
        ask, fake = caller(address, patience=4.0)
        with pytest.raises(ModelDown, match=f"no Ollama at {address}; start it with `ollama serve`"):
            ask.ask(ASK)
        assert fake.pauses == [0.25, 0.5, 1.0, 2.0]
        assert sum(fake.pauses) <= 4.0

    def test_asking_for_a_model_where_no_server_is(self):
        settings = ModelSettings(base_url=f"http://127.0.0.1:{free_port()}")
        with pytest.raises(ModelDown, match="ollama serve"):
            check_model(f"ollama:{MODEL}", settings)

    def test_a_failing_server_that_recovers_is_no_failure(self):
        failing = Answer([{"error": "out of memory"}], 500)
        with StandIn([failing, failing, Answer([said("40 days.")])]) as server:
            ask, fake = caller(server.address)
            assert ask.ask(ASK).text == "40 days."
        assert fake.pauses == [0.25, 0.5]

    def test_a_server_that_keeps_failing_is_down(self):
        with StandIn([Answer([{"error": "out of memory"}], 500)]) as server:
            ask, _ = caller(server.address, patience=1.0)
            with pytest.raises(ModelDown, match=r"fails \(500\): .*out of memory"):
                ask.ask(ASK)
        assert len(server.asked) == 3

    def test_pauses_grow_to_a_limit(self):
        with StandIn([Answer([{"error": "busy"}], 503)]) as server:
            ask, fake = caller(server.address, patience=40.0)
            with pytest.raises(ModelDown):
                ask.ask(ASK)
        assert fake.pauses == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]

    def test_an_error_in_the_middle_of_a_stream_is_tried_again(self):
        broken = Answer([part("Pay "), {"error": "model runner stopped"}])
        with StandIn([broken, Answer([said("40 days.")])]) as server:
            assert caller(server.address)[0].ask(ASK).text == "40 days."

    @pytest.mark.parametrize("broken", [True, False])
    def test_a_stream_that_ends_early_is_tried_again(self, broken):
        with StandIn([Answer([part("Pay ")], broken=broken), Answer([said("40 days.")])]) as server:
            assert caller(server.address)[0].ask(ASK).text == "40 days."

    def test_an_answer_that_is_not_ollamas(self):
        with StandIn([Answer(["<html>hello</html>"])]) as server, pytest.raises(ModelDown, match="unreadable reply"):
            caller(server.address, patience=1)[0].ask(ASK)
        assert len(server.asked) == 3

    def test_a_server_that_hangs_is_given_up(self):
        late = Answer([said("40 days.")], pause=HANGS)
        with StandIn([late]) as server, pytest.raises(ModelTimeout, match="raise timeout"):
            caller(server.address, timeout=0.2)[0].ask(ASK)

    def test_the_deadline_counts_the_whole_reply_and_not_the_gaps(self):
        slow = Answer([*[part("word ")] * 40, said("")], pause=0.05)
        with StandIn([slow]) as server, pytest.raises(ModelTimeout):  # no gap is too long, the whole stream is
            caller(server.address, timeout=0.25)[0].ask(ASK)

    def test_no_error_of_a_library_gets_out(self):
        class Strange(Exception):
            pass

        ask, _ = caller("http://127.0.0.1:1")
        explained, again = ask.provider.explain(Strange("what now"), ask.endpoint)
        assert isinstance(explained, PoiseError)
        assert not again
        assert "what now" in str(explained)


class TestOpenAIFailures:
    def test_down(self):
        address = f"http://127.0.0.1:{free_port()}/v1"
        ask, fake = caller(address, provider="openai", patience=1.0)
        with pytest.raises(ModelDown, match=f"no server at {address}"):
            ask.ask(ASK)
        assert fake.pauses == [0.25, 0.5]

    @pytest.mark.parametrize(
        ("status", "error", "words"),
        [
            (404, ModelMissing, "has no 'tiny:1b'"),
            (401, ModelDown, "refuses the key"),
            (400, ModelDown, r"\(400\)"),
        ],
    )
    def test_refusals_are_not_tried_again(self, status, error, words):
        body = Answer([{"error": {"message": "no: sk-very-secret"}}], status, content_type="application/json")
        with StandIn([body]) as server:
            ask, fake = caller(f"{server.address}/v1", provider="openai")
            with pytest.raises(error, match=words) as caught:
                ask.ask(ASK)
        assert fake.pauses == []
        assert "sk-very-secret" not in str(caught.value)

    @pytest.mark.parametrize("status", [429, 500])
    def test_failures_that_pass(self, status):
        body = Answer([{"error": {"message": "later"}}], status, content_type="application/json")
        with StandIn([body, _openai_reply("40 days.")]) as server:
            ask, fake = caller(f"{server.address}/v1", provider="openai")
            assert ask.ask(ASK).text == "40 days."
        assert fake.pauses == [0.25]

    def test_cut_and_empty_and_late(self):
        with StandIn([_openai_reply("Pay it", "length"), _openai_reply("")]) as server:
            ask, _ = caller(f"{server.address}/v1", provider="openai")
            with pytest.raises(CutReply):
                ask.ask(ASK)
            with pytest.raises(EmptyReply):
                ask.ask(ASK)
        late = Answer(_openai_reply("40 days.").lines, pause=HANGS)
        with StandIn([late]) as server, pytest.raises(ModelTimeout):
            caller(f"{server.address}/v1", provider="openai", timeout=0.2)[0].ask(ASK)
