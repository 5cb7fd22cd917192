"""What differs from one kind of model server to the next: what a call carries, and what its failures mean.

No exception of LangChain, of a client library or of HTTP leaves this package: `explain` turns each into one of Poise's,
and says whether trying again can help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from poise.agents.models.models import ollama_options
from poise.agents.models.settings import ModelSettings
from poise.common.errors import BadReply, ModelDown, ModelError, ModelMissing, ModelTimeout, PoiseError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel


from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel


Role = Literal["system", "user", "assistant"]


ChatTurn = tuple[Role, str]


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked.

    turns: roles and texts. seed: the draw. conversation: whose prompt this continues. schema: of a JSON reply, if any.
    """

    turns: Sequence[ChatTurn]
    seed: int
    conversation: str = ""
    schema: Mapping[str, Any] | None = None


_EXCERPT: Final = 300
_KINDS: Final[Mapping[str, str]] = {
    "chat-ollama": "ollama",
    "openai-chat": "openai",
    "openai": "openai",
    "poise-embedded": "embedded",
}


class Interrupted(ConnectionError):
    """A reply's stream ended before the reply was complete."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model and where it is: its kind ("ollama", "openai", "embedded" or "other"), name and address."""

    kind: str
    name: str
    address: str = ""
    secret: str = ""

    @classmethod
    def of(cls, model: BaseChatModel) -> Endpoint:
        """The endpoint of a LangChain chat model, from its public fields."""
        kind = _KINDS.get(model._llm_type, "other")
        name = getattr(model, "model", None) or getattr(model, "model_name", None) or model._llm_type
        address = getattr(model, "base_url", None) or getattr(model, "openai_api_base", None) or ""
        if adapter := getattr(model, "adapter", ""):
            name = f"{name}+{adapter}"  # replies that are kept belong to one adapter
        key = getattr(model, "openai_api_key", None)
        secret = key.get_secret_value() if key is not None and hasattr(key, "get_secret_value") else ""
        return cls(kind, str(name), str(address), secret if len(secret) > 4 else "")

    @property
    def place(self) -> str:
        """The address as it may be shown: without a login."""
        scheme, mark, rest = self.address.rpartition("://")
        return scheme + mark + rest.rpartition("@")[2]

    def arguments(self, settings: ModelSettings, question: Question, deadline: float) -> dict[str, Any]:
        """What `invoke` takes beside the messages, for one call (deadline: monotonic clock, seconds)."""
        seed, schema = question.seed, question.schema
        if self.kind == "ollama":
            options = {"options": {**ollama_options(settings), "seed": seed}}
            return options | ({"format": dict(schema)} if schema is not None else {})
        if self.kind == "openai":
            form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": dict(schema or {})}}
            return {"seed": seed} | ({"response_format": form} if schema is not None else {})
        if self.kind == "embedded":
            return {"seed": seed, "conversation": question.conversation, "deadline": deadline, "schema": schema}
        return {}

    def explain(self, error: Exception) -> tuple[PoiseError, bool]:
        """`error` in Poise's words, and whether the server may do better if asked again."""
        if isinstance(error, PoiseError):
            return error, False
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            return self._by_status(status, error)
        return self._by_kind({each.__name__ for each in type(error).__mro__}, error)

    def _by_kind(self, kinds: set[str], error: Exception) -> tuple[PoiseError, bool]:
        if kinds & _LATE:
            return self.timeout(), False
        if kinds & {"Interrupted", "RemoteProtocolError"}:
            return ModelDown(f"the server at {self.place} broke off in the middle of a reply"), True
        if kinds & _LOST:
            return self.down(), True
        if kinds & {"JSONDecodeError", "ValidationError"} or "No data received" in str(error):
            return BadReply(f"{self.name} at {self.place} sent what cannot be read: {self._said(error)}"), False
        return ModelError(f"{self.name}: {type(error).__name__}: {self._said(error)}"), False

    def _by_status(self, status: int, error: Exception) -> tuple[PoiseError, bool]:
        said = self._said(error)
        if status == 404:
            return self.missing(), False
        if status in (401, 403):
            return ModelDown(f"{self.place} refuses the key ({status}); set OPENAI_API_KEY to one that it takes"), False
        if status < 0 or status in (408, 425, 429) or status >= 500:
            # Ollama's client has -1 for an error in the middle of a stream.
            code = f" ({status})" if status > 0 else ""
            return ModelDown(f"the server at {self.place} fails{code}: {said}"), True
        return ModelError(f"the server at {self.place} refuses the request ({status}): {said}"), False

    def missing(self) -> ModelMissing:
        """The server does not have the model."""
        if self.kind == "ollama":
            return ModelMissing(f"Ollama at {self.place} has no {self.name!r}; get it with `ollama pull {self.name}`")
        return ModelMissing(f"the server at {self.place} has no {self.name!r}; look the name up in its list of models")

    def down(self) -> ModelDown:
        """The server cannot be reached."""
        if self.kind == "ollama":
            return ModelDown(f"no Ollama at {self.place}; start it with `ollama serve`, or set OLLAMA_HOST")
        return ModelDown(f"no server at {self.place}; start it, or set OPENAI_BASE_URL")

    def timeout(self) -> ModelTimeout:
        """No reply in time."""
        where = f" at {self.place}" if self.place else ""
        return ModelTimeout(
            f"{self.name}{where} did not finish its reply in time; raise timeout, or use a smaller model"
        )

    def _said(self, error: Exception) -> str:
        text = " ".join(str(error).split())[:_EXCERPT]
        return text.replace(self.secret, "***") if self.secret else text


# Names rather than classes, so that no client library is imported for a model that does not use it: those of Python,
# httpx and openai, and of whatever derives from them.
_LATE: Final = frozenset({"TimeoutError", "ReadTimeout", "WriteTimeout", "APITimeoutError"})
_LOST: Final = frozenset({"ConnectionError", "NetworkError", "ConnectTimeout", "ProxyError", "APIConnectionError"})
