"""The `poise` command. Each command imports what it needs when it runs, so that help comes at once."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from poise.cli import judge as cli_judge
from poise.cli import play as cli_play
from poise.cli import statistics as cli_statistics
from poise.cli import view as cli_view
from poise.cli.train import wire

F = TypeVar("F", bound=Callable[..., None])

_SETTINGS: dict[str, Any] = {"rich_markup_mode": None, "no_args_is_help": True, "pretty_exceptions_enable": False}
app = typer.Typer(
    help="Study and train emotional negotiators: agent graphs, an OpenSpiel referee, round-robin tournaments.",
    **_SETTINGS,
)
tournament_app = typer.Typer(help="Run round-robin tournaments and see who won.", **_SETTINGS)
agents_app = typer.Typer(help="List the agents there are, and check one of your own.", **_SETTINGS)
graph_app = typer.Typer(help="Draw the graphs that agents and negotiations run on.", **_SETTINGS)
app.add_typer(tournament_app, name="tournament")
app.add_typer(agents_app, name="agents")
app.add_typer(graph_app, name="graph")


def _plainly(command: F) -> F:
    """Errors as one paragraph and an exit code: 1, and 130 when the user stopped it. No traceback."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        from poise.common.errors import PoiseError

        try:
            command(*args, **kwargs)
        except PoiseError as error:
            _fail(str(error))
        except KeyboardInterrupt as stopped:
            typer.secho("\n".join(["stopped", *getattr(stopped, "__notes__", [])]), fg=typer.colors.YELLOW, err=True)
            _leave(130)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader is gone; nobody is left to tell
            raise typer.Exit(1) from None
        except Exception as error:
            if isinstance(error, typer.Exit) or os.environ.get("POISE_DEBUG"):
                raise
            _fail(f"{type(error).__name__}: {error}. This is a fault in Poise; POISE_DEBUG=1 shows where it happened")

    return run  # type: ignore[return-value]  # the same parameters, by functools.wraps


def _fail(message: str) -> NoReturn:
    words = "".join(
        letter if letter.isprintable() or letter == "\n" else " " for letter in message
    )  # a server's, maybe
    typer.secho(f"error: {words}", fg=typer.colors.RED, err=True)
    _leave(1)


