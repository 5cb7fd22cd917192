"""Settings of all tests: goldens, reproducible properties, no network, one quiet drawing backend."""

from __future__ import annotations

import socket
import sys
import threading

import pytest
from hypothesis import settings

settings.register_profile("poise", deadline=None, derandomize=True)
settings.load_profile("poise")

_PATIENCE = 60.0  # seconds that a thread may take to end; a moment suffices on an idle machine


def pytest_addoption(parser):
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
    engine = sys.modules.get("poise.agents.models.embedded.engine")
    if engine is not None:
        engine.close_engine()
        engine._adapters.clear()
