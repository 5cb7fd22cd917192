"""A model in a GGUF file as a LangChain chat model, run by the engine inside this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult

from poise.agents.models.embedded.checks import template_stops
from poise.agents.models.embedded.engine import Completion
from poise.agents.models.embedded.folder import ModelFile, find_model
from poise.agents.models.embedded.shared import Speaker
from poise.agents.models.embedded.weights import SMOLLM2
from poise.agents.models.sampling import sampling_of
from poise.agents.models.settings import ModelSettings
from poise.agents.models.text import sentences
from poise.common.errors import AgentError

_ROLES: Final[Mapping[str, str]] = {"system": "system", "human": "user", "ai": "assistant"}


class ChatEmbedded(BaseChatModel):
    """A model in a GGUF file as a LangChain chat model.

    model is its name, and file what `find_model` found by it; None looks it up at the first call.

    In addition to LangChain's arguments, `invoke` takes: conversation (keeps its slot), seed, deadline (monotonic
    clock, seconds), schema (a JSON schema) or grammar (GBNF) that the reply must follow, room (tokens beside
    max_tokens). Any other reply ends where it begins to repeat its own sentences: small models do not leave such a
    loop. `usage_metadata` counts tokens, those served from the cache included; `response_metadata["timings"]` holds the
    engine's counters: prompt_n (evaluated), cache_n, predicted_n, and times.
    """

    settings: ModelSettings
    model: str = SMOLLM2
    file: ModelFile | None = None
    adapter: str = ""  # the key of one that the engine knows
    engine: Callable[..., Any] = Speaker

    @property
    def weights(self) -> str:
        """The file's identifier among files of the same name; "" for smollm2, which never changes."""
        return "" if self.model == SMOLLM2 else self._file.sha256[:16]

    @property
    def _llm_type(self) -> str:
        return "poise-embedded"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"model": self.model, "adapter": self.adapter, **self.settings.declared()}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - replies come whole
        **kwargs: Any,
    ) -> ChatResult:
        deadline = kwargs.get("deadline") or time.monotonic() + self.settings.timeout
        body = self.body(messages, stop, kwargs.get("seed"), kwargs.get("schema"))
        if kwargs.get("grammar"):
            body["grammar"] = kwargs["grammar"]
        body["max_tokens"] += kwargs.get("room", 0)
        formed = kwargs.get("schema") is not None or "grammar" in body
        enough = None if formed else loops
        speaker = self.engine(self.settings, self.adapter, self._file)
        done = speaker.chat(body, kwargs.get("conversation", ""), deadline, enough)
        return ChatResult(generations=[ChatGeneration(message=_message(done, self.model))])

    @property
    def _file(self) -> ModelFile:
        return self.file or find_model(self.model)

    def body(
        self,
        messages: Sequence[BaseMessage],
        stop: Sequence[str] | None = None,
        seed: int | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The request in llama.cpp's OpenAI form."""
        settings, file = self.settings, self._file
        sampling = {**sampling_of(file.header.architecture, file.header.parameters), **file.sampling}
        sampling["stop"] = [*sampling.get("stop", []), *template_stops(file, settings)]
        body = {**sampling, "max_tokens": settings.longest(), "messages": [_plain(message) for message in messages]}
        body["chat_template_kwargs"] = {"enable_thinking": bool(settings.thinking)}
        if settings.temperature is not None:
            body["temperature"] = settings.temperature
        seed = settings.seed if seed is None else seed
        if seed is not None:
            body["seed"] = seed
        if stop:
            body["stop"] = list(stop)
        if schema is not None:
            body |= {"json_schema": dict(schema), "stop": []}
        return body | dict(settings.extra)


def loops(text: str) -> bool:
    """Whether `text` ends with a sentence that it has said before."""
    if not text.endswith((".", "!", "?")):
        return False
    said = sentences(text)
    return said[-1] in said[:-1]


def _plain(message: BaseMessage) -> dict[str, str]:
    role = _ROLES.get(message.type)
    if role is None or not isinstance(message.content, str):
        raise AgentError(f"the embedded model takes system, human and AI messages of text, not {message.type!r}")
    return {"role": role, "content": message.content}


def _message(done: Completion, name: str) -> AIMessage:
    cached = int(done.timings.get("cache_n", 0))
    prompt = cached + int(done.timings.get("prompt_n", 0))
    reply = int(done.timings.get("predicted_n", 0))
    return AIMessage(
        content=done.text,
        usage_metadata=UsageMetadata(
            input_tokens=prompt,
            output_tokens=reply,
            total_tokens=prompt + reply,
            input_token_details=InputTokenDetails(cache_read=cached),
        ),
        response_metadata={
            "model_name": name,
            "finish_reason": done.finish,
            "slot": done.slot,
            "timings": dict(done.timings),
        },
    )
