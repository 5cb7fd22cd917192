"""The provider: one kind of place where models run, named by the scheme of a model URI.

A provider is one object in one file of `providers/`, called PROVIDER there; nothing else knows it. An installed package
adds one through the entry-point group `poise.models`.

No exception of LangChain, of a client library or of HTTP leaves this package: `explain` turns each into one of Poise's
and says whether trying again can help. Whatever is wrong with a server is ModelDown or ModelMissing, which no agent is
charged with: its match waits.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from poise.agents.models.connection import reason_of
from poise.agents.models.endpoint import Endpoint, Question
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError, ModelDown, ModelMissing, ModelTimeout, PoiseError, Unanswered

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.adapters import Adapter

_EXCERPT: Final = 300


class Interrupted(ConnectionError):
    """A reply's stream ended before the reply was complete."""


class NoReply(Exception):
    """The server answered without a reply; the text says what came instead."""


class Provider:
    """A kind of model server. The base class serves LangChain chat models that no provider opened.

    scheme:     what model URIs of this provider begin with.
    form:       such a URI as error messages show it.
    llm_types:  the `_llm_type` of the chat models that `open` returns.
    has_model:  whether there is a model to ask.
    grammars:   whether `arguments` hands the question's grammar on to the model.
    in_process: whether the model runs in this process, where one adapter is active at a time.
    server, start, address_hint, key_variable, address_variable: what errors call the server, how to start it, what its
                address looks like, and the environment variables of its key and its address.
    """

    scheme: ClassVar[str] = "other"
    form: ClassVar[str] = ""
    llm_types: ClassVar[frozenset[str]] = frozenset()
    has_model: ClassVar[bool] = True
    in_process: ClassVar[bool] = False
    grammars: ClassVar[bool] = False
    server: ClassVar[str] = "server"
    start: ClassVar[str] = "start it"
    address_hint: ClassVar[str] = "check the address"
    key_variable: ClassVar[str] = ""
    address_variable: ClassVar[str] = ""

    def takes(self, name: str) -> bool:
        """Whether `name`, the URI after the scheme, can be a model's; it may hold colons and slashes."""
        return bool(name) and name == name.strip()

    def open(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> BaseChatModel:  # noqa: ARG002
        """The chat model; no server is asked and no weights are loaded. Raises AgentError."""
        raise AgentError(f"{self.form or name!r} has no chat model")

    def arguments(self, settings: ModelSettings, question: Question, deadline: float) -> dict[str, Any]:  # noqa: ARG002 - for those that override it
        """What `invoke` takes beside the messages, for one call (deadline: monotonic clock, seconds)."""
        return {}

    def check(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> tuple[str, ...]:  # noqa: ARG002
        """Raise ModelDown, ModelMissing or ModelTimeout unless the model is there; no text is generated.

        Returns what a user should know about how the model is set up, in sentences.
        """
        return ()

    def digest(self, name: str, settings: ModelSettings) -> str | None:  # noqa: ARG002
        """What identifies the weights; None where that cannot be found out. Never raises."""
        return None

    def placed(self, settings: ModelSettings) -> list[ModelSettings]:
        """The settings for each server: base_url, or the provider's environment variable, may list several."""
        listed = settings.base_url or os.environ.get(self.address_variable, "")
        addresses = [address.strip() for address in listed.split(",") if address.strip()]
        return [replace(settings, base_url=address) for address in addresses] if len(addresses) > 1 else [settings]

    def identity(self, name: str) -> dict[str, str]:  # noqa: ARG002
        """What an agent declares of the model beside its URI. Raises AgentError where the model does not exist."""
        return {}

    def with_adapter(self, name: str, adapter: Adapter) -> str:
        """The URI of the model that speaks with `adapter` where others speak with the model `name`.

        Raises AgentError where the adapter is not known to be served.
        """
        raise AgentError(
            f"which model of the server has the adapter {adapter.path}? Name it after the agent, "
            f"AGENT@{self.scheme}:NAME, or leave the adapter out: AGENT,adapter=none (instead of {name!r})"
        )

    def needs_grammar(self, name: str, adapter: Adapter | None) -> bool:  # noqa: ARG002
        """Whether the model is held to a grammar where `wording` is left out. Raises AgentError for no such model."""
        return False

    def verify(self, about: Mapping[str, Any]) -> None:
        """Raise Interrupted or NoReply where a message's metadata show that the reply is not whole."""

    def explain(self, error: Exception, endpoint: Endpoint) -> tuple[PoiseError, bool]:
        """`error` as one of Poise's errors, and whether a retry may succeed."""
        if isinstance(error, PoiseError):
            return error, False
        if why := reason_of(error, endpoint.address, self.address_variable):
            return ModelDown(why[0]), why[1]
        said = _words(error, endpoint)
        if isinstance(status := getattr(error, "status_code", None), int):
            return self._by_status(status, said, endpoint)
        return self._by_kind({base.__name__ for base in type(error).__mro__}, said, endpoint)

    def _by_kind(self, kinds: set[str], said: str, endpoint: Endpoint) -> tuple[PoiseError, bool]:
        place = endpoint.place or endpoint.name
        if kinds & _LATE:
            return self.timeout(endpoint), False
        if kinds & {"Interrupted", "RemoteProtocolError"}:
            return ModelDown(f"the server at {place} broke off in the middle of a reply"), True
        if kinds & _LOST:
            where = f", or set {self.address_variable}" if self.address_variable else ""
            return ModelDown(f"no {self.server} at {place}; {self.start}{where}"), True
        if kinds & _UNREADABLE:
            return ModelDown(f"{endpoint.name} at {place} sent an unreadable reply: {said}"), True
        return ModelDown(f"{endpoint.name} cannot be asked: {said}"), False

    def _by_status(self, status: int, said: str, endpoint: Endpoint) -> tuple[PoiseError, bool]:
        place = endpoint.place
        if status == 404:
            words = said.replace(endpoint.name, "model").lower()
            if "not found" in words and "model" not in words:
                return ModelDown(f"the server at {place} has no such path (404): {said}; {self.address_hint}"), False
            return self.missing(endpoint), False
        if status in (401, 403):
            key = f"the key ({status}); set {self.key_variable} to one that it takes"
            return ModelDown(f"{place} refuses {key if self.key_variable else f'to answer ({status})'}: {said}"), False
        if 300 <= status < 400:
            name = f" in {self.address_variable}" if self.address_variable else ""
            return ModelDown(
                f"{place} redirects to another address ({status}), which is not followed; name that{name}"
            ), False
        if status < 0 or status in (408, 425, 429) or status >= 500:
            # Ollama's client has -1 for an error in the middle of a stream.
            code = f" ({status})" if status > 0 else ""
            return ModelDown(f"the server at {place} fails{code}: {said}"), True
        return Unanswered(f"the server at {place} refuses the request ({status}): {said}"), False

    def missing(self, endpoint: Endpoint) -> ModelMissing:
        """The server does not have the model."""
        return ModelMissing(
            f"the server at {endpoint.place} has no {endpoint.name!r}; look the name up in its list of models"
        )

    def timeout(self, endpoint: Endpoint) -> ModelTimeout:
        """No reply in time."""
        where = f" at {endpoint.place}" if endpoint.place else ""
        return ModelTimeout(
            f"{endpoint.name}{where} did not finish its reply in time; raise timeout, or use a smaller model"
        )


def _words(error: Exception, endpoint: Endpoint) -> str:
    said, body = str(error) or type(error).__name__, getattr(error, "body", None)
    # openai's errors leave a body of another form out of their text
    if isinstance(body, dict) and not body.keys() & {"message", "error"}:
        said = f"{said} - {body}"
    text = " ".join(said.split())[:_EXCERPT]
    return text.replace(endpoint.secret, "***") if endpoint.secret else text


# Names rather than classes, so that no client library is imported for a model that does not use it: those of Python,
# httpx, openai and their subclasses.
_LATE: Final = frozenset({"TimeoutError", "ReadTimeout", "WriteTimeout", "APITimeoutError"})
_LOST: Final = frozenset({"ConnectionError", "NetworkError", "ConnectTimeout", "ProxyError", "APIConnectionError"})
# What client libraries raise on a body that they do not expect: an error or a page under status 200, null, [], ...
_UNREADABLE: Final = frozenset(
    {"NoReply", "ValueError", "TypeError", "LookupError", "AttributeError", "RecursionError", "ValidationError"}
    | {"DecodingError", "APIResponseValidationError"}
)
