"""One call to a model: its deadline, its retries and its result.

A call runs in its own thread, so that it ends on time even if its server hangs or sends slowly. Such a thread cannot
be stopped from outside; the model knows the deadline too, and ends the call's background work at the next word.
"""

from __future__ import annotations

import itertools
import json
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from poise.agents.models import models
from poise.agents.models.cache import ReplyCache
from poise.agents.models.endpoint import Endpoint, Question
from poise.agents.models.schema import against
from poise.agents.models.settings import ModelSettings
from poise.common.errors import BadReply, ModelError, ModelTimeout, PoiseError
from poise.common.tracing import kept_here

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from poise.agents.models.adapters import Adapter

T = TypeVar("T")
_REMEMBERED: Final = 1024  # negotiations that keep their server
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 8.0
_MESSAGES: Final = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
_CUT: Final = ("length", "max_tokens")
_FILTERED: Final = "content_filter"
_EXCERPT: Final = 80
_MOST_TOKENS: Final = 1 << 40  # a larger count of tokens is an error of the server


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said, and what it cost.

    usage: calls, model_seconds and, of prompt_tokens, cached_tokens, evaluated_tokens and reply_tokens, those that the
    server reports. What it does not report is unknown, not 0.
    """

    text: str
    usage: Mapping[str, float] = field(default_factory=dict)


class CutReply(BadReply):
    """The reply was longer than allowed; `text` is its beginning."""

    def __init__(self, message: str, text: str, usage: Mapping[str, float]) -> None:
        super().__init__(message)
        self.text = text
        self.usage = usage

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.text, self.usage)


class EmptyReply(BadReply):
    """The reply has no text."""

    def __init__(self, message: str, usage: Mapping[str, float]) -> None:
        super().__init__(message)
        self.usage = usage

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.usage)


def reply_problem(error: PoiseError) -> str:
    """What was wrong with a reply, as the entry of [problems] in a prompt's file: "cut", "none", "late" or "form"."""
    kinds = ((CutReply, "cut"), (EmptyReply, "none"), (ModelTimeout, "late"))
    return next((name for kind, name in kinds if isinstance(error, kind)), "form")


