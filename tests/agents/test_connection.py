"""The true reason of a failed connection, with the variable to blame; keys and logins are never shown."""

from __future__ import annotations

import ssl

import httpx
import pytest
from helpers.ollama_server import Answer, StandIn, free_port, said

from poise.agents.models.calls import open_caller
from poise.agents.models.connection import checked_address, proxy_between, reason_of
from poise.agents.models.endpoint import Question
from poise.agents.models.models import check_model
from poise.agents.models.providers.ollama import ollama_address
from poise.agents.models.settings import ModelSettings
from poise.common.errors import AgentError, ModelDown

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OLLAMA_HOST")
ASK = Question([("user", "I need 71 days.")], seed=7)
QUICK = {"patience": 0.0, "timeout": 5.0}


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        monkeypatch.delenv(name, raising=False)


def test_a_proxy_that_forbids_is_named_and_no_key_is_blamed(monkeypatch):
    with StandIn([Answer(["<html>Forbidden</html>"], 403, content_type="text/html")]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address.replace("://", "://me:secret@"))
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{free_port()}")
        with pytest.raises(ModelDown, match=r"HTTP_PROXY.*answers 403; NO_PROXY=127.0.0.1 goes around it") as caught:
            check_model("ollama:tiny", ModelSettings(**QUICK))
    assert "KEY" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_socks_proxy_is_named_in_one_sentence(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    for uri in ("ollama:tiny", "openai:tiny"):
        with pytest.raises(ModelDown, match=r"ALL_PROXY \(socks5://127.0.0.1:1080\) names a SOCKS proxy.*NO_PROXY"):
            check_model(uri, ModelSettings(base_url="http://127.0.0.1:9/v1", **QUICK))


def test_what_no_proxy_leaves_out_is_asked_directly(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert proxy_between("http://model.example/v1") == "HTTP_PROXY (http://127.0.0.1:1)"
    assert proxy_between("https://model.example/v1") == ""
    monkeypatch.setenv("NO_PROXY", "model.example")
    assert proxy_between("http://model.example/v1") == ""


@pytest.mark.parametrize("scheme", ["ollama", "openai"])
def test_https_to_a_server_that_speaks_http_is_told(scheme):
    with StandIn([Answer([said("Yes.")])]) as server:
        address = server.address.replace("http:", "https:") + "/v1"
        with pytest.raises(ModelDown, match=r"no TLS connection.*write http:// and not https://"):
            check_model(f"{scheme}:tiny:1b", ModelSettings(base_url=address, **QUICK))


def test_a_certificate_that_is_not_trusted_is_told():
    problem = ssl.SSLCertVerificationError("certificate verify failed: self-signed certificate")
    error = httpx.ConnectError("failed")
    error.__cause__ = problem
    reason, again = reason_of(error, "https://model.example/v1", "OPENAI_BASE_URL")
    assert "SSL_CERT_FILE" in reason
    assert "OPENAI_BASE_URL" in reason
    assert not again


def test_a_host_that_is_not_known_is_named():
    with pytest.raises(
        ModelDown, match=r"no host is called 'nowhere.invalid' here; check the address in OPENAI_BASE_URL"
    ):
        check_model("openai:x", ModelSettings(base_url="http://nowhere.invalid/v1", **QUICK))


@pytest.mark.parametrize("key", ["sk-secret\n", " sk-secret", "sk secret", "sk-s\u00e9cret"])
def test_a_key_that_cannot_be_one_is_refused_by_the_variables_name(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    for ask in (check_model, open_caller):
        with pytest.raises(AgentError, match="OPENAI_API_KEY holds a blank, a line end") as caught:
            ask("openai:x", ModelSettings(base_url="http://127.0.0.1:9/v1"))
        assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["localhost:8080/v1", "ftp://x/v1", "http://", "http://a b/v1", "http://x:99999/v1"]
)
def test_what_is_no_address_is_refused_by_the_variables_name(monkeypatch, address):
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    with pytest.raises(AgentError, match=r"OPENAI_BASE_URL .* is not an address; write http://HOST:PORT/v1"):
        check_model("openai:x", ModelSettings())
    assert checked_address("http://x:8080/v1", "OPENAI_BASE_URL") == "http://x:8080/v1"


def test_a_missing_v1_is_told_with_the_variable():
    with StandIn([Answer(['{"detail": "Not Found"}'], 404, content_type="application/json")]) as server:
        assert check_model("openai:x", ModelSettings(base_url=server.address)) == ()
        with pytest.raises(
            ModelDown, match=r"no such path.*check OPENAI_BASE_URL or base_url, which mostly ends in /v1"
        ):
            open_caller("openai:x", ModelSettings(base_url=server.address, **QUICK)).ask(ASK)


@pytest.mark.parametrize("scheme", ["ollama", "openai"])
def test_a_check_follows_no_redirect(scheme):
    with StandIn([Answer([], 307)]) as server, pytest.raises(ModelDown, match="redirects to another address"):
        check_model(f"{scheme}:tiny:1b", ModelSettings(base_url=server.address, **QUICK))


@pytest.mark.parametrize(
    ("host", "address"),
    [("0.0.0.0", "http://127.0.0.1:11434"), ("0.0.0.0:8000", "http://127.0.0.1:8000"), ("[::]:80", "http://[::1]:80")],
)
def test_the_address_that_a_server_listens_on_everywhere_is_asked_on_this_machine(host, address):
    assert ollama_address(host) == address
