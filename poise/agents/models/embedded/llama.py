"""Starts llama.cpp (xllamacpp) in this process.

llama.cpp's own HTTP listener cannot be switched off, so it is put on a Unix socket in a private folder, behind a random
key, and the socket is removed as soon as the engine runs.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from poise.common.errors import ModelDown
from poise.common.processes import begin_worker, spawn_context

_LONGEST_SOCKET: Final = 100  # bytes; the path of a Unix socket has little room
_SPIN: Final = "GOMP_SPINCOUNT"
_LOCK: Final = threading.Lock()
_TRIAL_SECONDS: Final = 120.0
_SILENT, _ERRORS = -1, 1  # how much llama.cpp writes to stderr
_REASON: Final = re.compile(r"error loading model: (.+)")
_LONGEST_REASON: Final = 200


def start(  # noqa: PLR0913
    weights: Path,
    size: tuple[int, int, int],
    adapters: Sequence[str],
    *,
    template: str = "",
    gpu_layers: int = 0,
    verbosity: int = _SILENT,
) -> Any:
    """A running llama.cpp server that nothing outside this process can reach.

    size: slots, context, threads. template: Jinja, "" for the model's own. Raises ModelDown where it does not start.
    """
    xllamacpp = _import()
    slots, context, threads = size
    folder = tempfile.mkdtemp(prefix="poise-")
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_parallel, params.n_ctx = slots, slots * context
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    socket = str(Path(folder) / "engine.sock")
    params.hostnames = [socket if len(socket.encode()) <= _LONGEST_SOCKET else "127.0.0.1"]
    params.port, params.n_threads_http = 0, 1
    params.api_keys = [secrets.token_hex(16)]
    params.endpoint_metrics = True  # for `start`; nobody else can ask
    params.ui = params.endpoint_slots = params.fit_params = params.warmup = False
    params.cache_ram_mib = 0  # the slots keep the prompts
    params.n_gpu_layers, params.chat_template = gpu_layers, template
    params.verbosity = verbosity
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in adapters]  # 0: only on request
    try:
        server = xllamacpp.Server(params)
        server.handle_metrics()  # once answered, its loop runs; freed before that, a server waits for ever
        return server
    except (ValueError, RuntimeError) as error:
        remedy = f"check the adapters {', '.join(adapters)}" if adapters else "lower slots or context"
        raise ModelDown(f"the embedded model does not start: {error}; {remedy}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def why_not_loaded(weights: Path, adapters: Sequence[str] = ()) -> str | None:
    """Why llama.cpp does not start with a model and adapters, in its own words ("" where it has none); None if it does.

    It is tried in another process: a file that makes llama.cpp crash must not take this process with it.
    """
    context: Any = spawn_context()  # a fork lacks the thread that writes llama.cpp's log
    with tempfile.TemporaryDirectory(prefix="poise-") as folder:
        log = Path(folder) / "log"
        trial = context.Process(target=_start_and_exit, args=(weights, adapters, log))
        trial.start()
        trial.join(_TRIAL_SECONDS)
        if trial.is_alive():
            trial.kill()
            trial.join()
        if trial.exitcode == 0:
            return None
        told = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    found = _REASON.search(told)
    return " ".join(found[1].split())[:_LONGEST_REASON] if found else ""


def _start_and_exit(weights: Path, adapters: Sequence[str], log: Path) -> None:
    begin_worker()
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT, 0o600), 2)
    try:
        _server = start(weights, (1, 256, 1), adapters, verbosity=_ERRORS)  # named, so that it is not freed
    except ModelDown:
        os._exit(1)
    os._exit(0)


def gpus() -> list[str]:
    """The devices besides the CPU that this build of llama.cpp can use, by name."""
    devices = _import().get_device_info()
    return [f"{each['name']} ({each['description']})" for each in devices if not each["type"].name.endswith("_CPU")]


def build() -> str:
    """The name and version of this llama.cpp."""
    return f"xllamacpp {version('xllamacpp')}"


def _import() -> Any:
    """xllamacpp, with OpenMP told to spin only briefly while it waits.

    By default its threads spin for milliseconds. On a busy machine, that costs a factor of ten: each thread uses up the
    time slice in which the one it waits for could run. Not spinning at all costs a third on an idle one. OpenMP reads
    the variable once, when it is loaded.
    """
    with _LOCK:
        before = os.environ.get(_SPIN)
        os.environ.setdefault(_SPIN, "1000")
        try:
            import xllamacpp
        finally:
            if before is None:
                with suppress(KeyError):
                    del os.environ[_SPIN]
        return xllamacpp
