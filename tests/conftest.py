"""Settings of all tests: goldens, reproducible properties, no network, one quiet drawing backend."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest
from hypothesis import settings

_PATIENCE = 60.0  # seconds that a thread may take to end; a moment suffices on an idle machine


# Files that take seconds of CPU, the longest first: they begin first, so that the workers end together, and
# `make quick` leaves them out.
_SLOW: Final = (
    "test_ray",
    "test_view_browser",
    "test_pages",
    "test_offline_learning",
    "test_worlds_experiment",
    "test_processes",
    "test_dev_server",
    "test_words_killed",
    "test_notebook",
    "test_tutorials",
    "test_extending_docs",
    "test_training",
    "test_environment",
    "test_init",
    "test_bad_days",
    "test_server_restart",
    "test_site",
    "test_train_words_command",
    "test_export",
)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Give each file to one worker, which sets its fixtures up once, and all that runs the model to another.

    Two engines at a time would only share the cores.
    """

    def rank(item):
        if item.get_closest_marker("model"):
            return -1
        return _SLOW.index(item.path.stem) if item.path.stem in _SLOW else len(_SLOW)

    for item in items:
        item.add_marker(pytest.mark.xdist_group("model" if rank(item) < 0 else item.path.stem))
        if 0 <= rank(item) < len(_SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(key=rank)


def pytest_collection_finish(session):
    """Refuse to go on where xdist leaves the groups out, as it does beside a pytest it does not know."""
    ungrouped = [item.nodeid for item in session.items if "@" not in item.nodeid]
    if getattr(session.config.option, "loadgroup", False) and ungrouped:
        raise pytest.UsageError(f"xdist does not group {ungrouped[0]} and others; two workers would run the model")
    gc.freeze()  # what is imported and collected is not looked through again at every full collection


def pytest_configure(config):
    examples = 100 if config.getoption("--all-moments") else 30
    settings.register_profile("poise", deadline=None, derandomize=True, max_examples=examples)
    settings.load_profile("poise")


def pytest_addoption(parser):
    parser.addoption(
        "--all-moments", action="store_true", help="full counts: killed moments, examples of a property, longer talks"
    )
    parser.addoption("--regenerate-goldens", action="store_true", help="write the golden files anew")


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    """A test that reaches for the network fails at once."""
    connect = socket.socket.connect

    def guarded(self, address, *rest):
        host = address[0] if isinstance(address, tuple) else ""
        if isinstance(address, tuple) and host not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test reached for the network: {address}")
        return connect(self, address, *rest)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _no_thread_left_over():
    """A test that leaves a thread of Poise at work fails: it would go on beside the next tests."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("poise-"):
            thread.join(_PATIENCE)
            assert not thread.is_alive(), f"the test left {thread.name} at work; let it hang on `test_over`"


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_works():
    """Ctrl-C interrupts, also where the tests run in the background of a shell, which has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _in_this_process():
    """A tournament goes over to worker processes where a test has it do so, and not because the machine is slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poise.tournaments.workers.play._WORTH_PROCESSES", float("inf"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _forks_beside_xdist():
    """Worker processes are forked beside the thread in which xdist waits for messages, as they are without it.

    What most of them would import is imported before.
    """
    threads = Path("/proc/self/task")
    if "PYTEST_XDIST_WORKER" not in os.environ or not threads.is_dir():
        yield
        return
    import_module("poise.graphs.pairing")
    waiting = {one.name for one in threads.iterdir()} - {str(threading.get_native_id())}
    own = SimpleNamespace(
        is_dir=threads.is_dir, iterdir=lambda: (one for one in threads.iterdir() if one.name not in waiting)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poise.common.processes._THREADS", own)
        yield


@pytest.fixture(scope="session")
def thorough(request):
    """Whether the full counts are wanted, as in `make test-all`."""
    return request.config.getoption("--all-moments")


@pytest.fixture(autouse=True)
def _one_thread(request, monkeypatch):
    """The embedded model computes on one core: the other plays other tests."""
    if request.node.get_closest_marker("model"):
        monkeypatch.setattr("poise.agents.models.embedded.engine._MAX_THREADS", 1)


@pytest.fixture
def test_over():
    """An event that is set when the test is over: what hangs until then ends with it."""
    over = threading.Event()
    yield over
    over.set()


@pytest.fixture(scope="module", autouse=True)
def _no_engine_left_over():
    """The embedded model of one file of tests, and the adapters it knows, are not another's."""
    yield
    shared = sys.modules.get("poise.agents.models.embedded.shared")
    if shared is not None:
        shared.close_engines()
        shared._adapters.clear()
