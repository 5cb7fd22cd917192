"""Model URIs, the settings of models, and what opens from them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ollama._client import _parse_host

from poise.agents.models.models import check_model, open_chat_model, parse_uri
from poise.agents.models.providers.ollama import ollama_address
from poise.agents.voices import ModelSettings, open_voice
from poise.agents.voices.scripted import ScriptedVoice
from poise.agents.voices.voice import ModelVoice
from poise.common.errors import AgentError

NAMES = st.text(alphabet="abz019:/.-_", min_size=1, max_size=30)


class TestUris:
    @given(st.sampled_from(["ollama", "openai"]), NAMES)
    def test_a_name_may_hold_colons_and_slashes(self, provider, name):
        found, rest = parse_uri(f"{provider}:{name}")
        assert (found.scheme, rest) == (provider, name)

    @pytest.mark.parametrize(
        "uri",
        ["", "ollama", "ollama:", "ollama: x", "openai:", "llama3", "gpt:4", "scripted:x", "Ollama:x", "embedded:"],
    )
    def test_a_bad_uri_is_refused_with_the_valid_forms(self, uri):
        with pytest.raises(AgentError, match=r"none of embedded:NAME, .*ollama:NAME, openai:NAME or scripted"):
            parse_uri(uri)

    def test_an_unknown_embedded_model_is_refused_with_where_to_look(self):
        with pytest.raises(AgentError, match=r"'smollm3' does not exist; did you mean 'smollm2'\? `poise models list`"):
            check_model("embedded:smollm3")

    def test_scripted_has_no_chat_model(self):
        with pytest.raises(AgentError, match="no chat model"):
            open_chat_model("scripted")

    def test_nothing_heavy_is_imported_before_a_model_is_opened(self):
        code = "import sys, poise.agents.voices as v; v.open_voice('scripted'); print([*sys.modules])"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for heavy in ("langchain_core", "langchain_community", "openai", "ollama", "xllamacpp", "httpx"):
            assert f"'{heavy}'" not in loaded


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("max_tokens", 0),
            ("thinking", -1),
            ("thinking", 1 << 17),
            ("context", 10),
            ("slots", 0),
            ("timeout", 0),
            ("patience", -1),
            ("temperature", -0.1),
            ("seed", -1),
            ("threads", -1),
        ],
    )
    def test_values_out_of_bounds_are_refused_with_the_bounds(self, name, value):
        with pytest.raises(AgentError, match=rf"{name} .* from .* to "):
            ModelSettings(**{name: value})

    def test_options_of_a_configuration(self):
        options = {"temperature": "0.5", "slots": 6, "seed": 3.0, "extra.top_p": 0.9, "keep_alive": -1}
        settings = ModelSettings.from_options(options)
        assert (settings.temperature, settings.slots, settings.seed) == (0.5, 6, 3)
        assert (settings.extra, settings.keep_alive) == ((("top_p", 0.9),), "-1")

    def test_what_is_newer_is_declared_only_where_it_is_set(self):
        assert {"sampling", "thinking"}.isdisjoint(ModelSettings().declared())
        assert (
            ModelSettings(thinking=0, sampling="small").declared().items()
            >= {"thinking": 0, "sampling": "small"}.items()
        )

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (
                {"temprature": 1},
                "'temprature' is unknown; did you mean 'temperature'. there are base_url, cache",
            ),
            ({"max_tokens": "many"}, "max_tokens is 'many'; it must be a whole number"),
            ({"max_tokens": 1.5}, "must be a whole number"),
            ({"timeout": None}, "must be a number"),
            ({"api_key": "sk-1"}, "set OPENAI_API_KEY"),
            ({"base_url": "http://me:secret@host"}, "holds a secret"),
        ],
    )
    def test_bad_options_are_refused(self, options, words):
        with pytest.raises(AgentError, match=words) as caught:
            ModelSettings.from_options(options)
        assert "sk-1" not in str(caught.value)
        assert ":secret" not in str(caught.value)

    def test_a_key_is_neither_shown_nor_declared(self):
        settings = ModelSettings(api_key="sk-very-secret")
        assert "sk-very-secret" not in repr(settings) + json.dumps(settings.declared())
        model = open_chat_model("openai:gpt", ModelSettings(api_key="sk-very-secret", base_url="http://127.0.0.1:1"))
        assert "sk-very-secret" not in repr(model)


class TestAddresses:
    @pytest.mark.parametrize(
        "host",
        [
            None,
            "",
            "10.0.0.7",
            ":5000",
            "10.0.0.7:5000",
            "http://10.0.0.7",
            "https://10.0.0.7",
            "https://host:5000",
            "host.example",
            "host.example:5000/ollama/",
            "http://host.example/ollama",
            "[::1]",
            "[::1]:5000",
            "https://[::1]/x/",
        ],
    )
    def test_ollama_host_is_read_as_ollamas_own_client_reads_it(self, host):
        assert ollama_address(host) == _parse_host(host)

    @pytest.mark.parametrize("host", ["ftp://host", "host:port", "host:99999999"])
    def test_what_is_no_address_is_refused(self, host):
        with pytest.raises(AgentError, match="write host, host:port"):
            ollama_address(host)

    def test_the_environment_is_read_when_a_model_is_opened(self, monkeypatch):
        monkeypatch.setenv("OLLAMA_HOST", "10.0.0.7:5000")
        assert open_chat_model("ollama:a").base_url == "http://10.0.0.7:5000"
        assert open_chat_model("ollama:a", ModelSettings(base_url="other")).base_url == "http://other:11434"
        monkeypatch.setenv("OPENAI_BASE_URL", "http://10.0.0.7/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
        model = open_chat_model("openai:a")
        assert model.openai_api_base == "http://10.0.0.7/v1"
        assert model.openai_api_key.get_secret_value() == "sk-env"

    def test_openai_itself_needs_a_key(self, monkeypatch):
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
        with pytest.raises(AgentError, match="set OPENAI_API_KEY, or OPENAI_BASE_URL"):
            open_chat_model("openai:gpt")


class TestVoices:
    def test_the_same_arguments_give_the_same_voice(self):
        assert isinstance(open_voice("scripted"), ScriptedVoice)
        one, two = (open_voice("ollama:a", "policy", {"seed": 1}) for _ in range(2))
        assert isinstance(one, ModelVoice)
        assert one is two
        assert one is not open_voice("ollama:a", "model", {"seed": 1})

    def test_a_model_is_needed_to_decide(self):
        with pytest.raises(AgentError, match="embedded:smollm2"):
            open_voice("scripted", "model")

    def test_a_bad_option_is_refused_before_anything_is_played(self):
        with pytest.raises(AgentError, match="unknown"):
            open_voice("ollama:a", "policy", {"wings": 2})
