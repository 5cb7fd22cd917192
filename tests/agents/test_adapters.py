"""Adapters at play: whose words they tune, one at a time in the engine, and never another's cache."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.tournament_fakes import config, scenarios
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage, SystemMessage

from poise.agents.artifact import ADAPTER, Artifact, save_artifact
from poise.agents.builtin import built_in
from poise.agents.models.adapters import Adapter
from poise.agents.models.embedded import engine as engines
from poise.agents.models.embedded import shared
from poise.agents.models.embedded.engine import Engine, Retired
from poise.agents.models.embedded.folder import find_model
from poise.agents.models.embedded.shared import Speaker, close_engines, expect_adapter, shared_engine
from poise.agents.models.embedded.slots import SlotBook, Turns
from poise.agents.models.embedded.weights import SMOLLM2_WEIGHTS, find_weights
from poise.agents.models.endpoint import Endpoint
from poise.agents.models.models import check_model, open_chat_model
from poise.agents.models.settings import ModelSettings
from poise.agents.registry import find_agent, list_agents
from poise.agents.voices import open_voice
from poise.common.errors import AgentError, ModelError, ModelMissing
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import Entrant, build_schedule, enter
from poise.tournaments.workers.queue import TaskQueue

SMOLLM2 = {"name": SMOLLM2_WEIGHTS.file, "sha256": SMOLLM2_WEIGHTS.sha256}


def agent_folder(folder: Path, policy: str = "fixed:joy", content: bytes = b"lora", **declared) -> str:
    """A trained agent whose adapter's file is not read by anybody here."""
    folder.mkdir()
    (folder / ADAPTER).write_bytes(content)
    adapter = {"sha256": hashlib.sha256(content).hexdigest(), "base": SMOLLM2, "ollama": None, **declared}
    save_artifact(Artifact("policy", {"name": policy}, adapter=adapter, seats=("creditor", "debtor")), folder)
    return str(folder)


@pytest.fixture
def jpo(tmp_path):
    return agent_folder(tmp_path / "jpo", content=b"jpo", ollama={"model": "deal", "base": "smol:135m"})


@pytest.fixture
def sft(tmp_path):
    return agent_folder(tmp_path / "sft", "fixed:anger", content=b"sft")


def shown(spec: str) -> str | None:
    """The emotion that an agent shows, whatever happens."""
    return find_agent(spec, "creditor").make_policy().choose(None, None)


# --- the settings


def test_the_four_ablations_are_settings(jpo, sft):
    own = {"jpo": hashlib.sha256(b"jpo").hexdigest()[:16], "sft": hashlib.sha256(b"sft").hexdigest()[:16]}
    for spec, emotion, adapter in [
        (jpo, "joy", "jpo"),
        (f"{jpo},adapter={sft}", "joy", "sft"),
        (f"{jpo},adapter=none", "joy", None),
        (f"{jpo},emotion=none", None, "jpo"),
        (f"{jpo},emotion={sft}", "anger", "jpo"),
        (f"{jpo},emotion=fear,adapter=none@embedded:smollm2", "fear", None),
    ]:
        agent = find_agent(spec, "creditor")
        assert shown(spec) == emotion
        assert (agent.adapter and agent.adapter.key) == own.get(adapter)
        assert agent.declared()["settings"]["adapter"] == (own[adapter] if adapter else "none")


def test_any_agent_of_either_seat_may_have_another_ones_adapter_or_emotions(sft):
    assert find_agent(f"vanilla,adapter={sft}", "creditor").adapter == find_agent(sft, "debtor").adapter
    assert find_agent(f"angry,adapter={sft}", "debtor").persona.name == "angry"
    assert shown(f"vanilla,emotion={sft}") == "anger"
    assert find_agent("vanilla,emotion=oracle", "creditor").privileged
    assert not find_agent("oracle,emotion=none", "creditor").privileged


