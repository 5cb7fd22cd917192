"""Pages that are run as they stand: what they say to type is typed, what they show must come out.

A page's steps, in order:

    four spaces and a command    run in the page's folder, through the same `app` as `poise` on the command line
    ```sh                        shown, and too slow to be run in a test
    ```python                    run, all on a page in one namespace; with `# NAME.py` as its first line, saved
    ```toml                      saved under the name in its first line, `# NAME.toml`
    ```text                      each line of it must have come out of the steps before; `...` stands for any
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from poise.agents import registry
from poise.cli import app
from poise.games import userfile, variants
from poise.games.bargaining import register

_STEP = re.compile(r"^```(?P<kind>\w+)\n(?P<block>.*?)^```$|^    (?P<command>\S[^\n]*)$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# ([\w-]+\.\w+)\n")
_SETS_UP = ("git clone ", "cd ", "make ", "source ", "mkdir ")  # done, or not to be done, by whoever runs the tests


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
            register(name, position)
        userfile._imported.cache_clear()


@dataclass
class Page:
    """A page that is followed in the working directory. ran: commands and code so far. output: of them all."""

    path: Path
    ran: list[str] = field(default_factory=list)
    output: str = ""
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "page"})

    def follow(self) -> None:
        """Take every step of the page."""
        for step in _STEP.finditer(self.path.read_text()):
            if step["command"]:
                self._command(step["command"].split("  #")[0].strip())
            else:
                self._block(step["kind"], step["block"])

    def _command(self, command: str) -> None:
        if command.startswith(_SETS_UP):
            return
        program, *words = shlex.split(command)
        if program == "python":
            self._run(Path(words[0]).read_text(), {"__name__": "__main__"})
            return
        assert program == "poise", f"{self.path.name} says to run {command!r}, which is no command of Poise"
        self.ran.append(command)
        if words[0] == "view":  # it serves until it is stopped: its words must be right
            get_command(app).commands["view"].make_context("view", words[1:])
            return
        alone = ["--workers", "1"] if words[:2] in (["tournament", "run"], ["tournament", "resume"]) else []
        done = CliRunner().invoke(app, [*words, *alone])
        assert done.exit_code == 0, f"{command}\n{done.output}"
        self.output += done.output

    def _block(self, kind: str, text: str) -> None:
        named = _NAMED.match(text)
        if kind == "sh":
            return
        if kind == "text":
            self._shown(text)
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
