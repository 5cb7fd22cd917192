"""Environments as people have them, each from the command line: what is said names the variable to blame."""

from __future__ import annotations

import pytest
from helpers.ollama_server import MODEL, Answer, StandIn, free_port, said
from typer.testing import CliRunner

from poise.cli.app import app

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OLLAMA_HOST")
PROXY = Answer(["<html>Forbidden</html>"], 403, content_type="text/html")


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        monkeypatch.delenv(name, raising=False)


def run(*words):
    field = ("--creditor", "vanilla", "--debtor", "angry", "--matches-per-pair", "1", "--max-messages", "3")
    result = CliRunner().invoke(app, ["tournament", "run", *field, "--option", "patience=0", "--out", "out", *words])
    told = " ".join(result.output.split())
    assert "fault in Poise" not in told
    assert "Traceback" not in told
    return result.exit_code, told


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_that_forbids(monkeypatch, name):
    with StandIn([PROXY]) as proxy:
        monkeypatch.setenv(name, proxy.address)
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{free_port()}")
        code, told = run("--model", "ollama:tiny")
    assert code == 1
    assert name in told
    assert "NO_PROXY=127.0.0.1" in told
    assert "KEY" not in told


@pytest.mark.parametrize("model", ["ollama:tiny", "openai:tiny"])
def test_a_socks_proxy(monkeypatch, model):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    code, told = run("--model", model)
    assert code == 1
    assert "ALL_PROXY (socks5://127.0.0.1:1080) names a SOCKS proxy" in told
    assert "ImportError" not in told


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_the_address_that_a_server_listens_on(monkeypatch, host):
    with StandIn([Answer([said("I hear you.", model_info={}, details={})])]) as server:
        port = server.address.rpartition(":")[2]
        monkeypatch.setenv("OLLAMA_HOST", f"{host}:{port}")
        code, told = run("--model", f"ollama:{MODEL}")
    if host == "0.0.0.0":
        assert code in (0, 3), told
        assert f"ollama:{MODEL} answered a trial call" in told
    else:  # nothing listens there; it is asked on this machine
        assert f"[::1]:{port}" in told


def test_settings_with_a_byte_order_mark(tmp_path):
    (tmp_path / "settings.toml").write_bytes(b"\xef\xbb\xbf" + b"matches_per_pair = 1\r\n")
    assert run("settings.toml")[0] == 0


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("OPENAI_API_KEY", "sk-secret\n", "OPENAI_API_KEY holds a blank, a line end"),
        ("OPENAI_BASE_URL", "localhost:8080/v1", "OPENAI_BASE_URL"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:1", "no server at http://127.0.0.1:1; start it, or set OPENAI_BASE_URL"),
        ("OPENAI_BASE_URL", "https://nowhere.invalid/v1", "no host is called 'nowhere.invalid'"),
    ],
)
def test_a_variable_that_cannot_be_right(monkeypatch, variable, value, words):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv(variable, value)
    code, told = run("--model", "openai:tiny")
    assert code == 1
    assert words in told
    assert "secret" not in told
