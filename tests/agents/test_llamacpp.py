"""The provider of llama.cpp servers: slots, adapters and counters; against a stand-in, and against llama.cpp itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.ollama_server import QUESTION, Answer, StandIn, free_port

from poise.agents.models.adapters import Adapter
from poise.agents.models.calls import Caller, CutReply, Reply, open_caller
from poise.agents.models.embedded.weights import find_weights
from poise.agents.models.endpoint import Question
from poise.agents.models.models import check_model, parse_uri, uri_with_adapter
from poise.agents.models.providers import llamacpp
from poise.agents.models.settings import ModelSettings
from poise.agents.registry import find_agent
from poise.common.errors import ModelDown, ModelMissing

PROPS = {"total_slots": 2}
MODELS = {"data": [{"id": "/models/deal-7b.gguf", "aliases": ["deal"], "meta": {"n_params": 7_000_000_000}}]}
ADAPTER = Adapter("runs/jpo/adapter.gguf", "a" * 64, "deal-7b.gguf", "b" * 64)
LORAS = [{"id": 0, "path": "/far/sft/adapter.gguf", "scale": 0}, {"id": 1, "path": "/far/jpo/adapter.gguf", "scale": 0}]


def js(body: object, status: int = 200) -> Answer:
    return Answer([body], status, content_type="application/json")


def chat(**more: object) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", "content": "40 days."}, "finish_reason": "stop"}
    timings = {"cache_n": 20, "prompt_n": 10, "predicted_n": 6}
    usage = {"prompt_tokens": 30, "completion_tokens": 6, "total_tokens": 36}
    told = {"id": "1", "object": "chat.completion", "created": 1, "model": "deal", "choices": [choice]}
    return js({**told, "usage": usage, "timings": timings, **more})


def settings(address: str, **more: object) -> ModelSettings:
    return ModelSettings(base_url=address, **{"patience": 0, "timeout": 60, **more})


def test_a_conversation_keeps_its_slot_and_cached_tokens_are_counted():
    with StandIn([js(PROPS), js(LORAS), chat()]) as server:
        caller = open_caller("llamacpp:deal", settings(server.address))
        replies = [caller.ask(Question(QUESTION, 7, name)) for name in ("one", "two", "one", "two")]
    counted = replies[0].usage
    assert (counted["prompt_tokens"], counted["cached_tokens"], counted["evaluated_tokens"]) == (30, 20, 10)
    assert server.paths == ["/props", "/lora-adapters", *["/v1/chat/completions"] * 4]
    sent = server.asked[2:]
    slots = [body["id_slot"] for body in sent]
    assert slots[0] == slots[2] != slots[1] == slots[3]
    assert sent[0]["lora"] == [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 0.0}]
    assert (sent[0]["seed"], sent[0]["cache_prompt"]) == (7, True)
    assert sent[0]["chat_template_kwargs"] == {"enable_thinking": False}


def test_a_call_names_its_adapter_and_one_that_the_server_lacks_is_missing():
    assert uri_with_adapter(ADAPTER, "llamacpp:deal") == "llamacpp:deal"
    with StandIn([js(PROPS), js(LORAS), chat()]) as server:
        open_caller("llamacpp:deal", settings(server.address), ADAPTER).ask(Question(QUESTION, 7))
    assert server.asked[2]["lora"] == [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 1.0}]
    with StandIn([js(PROPS), js(LORAS[:1])]) as server, pytest.raises(ModelMissing, match="--lora runs/jpo/adapter"):
        open_caller("llamacpp:deal", settings(server.address), ADAPTER).ask(Question(QUESTION, 7))


def test_an_adapter_on_this_machine_is_known_by_its_checksum(tmp_path):
    other = tmp_path / "jpo" / "adapter.gguf"
    other.parent.mkdir()
    other.write_bytes(b"another adapter under the same name")
    loras = [{"id": 0, "path": str(other)}]
    with StandIn([js(PROPS), js(loras)]) as server, pytest.raises(ModelMissing, match="does not have the adapter"):
        open_caller("llamacpp:deal", settings(server.address), ADAPTER).ask(Question(QUESTION, 7))


def test_a_server_that_failed_is_asked_for_its_slots_again():
    answers = [js(PROPS), js(LORAS), js({"error": {"message": "loading"}}, 503), js(PROPS), js(LORAS), chat()]
    with StandIn(answers) as server:
        reply = open_caller("llamacpp:deal", settings(server.address, patience=5)).ask(Question(QUESTION, 7))
    assert reply.text == "40 days."
    assert server.paths.count("/props") == 2


def test_what_a_small_model_needs_is_sent():
    with StandIn([js(PROPS), js([]), chat()]) as server:
        open_caller("llamacpp:deal", settings(server.address, sampling="small")).ask(Question(QUESTION, 7))
    sent = server.asked[2]
    assert (sent["min_p"], sent["repeat_last_n"], sent["temperature"], sent["stop"]) == (0.1, 20, 0.4, ["\n"])


@pytest.mark.parametrize("name", ["deal", "deal-7b", "deal-7b.gguf", "/models/deal-7b.gguf"])
def test_the_server_must_have_the_model_by_that_name(name):
    with StandIn([js(MODELS)]) as server:
        assert check_model(f"llamacpp:{name}", settings(server.address)) == ()
        with pytest.raises(ModelMissing, match="has the model 'deal-7b', and not 'nonesuch'"):
            check_model("llamacpp:nonesuch", settings(server.address))


def test_a_small_model_without_its_sampling_is_remarked_on():
    small = {"data": [{**MODELS["data"][0], "meta": {"n_params": 135_000_000}}]}
    with StandIn([js(small)]) as server:
        (remark,) = check_model("llamacpp:deal", settings(server.address))
        assert "135 million parameters); --option sampling=small" in remark
        assert check_model("llamacpp:deal", settings(server.address, sampling="small")) == ()


def test_a_server_that_is_not_there_says_how_to_start_it():
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ModelDown, match=r"no llama.cpp server at .*llama-server -m FILE.gguf.*LLAMACPP_BASE_URL"):
        check_model("llamacpp:deal", settings(address))


def test_nothing_else_knows_the_provider():
    package = Path(llamacpp.__file__).parents[3]
    users = [path for path in package.rglob("*.py") if "LlamaCppProvider" in path.read_text(encoding="utf-8")]
    assert users == [Path(llamacpp.__file__)]
    assert parse_uri("llamacpp:deal") == (llamacpp.PROVIDER, "deal")


SERVER = """
import os, sys
os.environ["GOMP_SPINCOUNT"] = "1000"
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_parallel, params.n_ctx, params.n_threads_http = 2, 2048, 2
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.hostnames, params.port, params.verbosity = ["127.0.0.1"], 0, -1
params.ui = params.fit_params = params.warmup = False
params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(sys.argv[2], 0.0)]
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def whole_or_cut(caller: Caller, question: Question) -> Reply | CutReply:
    try:
        return caller.ask(question)
    except CutReply as cut:
        return cut


@pytest.mark.model
def test_a_real_server_keeps_slots_and_speaks_with_an_adapter():
    adapter = find_agent("emodistill", "creditor").adapter
    arguments = [sys.executable, "-c", SERVER, str(find_weights()), adapter.path]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        given = settings(process.stdout.readline().strip(), temperature=0.0, timeout=60, sampling="small")
        uri = "llamacpp:SmolLM2-135M-Instruct.Q4_1"
        assert check_model(uri, given, adapter) == ()
        tuned, plain = open_caller(uri, given, adapter), open_caller(uri, given)
        turns = [("system", "You are a creditor."), ("user", 'Say in your own words: "30 days."')]
        first, again = (whole_or_cut(tuned, Question(turns, 1, "tuned")) for _ in range(2))
        base = whole_or_cut(plain, Question(turns, 1, "plain"))
        process.stdin.close()
    assert first.text == again.text != base.text
    assert first.usage["cached_tokens"] == 0
    assert again.usage["evaluated_tokens"] == 1
    assert base.usage["evaluated_tokens"] == base.usage["prompt_tokens"]  # another's slot is of no use to it
