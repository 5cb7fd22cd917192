"""A program in a terminal of its own: what it shows is read, and keys are pressed as a person presses them."""

from __future__ import annotations

import codecs
import fcntl
import multiprocessing
import os
import pty
import re
import select
import signal
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

PATIENCE = 120.0  # seconds; a moment suffices on an idle machine
CTRL_C, CTRL_D, ENTER, LEFT, BACKSPACE = "\x03", "\x04", "\r", "\x1b[D", "\x7f"
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>()][A-B0-2]?|\x07|\r")


class TerminalProgram:
    """`poise ARGUMENTS` in a pseudo-terminal of `columns` x 40; use it in a `with` statement.

    It is forked from this process, which has imported everything already.

    shown: what came out so far, without control sequences.
    """

    def __init__(self, arguments: Sequence[str], folder: Path, columns: int = 100) -> None:
        self.shown = ""
        self._seen = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._raw = ""
        self._screen, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, columns))
        forked = multiprocessing.get_context("fork")
        self._program = forked.Process(target=_poise, args=(arguments, folder, theirs, self._screen))
        self._program.start()
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
        return self._ended()

    def hang_up(self) -> int:
        """Close the terminal under the program, as closing a window does; its exit status, negative for a signal."""
        os.close(self._screen)
        self._screen = -1
        return self._ended()

    def kill(self) -> None:
        """Pull the plug."""
        self._program.kill()
        self._program.join()

    def _ended(self) -> int:
        self._program.join(PATIENCE)
        assert self._program.exitcode is not None, f"the program does not end:\n{self.shown}"
        return self._program.exitcode

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


def _poise(arguments: Sequence[str], folder: Path, terminal: int, screen: int) -> None:
    """The life of the program."""
    from poise.cli.app import main

    os.close(screen)  # so that hanging up is noticed
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for descriptor in range(3):
        os.dup2(terminal, descriptor)
    os.close(terminal)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # even where the tests ignore it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)
    os.environ |= {"TERM": "xterm", "INPUTRC": os.devnull}
    os.chdir(folder)
    sys.argv = ["poise", *arguments]
    main()
