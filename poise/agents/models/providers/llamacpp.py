"""The model of a llama.cpp server (`llama-server`), spoken to in its own terms: slots, LoRA adapters, cached tokens.

A conversation names its slot (`id_slot`), as in the embedded engine, so that only the end of its prompt is evaluated. A
call names the adapter that it speaks with (`lora`): one that the server was started with, by `--lora FILE`. The server
ignores an unknown adapter and lets the base speak; it is therefore asked for its adapters first, and a call names all
of them, each with its scale.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Final

from poise.agents.models.connection import checked_address, checked_key
from poise.agents.models.embedded.slots import SlotBook
from poise.agents.models.endpoint import Endpoint, Question
from poise.agents.models.providers.openai import OpenAIProvider, client_options, fetch
from poise.agents.models.settings import ModelSettings
from poise.common.errors import ModelMissing

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.adapters import Adapter

_USUAL: Final = "http://127.0.0.1:8080"
_SMALL: Final = 1_000_000_000  # parameters


class LlamaCppProvider(OpenAIProvider):
    """`llamacpp:NAME`; the name is the server's alias for its one model, or its file's name."""

    scheme: ClassVar[str] = "llamacpp"
    grammars: ClassVar[bool] = True
    form: ClassVar[str] = "llamacpp:NAME"
    llm_types: ClassVar[frozenset[str]] = frozenset({"poise-llamacpp"})
    server: ClassVar[str] = "llama.cpp server"
    start: ClassVar[str] = "start it with `llama-server -m FILE.gguf`"
    key_variable: ClassVar[str] = "LLAMA_API_KEY"
    address_variable: ClassVar[str] = "LLAMACPP_BASE_URL"
    address_hint: ClassVar[str] = "check LLAMACPP_BASE_URL or base_url"

    def place(self, settings: ModelSettings) -> tuple[str, str]:
        """The address ends in /v1 whether it is given so or not."""
        address = (settings.base_url or os.environ.get("LLAMACPP_BASE_URL") or _USUAL).rstrip("/")
        key = settings.api_key or os.environ.get("LLAMA_API_KEY") or ""
        blamed = "base_url" if settings.base_url else "LLAMACPP_BASE_URL"
        return checked_address(f"{address.removesuffix('/v1')}/v1", blamed), checked_key(key, "LLAMA_API_KEY")

    def open(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> BaseChatModel:
        """The model; the server is asked for its slots and adapters by the first call."""
        options = client_options(name, settings, *self.place(settings))
        model: BaseChatModel = _chat_class()(**options, adapter=adapter.key if adapter else "", adapter_file=adapter)
        return model

    def arguments(self, settings: ModelSettings, question: Question, deadline: float) -> dict[str, Any]:
        """As for OpenAI, and the conversation, which keeps its slot; thoughts only with a budget for them."""
        arguments = super().arguments(settings, question, deadline)
        body = {"chat_template_kwargs": {"enable_thinking": False}, **arguments.get("extra_body", {})}
        if question.grammar:
            body["grammar"] = question.grammar
        return arguments | {"extra_body": body, "conversation": question.conversation, "deadline": deadline}

    def check(self, name: str, settings: ModelSettings, adapter: Adapter | None) -> tuple[str, ...]:
        """The server must have the model by that name, since it answers to any, and the adapter."""
        address, key = self.place(settings)
        endpoint = Endpoint(name, address, key)
        try:
            model = fetch(f"{address}/models", key, settings.timeout)["data"][0]
            if adapter is not None:
                _Server.at(address, key, settings.timeout).scales(adapter)
        except Exception as error:
            raise self.explain(error, endpoint)[0] from error
        known = {str(alias) for alias in (model["id"], *model.get("aliases", ()))}
        file = PurePath(str(model["id"]))
        if name not in known | {file.name, file.stem}:
            raise ModelMissing(f"the server at {endpoint.place} has the model {file.stem!r}, and not {name!r}")
        size = (model.get("meta") or {}).get("n_params") or _SMALL
        if size >= _SMALL or settings.sampling:
            return ()
        return (
            f"llamacpp:{name} is a small model ({size / 1e6:.0f} million parameters); --option sampling=small has it "
            "sampled as such a model needs",
        )

    def with_adapter(self, name: str, adapter: Adapter) -> str:  # noqa: ARG002
        """Each call names its own adapter."""
        return f"llamacpp:{name}"


@dataclass(frozen=True)
class _Server:
    """A server's properties: the file of each adapter by number. book: which conversation has which slot."""

    address: str
    adapters: dict[int, str]
    book: SlotBook

    @classmethod
    def at(cls, address: str, key: str, timeout: float) -> _Server:
        """The server at `address`, which is asked once, and again after a call that failed."""
        with _LOCK:
            if address not in _SERVERS:
                root = address.removesuffix("/v1")
                slots = int(fetch(f"{root}/props", key, timeout)["total_slots"])
                listed = fetch(f"{root}/lora-adapters", key, timeout)
                files = {int(adapter["id"]): str(adapter["path"]) for adapter in listed}
                _SERVERS[address] = cls(address, files, SlotBook(max(1, slots)))
            return _SERVERS[address]

    def forget(self) -> None:
        """Ask the server again next time: it may have been restarted."""
        with _LOCK:
            if _SERVERS.get(self.address) is self:
                del _SERVERS[self.address]

    def scales(self, adapter: Adapter | None) -> list[dict[str, float]]:
        """The scales of the adapters for a call. Raises ModelMissing where the server does not have `adapter`."""
        wanted = next(
            (number for number, file in self.adapters.items() if adapter and _is_file_of(adapter, file)), None
        )
        if adapter is not None and wanted is None:
            raise ModelMissing(
                f"the server at {self.address} does not have the adapter {adapter.path}; start it with "
                f"`llama-server ... --lora {adapter.path}`"
            )
        return [{"id": number, "scale": float(number == wanted)} for number in self.adapters]


