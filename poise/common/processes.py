"""Worker processes: whether they may be forked, what a spawned one imports, and what each does first."""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext, SpawnContext, SpawnProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, Final

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
    return native_threads == 0 or native_threads <= _openblas_threads()


def _openblas_threads() -> int:
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["internal_api"] == "openblas"]
    return sum(pool["num_threads"] - 1 for pool in pools if pool["threading_layer"] == "pthreads")


def worker_context(sent: object, *, registered: bool) -> BaseContext:
    """How worker processes are started: forked where that is safe, which is ready at once, and spawned elsewhere.

    A spawned worker imports the user's main module only if it needs it; otherwise a script without an
    `if __name__ == "__main__":` would run again in each of them.

    sent:       what workers are sent; one that refers to the main module needs it.
    registered: names in it are known to this process only, because a module registered them on import.
    """
    if may_fork():
        return multiprocessing.get_context("fork")
    needs_main = registered or b"__main__" in bytes(ForkingPickler.dumps(sent))
    return multiprocessing.get_context("spawn") if needs_main else _SpawnWithoutMain()


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
    """Meanwhile the main module has no name and no file by which a spawned process could import it."""
    main: Any = sys.modules["__main__"]
    hidden = {name: vars(main).pop(name) for name in ("__spec__", "__file__") if name in vars(main)}
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(hidden)


def begin_worker() -> None:
    """Leave Ctrl-C, which the whole process group gets, to the parent; on Linux, die with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGKILL)
