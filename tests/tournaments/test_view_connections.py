"""The viewer on a shared machine: a token in the address, and an end to connections that ask nothing."""

import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn
from helpers.view_fakes import client, fake_folder

from poise.tournaments.view import connections
from poise.tournaments.view.app import make_app
from poise.tournaments.view.connections import LimitedProtocol
from poise.tournaments.view.guard import COOKIE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fake_folder(tmp_path_factory.mktemp("runs") / "one")


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/play", "/?token=s3cret%00", "/static/common.js"])
def test_without_the_token_nothing_is_shown(folder, path):
    answer = client(folder, token="s3cret").get(path)
    assert (answer.status_code, COOKIE in answer.headers.get("set-cookie", "")) == (403, False)
    assert "one" not in answer.text.replace("open the", "")


def test_the_printed_address_opens_everything_and_leaves_no_token_in_an_address(folder):
    browser = client(folder, token="s3cret")
    opened = browser.get("/?token=s3cret", follow_redirects=False)
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=Strict"} <= set(opened.headers["set-cookie"].split("; "))
    assert browser.get("/").status_code == 200
    assert browser.get("/play").status_code == 200
    assert "s3cret" not in browser.get("/").text


@contextmanager
def viewer(folder):
    listening = socket.create_server(("127.0.0.1", 0))
    app = uvicorn.Config(make_app([folder]), log_config=None, lifespan="off", ws="none", http=LimitedProtocol)
    server = uvicorn.Server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"])
def test_half_a_request_is_given_up(folder, sent, monkeypatch):
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.05)
    with viewer(folder) as address, socket.create_connection(address, timeout=60) as asking:
        asking.sendall(sent)
        assert asking.recv(1) == b"", "the viewer closed it"


def test_a_whole_request_is_answered(folder):
    with viewer(folder) as address, socket.create_connection(address, timeout=60) as asking:
        asking.sendall(b"GET /static/common.js HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert asking.recv(15) == b"HTTP/1.1 200 OK"