class Caller:
    """Calls one model; threads may share it.

    uri: of the model, which errors name; "" where it was not opened by one. wording: see `ModelSettings`.
    clock and sleep are for tests: they measure and make the pauses between tries.
    """

    uri: str = ""
    wording: str = ""

    def __init__(
        self,
        model: BaseChatModel,
        settings: ModelSettings,
        cache: ReplyCache | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.provider = models.provider_of(model)
        self.endpoint = Endpoint.of(model)
        self.wording = settings.wording
        self._model = model
        self._settings = settings
        self._cache = cache
        self._clock = clock
        self._sleep = sleep

    def ask(self, question: Question) -> Reply:
        """The model's reply.

        Raises ModelDown (the server fails for `patience` seconds, or refuses the request), ModelMissing, ModelTimeout
        (the call took longer than `timeout` in all), CutReply and EmptyReply.
        """
        if self._settings.seed is not None:
            question = replace(question, seed=self._settings.seed)
        if self._cache is None:
            return self._patiently(question)
        options = {**self._settings.declared(), "draw": question.seed, "schema": question.schema}
        if question.grammar:
            options["grammar"] = question.grammar
        key = [self.provider.scheme, self.endpoint.name, self.endpoint.place, options]
        kept = self._cache.get(question.turns, key)
        if kept is not None:
            return Reply(kept, {"cache_hits": 1})
        reply = self._patiently(question)
        self._cache.put(question.turns, key, reply.text)
        return reply

    def ask_json(self, question: Question) -> Any:
        """A reply that follows the question's schema (of an object), as data.

        Raises what `ask` does, and BadReply for text that is not JSON or lacks what the schema requires.
        """
        text = self.ask(question).text
        said = f"{self.endpoint.name} was asked for JSON and said {text[:_EXCERPT]!r}"
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadReply(f"{said} ({error})") from None
        if problem := against(data, question.schema or {}):
            raise BadReply(f"{said}, where {problem}")
        return data

    def _patiently(self, question: Question) -> Reply:
        """Call until it works, with pauses that double, for `patience` seconds at most."""
        end, pause = self._clock() + self._settings.patience, _FIRST_PAUSE
        while True:
            try:
                return self._once(question)
            except Exception as error:  # noqa: BLE001 - whatever a client library raises becomes one of Poise's errors
                explained, again = self.provider.explain(error, self.endpoint)
                if not again or self._clock() + pause > end:
                    if isinstance(explained, ModelError):
                        explained.model = self.uri
                    raise explained from (None if isinstance(error, PoiseError) else error)
            self._sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(self, question: Question) -> Reply:
        began = time.monotonic()
        deadline = began + self._settings.timeout
        arguments = self.provider.arguments(self._settings, question, deadline)
        messages: list[BaseMessage] = [_MESSAGES[role](text) for role, text in question.turns]
        config: Any = {"callbacks": [_Deadline(deadline)]}
        timeout = self.provider.timeout(self.endpoint)

        def invoke() -> AIMessage:
            with kept_here():
                return self._model.invoke(messages, config, **arguments)

        message = _in_time(invoke, deadline, timeout)
        return self._reply(message, time.monotonic() - began)

    def _reply(self, message: AIMessage, seconds: float) -> Reply:
        usage, text, name = _usage(message, seconds), message.text, self.endpoint.name
        about = message.response_metadata
        reason = about.get("done_reason") or about.get("finish_reason")
        if reason in _CUT:
            after = f"cut after {self._settings.longest()} tokens" if text.strip() else "all thoughts and no message"
            remedy = "raise max_tokens, or thinking where the model thinks before it replies (see docs/models.md)"
            raise CutReply(f"{name}'s reply was {after}; {remedy}", text, usage)
        self.provider.verify(about)
        if refusal := message.additional_kwargs.get("refusal"):
            raise EmptyReply(f"{name} refused: {str(refusal)[:_EXCERPT]!r}", usage)
        if reason == _FILTERED:
            raise EmptyReply(f"{name}'s reply was withheld by its content filter", usage)
        if not text.strip():
            raise EmptyReply(f"{name} gave an empty reply", usage)
        return Reply(text, usage)


class _TooLate(BaseException):
    """Ends a reply at its deadline; not an Exception, because LangChain logs those that a callback raises."""


class _Deadline(BaseCallbackHandler):
    """Ends a streamed reply at its deadline."""

    raise_error = True
    ignore_chat_model = True

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def on_llm_new_token(self, *_: Any, **__: Any) -> None:
        if time.monotonic() > self._deadline:
            raise _TooLate


def _in_time(function: Callable[[], T], deadline: float, timeout: ModelTimeout) -> T:
    """`function()`; raises `timeout` when it has not returned by `deadline`."""
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
        raise timeout from None
    if isinstance(error, _TooLate):
        raise timeout from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # without an error there is a result


def _usage(message: AIMessage, seconds: float) -> dict[str, float]:
    counted: Any = message.usage_metadata or {}
    cached = (counted.get("input_token_details") or {}).get("cache_read")
    counts = {
        "prompt_tokens": counted.get("input_tokens"),
        "cached_tokens": cached,
        "evaluated_tokens": None if cached is None else counted.get("input_tokens", 0) - cached,
        "reply_tokens": counted.get("output_tokens"),
    }
    known = {name: count for name, count in counts.items() if count is not None and 0 <= count < _MOST_TOKENS}
    return {"calls": 1, **known, "model_seconds": seconds}


AskElsewhere = Callable[[str, ModelSettings, "Adapter | None", Question], Reply]
_ask_elsewhere: AskElsewhere | None = None


def forward_calls(ask: AskElsewhere) -> None:
    """Send questions to models that this process opens from now on through `ask`, which raises what a Caller does."""
    global _ask_elsewhere  # noqa: PLW0603 - it concerns the whole process
    _ask_elsewhere = ask


class _ForwardedCaller(Caller):
    """Asks a model through another process, which has the actual caller."""

    def __init__(self, uri: str, settings: ModelSettings, adapter: Adapter | None, ask: AskElsewhere) -> None:
        self.uri = uri
        self.provider, name = models.parse_uri(uri)
        self.endpoint = Endpoint(name)
        self.wording = settings.wording
        self._asked = uri, settings, adapter
        self._ask = ask

    def ask(self, question: Question) -> Reply:
        return self._ask(*self._asked, question)


def open_caller(uri: str, settings: ModelSettings, adapter: Adapter | None = None) -> Caller:
    """Calls the model that `uri` names, with the cache of replies that the settings name. Raises AgentError."""
    if _ask_elsewhere is not None:
        return _ForwardedCaller(uri, settings, adapter, _ask_elsewhere)
    cache = ReplyCache(settings.cache) if settings.cache else None
    placed = models.parse_uri(uri)[0].placed(settings)
    callers = [Caller(models.open_chat_model(uri, each, adapter), each, cache) for each in placed]
    for each in callers:
        each.uri = uri
    return callers[0] if len(callers) == 1 else SpreadCaller(callers)


class SpreadCaller(Caller):
    """Calls one model on several servers: negotiations take turns over them, and each stays where its prompts are."""

    def __init__(self, callers: Sequence[Caller]) -> None:
        self.uri, self.provider, self.endpoint = callers[0].uri, callers[0].provider, callers[0].endpoint
        self.wording = callers[0].wording
        self._callers = callers
        self._places: OrderedDict[str, Caller] = OrderedDict()  # by negotiation, by last use
        self._turns = itertools.cycle(callers)
        self._choosing = threading.Lock()

    def ask(self, question: Question) -> Reply:
        """As `Caller.ask`, of the negotiation's server."""
        negotiation = question.conversation.rpartition("/")[0] or question.conversation
        with self._choosing:
            caller = self._places.pop(negotiation, None) or next(self._turns)
            if negotiation:
                self._places[negotiation] = caller
            if len(self._places) > _REMEMBERED:
                self._places.popitem(last=False)
        return caller.ask(question)
