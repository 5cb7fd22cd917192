"""A chat model that says what it is told, and requests to speak."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field, PrivateAttr

from poise.agents.protocols import Brief, Line, Request, View
from poise.games.moves import Move, Seat, offer
from poise.games.rules import Rules


class FakeModel(BaseChatModel):
    """Says `replies` in order, the last one again and again; an exception is raised, a function called.

    A reply (text, reason) ends for that reason.
    """

    replies: Sequence[Any]
    name: str | None = "fake"
    asked: list[list[BaseMessage]] = Field(default_factory=list)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return f"fake-{self.name}"

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        with self._lock:
            place = len(self.asked)
            self.asked.append(messages)
        reply = self.replies[min(place, len(self.replies) - 1)]
        if isinstance(reply, Callable):
            reply = reply(messages)
        if isinstance(reply, BaseException):
            raise reply
        text, reason = reply if isinstance(reply, tuple) else (reply, "stop")
        usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15, "input_token_details": {"cache_read": 4}}
        message = AIMessage(content=text, response_metadata={"finish_reason": reason}, usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])


def brief(seat: Seat = "creditor", **more: Any) -> Brief:
    known = {
        "target": 12 if seat == "creditor" else 112,
        "domain": "debt",
        "unit": "days",
        "polarity": 1,
        "bounds": (0, 365),
        "context": {"Creditor": "Elm Bank", "Debtor": "Oak Bakery", "Outstanding balance": "$4,634"},
        "rules": Rules(),
    }
    return Brief(seat, **{**known, **more})


def talks(*said: tuple[Seat, str, Move] | tuple[Seat, int]) -> tuple[Line, ...]:
    """Lines; a (seat, number) pair is that seat's offer of that number."""
    return tuple(
        Line(each[0], f"I say {each[1]} days.", offer(each[1])) if isinstance(each[1], int) else Line(*each)
        for each in said
    )


def request(move: Move | None, *said: Any, seat: Seat = "creditor", emotion: str | None = None, **more: Any) -> Request:
    about = {name: more.pop(name) for name in list(more) if name in Brief.__dataclass_fields__}
    notes = more.pop("notes", {})
    view = View(brief(seat, **about), talks(*said), notes=notes)
    return Request(view, move, emotion, **more)
