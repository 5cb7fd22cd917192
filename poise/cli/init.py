"""`poise init`: a folder to start your own agent in."""

from __future__ import annotations

import keyword
import re
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import typer

from poise.cli.groups import command_group
from poise.cli.output import write_line
from poise.common.errors import BadInput

app = command_group()

_STARTER: Final = files("poise.cli") / "starter"
_SCHEMAS: Final = files("poise.cli") / "schemas"
_FILES: Final = ("agent.py", "persona.toml", "tournament.toml", "test_agent.py", "README.md")
_NAME: Final = re.compile(r"[A-Za-z][\w-]{0,39}", re.ASCII)


@app.command("init")
def init_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The agent's name, and the folder's.")],
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="The folder. Default: NAME, here.")] = None,
) -> None:
    """Start your own agent: a graph with a tool and a memory, a debtor, a tournament, a test."""
    made = write_starter(name, folder or Path(name))
    write_line(f"{made}/ has {', '.join(_FILES)}. Next:\n")
    write_line(f"  cd {made}\n  poise agents check agent.py\n  poise tournament run tournament.toml")


def write_starter(name: str, folder: Path) -> Path:
    """Write the files into `folder`, which must be new or empty; returns it."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot be an agent's name; use a letter and up to 39 letters, digits, - and _")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} already exists and is not an empty folder; name another one: poise init {name} DIR")
    function = name.replace("-", "_").lower()
    if keyword.iskeyword(function) or function in ("ledger", "perceive", "feel", "decide", "speak"):
        function += "_agent"
    from jinja2 import Environment

    folder.mkdir(parents=True, exist_ok=True)
    environment = Environment(keep_trailing_newline=True)  # noqa: S701 - no HTML; the name holds letters, digits, - and _
    for file in _FILES:
        template = environment.from_string((_STARTER / f"{file}.j2").read_text(encoding="utf-8"))
        (folder / file).write_text(template.render(name=name, function=function), encoding="utf-8")
    (folder / ".schemas").mkdir()
    for kind in ("persona", "tournament"):
        shutil.copyfile(str(_SCHEMAS / f"{kind}.json"), folder / ".schemas" / f"{kind}.json")
    return folder
