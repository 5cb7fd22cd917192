"""Models of any server with OpenAI's chat API."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from poise.agents.models.connection import checked_address, checked_key
from poise.agents.models.endpoint import Endpoint, Question
from poise.agents.models.provider import Provider
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError, ModelMissing

if TYPE_CHECKING:
    import httpx
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.adapters import Adapter

_OPENAI: Final = "https://api.openai.com/v1"
_STANDARD: Final = ("temperature", "frequency_penalty", "stop")  # the others are llama.cpp's, vLLM's and LM Studio's
_LISTED: Final = 5


class OpenAIProvider(Provider):
    """`openai:NAME`."""

    scheme: ClassVar[str] = "openai"
    form: ClassVar[str] = "openai:NAME"
    llm_types: ClassVar[frozenset[str]] = frozenset({"openai-chat", "openai"})
    start: ClassVar[str] = "start it"
    key_variable: ClassVar[str] = "OPENAI_API_KEY"
    address_variable: ClassVar[str] = "OPENAI_BASE_URL"
    address_hint: ClassVar[str] = "check OPENAI_BASE_URL or base_url, which mostly ends in /v1"

    def open(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> BaseChatModel:  # noqa: ARG002
        """The model. Raises AgentError where OpenAI itself is asked without a key."""
        from langchain_openai import ChatOpenAI
        from langchain_openai.chat_models.base import BaseChatOpenAI

        address, key = self.place(settings)
        if not key and address == _OPENAI:
            raise AgentError(f"openai:{name} needs a key; set OPENAI_API_KEY, or OPENAI_BASE_URL for your own server")
        # Servers other than OpenAI's know the older name of max_tokens, which only the base class sends.
        kind: type[BaseChatOpenAI] = ChatOpenAI if address == _OPENAI else BaseChatOpenAI
        return kind(**client_options(name, settings, address, key))

    def arguments(self, settings: ModelSettings, question: Question, deadline: float) -> dict[str, Any]:  # noqa: ARG002
        """The draw, how to sample, the room for thoughts, and the schema."""
        sampled = settings.sampled()
        standard: dict[str, Any] = {name: sampled.pop(name) for name in _STANDARD if name in sampled}
        if settings.thinking is not None:
            sampled["chat_template_kwargs"] = {"enable_thinking": settings.thinking > 0}
        body = dict(settings.extra) if self.place(settings)[0] == _OPENAI else sampled | dict(settings.extra)
        arguments: dict[str, Any] = {"seed": question.seed, **standard, **({"extra_body": body} if body else {})}
        if question.room:
            arguments["max_tokens"] = settings.longest(question.room)
        if question.schema is None:
            return arguments
        arguments.pop("stop", None)  # JSON has line breaks
        form = {"name": "reply", "schema": dict(question.schema)}
        return arguments | {"response_format": {"type": "json_schema", "json_schema": form}}

    def check(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> tuple[str, ...]:  # noqa: ARG002
        """The server's list of models must have the name; a server without a list passes."""
        address, key = self.place(settings)
        endpoint = Endpoint(name, address, key)
        listed = self.models_of(settings, endpoint)
        if listed and not {name, f"{name}:latest"} & set(listed):
            raise ModelMissing(f"the server at {endpoint.place} has no {name!r}; {names_instead(name, listed)}")
        return ()

    def models_of(self, settings: ModelSettings, endpoint: Endpoint) -> list[str]:
        """The names that the server lists; [] where it has no list."""
        try:
            listed = fetch(f"{endpoint.address.rstrip('/')}/models", endpoint.secret, settings.timeout)
            return [str(model["id"]) for model in listed["data"]]
        except Exception as error:
            if getattr(error, "status_code", None) in (404, 405):
                return []
            raise self.explain(error, endpoint)[0] from error

    def place(self, settings: ModelSettings) -> tuple[str, str]:
        """The server's address and the key."""
        address = settings.base_url or os.environ.get("OPENAI_BASE_URL") or _OPENAI
        key = settings.api_key or os.environ.get("OPENAI_API_KEY") or ""
        blamed = "base_url" if settings.base_url else "OPENAI_BASE_URL"
        return checked_address(address, blamed), checked_key(key, "OPENAI_API_KEY")


class _Status(Exception):
    """A status that is not success, with the server's words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status_code = status


def fetch(url: str, key: str, timeout: float) -> Any:
    """The JSON at `url`; raises what `Provider.explain` explains."""
    import httpx

    answer = httpx.get(url, headers={"Authorization": f"Bearer {key or 'none'}"}, timeout=timeout)
    if not answer.is_success:
        raise _Status(answer.status_code, answer.text)
    return answer.json()


def client_options(name: str, settings: ModelSettings, address: str, key: str) -> dict[str, Any]:
    """What LangChain's class is opened with."""
    from pydantic import SecretStr

    return {
        "model": name,
        "base_url": address,
        "api_key": SecretStr(key or "none"),
        "temperature": settings.sampled()["temperature"],
        "max_tokens": settings.longest(),
        "timeout": settings.timeout,
        "max_retries": 0,
        "use_responses_api": False,
        "http_client": _http_client(),
    }


@cache
def _http_client() -> httpx.Client:
    """One client for all models; prompts do not follow redirects to other addresses."""
    import httpx

    return httpx.Client(follow_redirects=False)


def names_instead(name: str, listed: Iterable[str]) -> str:
    """What a server has instead of `name`, the nearest first."""
    names = list(listed)
    near = difflib.get_close_matches(name, names, n=_LISTED, cutoff=0.3) or names[:_LISTED]
    return f"it has {', '.join(near)}{f' and {len(names) - len(near)} more' if len(names) > len(near) else ''}"


PROVIDER: Final = OpenAIProvider()
