"""Writes docs/reference/command-line.md from the command line itself: python docs/reference/make_command_line.py"""  # noqa: D415

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from poise.cli.app import app

PAGE = Path(__file__).with_name("command-line.md")
KINDS = {int: "NUMBER", float: "NUMBER", str: "TEXT", Path: "PATH"}
HEAD = """# The command line

Made from the program by `python docs/reference/make_command_line.py`; a test fails when it drifts. `poise --help`, and
`--help` after any command, say the same. Commands end with 0 when all went well, 1 after an error, 2 where a command is
written wrongly, and 130 when you stopped them. `POISE_DEBUG=1` shows where in Poise an error comes from.

Your shell completes commands and options after

<!-- not run: changes the shell -->

```sh
poise --install-completion
```

and a new shell; `poise --show-completion bash` (or `zsh`, `fish`, `powershell`) shows what that adds.
"""


def page() -> str:
    """The page as it ought to be."""
    commands = list(_commands(get_command(app), ("poise",)))
    overview = [f"| [`{' '.join(path)}`](#{'-'.join(path)}) | {_summary(one)} |" for path, one in commands]
    parts = [HEAD, "\n".join(["| command | |", "|---|---|", *overview]), *(_section(*each) for each in commands)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    names = getattr(command, "commands", ())
    for name in names:
        yield from _commands(command.get_command(None, name), (*path, name))
    if not names and not command.hidden:
        yield path, command


def _summary(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


def _section(path: tuple[str, ...], command: Any) -> str:
    rows = [_row(each) for each in command.params if not getattr(each, "hidden", False)]
    table = "\n".join(["| | default | |", "|---|---|---|", *rows]) if rows else ""
    return f"## {' '.join(path)}\n\n{_summary(command)}\n\n{table}"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
    else:
        flags = "/".join([*parameter.opts, *parameter.secondary_opts])
        kind = parameter.metavar or KINDS.get(parameter.type_descriptor.annotation, "VALUE")
        name = flags if parameter.is_flag else f"{flags} {kind}"
    default = "required" if parameter.required else _default(parameter)
    return f"| `{_cell(name)}` | {default} | {_cell(parameter.help or '')} |"


def _default(parameter: Any) -> str:
    value = parameter.default
    return "" if value is None or value is False or value in ("", []) else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())
