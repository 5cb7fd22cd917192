"""llama.cpp (xllamacpp) inside this process.

One engine serves the whole process. It has several slots; a conversation keeps its slot, so that of a prompt that grows
at its end only the end is evaluated. llama.cpp's own HTTP listener cannot be switched off, so it is put on a Unix
socket in a private folder, behind a random key, and the socket is removed as soon as the engine runs.

What a seed guarantees: the same messages, options and seed, with the same tokens already in the slot's cache and no
other conversation at the same time, give the same reply on the same machine. Conversations in flight together are
evaluated in one batch, and a prompt may be evaluated in one piece or in several; both change the last digits of the
arithmetic, and with them, now and then, a word.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from poise.agents.voices.models import ModelSettings
from poise.agents.voices.slots import SlotBook
from poise.agents.voices.weights import find_weights
from poise.games.errors import AgentError, ModelError, ModelTimeout

_MAX_THREADS: Final = 8  # more threads only get in each other's way with a model of this size
_LONGEST_SOCKET: Final = 100  # bytes; the path of a Unix socket has little room
_CLOSE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply, why it ended ("stop" or "length"), the slot, and the engine's counters (tokens and milliseconds)."""

    text: str
    finish: str
    slot: int
    timings: Mapping[str, float]


class Engine:
    """llama.cpp with one model loaded; threads may share it. `close` ends it, and calls in flight with it."""

    def __init__(self, weights: Path, slots: int, context: int, threads: int = 0) -> None:
        self.slots, self.context = slots, context
        self._book = SlotBook(slots)
        self._closing = False
        self._calls = 0
        self._idle = threading.Condition()
        self._server = _start(weights, slots, context, threads or _cores())

    def chat(
        self, body: Mapping[str, Any], conversation: str, deadline: float, enough: Callable[[str], bool] | None = None
    ) -> Completion:
        """Send one chat request (llama.cpp's OpenAI form) and wait for the reply.

        enough: looks at the words so far and ends the reply by saying True.
        Raises ModelTimeout once `deadline` (monotonic clock) has passed, between two tokens at the latest, and
        ModelError when the engine refuses the request.
        """
        with self._idle:
            if self._closing:
                raise ModelError("the embedded model has been closed; open it anew")
            self._calls += 1
        try:
            with self._book.slot(conversation, deadline) as slot:
                return self._stream(body, _Stream(slot, deadline, enough, lambda: self._closing))
        finally:
            with self._idle:
                self._calls -= 1
                self._idle.notify_all()

    def _stream(self, body: Mapping[str, Any], stream: _Stream) -> Completion:
        request = {**body, "id_slot": stream.slot, "cache_prompt": True, "stream": True, "timings_per_token": True}
        try:
            answer = self._server.handle_chat_completions(request, stream.listen)
        except (ValueError, RuntimeError) as error:
            raise ModelError(_refusal({"message": str(error)})) from None
        if answer:  # a refusal comes as the answer, not as a chunk
            stream.listen(answer)
        return stream.completion()

    def close(self) -> None:
        """End calls in flight at their next token and free the model; waits a few seconds at most."""
        with self._idle:
            self._closing = True
            if self._idle.wait_for(lambda: self._calls == 0, _CLOSE_SECONDS):
                self._server = None


@dataclass
class _Stream:
    """One reply as it comes in, chunk by chunk."""

    slot: int
    deadline: float
    enough: Callable[[str], bool] | None
    closing: Callable[[], bool]
    text: str = ""
    finish: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, Any] | None = None

    def listen(self, chunk: Mapping[str, Any]) -> bool:
        """Take in a chunk; True ends the generation."""
        self.refused = chunk.get("error") or self.refused
        choice = chunk["choices"][0] if chunk.get("choices") else {}
        self.text += choice.get("delta", {}).get("content") or ""
        self.finish = choice.get("finish_reason") or self.finish
        self.timings = chunk.get("timings") or self.timings
        if self.enough and not self.finish and self.enough(self.text):
            self.finish = "stop"
            return True
        return self.closing() or time.monotonic() > self.deadline

    def completion(self) -> Completion:
        if self.refused is not None:
            raise ModelError(_refusal(self.refused))
        if self.finish:
            return Completion(self.text, self.finish, self.slot, self.timings)
        if self.closing():
            raise ModelError("the embedded model was closed before its reply was complete")
        raise ModelTimeout("the embedded model did not finish its reply in time; raise timeout or lower max_tokens")


