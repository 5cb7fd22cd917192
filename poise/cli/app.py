"""The `poise` command. A group of commands is imported only when it is used, so that help is quick."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from poise.cli.output import fit_streams, write_line
from poise.common.words import visible

_SUMMARIES: Final = {  # by the name of the command, which is that of its module
    "tournament": "Run round-robin tournaments and see who won.",
    "agents": "List the agents there are, check your own, and trace it.",
    "models": "List the models that play in this process, add your own, and check them.",
    "worlds": "Check and draw the worlds that simulated debtors come from.",
    "schema": "Show the JSON schema of a kind of TOML file, for your editor.",
    "init": "Start your own agent, in a folder where everything runs.",
    "graph": "Draw the graphs that agents and negotiations run on.",
    "train": "Train a creditor; --creditor DIR then plays it.",
    "view": "Look at tournaments in the browser, live while they run.",
    "play": "Negotiate yourself, in either seat, against any agent.",
}


class PoiseGroup(TyperGroup):
    """Imports a module's commands when they are used, and turns errors into one paragraph and an exit code."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = dict.fromkeys(_SUMMARIES)  # type: ignore[assignment]  # get_command fills them in

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or the group of commands, of that name."""
        if cmd_name in _SUMMARIES and self.commands[cmd_name] is None:
            command = get_command(import_module(f"poise.cli.{cmd_name}").app)
            command.help = command.help or _SUMMARIES[cmd_name]
            self.commands[cmd_name] = command
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's signature
        """The summaries; no module is imported for them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Exit code 1 after an error, and 130 when the user stopped it; no traceback."""
        from poise.common.errors import PoiseError

        try:
            return super().invoke(ctx)
        except PoiseError as error:
            _fail(str(error))
        except KeyboardInterrupt as stopped:
            write_line("\n".join(["stopped", *getattr(stopped, "__notes__", [])]), typer.colors.YELLOW, err=True)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            os.dup2(
                os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
            )  # the reader is gone; nobody would read an error
            raise typer.Exit(1) from None
        except Exception as error:
            if isinstance(error, TyperException):  # the message quotes what was typed, or the shell's expansion of *
                error.message = visible(error.message)
            if isinstance(error, typer.Exit | typer.Abort | TyperException) or os.environ.get("POISE_DEBUG"):
                raise
            if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
                _fail("too many files are open; allow more with: ulimit -n 1024, or use fewer --workers")
            _fail(f"{type(error).__name__}: {error}. This is a fault in Poise; POISE_DEBUG=1 shows where it happened")


def _fail(message: str) -> NoReturn:
    write_line(f"error: {message}", typer.colors.RED, err=True)
    raise typer.Exit(1)


def _show_version(wanted: bool) -> None:
    if wanted:
        from poise import __version__

        typer.echo(f"poise {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=PoiseGroup,
    help="Study and train emotional negotiators: agent graphs, an OpenSpiel referee, round-robin tournaments.",
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def poise_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Study and train emotional negotiators: agent graphs, an OpenSpiel referee, round-robin tournaments."""


def main() -> None:
    """The entry point of the `poise` command."""
    from poise.common.userfile import try_imports_first

    try_imports_first()
    fit_streams()
    try:
        app()
    except SystemExit as ended:
        _end_process(ended.code)
        raise


def _end_process(code: str | int | None) -> None:
    """End the process at once where a thread still plays a match or waits for a model, and after an interruption.

    Python's normal exit waits for such threads, and collects garbage for seconds on a busy machine.
    """
    import threading

    from poise.cli.screens.exit_codes import INTERRUPTED

    at_work = any(thread.name.startswith("poise-") for thread in threading.enumerate())
    if code == INTERRUPTED or (at_work and isinstance(code, int)):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
