"""Any chat model in a GGUF file: found, refused in words, and played beside others, each by an engine of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from helpers.tiny_gguf import CHATML, write_tiny_model
from helpers.tournament_fakes import scenarios
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from poise.agents.models.adapters import Adapter
from poise.agents.models.embedded import checks, folder
from poise.agents.models.embedded.folder import add_model, find_model, list_models
from poise.agents.models.embedded.header import read_header
from poise.agents.models.embedded.shared import close_engines, shared_engine
from poise.agents.models.endpoint import Endpoint
from poise.agents.models.models import check_model, model_digest, open_chat_model, uri_with_adapter
from poise.agents.models.sampling import SMALL_MODEL, named_template, sampling_of, sampling_table
from poise.agents.models.settings import ModelSettings
from poise.agents.registry import find_agent
from poise.common.errors import AgentError
from poise.common.files import sha256_of
from poise.tournaments.config import make_config
from poise.tournaments.runner import run_tournament
from poise.tournaments.schedule import plan_matches
from poise.tournaments.storage.store import Store

QUESTION = [("system", "You are a creditor."), ("user", "I need 71 days.")]


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """Two models of other architectures than each other, and one without a template."""
    place = tmp_path_factory.mktemp("gguf")
    write_tiny_model(place / "qwen.gguf", "qwen2", context=2048)
    write_tiny_model(place / "llama.gguf", "llama", seed=1)
    write_tiny_model(place / "base.gguf", "qwen2", template=None)
    return place


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """No model of this machine's is found."""
    monkeypatch.setenv("POISE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ollama"))
    yield
    close_engines()


def test_an_engine_that_was_never_asked_is_freed(tmp_path):
    """In a process of its own: where llama.cpp waits for itself, it lets no other thread run either."""
    model = write_tiny_model(tmp_path / "tiny.gguf")
    code = (
        "import sys; from pathlib import Path; from poise.agents.models.embedded.engine import Engine\n"
        "for _ in range(3): Engine(Path(sys.argv[1]), 1, 256, 1).close()"
    )
    subprocess.run([sys.executable, "-c", code, str(model)], check=True, timeout=300)


class TestHeader:
    def test_sizes_are_read_and_the_vocabulary_is_passed_over(self, files):
        header = read_header(files / "qwen.gguf")
        assert (header.architecture, header.context, header.template) == ("qwen2", 2048, CHATML)
        assert header.token_bytes == 2 * 2 * 16 * 2 * 2  # blocks, heads of keys, their size, keys and values, f16
        assert 2 * header.parameters < header.size < 3 * header.parameters

    @examples(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(0, 6000), st.binary(min_size=1, max_size=8))
    def test_whatever_is_damaged_is_read_or_refused_in_words(self, files, place, noise):
        data = (files / "qwen.gguf").read_bytes()
        file = files / "damaged.gguf"
        for content in (data[:place], data[:place] + noise + data[place + len(noise) :]):
            file.write_bytes(content)
            try:
                read_header(file)
            except AgentError as error:
                assert "damaged.gguf" in str(error)  # noqa: PT017 - some damage does not show in a header

    def test_an_adapter_and_other_files_are_not_models(self, tmp_path):
        (tmp_path / "x.gguf").write_text("GGML")
        with pytest.raises(AgentError, match=r"x\.gguf is not a GGUF file"):
            read_header(tmp_path / "x.gguf")
        emodistill = folder.Path(find_agent("emodistill", "creditor").adapter.path)
        with pytest.raises(AgentError, match="holds 'adapter' and not a model"):
            read_header(emodistill)


