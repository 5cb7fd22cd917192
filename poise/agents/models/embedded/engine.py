"""llama.cpp (xllamacpp) inside this process: one model, loaded.

An engine has several slots; a conversation keeps its slot, so that of a prompt that grows at its end only the end is
evaluated. `poise.agents.models.embedded.shared` has the engines of a process.

LoRA adapters are loaded with the model, any number of them, and each call names one or none. llama.cpp takes no further
adapter while it runs: for a later one, the engine is restarted once the calls in flight have finished.

What a seed guarantees: the same messages, options and seed, with the same tokens already in the slot's cache and no
other conversation at the same time, give the same reply on the same machine. Conversations in flight together are
evaluated in one batch, and a prompt may be evaluated in one piece or in several; both change the last digits of the
arithmetic, and with them, now and then, a word.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from poise.agents.models.embedded.llama import start
from poise.agents.models.embedded.slots import SlotBook
from poise.common.errors import ModelDown, ModelError, ModelTimeout, Unanswered
from poise.common.processes import usable_cores

_MAX_THREADS: Final = 8  # more threads only slow each other down with a model of this size
_CLOSE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply, why it ended ("stop" or "length"), the slot, and the engine's counters (tokens and milliseconds)."""

    text: str
    finish: str
    slot: int
    timings: Mapping[str, float]


def engine_cores() -> int:
    """The number of cores that the engines of a model use together."""
    return min(usable_cores(), _MAX_THREADS)


class Retired(ModelError):
    """This engine was replaced by another; ask for it again."""


class Engine:
    """llama.cpp with one model loaded; threads may share it. `close` ends it and the calls in flight.

    adapters:   paths of the LoRA adapters that calls may name, by key.
    template:   a chat template (Jinja) in place of the model's own. gpu_layers: how many of its layers a GPU holds.
    """

    def __init__(  # noqa: PLR0913
        self,
        weights: Path,
        slots: int,
        context: int,
        threads: int = 0,
        adapters: Mapping[str, str] | None = None,
        *,
        template: str = "",
        gpu_layers: int = 0,
    ) -> None:
        self.slots, self.context, self.threads = slots, context, threads or engine_cores()
        self.adapters = dict(adapters or {})
        self._numbers = {key: number for number, key in enumerate(self.adapters)}
        self._book = SlotBook(slots)
        self._closing = self._retired = False
        self.calls = 0  # in flight
        self._idle = threading.Condition()
        size = (slots, context, self.threads)
        self._server = start(weights, size, list(self.adapters.values()), template=template, gpu_layers=gpu_layers)

    def chat(
        self,
        body: Mapping[str, Any],
        conversation: str,
        deadline: float,
        enough: Callable[[str], bool] | None = None,
        adapter: str = "",
    ) -> Completion:
        """Send one chat request (llama.cpp's OpenAI form) and wait for the reply.

        enough:  gets the words so far and ends the reply by returning True.
        adapter: the key of the adapter to speak with, "" for none.
        Raises ModelTimeout once `deadline` (monotonic clock) has passed, between two tokens at the latest, and
        Unanswered when the engine refuses the request, which no agent is charged with.
        """
        with self._idle:
            if self._retired:
                raise Retired
            if self._closing:
                raise ModelDown("the embedded model has been closed; open it again")
            self.calls += 1
        try:
            request = {**body, "lora": self._scales(adapter)}
            with self._book.slot(conversation, deadline, adapter) as slot:
                return self._stream(request, _Stream(slot, deadline, enough, lambda: self._closing))
        finally:
            with self._idle:
                self.calls -= 1
                self._idle.notify_all()

    def _scales(self, adapter: str) -> list[dict[str, float]]:
        """The scale of each adapter, as llama.cpp takes it.

        It ignores an unknown number and lets the base speak: hence the lookup by key. And given no adapter, it switches
        them off but keeps what a slot has cached with them, which belongs to another model.
        """
        wanted = self._numbers[adapter] if adapter else -1
        return [{"id": number, "scale": float(number == wanted)} for number in self._numbers.values()]

    def continuation(
        self, prompt: Sequence[int], steps: int, adapter: str = "", alternatives: int = 100
    ) -> list[list[tuple[int, float]]]:
        """The likeliest tokens after `prompt` (tokens), without sampling; for measurements, not for play.

        For each of `steps` tokens, or fewer where the text ends: the likeliest `alternatives` as (token, log of its
        probability), best first; the first is the one that was taken.
        """
        with self._book.slot("continuation", float("inf"), adapter) as slot:
            body = {"prompt": list(prompt), "n_predict": steps, "n_probs": alternatives, "temperature": 0.0}
            answer = self._server.handle_completions(
                {**body, "lora": self._scales(adapter), "id_slot": slot, "cache_prompt": True}
            )
        if "error" in answer:
            raise ModelError(_refusal(answer["error"]))
        told = (answer["choices"][0].get("logprobs") or {}).get("content", [])
        return [[(each["id"], each["logprob"]) for each in one["top_logprobs"]] for one in told]

    def _stream(self, body: Mapping[str, Any], stream: _Stream) -> Completion:
        request = {**body, "id_slot": stream.slot, "cache_prompt": True, "stream": True, "timings_per_token": True}
        try:
            answer = self._server.handle_chat_completions(request, stream.listen)
        except (ValueError, RuntimeError) as error:
            raise Unanswered(_refusal({"message": str(error)})) from None
        if answer:  # a refusal comes as the answer, not as a chunk
            stream.listen(answer)
        return stream.completion()

    def retire(self) -> None:
        """Accept no more calls (they raise Retired), and free the model once those in flight have finished."""
        with self._idle:
            self._retired = True
            self._idle.wait_for(lambda: self.calls == 0)
            self._server = None

    def close(self) -> None:
        """End calls in flight at their next token and free the model; waits a few seconds at most."""
        with self._idle:
            self._closing = True
            if self._idle.wait_for(lambda: self.calls == 0, _CLOSE_SECONDS):
                self._server = None


@dataclass
class _Stream:
    """One reply, received chunk by chunk."""

    slot: int
    deadline: float
    enough: Callable[[str], bool] | None
    closing: Callable[[], bool]
    text: str = ""
    finish: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, Any] | None = None

    def listen(self, chunk: Mapping[str, Any]) -> bool:
        """Add a chunk; True ends the generation."""
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
            raise Unanswered(_refusal(self.refused))
        if self.finish:
            return Completion(self.text, self.finish, self.slot, self.timings)
        if self.closing():
            raise ModelDown("the embedded model was closed before its reply was complete")
        raise ModelTimeout("the embedded model did not finish its reply in time; raise timeout or lower max_tokens")


def _refusal(error: Mapping[str, Any]) -> str:
    if error.get("type") == "exceed_context_size_error":
        return f"the conversation has {error['n_prompt_tokens']} tokens and a slot {error['n_ctx']}; raise context"
    return f"the embedded model refuses the request: {error.get('message', error)}"
