"""`poise view` as a person starts and ends it."""

import logging
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from helpers.pages import view_once
from helpers.view_fakes import fake_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fake_folder(tmp_path_factory.mktemp("command") / "run")


def view(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "poise", "view", *map(str, arguments), "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_prints_an_address_that_answers_and_ends_well_by_ctrl_c(folder):
    with view(folder) as viewer:
        try:
            address = re.fullmatch(
                r"viewer: (http://127\.0\.0\.1:\d+/)  \(stop it with Ctrl-C\)\n", viewer.stdout.readline()
            )
            assert address
            with urllib.request.urlopen(f"{address[1]}run/run/") as answer:
                assert answer.status == 200
                assert answer.headers["server"] is None
                assert "c0" in answer.read().decode()
            viewer.send_signal(signal.SIGINT)
            rest, errors = viewer.communicate(timeout=120)
        finally:
            viewer.kill()
    assert (viewer.returncode, rest, errors) == (0, "", "")


def test_the_logging_of_the_program_that_serves_stays_as_it_is(folder):
    """The handlers of some libraries close what they write to, such as standard error, when they are closed."""
    closed = []

    class Watched(logging.Handler):
        def close(self):
            closed.append(self)
            super().close()

    watched = Watched()
    view_once(["view", str(folder)])
    assert not closed
    watched.close()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--host", "0.0.0.0"), "add --anyone-may-read"),
        (("--host", "no.such.host.invalid", "--anyone-may-read"), "not an address of this machine"),
    ],
)
def test_a_host_that_will_not_do_is_refused_in_words(folder, arguments, told):
    with view(folder, *arguments) as viewer:
        out, errors = viewer.communicate(timeout=120)
    assert viewer.returncode == 1
    assert out == ""
    assert told in errors
    assert "Traceback" not in errors


def test_a_port_that_is_taken_is_named_with_the_remedy(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken, view(folder, "--port", taken.getsockname()[1]) as viewer:
        _, errors = viewer.communicate(timeout=120)
    assert viewer.returncode == 1
    assert "leave --port out for a free one" in errors


def test_a_folder_without_a_tournament_is_refused_before_an_address_is_printed(tmp_path):
    with view(tmp_path) as viewer:
        out, errors = viewer.communicate(timeout=120)
    assert viewer.returncode == 1
    assert out == ""
    assert "there is no tournament in" in errors


def test_the_viewer_loads_nothing_heavy_before_its_address_is_there():
    code = (
        "import sys, poise.tournaments.view.server; "
        "print([name for name in ('numpy', 'starlette', 'uvicorn', 'langgraph', 'jinja2') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
