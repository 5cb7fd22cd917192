"""Model calls of a worker process, answered by its parent.

A user's agent plays in its own process, which may end or hang. The questions of its match to models go through a pipe
to the parent, where there is one embedded engine for all matches, one book of a server's slots, and one cache of
replies: so a conversation keeps its slot, and the tokens evaluated before, in whichever process it is played.
"""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from functools import lru_cache
from itertools import count
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from poise.agents.models.calls import Caller, Reply, forward_calls, open_caller
from poise.agents.models.endpoint import Question
from poise.agents.models.settings import ModelSettings
from poise.common.errors import ModelDown, PoiseError

if TYPE_CHECKING:
    from poise.agents.models.adapters import Adapter


def ask_through(pipe: Connection) -> None:
    """In a worker: send questions to the parent, which answers at the other end of `pipe`."""
    forward_calls(_Line(pipe).ask)


class _Line:
    """The worker's end. Several threads may ask; an abandoned turn leaves its question unanswered."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._sending = threading.Lock()
        self._numbers = count()
        self._waiting: dict[int, queue.SimpleQueue[Reply | PoiseError]] = {}
        threading.Thread(target=self._listen, daemon=True, name="poise-answers").start()

    def ask(self, uri: str, settings: ModelSettings, adapter: Adapter | None, question: Question) -> Reply:
        """The parent's answer, as `Caller.ask`."""
        number, answer = next(self._numbers), queue.SimpleQueue[Reply | PoiseError]()
        self._waiting[number] = answer
        with self._sending:
            self._pipe.send((number, (uri, settings, adapter), question))
        reply = answer.get()
        if isinstance(reply, PoiseError):
            raise reply
        return reply

    def _listen(self) -> None:
        with suppress(EOFError, OSError):  # the parent is gone, and this process will end too
            while True:
                number, reply = self._pipe.recv()
                self._waiting.pop(number).put(reply)


def answer_calls(pipe: Connection) -> None:
    """In the parent: answer the worker's questions at the other end of `pipe`, until it is closed."""
    threading.Thread(target=_answer_all, args=(pipe,), daemon=True, name="poise-calls").start()


def _answer_all(pipe: Connection) -> None:
    sending = threading.Lock()
    with pipe, suppress(EOFError, OSError):
        while True:
            asked = pipe.recv()
            threading.Thread(target=_answer, args=(pipe, sending, *asked), daemon=True, name="poise-call").start()


def _answer(
    pipe: Connection, sending: threading.Lock, number: int, model: tuple[str, ModelSettings, Any], question: Question
) -> None:
    reply: Reply | PoiseError
    try:
        reply = _caller(*model).ask(question)
    except PoiseError as error:
        reply = error
    except Exception as error:  # noqa: BLE001 - the worker waits for an answer
        reply = ModelDown(f"{model[0]} cannot be asked: {type(error).__name__}: {error}")
    with sending, suppress(OSError):  # the worker is gone
        pipe.send((number, reply))


@lru_cache(maxsize=64)
def _caller(uri: str, settings: ModelSettings, adapter: Adapter | None) -> Caller:
    return open_caller(uri, settings, adapter)
