"""A question to a model, and the endpoint that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

Role = Literal["system", "user", "assistant"]
ChatTurn = tuple[Role, str]
_SHORTEST_KEY: Final = 5  # a shorter one, such as "none", is no secret


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a model.

    turns: roles and texts. seed: of the sampling. conversation: whose prompt this continues. schema: of a JSON
    reply, if any.
    room: tokens that the reply's form needs beside `max_tokens`. grammar: of the reply, GBNF, if any.
    """

    turns: Sequence[ChatTurn]
    seed: int
    conversation: str = ""
    schema: Mapping[str, Any] | None = None
    room: int = 0
    grammar: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model's name, its server's address ("" in this process), and the key, which must not be shown."""

    name: str
    address: str = ""
    secret: str = ""

    @classmethod
    def of(cls, model: BaseChatModel) -> Endpoint:
        """The endpoint of a LangChain chat model, from its public fields."""
        name = getattr(model, "model", None) or getattr(model, "model_name", None) or model._llm_type
        address = getattr(model, "base_url", None) or getattr(model, "openai_api_base", None) or ""
        if adapter := getattr(model, "adapter", ""):
            name = f"{name}+{adapter}"  # cached replies belong to one adapter
        if weights := getattr(model, "weights", ""):
            name = f"{name}+{weights}"  # and to one file
        key = getattr(model, "openai_api_key", None)
        secret = key.get_secret_value() if key is not None and hasattr(key, "get_secret_value") else ""
        return cls(str(name), str(address), secret if len(secret) >= _SHORTEST_KEY else "")

    @property
    def place(self) -> str:
        """The address as it may be shown: without a login."""
        scheme, mark, rest = self.address.rpartition("://")
        return scheme + mark + rest.rpartition("@")[2]