def test_an_agents_own_engine_can_be_named(tmp_path):
    save_artifact(Artifact("policy", {"name": "fixed:joy"}), tmp_path / "own")
    assert shown(f"{tmp_path / 'own'},emotion=policy") == "joy"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("emotion=joyful", "use none, one of the 28 emotions"),
        ("emotion=iql", "or policy, or the folder"),
        ("emotion=fixed:x", "'x' is not an emotion"),
        ("emotion=", "emotion=NAME"),
        ("adapter=runs/missing", "runs/missing is no trained agent"),
        ("adapter={policy_only}", "has a policy and no adapter"),
        ("voice=loud", "adapter=DIR"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(tmp_path, jpo, setting, told):
    save_artifact(Artifact("policy", {"name": "fixed:joy"}), tmp_path / "policy")
    with pytest.raises(AgentError, match=told):
        find_agent(f"{jpo},{setting.format(policy_only=tmp_path / 'policy')}", "creditor")


def test_a_trained_agent_that_ships_with_poise_is_found_by_its_name(tmp_path, monkeypatch, sft):
    monkeypatch.setattr("poise.agents.trained.PACKAGED", tmp_path)
    (tmp_path / "sft" / "about.md").write_text("trained in a test\n")
    built_in.cache_clear()
    try:
        for seat in ("creditor", "debtor"):
            agent = find_agent("sft,adapter=none", seat)
            assert agent.name == "sft,adapter=none"
            assert agent.declared()["settings"]["artifact"]
            listed = {each.name: each.summary for each in list_agents() if each.seat == seat}
            assert listed["sft"] == "trained in a test"
        with pytest.raises(AgentError, match="takes no argument"):
            find_agent("sft:joy", "creditor")
    finally:
        built_in.cache_clear()


# --- which model speaks


def test_an_agent_with_an_adapter_speaks_with_a_model_that_has_it(jpo, sft):
    tuned, plain = find_agent(jpo, "creditor"), find_agent(sft, "creditor")
    assert tuned.model_in("scripted") == tuned.model_in("embedded:smollm2") == "embedded:smollm2"
    assert tuned.model_in("ollama:smol:135m") == tuned.model_in("ollama:deal") == "ollama:deal"
    assert find_agent(f"{sft}@openai:served", "creditor").model_in("openai:base") == "openai:served"
    assert find_agent(f"{sft},adapter=none", "creditor").model_in("openai:base") == "openai:base"
    for agent, model in ((tuned, "ollama:other"), (plain, "ollama:smol:135m")):
        with pytest.raises(AgentError, match=r"is not on ollama:.*AGENT@ollama:NAME"):
            agent.model_in(model)
    with pytest.raises(AgentError, match=r"which model of the server .*AGENT@openai:NAME"):
        plain.model_in("openai:base")


def test_an_adapter_of_another_base_is_refused_before_the_engine_starts(tmp_path):
    other = agent_folder(tmp_path / "other", base={"name": "big.gguf", "sha256": "0" * 64})
    adapter = find_agent(other, "creditor").adapter
    with pytest.raises(AgentError, match=r"belongs to big\.gguf .*and embedded:smollm2 is SmolLM2"):
        open_voice("embedded:smollm2", adapter=adapter)


def test_an_artifact_that_does_not_say_its_base_is_refused(tmp_path):
    with pytest.raises(AgentError, match="does not say what its adapter is"):
        find_agent(agent_folder(tmp_path / "x", base=None), "creditor")


def test_the_adapter_is_part_of_a_matchs_identity_and_of_a_cached_replys(jpo, sft):
    labels = [jpo, f"{jpo},adapter={sft}", f"{jpo},adapter=none", f"{jpo},emotion=none"]
    settings = make_config({"creditors": labels, "debtors": ["vanilla"], "model": "embedded:smollm2"})
    plan = build_schedule(settings, *enter(settings), scenarios(1))
    assert len({match.id for match in plan.matches}) == len(labels)
    adapters = [find_agent(each, "creditor").adapter for each in (jpo, sft)]
    names = {Endpoint.of(open_chat_model("embedded:smollm2", None, each)).name for each in [*adapters, None]}
    assert len(names) == 3


# --- turns and slots


@given(
    calls=st.lists(st.tuples(st.sampled_from("AB "), st.integers(1, 5)), min_size=1, max_size=30),
    slots=st.integers(1, 4),
)
def test_one_adapter_runs_at_a_time_and_every_call_has_its_turn(calls, slots):
    """A simulation by hand: calls arrive one by one, and each runs for some steps once it may begin."""
    turns, running, waiting, arrivals = Turns(), {}, [], list(calls)
    finished = 0
    for _ in range(sum(length for _, length in calls) + 2 * len(calls) + 2):
        if arrivals:
            adapter, length = arrivals.pop(0)
            waiting.append((turns.arrive(adapter), adapter, length))
        for call in list(waiting):
            number, adapter, length = call
            if len(running) < slots and turns.may_begin(number):
                turns.begin(number)
                running[number] = [adapter, length]
                waiting.remove(call)
        assert len({adapter for adapter, _ in running.values()}) <= 1
        assert running or not waiting
        for number in [number for number, call in running.items() if call[1] == 1]:
            del running[number]
            turns.running -= 1
            finished += 1
        for call in running.values():
            call[1] -= 1
    assert finished == len(calls)


def test_calls_that_wait_for_another_adapter_begin_together_and_none_overtakes_them():
    turns = Turns()
    first = turns.arrive("A")
    turns.begin(first)
    others = [turns.arrive("B"), turns.arrive("B")]
    late = turns.arrive("A")
    assert not any(turns.may_begin(number) for number in (*others, late))
    turns.running = 0
    assert not turns.may_begin(late)
    for number in others:
        assert turns.may_begin(number)
        turns.begin(number)
    assert not turns.may_begin(late)
    latest = turns.arrive("B")  # after the turn began, with an A waiting
    assert not turns.may_begin(latest)


def test_without_adapters_nobody_waits_for_a_turn():
    turns = Turns()
    for _ in range(5):
        number = turns.arrive("")
        assert turns.may_begin(number)
        turns.begin(number)


def test_a_new_conversation_takes_an_old_slot_with_its_own_adapter():
    book, soon = SlotBook(4), time.monotonic() + 60
    for name, adapter in (("1", "A"), ("2", "B"), ("3", "A"), ("4", "B")):
        with book.slot(name, soon, adapter):
            pass
    with book.slot("5", soon, "B") as slot:
        assert slot == 1  # 2's: of the two oldest, the one with B
    with book.slot("3", soon, "A") as slot:
        assert slot == 2  # its own


def test_a_call_that_gives_up_lets_the_others_go_on():
    book = SlotBook(2)
    with book.slot("1", time.monotonic() + 60, "A"):
        with pytest.raises(ModelError, match="became free in time"), book.slot("2", time.monotonic() + 0.01, "B"):
            pass
        with book.slot("3", time.monotonic() + 60, "A"):
            pass


@given(st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=5), st.integers(1, 4))
def test_pairs_with_the_same_adapters_are_handed_out_together(adapters, cases):
    """Whole groups, one after the other, each level in itself; nothing is left out."""
    settings = config(len(adapters), 2, model="embedded:smollm2")
    own = [Adapter("x", each * 64, "base", "") if each else None for each in adapters]
    sides = [
        [
            Entrant(label, seat, {"name": label, "model": settings.model}, adapter=adapter)
            for label, adapter in zip(labels, tuned, strict=True)
        ]
        for seat, labels, tuned in (("creditor", settings.creditors, own), ("debtor", settings.debtors, [None, None]))
    ]
    plan = build_schedule(settings, *sides, scenarios(cases))
    queue, played = TaskQueue.of(plan, {}), []
    while task := queue.take(1):
        played.append(task.pair)
    keys = [plan.tuned(pair) for pair in played]
    assert len(played) == len(plan.matches)
    assert sum(now != then for now, then in zip(keys[1:], keys, strict=False)) == len(set(keys)) - 1


