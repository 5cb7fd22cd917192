"""A user's file is run in a child before the `poise` program imports it: nothing in it can end the program."""

from __future__ import annotations

import pytest

from poise.common import userfile
from poise.common.errors import AgentError
from poise.common.userfile import load_file


@pytest.fixture(autouse=True)
def tried_first(monkeypatch):
    monkeypatch.setattr(userfile, "_TRIED_FIRST", [True])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os._exit(0)", r"ends the process that imports it \(exit code 0\)"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            r"ends the process that imports it \(signal SIGKI",
        ),
        ("import sys; sys.exit(0)", "fails on import: SystemExit: 0"),
        ("raise KeyboardInterrupt", "fails on import: KeyboardInterrupt"),
        ("1 / 0", "fails on import: ZeroDivisionError"),
        ("while True: pass", "is not imported within 0.3 s; look for a loop without an end"),
    ],
)
def test_whatever_a_file_does_on_import_is_an_error_with_its_name(tmp_path, monkeypatch, code, words):
    if "while" in code:
        monkeypatch.setattr(userfile, "_IMPORT_SECONDS", 0.3)
    (tmp_path / "own.py").write_text(code)
    with pytest.raises(AgentError, match=rf"agent file .*own.py {words}"):
        load_file(tmp_path / "own.py", "agent", AgentError)


def test_what_a_good_file_prints_is_seen_once(tmp_path, capfd):
    (tmp_path / "own.py").write_text("print('hello')\nx = 3\n")
    assert load_file(tmp_path / "own.py", "agent", AgentError).x == 3
    assert capfd.readouterr().out == "hello\n"
