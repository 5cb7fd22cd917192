"""From a model URI to a LangChain chat model.

    ollama:NAME          a model of an Ollama server, such as ollama:qwen2.5:7b
    openai:NAME          a model of any OpenAI-compatible server
    embedded:smollm2     SmolLM2-135M-Instruct, run by llama.cpp inside this process
    scripted             no model

Nothing heavy is imported before a model is opened.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from poise.common.errors import AgentError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.adapters import Adapter
from poise.agents.models.settings import SCRIPTED, ModelSettings, parse_uri

OLLAMA_PORT: Final = 11434
_TEMPERATURE: Final = 0.7
_OPENAI: Final = "https://api.openai.com/v1"


def open_chat_model(uri: str, settings: ModelSettings | None = None, adapter: Adapter | None = None) -> BaseChatModel:
    """The LangChain chat model that `uri` names; the embedded one speaks with `adapter`, a server's has its own.

    No server is asked and no weights are loaded before the first call; `poise.agents.models.calls.check_model` does
    that. Raises AgentError for a bad URI, for `scripted`, which has no model, and for a missing key.
    """
    settings = settings or ModelSettings()
    provider, name = parse_uri(uri)
    if provider == "ollama":
        return _ollama(name, settings)
    if provider == "openai":
        return _openai(name, settings)
    if provider == "embedded":
        return _embedded(settings, adapter)
    raise AgentError(f"{SCRIPTED!r} has no chat model; use poise.agents.voices.open_voice, which knows what to do")


def _embedded(settings: ModelSettings, adapter: Adapter | None) -> BaseChatModel:
    from poise.agents.models.embedded.embedded import ChatEmbedded
    from poise.agents.models.embedded.engine import expect_adapter

    if adapter is None:
        return ChatEmbedded(settings=settings)
    adapter.check_base()
    expect_adapter(adapter.key, adapter.path)
    return ChatEmbedded(settings=settings, adapter=adapter.key)


def ollama_address(host: str | None) -> str:
    """The base URL for a value of OLLAMA_HOST: a host, host:port or URL; None or "" is this machine.

    As in Ollama: port 11434 without a scheme, else the scheme's own port; a path is kept.
    """
    text = (host or "").strip().strip("\"'")
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "http", text
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port or ({"http": 80, "https": 443}[scheme] if mark else OLLAMA_PORT)
    except (KeyError, ValueError):
        raise AgentError(f"OLLAMA_HOST {text!r} is no address; write host, host:port or http://host:port") from None
    name = parts.hostname or "127.0.0.1"
    name = f"[{name}]" if ":" in name else name
    login = parts.netloc.rpartition("@")[0]
    path = parts.path.strip("/")
    return f"{scheme}://{login + '@' if login else ''}{name}:{port}{'/' + path if path else ''}"


def ollama_options(settings: ModelSettings) -> dict[str, Any]:
    """The `options` of an Ollama request."""
    temperature = _TEMPERATURE if settings.temperature is None else settings.temperature
    options = {"num_ctx": settings.context, "num_predict": settings.max_tokens, "temperature": temperature}
    return options | ({} if settings.seed is None else {"seed": settings.seed}) | dict(settings.extra)


def _ollama(name: str, settings: ModelSettings) -> BaseChatModel:
    from langchain_ollama import ChatOllama

    options = ollama_options(settings)
    known = {key: value for key, value in options.items() if key in ChatOllama.model_fields}
    return ChatOllama(
        model=name,
        base_url=ollama_address(settings.base_url or os.environ.get("OLLAMA_HOST")),
        keep_alive=_keep_alive(settings.keep_alive),
        client_kwargs={"timeout": settings.timeout},
        **known,
    )


def _keep_alive(text: str) -> str | int | None:
    """Ollama takes a duration with its unit as text, and seconds as a number."""
    try:
        return int(text)
    except ValueError:
        return text or None


def _openai(name: str, settings: ModelSettings) -> BaseChatModel:
    from langchain_openai import ChatOpenAI
    from langchain_openai.chat_models.base import BaseChatOpenAI
    from pydantic import SecretStr

    address = settings.base_url or os.environ.get("OPENAI_BASE_URL") or _OPENAI
    key = settings.api_key or os.environ.get("OPENAI_API_KEY") or ""
    if not key and address == _OPENAI:
        raise AgentError(f"openai:{name} needs a key; set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own")
    # Servers other than OpenAI's know the older name of the reply's longest length, which only the base class sends.
    kind: type[BaseChatOpenAI] = ChatOpenAI if address == _OPENAI else BaseChatOpenAI
    return kind(
        model=name,
        base_url=address,
        api_key=SecretStr(key or "none"),
        temperature=_TEMPERATURE if settings.temperature is None else settings.temperature,
        max_tokens=settings.max_tokens,
        timeout=settings.timeout,
        max_retries=0,
        use_responses_api=False,
        extra_body=dict(settings.extra) or None,
    )