_LOCK: Final = threading.Lock()
_SERVERS: Final[dict[str, _Server]] = {}


@cache
def _is_file_of(adapter: Adapter, file: str) -> bool:
    """Whether the server's file is the adapter's: by checksum on this machine, by folder and name on another."""
    if Path(file).is_file():
        return hashlib.sha256(Path(file).read_bytes()).hexdigest() == adapter.sha256
    return PurePath(file).parts[-2:] == PurePath(adapter.path).parts[-2:]


@cache
def _chat_class() -> Any:
    from langchain_openai.chat_models.base import BaseChatOpenAI

    class ChatLlamaCpp(BaseChatOpenAI):
        """A llama.cpp server's model. Beside the usual, `invoke` takes `conversation` and `deadline`."""

        adapter: str = ""
        adapter_file: Any = None

        @property
        def _llm_type(self) -> str:
            return "poise-llamacpp"

        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **given: Any) -> Any:
            limit = float(self.request_timeout or 60.0)  # type: ignore[arg-type]  # seconds, as it was opened
            deadline = given.pop("deadline", None) or time.monotonic() + limit
            key = self.openai_api_key.get_secret_value()  # type: ignore[union-attr]  # as it was opened
            server = _Server.at(str(self.openai_api_base), "" if key == "none" else key, limit)
            lora, body = server.scales(self.adapter_file), given.pop("extra_body", None) or {}
            with server.book.slot(given.pop("conversation", ""), deadline, self.adapter) as slot:
                named = {"id_slot": slot, "cache_prompt": True, "lora": lora, **body}
                try:
                    return super()._generate(messages, stop, run_manager, extra_body=named, **given)
                except Exception:
                    server.forget()
                    raise

        def _create_chat_result(self, response: Any, generation_info: Any = None) -> Any:
            result = super()._create_chat_result(response, generation_info)
            timings = (getattr(response, "model_extra", None) or {}).get("timings")
            if timings:
                result.generations[0].message = result.generations[0].message.model_copy(update=_usage_of(timings))
            return result

    return ChatLlamaCpp


def _usage_of(timings: dict[str, Any]) -> dict[str, Any]:
    cached, evaluated, said = (int(timings.get(name, 0)) for name in ("cache_n", "prompt_n", "predicted_n"))
    prompt = cached + evaluated
    counts = {"input_tokens": prompt, "output_tokens": said, "total_tokens": prompt + said}
    return {"usage_metadata": {**counts, "input_token_details": {"cache_read": cached}}}


PROVIDER: Final = LlamaCppProvider()