def _refusal(error: Mapping[str, Any]) -> str:
    if error.get("type") == "exceed_context_size_error":
        return f"the conversation has {error['n_prompt_tokens']} tokens and a slot {error['n_ctx']}; raise context"
    return f"the embedded model refuses the request: {error.get('message', error)}"


def _cores() -> int:
    return min(len(os.sched_getaffinity(0)), _MAX_THREADS)


def _start(weights: Path, slots: int, context: int, threads: int) -> Any:
    """A running llama.cpp server that nothing outside this process can reach."""
    xllamacpp = _import()
    folder = tempfile.mkdtemp(prefix="poise-")
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_parallel, params.n_ctx = slots, slots * context
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.hostnames = [_listener(folder)]
    params.port, params.n_threads_http = 0, 1
    params.api_keys = [secrets.token_hex(16)]
    params.ui = params.endpoint_slots = params.fit_params = params.warmup = False
    params.cache_ram_mib = 0  # slots hold what is worth keeping
    params.verbosity = -1  # llama.cpp writes nothing to stderr
    try:
        return xllamacpp.Server(params)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"the embedded model does not start: {error}; lower slots or context") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _listener(folder: str) -> str:
    socket = str(Path(folder) / "engine.sock")
    return socket if len(socket.encode()) <= _LONGEST_SOCKET else "127.0.0.1"


def _import() -> Any:
    """xllamacpp, with OpenMP told to spin only briefly while it waits.

    By default its threads spin for milliseconds. On a machine with anything else to do, that costs a factor of ten:
    each thread burns the time slice in which the one it waits for could run. Not spinning at all costs a third on a
    quiet one. OpenMP reads the variable once, when it is loaded.
    """
    with _ENGINE_LOCK:
        before = os.environ.get(_SPIN)
        os.environ.setdefault(_SPIN, "1000")
        try:
            import xllamacpp
        finally:
            if before is None:
                with suppress(KeyError):
                    del os.environ[_SPIN]
        return xllamacpp


_SPIN: Final = "GOMP_SPINCOUNT"
_ENGINE_LOCK: Final = threading.RLock()
_engine: Engine | None = None
_owner = 0  # the process that opened it: threads do not survive a fork


def shared_engine(settings: ModelSettings) -> Engine:
    """This process's engine; the first to ask decides its size.

    Raises AgentError when more slots or a longer context are asked for later: an engine cannot grow while it is used.
    """
    global _engine, _owner  # noqa: PLW0603 - one engine a process is the point
    with _ENGINE_LOCK:
        if _engine is None or _owner != os.getpid():
            _engine = Engine(find_weights(), settings.slots, settings.context, settings.threads)
            _owner = os.getpid()
        if settings.slots > _engine.slots or settings.context > _engine.context:
            raise AgentError(
                f"the embedded model runs with {_engine.slots} slots of {_engine.context} tokens; {settings.slots} of "
                f"{settings.context} need `poise.agents.voices.engine.close_engine()` first"
            )
        return _engine


def close_engine() -> None:
    """Free this process's engine, if there is one; the next call opens another."""
    global _engine
    with _ENGINE_LOCK:
        engine, _engine = (_engine if _owner == os.getpid() else None), None
    if engine is not None:
        engine.close()


atexit.register(close_engine)  # a call in flight must not outlive the interpreter