class TestFinding:
    def test_a_model_is_added_listed_and_found_by_its_name(self, files):
        made = add_model(files / "llama.gguf", "mine")
        assert (made.name, made.sha256) == ("mine", sha256_of(files / "llama.gguf"))
        assert [model.name for model in list_models() if model.name != "smollm2"] == ["mine"]
        assert folder.find_by_digest(made.sha256) == made
        with pytest.raises(AgentError, match="already exists"):
            add_model(files / "qwen.gguf", "mine")
        with pytest.raises(AgentError, match="did you mean 'mine'"):
            find_model("mien")

    @pytest.mark.parametrize("name", ["", "a/b", "../x", "smollm2", ".hidden"])
    def test_a_name_that_leads_elsewhere_is_refused(self, files, name):
        add_model(files / "llama.gguf", "")
        with pytest.raises(AgentError, match=r"cannot be the name|already exists"):
            add_model(files / "llama.gguf", name)

    def test_what_is_known_of_a_model_lies_beside_it_and_wins_over_the_table(self, files):
        made = add_model(files / "base.gguf", "base", "chatml", copy=True)
        notes = made.path.with_suffix(".toml")
        notes.write_text(notes.read_text() + "[sampling]\nmin_p = 0.2\n")
        body = open_chat_model("embedded:base", ModelSettings(extra=(("top_k", 3),))).body([])
        assert (body["min_p"], body["top_k"]) == (0.2, 3)
        assert body["temperature"] == SMALL_MODEL["temperature"]
        assert body["stop"] == ["\n", "<|im_end|>", "<|im_start|>"]
        notes.write_text("tempalte = 'x'")
        with pytest.raises(AgentError, match="tempalte"):
            find_model("base")

    def test_a_model_of_ollamas_store_is_found_unless_it_has_an_adapter(self, files, tmp_path):
        store, blob = tmp_path / "ollama", "sha256-" + sha256_of(files / "qwen.gguf")
        manifest = store / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "latest"
        manifest.parent.mkdir(parents=True)
        (store / "blobs").mkdir()
        (store / "blobs" / blob).write_bytes((files / "qwen.gguf").read_bytes())
        weights = {"mediaType": "application/vnd.ollama.image.model", "digest": blob.replace("-", ":")}
        manifest.write_text(json.dumps({"layers": [weights]}))
        for name in ("tiny", "tiny:latest"):
            assert find_model(name).sha256 == blob.removeprefix("sha256-")
        assert "tiny:latest" in [model.name for model in list_models()]
        tuned = {"mediaType": "application/vnd.ollama.image.adapter", "digest": "sha256:0"}
        manifest.write_text(json.dumps({"layers": [weights, tuned]}))
        with pytest.raises(AgentError, match=r"model with adapter; play it as ollama:tiny"):
            find_model("tiny")
        assert list_models()  # one odd model does not hide the others