# --- the engine


class FakeServer:
    """Answers with the adapter it was asked for."""

    def __init__(self, adapters):
        self.adapters = adapters

    def handle_chat_completions(self, request, listen):
        assert [each["id"] for each in request["lora"]] == list(range(len(self.adapters)))  # each is told of
        spoken = [Path(path).name for path, each in zip(self.adapters, request["lora"], strict=True) if each["scale"]]
        text = spoken[0] if spoken else "base"
        listen({"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]})


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Every engine start: the adapters' files."""
    found = []

    def start(_weights, _size, adapters, **_):
        found.append([Path(path).name for path in adapters])
        return FakeServer(adapters)

    monkeypatch.setattr(engines, "start", start)
    monkeypatch.setattr(shared, "playable", lambda model, _: model.path)
    monkeypatch.setattr(shared, "engine_cores", lambda: 1)
    monkeypatch.setattr(shared, "_pools", {})
    monkeypatch.setattr(shared, "_adapters", {})
    return found


def known(tmp_path, *names):
    for name in names:
        (tmp_path / name).write_bytes(b"lora")
        expect_adapter(name, str(tmp_path / name), find_model("smollm2"))


def say(adapter="", engine=None):
    speaker = engine or Speaker(ModelSettings(), adapter)
    return speaker.chat({"messages": []}, "", time.monotonic() + 60).text


def test_adapters_that_are_known_are_loaded_at_once_and_each_call_has_its_own(started, tmp_path):
    known(tmp_path, "one", "two")
    assert [say(each) for each in ("two", "", "one", "two")] == ["two", "base", "one", "two"]
    assert started == [["one", "two"]]


def test_an_adapter_that_comes_later_has_the_engine_started_anew_and_nobody_notices(started, tmp_path):
    known(tmp_path, "one")
    early = shared_engine(ModelSettings())
    assert say("one") == "one"
    known(tmp_path, "two")
    assert say("two") == "two"
    assert started == [["one"], ["one", "two"]]
    with pytest.raises(Retired):
        say(engine=early)
    assert say("one") == "one"


def test_calls_in_flight_are_let_through_before_the_engine_starts_anew(started, tmp_path):
    known(tmp_path, "one")
    begun, go_on = threading.Event(), threading.Event()

    def slowly(_text):
        begun.set()
        return not go_on.wait(60)

    def in_two(_request, listen):
        listen({"choices": [{"delta": {"content": "whole"}}]})
        listen({"choices": [{"delta": {}, "finish_reason": "stop"}]})

    engine = shared_engine(ModelSettings())
    engine._server.handle_chat_completions = in_two
    with ThreadPoolExecutor(2) as pool:
        call = pool.submit(engine.chat, {"messages": []}, "", time.monotonic() + 60, slowly)
        assert begun.wait(60)
        known(tmp_path, "two")
        later = pool.submit(say, "two")
        go_on.set()
        assert call.result().text == "whole"
        assert later.result() == "two"


def test_an_adapter_whose_file_is_gone_is_refused_and_the_others_play_on(started, tmp_path):
    known(tmp_path, "one", "two")
    (tmp_path / "one").unlink()
    with pytest.raises(ModelMissing, match="one is no longer there; export it again"):
        say("one")
    assert say("two") == "two"
    assert say() == "base"


def test_llama_cpp_would_ignore_an_adapter_that_it_does_not_know_and_so_it_is_never_asked(started, tmp_path):
    engine = Engine(tmp_path, 1, 256, 1, {"one": "one"})
    with pytest.raises(KeyError):
        engine.chat({"messages": []}, "", time.monotonic() + 60, None, "two")


# --- the real engine


@pytest.fixture(scope="module")
def adapters(tmp_path_factory):
    """Two random adapters for the embedded model, large enough that replies change."""
    gguf = pytest.importorskip("gguf")
    import numpy as np

    folder = tmp_path_factory.mktemp("adapters")
    paths = {}
    for seed, name in enumerate(("one", "two")):
        dice = np.random.default_rng(seed)
        writer = gguf.GGUFWriter(str(folder / name), "llama")
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", 8.0)
        for block in range(30):
            for matrix, rows in (("attn_q", 576), ("attn_v", 192)):
                for side, shape, size in (("a", (4, 576), 0.05), ("b", (rows, 4), 0.3)):
                    values = dice.normal(0, size, shape).astype(np.float32)
                    writer.add_tensor(f"blk.{block}.{matrix}.weight.lora_{side}", values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        paths[name] = str(folder / name)
    return paths


PROMPT = [SystemMessage("You are a creditor. Reply in one short sentence."), HumanMessage("I need 71 days to repay.")]


def reply(engine: Engine, adapter: str, conversation: str = "same") -> tuple[str, int]:
    """A greedy reply, and how many tokens of its prompt came from the cache."""
    body = open_chat_model("embedded:smollm2", ModelSettings(temperature=0.0, max_tokens=10)).body(PROMPT)
    done = engine.chat(body, conversation, time.monotonic() + 120, None, adapter)
    return done.text, int(done.timings.get("cache_n", 0))


@pytest.mark.model
def test_switching_adapters_gives_the_replies_of_a_fresh_engine(adapters):
    """What was evaluated with one adapter must never be taken for another's, in the same slot or beside it."""
    close_engines()
    order = ["one", "", "two", "two", ""]
    fresh = {}
    for name in ("one", "two", ""):
        engine = Engine(find_weights(), 1, 512, 0, adapters)
        fresh[name], _ = reply(engine, name)
        engine.close()
    assert len(set(fresh.values())) == 3
    engine = Engine(find_weights(), 1, 512, 0, adapters)
    found = [reply(engine, name) for name in order]
    engine.close()
    assert [text for text, _ in found] == [fresh[name] for name in order]
    reused = [cached > 0 for _, cached in found]
    assert reused == [now == then for now, then in zip(order, [None, *order[:-1]], strict=True)]


@pytest.mark.model
@pytest.mark.parametrize("damage", [lambda _: b"garbage" * 99, lambda good: good[: len(good) // 2], lambda _: b""])
def test_a_damaged_adapter_whose_digest_fits_is_found_before_the_first_match(adapters, tmp_path, damage):
    spoilt = damage(Path(adapters["one"]).read_bytes())
    agent = agent_folder(tmp_path / "agent", content=spoilt)
    played = make_config({"creditors": [agent], "debtors": ["angry"], "model": "embedded:smollm2"}, "the test")
    with pytest.raises(AgentError, match=r"adapter\.gguf cannot be loaded: .* export it again"):
        run_tournament(played, tmp_path / "out", scenarios=scenarios(1))
    assert not (tmp_path / "out").exists()


@pytest.mark.model
def test_an_adapter_that_loads_passes_the_check_before_the_first_match(adapters):
    adapter = Adapter(adapters["one"], "1" * 64, SMOLLM2_WEIGHTS.file, SMOLLM2_WEIGHTS.sha256)
    assert check_model("embedded:smollm2", None, adapter) == ()
