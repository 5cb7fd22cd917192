"""The engines of this process: of each model's file those that its calls are spread over.

The first to ask for a model decides the size of its engines. An adapter that comes later has them started again, once
the calls in flight are through.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from poise.agents.models.embedded.checks import chat_template, check_gpu, check_memory
from poise.agents.models.embedded.engine import Completion, Engine, Retired
from poise.agents.models.embedded.folder import ModelFile, find_model
from poise.agents.models.embedded.weights import SMOLLM2
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError, ModelMissing

_LOCK: Final = threading.RLock()
_pools: dict[tuple[Path, str], _Pool] = {}  # by the model's file and its template
_owner = 0  # the process that opened them: threads do not survive a fork
_adapters: dict[Path, dict[str, str]] = {}  # by the model's file: paths by key, of all that will be asked for


def expect_adapter(key: str, path: str, model: ModelFile) -> None:
    """Have the adapter in the file `path` loaded when the model's engine starts, so that it need not start again."""
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
            pool = _pools[key] = _Pool(model, key[1], size, _present(model, adapter))
        pool.refuse_larger(size)
        if adapter and adapter not in pool.adapters:
            pool.restart(_present(model, adapter))
        return pool.engine(conversation)


@dataclass(frozen=True, slots=True)
class _Size:
    """What the engines of a model are started with; context and threads of each."""

    slots: int
    context: int
    threads: int
    gpu_layers: int

    @classmethod
    def of(cls, settings: ModelSettings, model: ModelFile) -> _Size:
        longest = model.header.context or settings.context
        return cls(settings.slots, min(settings.context, longest), settings.threads, settings.gpu_layers)


@dataclass
class _Pool:
    """The engines of one model."""

    model: ModelFile
    template: str
    size: _Size
    adapters: dict[str, str]
    engines: list[Engine] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_gpu(self.size.gpu_layers)
        check_memory(self.model, self.size.slots, self.size.context)
        self._start()

    def _start(self) -> None:
        size = self.size
        self.engines = [
            Engine(
                self.model.path,
                size.slots,
                size.context,
                size.threads,
                self.adapters,
                template=self.template,
                gpu_layers=size.gpu_layers,
            )
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

    def engine(self, conversation: str) -> Engine:  # noqa: ARG002
        return self.engines[0]


@dataclass(frozen=True, slots=True)
class Speaker:
    """This process's engine of a model, speaking with one adapter or none; a restart in between goes unnoticed."""

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
    for engine in (engine for pool in pools for engine in pool.engines):
        engine.close()


atexit.register(close_engines)  # a call in flight must not outlive the interpreter