class TestChecks:
    def test_a_file_that_plays_passes_and_says_where_its_context_is_shorter(self, files):
        uri = f"embedded:{files / 'qwen.gguf'}"
        assert check_model(uri, ModelSettings(context=2048)) == ()
        (remark,) = check_model(uri)
        assert "was made for 2048 tokens" in remark
        assert shared_engine(ModelSettings(), model=find_model(str(files / "qwen.gguf"))).context == 2048

    @pytest.mark.parametrize(
        ("spoil", "says"),
        [
            (lambda data: data.replace(b"qwen2", b"qwfnx"), "unknown model architecture: 'qwfnx'"),
            (lambda data: data[:150_000], "not within the file bounds"),
        ],
    )
    def test_what_llama_cpp_does_not_load_is_refused_with_its_reason(self, files, tmp_path, spoil, says):
        (tmp_path / "x.gguf").write_bytes(spoil((files / "qwen.gguf").read_bytes()))
        with pytest.raises(AgentError, match=says):
            check_model(f"embedded:{tmp_path / 'x.gguf'}")

    def test_a_model_without_a_chat_template_needs_one_named(self, files, tmp_path):
        uri = f"embedded:{files / 'base.gguf'}"
        with pytest.raises(AgentError, match=r"has no chat template, .* --option template=chatml"):
            check_model(uri)
        assert check_model(uri, ModelSettings(template="gemma")) == ()
        with pytest.raises(
            AgentError,
            match=r"template 'alpaca' is neither a name nor a file .*; the names are chatml, gemma",
        ):
            check_model(uri, ModelSettings(template="alpaca"))
        (tmp_path / "own.jinja").write_text(CHATML)
        assert check_model(uri, ModelSettings(template=str(tmp_path / "own.jinja"))) == ()

    def test_too_little_memory_is_found_before_anything_is_loaded(self, files, monkeypatch):
        monkeypatch.setattr(checks, "free_memory", lambda: 1 << 20)
        monkeypatch.setattr(checks, "why_not_loaded", pytest.fail)
        with pytest.raises(AgentError, match=r"0\.0 GB are free; lower slots"):
            check_model(f"embedded:{files / 'llama.gguf'}")

    def test_layers_on_a_gpu_are_refused_where_the_build_has_none(self, files, monkeypatch):
        uri, given = f"embedded:{files / 'llama.gguf'}", ModelSettings(gpu_layers=-1)
        monkeypatch.setattr(checks, "gpus", list)
        with pytest.raises(AgentError, match=r"gpu_layers -1 needs a GPU, and xllamacpp .* sees none"):
            check_model(uri, given)
        monkeypatch.setattr(checks, "gpus", lambda: ["CUDA0 (a card)"])
        assert check_model(uri, given) == ()


class TestPlay:
    def test_each_file_has_its_own_engine_and_says_its_own_words(self, files):
        names = [str(files / name) for name in ("qwen.gguf", "llama.gguf")]
        settings = ModelSettings(temperature=0.0, max_tokens=8)
        models = [open_chat_model(f"embedded:{name}", settings) for name in names]
        replies = [model.invoke(QUESTION, seed=1) for model in [*models, *models]]
        texts = [reply.content for reply in replies]
        assert texts[:2] == texts[2:]
        assert texts[0] != texts[1]
        assert [reply.response_metadata["model_name"] for reply in replies[:2]] == names
        engines = {id(shared_engine(settings, model=find_model(name))) for name in names}
        assert len(engines) == 2
        assert len({Endpoint.of(model).name for model in models}) == 2

    def test_a_template_that_has_no_system_role_is_told_what_the_system_text_says(self, files, tmp_path):
        refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}" + CHATML
        file = write_tiny_model(tmp_path / "strict.gguf", template=refusing)
        model = open_chat_model(f"embedded:{file}", ModelSettings(max_tokens=2))
        counted = [model.invoke(asked, seed=1).usage_metadata["input_tokens"] for asked in (QUESTION, QUESTION[1:])]
        assert counted[0] > counted[1]

    @pytest.mark.parametrize("name", ["chatml", "gemma", "plain"])
    def test_a_named_template_tells_everything_in_its_order(self, files, name):
        settings = ModelSettings(template=name, max_tokens=1)
        model = find_model(str(files / "base.gguf"))
        assert open_chat_model(f"embedded:{model.path}", settings).invoke("x", seed=1).usage_metadata["input_tokens"]
        jinja2 = pytest.importorskip("jinja2")
        turns = [("system", "S"), ("user", "U"), ("assistant", "A"), ("user", "V")]
        messages = [{"role": role, "content": text} for role, text in turns]
        source, stops = named_template(name)
        text = jinja2.Environment().from_string(source).render(messages=messages, add_generation_prompt=True)
        places = [text.index(letter) for letter in "SUAV"] if name != "gemma" else [text.index("S\n\nU")]
        assert places == sorted(places)
        assert stops

    def test_the_file_is_part_of_what_an_agent_declares_and_so_of_its_matches(self, files, tmp_path):
        copy = tmp_path / "x.gguf"
        ids = []
        for name in ("qwen.gguf", "llama.gguf"):
            copy.write_bytes((files / name).read_bytes())
            uri = f"embedded:{copy}"
            config = make_config({"creditors": [f"vanilla@{uri}"], "debtors": ["angry"]})
            schedule = plan_matches(config, scenarios(1))
            digest = f"sha256:{sha256_of(copy)}"
            assert schedule.creditors[0].declared["weights"] == digest == model_digest(uri, {})
            ids.append(schedule.id)
        assert ids[0] != ids[1]
        smollm2 = find_agent("vanilla@embedded:smollm2", "creditor").declared_in("scripted", None, None)
        assert "weights" not in smollm2  # stored matches of older versions keep their identity

    def test_an_adapter_plays_on_its_own_base_wherever_it_is_found(self, files):
        base = sha256_of(files / "llama.gguf")
        adapter = Adapter("adapter.gguf", "1" * 64, "llama.gguf", base)
        for default in ("scripted", "embedded:smollm2", f"embedded:{files / 'qwen.gguf'}"):
            with pytest.raises(AgentError, match=r"belongs to llama\.gguf .* `poise models add FILE`"):
                uri_with_adapter(adapter, default)
        assert uri_with_adapter(adapter, f"embedded:{files / 'llama.gguf'}") == f"embedded:{files / 'llama.gguf'}"
        add_model(files / "llama.gguf", "its-base")
        for default in ("scripted", "embedded:smollm2", f"embedded:{files / 'qwen.gguf'}"):
            assert uri_with_adapter(adapter, default) == "embedded:its-base"
        other = find_agent("emodistill", "creditor").adapter
        assert uri_with_adapter(other, "embedded:its-base") == "embedded:smollm2"

    def test_a_tournament_plays_a_file_by_path_through_the_voice(self, files, tmp_path):
        uri = f"embedded:{files / 'qwen.gguf'}"
        config = make_config({"creditors": ["vanilla"], "debtors": ["angry"], "model": uri, "max_messages": 3})
        run_tournament(config, tmp_path / "out", scenarios=scenarios(1))
        with Store.read(tmp_path / "out") as store:
            (talk,) = store.transcripts()
            assert store.header().provenance["models"] == {uri: f"sha256:{sha256_of(files / 'qwen.gguf')}"}
        assert talk.outcome.ending != "failed"
        assert all(message.wording.attempts for message in talk.messages)


