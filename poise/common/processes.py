"""Worker processes: whether they may be forked, what a spawned one imports, what each does first, how it ended."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import BaseContext, SpawnContext, SpawnProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, Final

from poise.common import errors
from poise.common.errors import PoiseError

_PARENT_DIED: Final = 1  # PR_SET_PDEATHSIG of Linux
_THREADS: Final = Path("/proc/self/task")  # one entry for each thread of this process, native ones included


def may_fork() -> bool:
    """Whether a child forked now can do whatever this process can.

    A fork copies the calling thread only. A lock that another thread holds stays locked in the child, and a pool of
    native threads (OpenMP's, once torch or scikit-learn has computed with it) waits there for threads that are gone.
    OpenBLAS, which NumPy and SciPy bring, stops its threads before a fork and starts them after it. Native threads can
    be counted on Linux only; elsewhere the answer is no.
    """
    if threading.active_count() > 1 or not _THREADS.is_dir():
        return False
    native_threads = sum(1 for _ in _THREADS.iterdir()) - 1
    if native_threads == 0:
        return True
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["internal_api"] == "openblas"]
    openblas_threads: int = sum(pool["num_threads"] - 1 for pool in pools if pool["threading_layer"] == "pthreads")
    return native_threads <= openblas_threads


def worker_context(sent: object, *, registered: bool) -> BaseContext:
    """How worker processes are started: forked where that is safe, because it is quick, and spawned elsewhere.

    A spawned worker imports the user's main module only if it needs it; otherwise a script without an
    `if __name__ == "__main__":` would run again in each of them.

    sent:       what workers are sent; one that refers to the main module needs it.
    registered: it uses names that only this process knows, because a module registered them on import.
    """
    if may_fork():
        return multiprocessing.get_context("fork")
    needs_main = registered or b"__main__" in bytes(ForkingPickler.dumps(sent))
    return multiprocessing.get_context("spawn") if needs_main else spawn_context()


def spawn_context() -> BaseContext:
    """Worker processes that begin anew, with nothing of this one and without the user's main module."""
    return _SpawnWithoutMain()


def imports_main(context: BaseContext) -> bool:
    """Whether the worker processes of `context` import the user's main module."""
    return context.get_start_method() == "spawn" and not isinstance(context, _SpawnWithoutMain)


class _ProcessWithoutMain(SpawnProcess):
    def start(self) -> None:
        with _main_hidden():
            super().start()


class _SpawnWithoutMain(SpawnContext):
    Process = _ProcessWithoutMain


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Hide the name and the file of the main module, by which a spawned process would import it."""
    main: Any = sys.modules["__main__"]
    hidden = {name: vars(main).pop(name) for name in ("__spec__", "__file__") if name in vars(main)}
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(hidden)


def begin_worker() -> None:
    """Leave Ctrl-C, which reaches the whole process group, to the parent; on Linux, die when the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGKILL)


@dataclass
class TurnWatch:
    """Tells a watcher when an agent's turn begins (True) and ends, in a process that plays one match at a time."""

    watcher: Callable[[bool], None] | None = None

    def note(self, began: bool) -> None:
        """Tell the watcher, if there is one."""
        if self.watcher is not None:
            self.watcher(began)


turn_watch: Final = TurnWatch()


def how_it_ended(exitcode: int | None) -> str:
    """The exit code of a process in words, with the name of the signal that killed it."""
    if exitcode is not None and exitcode < 0:
        try:
            return f"signal {signal.Signals(-exitcode).name}"
        except ValueError:
            return f"signal {-exitcode}"
    return f"exit code {exitcode}"


def error_from_worker(name: str, text: str, model: str = "") -> PoiseError:
    """An error of a worker as the parent raises it: of the same class where it is one of Poise's.

    model: of a ModelError.
    """
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, PoiseError):
        error = kind(text)
        if isinstance(error, errors.ModelError):
            error.model = model
        return error
    return PoiseError(f"a worker process failed with {name}: {text}")


def usable_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
