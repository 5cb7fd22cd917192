"""One call to a model: its deadline, its retries, and what came of it.

A call runs in a thread of its own, so that it ends on time however its server hangs or dribbles. Such a thread cannot
be stopped from outside; the model is told of the deadline too, and ends the call's background work at the next word.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from poise.agents.models.endpoint import Endpoint, Interrupted
from poise.agents.models.schema import against
from poise.agents.models.settings import ModelSettings
from poise.common.errors import BadReply, PoiseError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.cache import ReplyCache
from poise.agents.models.endpoint import Question

T = TypeVar("T")
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 8.0
_MESSAGES: Final = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
_CUT: Final = ("length", "max_tokens")
_EXCERPT: Final = 80


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said, and what it cost.

    usage: calls, prompt_tokens, cached_tokens (0 where the server does not tell), evaluated_tokens, reply_tokens,
    model_seconds.
    """

    text: str
    usage: Mapping[str, float] = field(default_factory=dict)


class CutReply(BadReply):
    """The reply was longer than it may be; `text` is its beginning."""

    def __init__(self, message: str, text: str, usage: Mapping[str, float]) -> None:
        super().__init__(message)
        self.text = text
        self.usage = usage


class EmptyReply(BadReply):
    """The reply has no text."""

    def __init__(self, message: str, usage: Mapping[str, float]) -> None:
        super().__init__(message)
        self.usage = usage


class Caller:
    """Calls one model; threads may share it.

    clock and sleep are for tests: what pauses between tries are measured and made with.
    """

    def __init__(
        self,
        model: BaseChatModel,
        settings: ModelSettings,
        cache: ReplyCache | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = Endpoint.of(model)
        self._model = model
        self._settings = settings
        self._cache = cache
        self._clock = clock
        self._sleep = sleep

    def ask(self, question: Question) -> Reply:
        """The model's reply.

        Raises ModelDown (after `patience` seconds of trying), ModelMissing, ModelTimeout (the call took longer than
        `timeout` in all), CutReply, EmptyReply, BadReply (not to be read), ModelError (the request is refused).
        """
        if self._settings.seed is not None:
            question = replace(question, seed=self._settings.seed)
        if self._cache is None:
            return self._patiently(question)
        options = {**self._settings.declared(), "draw": question.seed, "schema": question.schema}
        key = [self.endpoint.kind, self.endpoint.name, self.endpoint.place, options]
        kept = self._cache.get(question.turns, key)
        if kept is not None:
            return Reply(kept, {"cache_hits": 1})
        reply = self._patiently(question)
        self._cache.put(question.turns, key, reply.text)
        return reply

    def ask_json(self, question: Question) -> Any:
        """A reply that follows the question's schema (of an object), as data.

        Raises what `ask` does, and BadReply for text that is no JSON or lacks what the schema requires.
        """
        text = self.ask(question).text
        told = f"{self.endpoint.name} was asked for JSON and said {text[:_EXCERPT]!r}"
        try:
            data = json.loads(text)
        except ValueError as error:
            raise BadReply(f"{told} ({error})") from None
        if problem := against(data, question.schema or {}):
            raise BadReply(f"{told}, where {problem}")
        return data

    def _patiently(self, question: Question) -> Reply:
        """Call until it works, with pauses that double, for `patience` seconds at most."""
        end, pause = self._clock() + self._settings.patience, _FIRST_PAUSE
        while True:
            try:
                return self._once(question)
            except Exception as error:  # noqa: BLE001 - whatever a client library raises becomes one of Poise's errors
                explained, again = self.endpoint.explain(error)
                if not again or self._clock() + pause > end:
                    raise explained from (None if isinstance(error, PoiseError) else error)
            self._sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(self, question: Question) -> Reply:
        began = time.monotonic()
        deadline = began + self._settings.timeout
        arguments = self.endpoint.arguments(self._settings, question, deadline)
        messages: list[BaseMessage] = [_MESSAGES[role](text) for role, text in question.turns]
        config: Any = {"callbacks": [_Deadline(deadline)]}
        message = _in_time(lambda: self._model.invoke(messages, config, **arguments), deadline, self.endpoint)
        return self._reply(message, time.monotonic() - began)

    def _reply(self, message: AIMessage, seconds: float) -> Reply:
        usage = _usage(message, seconds)
        text = message.text
        about = message.response_metadata
        reason = about.get("done_reason") or about.get("finish_reason")
        if reason in _CUT:
            told = f"{self.endpoint.name}'s reply was cut after {self._settings.max_tokens} tokens; raise max_tokens"
            raise CutReply(told, text, usage)
        if self.endpoint.kind == "ollama" and about.get("done") is not True:
            raise Interrupted
        if not text.strip():
            raise EmptyReply(f"{self.endpoint.name} gave an empty reply", usage)
        return Reply(text, usage)


class _Deadline(BaseCallbackHandler):
    """Ends a streamed reply once its time is over."""

    raise_error = True
    ignore_chat_model = True

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def on_llm_new_token(self, *_: Any, **__: Any) -> None:
        if time.monotonic() > self._deadline:
            raise TimeoutError


def _in_time(function: Callable[[], T], deadline: float, endpoint: Endpoint) -> T:
    """`function()`, or ModelTimeout when it has not returned by `deadline`."""
    answer: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answer.put((function(), None))
        except BaseException as error:  # noqa: BLE001 - handed over to the waiting thread
            answer.put((None, error))

    threading.Thread(target=work, daemon=True, name="poise-call").start()
    try:
        result, error = answer.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise endpoint.timeout() from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # without an error there is a result


def _usage(message: AIMessage, seconds: float) -> dict[str, float]:
    counted: Any = message.usage_metadata or {}
    prompt = counted.get("input_tokens", 0)
    cached = (counted.get("input_token_details") or {}).get("cache_read", 0) or 0
    return {
        "calls": 1,
        "prompt_tokens": prompt,
        "cached_tokens": cached,
        "evaluated_tokens": prompt - cached,
        "reply_tokens": counted.get("output_tokens", 0),
        "model_seconds": seconds,
    }
