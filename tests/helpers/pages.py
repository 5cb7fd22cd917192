"""Pages that are run as they stand: what they say to type is typed, what they show must come out.

A page's steps, in order:

    four spaces and a command    run in the page's folder, through the same `app` as `poise` on the command line;
                                 `poise view` is started, asked for its first page and ended, `poise play` is begun
                                 and left by Ctrl-D
    ```console                   `$ poise ...` in a terminal, with what is typed at its prompts (`^D`, `^C`: the keys);
                                 the other lines must come out
    ```python                    run, all on a page in one namespace; with `# NAME.py` as its first line, saved
    ```toml                      saved under the name in its first line, `# NAME.toml`
    ```json                      is JSON
    ```text                      each line of it must have come out of the steps before; `...` stands for any
    <!-- not run: WHY -->        the block below it is left out; so is none without

The lines that set a machine up (SETS_UP) are whoever's runs the tests.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import socket
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import uvicorn
from typer.testing import CliRunner

from helpers.terminal import CTRL_C, CTRL_D, PATIENCE, TerminalProgram
from poise.agents import registry
from poise.cli.app import app
from poise.common import userfile
from poise.games.openspiel import variants
from poise.games.openspiel.bargaining import register_bargaining
from poise.tournaments.view import server

_STEP = re.compile(
    r"^<!-- not run: (?P<why>[^\n]+?) -->\n+(?:```\w*\n.*?^```$|(?:    [^\n]*(?:\n|\Z))+)"
    r"|^```(?P<kind>\w+)\n(?P<block>.*?)^```$"
    r"|^    (?P<command>\S(?:[^\n]*\\\n)*[^\n]*)$",
    re.MULTILINE | re.DOTALL,
)
_NAMED = re.compile(r"# ([\w-]+\.\w+)\n")
SETS_UP = ("git clone ", "cd ", "make setup", "source ", "mkdir ")
_PROMPT = re.compile(r"(you>|.*\[Y/n[^\]]*\])(?: (.*))?")
_KEYS = {"^C": CTRL_C, "^D": CTRL_D}


@contextlib.contextmanager
def clean_registries() -> Iterator[None]:
    """What files register in here is forgotten afterwards."""
    agents, games = dict(registry._registered()), dict(variants._registered())
    variants._registered().clear()
    userfile._imported.cache_clear()
    try:
        yield
    finally:
        for now, before in ((registry._registered(), agents), (variants._registered(), games)):
            now.clear()
            now.update(before)
        for name, position in games.items():
            register_bargaining(name, position)
        userfile._imported.cache_clear()


@dataclass
class Page:
    """A page that is followed in the working directory.

    instead: words of the page, such as DIR, and what is typed for them. ran: commands and code so far. output: of them
    all. unrun: why blocks were left out.
    """

    path: Path
    instead: Mapping[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    unrun: list[str] = field(default_factory=list)
    output: str = ""
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "page"})

    def follow(self) -> None:
        """Take every step of the page."""
        for step in _STEP.finditer(self.path.read_text()):
            if step["why"]:
                self.unrun.append(step["why"])
            elif step["command"]:
                self._command(step["command"].replace("\\\n", " ").split("  #")[0].strip())
            else:
                self._block(step["kind"], step["block"])

    def _command(self, command: str) -> None:
        if command.startswith(SETS_UP):
            return
        program, *words = (self.instead.get(word, word) for word in shlex.split(command))
        if program == "export":
            name, _, value = words[0].partition("=")
            os.environ[name] = value
            return
        if program == "python":
            self._run(Path(words[0]).read_text(), {"__name__": "__main__"})
            return
        assert program == "poise", f"{self.path.name} says to run {command!r}, which is no command of Poise"
        self.ran.append(command)
        alone = ["--workers", "1"] if words[:2] in (["tournament", "run"], ["tournament", "resume"]) else []
        if words[0] == "view":
            view_once(words)
        elif words[0] == "play":
            done = CliRunner().invoke(app, words, input="")
            assert done.exit_code == 0, done.output
            assert "You left the table" in done.output
            self.output += done.output
        else:
            done = CliRunner().invoke(app, [*words, *alone])
            assert done.exit_code == 0, f"{command}\n{done.output}"
            self.output += done.output

    def _terminal(self, words: list[str], lines: list[str]) -> None:
        """Run a command in a terminal, type what follows the prompts of `lines`, and check that the others come out."""
        with TerminalProgram(words, Path.cwd(), columns=250) as program:
            for prompt in filter(None, map(_PROMPT.fullmatch, lines)):
                program.until(prompt[1])
                keys = prompt[2] or ""
                program.press(_KEYS[keys]) if keys in _KEYS else program.type(keys)
            status = program.end()
        self.output += program.shown
        assert status in (0, 130), program.shown
        self._shown("\n".join(line for line in lines if line and not _PROMPT.fullmatch(line)))

    def _block(self, kind: str, text: str) -> None:
        named = _NAMED.match(text)
        if kind == "text":
            self._shown(text)
        elif kind == "json":
            json.loads(text)
        elif kind == "console":
            command, *lines = text.splitlines()
            self.ran.append(command)
            self._terminal(shlex.split(command.removeprefix("$ poise ")), lines)
        elif named and not Path(named[1]).exists():
            Path(named[1]).write_text(text)
        else:
            assert kind == "python", f"{self.path.name} has a block of {kind} without a file's name in its first line"
            self._run(text, self.names)

    def _run(self, code: str, names: dict[str, object]) -> None:
        self.ran.append(code)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(code, self.path.name, "exec"), names)
        self.output += said.getvalue()

    def _shown(self, text: str) -> None:
        said = [" ".join(line.split()) for line in self.output.splitlines()]
        for line in text.splitlines():
            pattern = re.compile(".*".join(re.escape(" ".join(part.split())) for part in line.split("...")))
            assert any(pattern.fullmatch(each) for each in said), (
                f"{self.path.name} shows {line!r}, which did not come out:\n{self.output[-6000:]}"
            )


def view_once(words: list[str]) -> None:
    """Serve `poise view` in this process, ask for its first page, and end it."""
    answers = []

    class AskedOnce(uvicorn.Server):
        """Asks itself as soon as it serves, and ends."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            assert sockets
            threading.Thread(target=self.ask, args=(sockets[0].getsockname()[1],)).start()

        def ask(self, port: int) -> None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as answer:
                    answers.append(answer.status)
            finally:
                self.should_exit = True

    with mock.patch("uvicorn.Server", AskedOnce), mock.patch.multiple(server, _REST=0.0, _warm_up=lambda: None):
        done = CliRunner().invoke(app, [*words, "--no-browser"])
    assert (done.exit_code, done.stderr, answers) == (0, "", [200]), done.output
    assert re.match(r"viewer: http://127\.0\.0\.1:\d+/", done.stdout)
