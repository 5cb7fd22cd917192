"""The engines of this process; the negotiations of a model are spread over several of them.

A small model has an engine for each negotiation in flight, as far as there are cores, with a thread or more each: its
matrices are too small for several threads to share (docs/models.md has the measurement). A negotiation keeps its
engine, with both its seats, and shares no batch with another, so its words do not depend on what else is in flight.
A larger model has one engine with all cores.

The first to ask for a model decides the size of its engines. For a later adapter they are restarted, once the calls in
flight have finished.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from poise.agents.models.embedded.checks import chat_template, check_gpu, check_memory
from poise.agents.models.embedded.engine import Completion, Engine, Retired, engine_cores
from poise.agents.models.embedded.folder import ModelFile, find_model
from poise.agents.models.embedded.requantise import playable
from poise.agents.models.embedded.weights import SMOLLM2
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError, ModelMissing

_SMALL: Final = 400_000_000  # parameters; a model with more is faster with several threads
_SEATS: Final = 2  # slots of a negotiation
_REMEMBERED: Final = 1024  # negotiations
_LOCK: Final = threading.RLock()
_pools: dict[tuple[Path, str], _Pool] = {}  # by the model's file and its template
_owner = 0  # the process that opened them: threads do not survive a fork
_adapters: dict[Path, dict[str, str]] = {}  # by the model's file: paths by key, of all that will be asked for


def expect_adapter(key: str, path: str, model: ModelFile) -> None:
    """Load the adapter in the file `path` when the model's engine starts, so that it need not be restarted."""
    with _LOCK:
        _adapters.setdefault(model.path, {})[key] = path


def shared_engine(
    settings: ModelSettings, adapter: str = "", model: ModelFile | None = None, conversation: str = ""
) -> Engine:
    """The engine of this process that has the conversation.

    adapter: the key of one that `expect_adapter` was told of, and that the engine then has.
    model:   whose engine; None is smollm2.
    Raises AgentError when more slots or a longer context are asked for later: an engine cannot grow while it is used.
    """
    global _owner  # noqa: PLW0603 - one set of engines a process is the point
    model = model or find_model(SMOLLM2)
    with _LOCK:
        if _owner != os.getpid():
            _pools.clear()
            _owner = os.getpid()
        size = _Size.of(settings, model)
        key = model.path, chat_template(model, settings)
        pool = _pools.get(key)
        if pool is None:
            pool = _pools[key] = _Pool(model, playable(model, settings), key[1], size, _present(model, adapter))
        pool.refuse_larger(size)
        if adapter and adapter not in pool.adapters:
            pool.restart(_present(model, adapter))
        return pool.engine(conversation)


@dataclass(frozen=True, slots=True)
class _Size:
    """The size of a model's engines; context and threads of each."""

    slots: int
    context: int
    threads: int
    gpu_layers: int
    engines: int

    @classmethod
    def of(cls, settings: ModelSettings, model: ModelFile) -> _Size:
        longest = model.header.context or settings.context
        cores = engine_cores()
        engines, threads = settings.engines, settings.threads
        if not engines:
            alone = threads or settings.gpu_layers or model.header.parameters > _SMALL
            engines = 1 if alone else max(1, min(cores, settings.slots // _SEATS))
        context = min(settings.context, longest)
        return cls(settings.slots, context, threads or max(1, cores // engines), settings.gpu_layers, engines)


@dataclass
class _Pool:
    """The engines of one model."""

    model: ModelFile
    weights: Path
    template: str
    size: _Size
    adapters: dict[str, str]
    engines: list[Engine] = field(default_factory=list)
    _of: OrderedDict[str, int] = field(default_factory=OrderedDict)  # the engine of a negotiation, by last use
    _last: int = -1  # the engine that got the newest negotiation

    def __post_init__(self) -> None:
        check_gpu(self.size.gpu_layers)
        check_memory(self.model, self.size.slots, self.size.context)
        self._start()

    def _start(self) -> None:
        size = self.size
        slots = -(-size.slots // size.engines)
        self.engines = [
            Engine(
                self.weights,
                slots,
                size.context,
                size.threads,
                self.adapters,
                template=self.template,
                gpu_layers=size.gpu_layers,
            )
            for _ in range(size.engines)
        ]

    def refuse_larger(self, wanted: _Size) -> None:
        has = self.size
        if wanted.slots > has.slots or wanted.context > has.context:
            raise AgentError(
                f"embedded:{self.model.name} runs with {has.slots} slots of {has.context} tokens; {wanted.slots} of "
                f"{wanted.context} need `poise.agents.models.embedded.shared.close_engines()` first"
            )

    def restart(self, adapters: dict[str, str]) -> None:
        for engine in self.engines:
            engine.retire()
        self.adapters = adapters
        self._start()

    def engine(self, conversation: str) -> Engine:
        """The engine of the conversation's negotiation; a new one gets that with the fewest calls in flight."""
        negotiation = conversation.rpartition("/")[0] or conversation
        if negotiation not in self._of:
            count = len(self.engines)
            others_first = [(self._last + step) % count for step in range(1, count + 1)]
            self._last = min(others_first, key=lambda number: self.engines[number].calls)
            self._of[negotiation] = self._last
            if len(self._of) > _REMEMBERED:
                self._of.popitem(last=False)
        self._of.move_to_end(negotiation)
        return self.engines[self._of[negotiation]]


@dataclass(frozen=True, slots=True)
class Speaker:
    """This process's engine of a model, speaking with one adapter or none; it survives restarts of the engine."""

    settings: ModelSettings
    adapter: str = ""
    model: ModelFile | None = None

    def chat(
        self, body: Mapping[str, Any], conversation: str, deadline: float, enough: Callable[[str], bool] | None = None
    ) -> Completion:
        """As `Engine.chat`."""
        while True:
            with suppress(Retired):
                engine = shared_engine(self.settings, self.adapter, self.model, conversation)
                return engine.chat(body, conversation, deadline, enough, self.adapter)


def _present(model: ModelFile, wanted: str) -> dict[str, str]:
    """The model's adapters whose files are there; ModelMissing when `wanted` is not."""
    known = _adapters.get(model.path, {})
    found = {key: path for key, path in known.items() if Path(path).is_file()}
    if wanted and wanted not in found:
        raise ModelMissing(f"the adapter {known.get(wanted, wanted)} is no longer there; export it again")
    return found


def close_engines() -> None:
    """Free this process's engines; the next call opens another."""
    with _LOCK:
        pools = list(_pools.values()) if _owner == os.getpid() else []
        _pools.clear()
    closing = [threading.Thread(target=engine.close) for pool in pools for engine in pool.engines]
    for each in closing:  # each waits for its calls in flight
        each.start()
    for each in closing:
        each.join()


atexit.register(close_engines)  # a call in flight must not outlive the interpreter
