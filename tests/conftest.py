"""Settings of all tests: goldens, reproducible properties, no network, one quiet drawing backend."""

from __future__ import annotations

import socket
import sys

import pytest
from hypothesis import settings

settings.register_profile("poise", deadline=None, derandomize=True)
settings.load_profile("poise")


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


@pytest.fixture(scope="module", autouse=True)
def _no_engine_left_over():
    """The embedded model of one file of tests, and the adapters it knows, are not another's."""
    yield
    engine = sys.modules.get("poise.agents.models.embedded.engine")
    if engine is not None:
        engine.close_engine()
        engine._adapters.clear()