def _leave(code: int) -> NoReturn:
    """Exit; matches that a thread still plays would otherwise hold the process up."""
    import threading

    if any(thread.name.startswith("poise-") for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise typer.Exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        from poise import __version__

        typer.echo(f"poise {__version__}")
        raise typer.Exit


@app.callback()
def _poise(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Study and train emotional negotiators: agent graphs, an OpenSpiel referee, round-robin tournaments."""


Texts = list[str] | None


@tournament_app.command("run")
@_plainly
def tournament_run(
    config: Annotated[Path | None, typer.Argument(help="A TOML file with any of the settings below.")] = None,
    creditor: Annotated[
        Texts, typer.Option(metavar="NAME", help="A creditor, as NAME or NAME@MODEL_URI; repeat.")
    ] = None,
    debtor: Annotated[Texts, typer.Option(metavar="NAME", help="A debtor, as NAME or NAME@MODEL_URI; repeat.")] = None,
    scenarios: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="builtin (default: debts), builtin:medical:test, or a file.")
    ] = None,
    matches_per_pair: Annotated[
        int | None, typer.Option(help="Matches of each pair: scenarios in order, then again. Default: one on each.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Of agents that name none: ollama:NAME, embedded:smollm2, openai:NAME."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The one seed; same seed, same matches. Default: 0.")] = None,
    workers: Annotated[int | None, typer.Option(help="Matches at a time. Default: by machine.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder. Default: runs/ and the time.")] = None,
    offers: Annotated[str | None, typer.Option(metavar="policy|model", help="Who decides the number.")] = None,
    conduct: Annotated[
        str | None,
        typer.Option(metavar="record|reask|refuse", help="What to do when a creditor's model breaks a rule."),
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="Compare the others with this agent. Default: vanilla.")] = None,
    option: Annotated[
        Texts, typer.Option(metavar="NAME=VALUE", help="Of the model, such as temperature=0.7; repeat.")
    ] = None,
    tolerance: Annotated[int | None, typer.Option(help="Offers this close are a deal.")] = None,
    max_messages: Annotated[int | None, typer.Option(help="After so many messages there is no deal.")] = None,
    discount: Annotated[float | None, typer.Option(help="What a message of delay leaves of a deal's worth.")] = None,
    grid: Annotated[int | None, typer.Option(help="The step between offers.")] = None,
    deal_value: Annotated[
        str | None, typer.Option(metavar="midpoint|last", help="What two close offers settle at.")
    ] = None,
    game: Annotated[str | None, typer.Option(metavar="FILE:CLASS", help="A game of one's own as the referee.")] = None,
    message_seconds: Annotated[float | None, typer.Option(help="The longest a message may take.")] = None,
    match_seconds: Annotated[float | None, typer.Option(help="The longest a match may take.")] = None,
    through: Annotated[
        str | None, typer.Option(metavar="auto|fast|langgraph", help="How graphs are run; the outcome is the same.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="URI", help="Asked whether messages agree: rules, ollama:NAME, ...")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(metavar="URI", help="What reads emotions: lexical (default), or a model to ask.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Its name, and its folder's under runs/.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the schedule, calls and time; play nothing.")
    ] = False,
) -> None:
    """Play every creditor against every debtor and show who won. Stopped halfway, it can be resumed."""
    from poise.tournaments.config import load_config, parse_options

    given = dict(locals())
    for used in ("config", "option", "dry_run", "load_config", "parse_options", "out"):
        given.pop(used)
    given |= {"model_options": parse_options(option or []), "out": str(out) if out else None}
    settings = load_config(config, given)
    from poise.cli.screens import conclusion
    from poise.cli.screens.progress import watch_on
    from poise.cli.screens.standings import console
    from poise.tournaments.runner import run_tournament

    if dry_run:
        conclusion.show_schedule(settings, console())
        return
    notes = console(stderr=True)
    _leave(conclusion.conclude(run_tournament(settings, watch=watch_on(notes)), console(), notes))


@tournament_app.command("resume")
@_plainly
def tournament_resume(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The tournament's folder.")],
    workers: Annotated[int | None, typer.Option(help="Matches at a time, instead of the setting.")] = None,
) -> None:
    """Go on with a tournament that was stopped; no finished match is played again."""
    from poise.cli.screens.conclusion import conclude
    from poise.cli.screens.progress import watch_on
    from poise.cli.screens.standings import console
    from poise.tournaments.runner import resume_tournament

    notes = console(stderr=True)
    _leave(conclude(resume_tournament(folder, workers=workers, watch=watch_on(notes)), console(), notes))


@tournament_app.command("standings")
@_plainly
def tournament_standings(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The tournament's folder.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Show who won, or who leads while it runs."""
    from poise.tournaments.statistics.standings import read_standings

    standings = read_standings(folder)
    if json:
        import orjson

        typer.echo(orjson.dumps(standings.to_dict(), option=orjson.OPT_INDENT_2).decode())
        return
    from poise.cli.screens.standings import console, standings_view

    screen = console()
    screen.print(standings_view(standings, screen.width))


@tournament_app.command("report")
@_plainly
def tournament_report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The tournament's folder.")],
    transcripts: Annotated[int, typer.Option(min=0, help="How many transcripts the page holds at most.")] = 500,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The page. Default: DIR/report.html.")] = None,
) -> None:
    """Write one page with the standings, the heat map and every transcript; it needs no network."""
    from poise.tournaments.report.page import write_report

    typer.echo(f"report: {write_report(folder, out, transcripts)}")


@agents_app.command("list")
@_plainly
def agents_list(json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False) -> None:
    """List every agent that can be named."""
    from poise.cli.agents import show_agents
    from poise.cli.screens.standings import console

    show_agents(console(), as_json=json)


@agents_app.command("check")
@_plainly
def agents_check(
    agent: Annotated[
        str, typer.Argument(metavar="FILE|NAME|DIR", help="file.py, a persona.toml, a trained folder, a name.")
    ],
    message_seconds: Annotated[float, typer.Option(help="The longest a message may take.")] = 5.0,
) -> None:
    """Check an agent of your own: legal moves, same seed same play, no peeking, and so on."""
    from poise.cli.agents import check
    from poise.cli.screens.standings import console

    raise typer.Exit(check(console(), agent, message_seconds))


@graph_app.command("draw")
@_plainly
def graph_draw(
    agent: Annotated[str, typer.Argument(metavar="[AGENT|negotiation]", help="Whose graph.")] = "negotiation",
    fmt: Annotated[str, typer.Option("--format", metavar="mermaid|svg|png", help="What to write.")] = "mermaid",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to. Default: the terminal, for mermaid.")
    ] = None,
    judge: Annotated[bool, typer.Option("--judge", help="A negotiation with a judge.")] = False,
) -> None:
    """Draw the graph of an agent's turn, or of a whole negotiation; without a network."""
    from poise.cli.agents import draw_to

    draw_to(agent, fmt, out, judged=judge)


@graph_app.command("traverse")
@_plainly
def graph_traverse(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The tournament's folder.")],
    match: Annotated[int | None, typer.Option(min=0, help="One match, from 0. Default: all of them.")] = None,
    fmt: Annotated[str | None, typer.Option("--format", metavar="svg|png", help="Default: by --out, or svg.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: DIR/traversal.svg.")] = None,
) -> None:
    """Draw how often each edge of the negotiation's graph was taken."""
    from poise.cli.agents import traverse_to

    traverse_to(folder, match, fmt, out)


wire(app, _SETTINGS, _plainly)
cli_view.wire(app, _plainly)
cli_play.wire(app, _plainly)
cli_judge.wire(tournament_app, _plainly)
cli_statistics.wire(tournament_app, _plainly)


def main() -> None:
    """The entry point of the `poise` command."""
    app()