def test_the_table_of_sampling_has_a_reason_for_each_entry_and_what_a_voice_needs():
    for options in sampling_table().values():
        assert options["temperature"] > 0
    assert sampling_of("qwen2", 500_000_000) == SMALL_MODEL
    assert sampling_of("qwen2", 7_000_000_000) == sampling_table()["qwen2"]
    assert sampling_of("unheard-of", 7_000_000_000) == sampling_table()["other"]
    with pytest.raises(AgentError, match="sampling 'tiny' does not exist; there are small, other, llama"):
        ModelSettings(sampling="tiny")


@pytest.mark.model
def test_a_tournament_mixes_smollm2_a_file_an_adapter_and_a_scripted_agent(files, tmp_path):
    creditors = ["vanilla@embedded:smollm2", f"vanilla@embedded:{files / 'llama.gguf'}", "emodistill", "wsls@scripted"]
    config = make_config(
        {
            "creditors": creditors,
            "debtors": ["angry@scripted"],
            "max_messages": 3,
            "model_options": {"context": 1024, "max_tokens": 24},
        }
    )
    run_tournament(config, tmp_path / "out", scenarios=scenarios(1))
    with Store.read(tmp_path / "out") as store:
        talks = list(store.transcripts())
        assert len(store.header().provenance["models"]) == 2
    asked = [sum(message.wording.attempts for message in talk.messages if message.seat == "creditor") for talk in talks]
    assert [count > 0 for count in asked] == [True, True, True, False]
    assert all(talk.outcome.ending != "failed" for talk in talks)
