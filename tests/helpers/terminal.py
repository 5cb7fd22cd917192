"""A program in a terminal of its own: what it shows is read, and keys are pressed as a person presses them."""

from __future__ import annotations

import codecs
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 120.0  # seconds; a moment suffices on an idle machine
CTRL_C, CTRL_D, ENTER, LEFT, BACKSPACE = "\x03", "\x04", "\r", "\x1b[D", "\x7f"
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>()][A-B0-2]?|\x07|\r")


class TerminalProgram:
    """`python -m poise ARGUMENTS` in a pseudo-terminal of `columns` x 40; use it in a `with` statement.

    shown: what came out so far, without control sequences.
    """

    def __init__(self, arguments: Sequence[str], folder: Path, columns: int = 100) -> None:
        self.shown = ""
        self._seen = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._raw = ""
        self._screen, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, columns))
        known = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        self._program = subprocess.Popen(
            [sys.executable, "-m", "poise", *arguments],
            cwd=folder,
            env=known | {"TERM": "xterm", "INPUTRC": os.devnull},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_controlling,  # noqa: PLW1509 - one system call, which takes no lock
        )
        os.close(theirs)

    def __enter__(self) -> TerminalProgram:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        if self._screen >= 0:
            os.close(self._screen)

    def until(self, text: str) -> str:
        """Wait until `text` comes out, and return what came out since the last such call up to its end."""
        end = time.monotonic() + PATIENCE
        while (place := self.shown.find(text, self._seen)) < 0:
            if not self._read(end):
                raise AssertionError(f"{text!r} did not come out:\n{self.shown[self._seen :]}")
        begun, self._seen = self._seen, place + len(text)
        return self.shown[begun : self._seen]

    def press(self, keys: str) -> None:
        """Press keys, without Enter; Ctrl-C when the program waits for keys, as CPython may lose it just before."""
        if keys == CTRL_C:
            self._until_asleep()
        os.write(self._screen, keys.encode())

    def type(self, words: str) -> None:
        """Type words and press Enter."""
        self.press(words + ENTER)

    def end(self) -> int:
        """Wait until the program ends; its exit status."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            pass
        return self._program.wait(PATIENCE)

    def hang_up(self) -> int:
        """Close the terminal under the program, as closing a window does; its exit status, negative for a signal."""
        os.close(self._screen)
        self._screen = -1
        return self._program.wait(PATIENCE)

    def kill(self) -> None:
        """Pull the plug."""
        self._program.kill()
        self._program.wait()

    def _until_asleep(self) -> None:
        """Wait until the system says that the program waits; only Linux says so."""
        end, state = time.monotonic() + PATIENCE, Path(f"/proc/{self._program.pid}/stat")
        while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "S":
            assert time.monotonic() < end, f"the program never waits for keys:\n{self.shown}"
            time.sleep(0.01)

    def _read(self, end: float) -> bool:
        """Take in what came out; False when the program is gone or the time is up."""
        ready, _, _ = select.select([self._screen], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # Linux says so when the other end is closed
            return False
        self._raw += self._utf8.decode(data)
        self.shown = _CODES.sub("", self._raw)
        return bool(data)


def _controlling() -> None:
    """Make standard input the terminal that Ctrl-C and hanging up act through, even where the tests ignore them."""
    import fcntl
    import signal

    for interruption in (signal.SIGINT, signal.SIGHUP):
        signal.signal(interruption, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
