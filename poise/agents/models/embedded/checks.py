"""Checks of a model's file before it plays: llama.cpp loads it, it has a chat template, and it fits into memory."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from poise.agents.models.embedded.folder import ModelFile
from poise.agents.models.embedded.llama import build, gpus, why_not_loaded
from poise.agents.models.embedded.weights import SMOLLM2
from poise.agents.models.sampling import named_template
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError, StoreError
from poise.common.files import cache_folder, replace_file

_MEMORY: Final = Path("/proc/meminfo")
_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_GB: Final = 1e9


def check_file(model: ModelFile, settings: ModelSettings) -> tuple[str, ...]:
    """What a user should know about the model, in sentences. Raises AgentError unless it can play."""
    header = model.header
    if int(header.values.get("split.count", 0)) > 1:
        raise AgentError(
            f"{model.path} is one of {header.values['split.count']} parts of a model; join them with "
            "`llama-gguf-split --merge`"
        )
    chat_template(model, settings)
    check_gpu(settings.gpu_layers)
    context = min(settings.context, header.context or settings.context)
    if not settings.gpu_layers:
        check_memory(model, settings.slots, context)
    if model.name != SMOLLM2:
        _check_loads(model)
    if context < settings.context:
        return (
            f"embedded:{model.name} was made for {context} tokens; a negotiation gets these instead of "
            f"{settings.context}",
        )
    return ()


def chat_template(model: ModelFile, settings: ModelSettings) -> str:
    """The Jinja source of the template to use instead of the model's own; "" for its own.

    Raises AgentError where it has none and none is named.
    """
    name = _named(model, settings)
    if not name and not model.header.template:
        raise AgentError(
            f"embedded:{model.name} has no chat template, so it may not be a chat model; name one "
            "with --option template=chatml (or gemma, plain, or a file with a Jinja template)"
        )
    return named_template(name)[0] if name else ""


def template_stops(model: ModelFile, settings: ModelSettings) -> list[str]:
    """The words with which the named template ends a reply."""
    name = _named(model, settings)
    return named_template(name)[1] if name else []


def _named(model: ModelFile, settings: ModelSettings) -> str:
    return model.template or ("" if model.name == SMOLLM2 else settings.template)


def check_gpu(layers: int) -> None:
    """Raise AgentError where layers are requested on a GPU and this build of llama.cpp finds none."""
    if layers and not gpus():
        raise AgentError(
            f"gpu_layers {layers} needs a GPU, and {build()} sees none: there is none, or it was built for CPUs; "
            "install a build for your GPU (see docs/models.md), or leave gpu_layers out"
        )


def check_memory(model: ModelFile, slots: int, context: int) -> None:
    """Raise AgentError where the weights and the slots' caches do not fit into free memory."""
    free, weights = free_memory(), model.header.size
    cache = slots * context * model.header.token_bytes
    if free is not None and weights + cache > free:
        raise AgentError(
            f"embedded:{model.name} needs about {(weights + cache) / _GB:.1f} GB ({weights / _GB:.1f} for the weights, "
            f"{cache / _GB:.1f} for {slots} slots of {context} tokens), and {free / _GB:.1f} GB are free; lower slots "
            "or context, or use a smaller model"
        )


def free_memory() -> int | None:
    """Bytes that this process can still allocate; None where the system does not report it."""
    found = []
    with suppress(OSError):
        if told := re.search(r"MemAvailable:\s+(\d+) kB", _MEMORY.read_text(encoding="ascii")):
            found.append(int(told[1]) * 1024)
    with suppress(OSError, ValueError):  # "max" is no limit
        found.append(int(_LIMIT.read_text(encoding="ascii")))
    return min(found, default=None)


def _check_loads(model: ModelFile) -> None:
    """Raise AgentError unless this llama.cpp loads the file; a file that it has loaded is not tried again."""
    tried = hashlib.sha256(f"{model.sha256} {build()}".encode()).hexdigest()[:16]
    note = cache_folder() / "weights" / f"{tried}.loads"
    if note.exists():
        return
    reason = why_not_loaded(model.path)
    if reason is not None:
        of = model.header.architecture
        raise AgentError(
            f"embedded:{model.name} (architecture {of!r}) is not loaded by {build()}: {reason or 'no reason given'}; "
            "get the file again if it is damaged, or play it on a server that has the architecture"
        )
    with suppress(StoreError):
        replace_file(note, b"", durable=False)
