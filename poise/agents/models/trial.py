"""A trial call: whether a model answers, and how quickly, before anything depends on it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from poise.agents.models.calls import CutReply, EmptyReply, Reply, open_caller
from poise.agents.models.endpoint import Question
from poise.agents.models.settings import ModelSettings
from poise.common.errors import BadReply, ModelTimeout

if TYPE_CHECKING:
    from poise.agents.models.adapters import Adapter

_TRIES: Final = 3  # tries that may be late: a server loads its model with the first call
_TURNS: Final = (
    ("system", "You are a creditor. You speak in short sentences."),
    ("user", "Say in one sentence of at most ten words that you need to be paid within 30 days."),
)
_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"agreed": {"type": "boolean"}},
    "required": ["agreed"],
    "additionalProperties": False,
}


def try_model(uri: str, settings: ModelSettings, adapter: Adapter | None = None, *, json: bool = False) -> str:
    """Ask the model for one sentence, and say how long it took; the cache of replies is left out.

    json: ask for a JSON object, as judges and detectors do.
    Raises ModelDown and ModelMissing, ModelTimeout where several calls in a row were late, and BadReply where the reply
    holds no words.
    """
    caller = open_caller(uri, replace(settings, cache=""), adapter)
    question = Question(_TURNS, 0, "trial", _SCHEMA if json else None)
    for attempt in range(_TRIES):
        began = time.monotonic()
        try:
            return _pace(uri, caller.ask(question), time.monotonic() - began)
        except CutReply as cut:
            if not cut.text.strip():
                raise BadReply(_unusable(uri, cut)) from None
            return _pace(uri, Reply(cut.text, cut.usage), time.monotonic() - began)
        except EmptyReply as empty:
            if attempt == _TRIES - 1:
                raise BadReply(_unusable(uri, empty)) from None
        except ModelTimeout as late:
            if attempt == _TRIES - 1:
                raise ModelTimeout(
                    f"{uri} answered none of {_TRIES} trial calls within {settings.timeout:g} s each: {late}. Raise "
                    "--option timeout=SECONDS where it is only slow"
                ) from None
    raise AssertionError("unreachable")  # the last try returns or raises


def _pace(uri: str, reply: Reply, seconds: float) -> str:
    tokens = reply.usage.get("reply_tokens") or max(1, len(reply.text.split()))
    return f"{uri} answered a trial call in {seconds:.2g} s: {seconds / tokens:.2g} s a token"


def _unusable(uri: str, error: BadReply) -> str:
    return f"{uri} gave no usable reply to a trial call: {error}. Nothing was played; see docs/models.md"
