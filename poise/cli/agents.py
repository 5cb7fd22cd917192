"""What `poise agents` and `poise graph` do; their parameters are in `poise.cli.app`."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any, Final

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from poise.agents.agent import Agent
from poise.agents.registry import list_agents
from poise.common.errors import BadInput
from poise.games.moves import SEATS
from poise.graphs import PlaySettings, negotiation_graph, seat_graph
from poise.graphs.drawing.draw import draw
from poise.testing import Check, check_agent
from poise.testing.bench import find_in_either_seat

_MESSAGES: Final = 12  # as long as so many may take, a whole match may


def show_agents(screen: Console, *, as_json: bool) -> None:
    """List every agent that can be named, by seat."""
    agents = sorted(list_agents(), key=lambda agent: SEATS.index(agent.seat))
    if as_json:
        sys.stdout.write(orjson.dumps([_plain(agent) for agent in agents], option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    for seat in SEATS:
        table = Table(box=SIMPLE_HEAD, title=f"{seat.capitalize()}s", title_style="bold", title_justify="left")
        table.add_column("name", no_wrap=True, style="bold")
        table.add_column("what it does")
        for agent in agents:
            if agent.seat == seat:
                table.add_row(Text(_written(agent)), Text(agent.summary or "-"))
        screen.print(table)
    screen.print(
        "NAME,concession=tit-for-tat or NAME,offers=model changes how one bargains, NAME@MODEL_URI gives it a model, "
        "file.py:function is one of your own.",
        style="dim",
    )


def _written(agent: Agent) -> str:
    """`fixed` takes an emotion; the list shows how that is written."""
    return "fixed:EMOTION" if agent.name.startswith("fixed:") else agent.name


def _plain(agent: Agent) -> dict[str, Any]:
    return {
        "name": _written(agent),
        "seat": agent.seat,
        "summary": agent.summary,
        "learns": agent.learns,
        "settings": dict(agent.settings),
    }


def check(screen: Console, spec: str, seconds: float) -> int:
    """Run the conformance checks and show what fails; the exit code. seconds: what a message may take."""
    if not 0 < seconds < math.inf:
        raise BadInput(f"--message-seconds {seconds:g} is no time for a message; give seconds above 0, such as 60")
    agent = find_in_either_seat(spec)
    checks = check_agent(agent, PlaySettings(message_seconds=seconds, match_seconds=_MESSAGES * seconds))
    screen.print(Text(f"{agent.name}, a {agent.seat}", style="bold"))
    for one in checks:
        screen.print(_line(one))
    failed = sum(not one.ok for one in checks)
    verdict = f"{failed} of {len(checks)} checks failed" if failed else f"all {len(checks)} checks passed"
    screen.print(Text(verdict, style="bold red" if failed else "bold green"))
    return 1 if failed else 0


def _line(one: Check) -> Text:
    line = Text("  passed  " if one.ok else "  FAILED  ", style="green" if one.ok else "bold red")
    line.append(one.name, style="not bold default")
    if one.detail:
        line.append(f"\n          {one.detail}", style="not bold default")
    return line


def draw_to(spec: str, fmt: str, out: Path | None, *, judged: bool = False) -> None:
    """Draw an agent's graph, or the negotiation's, into a file; Mermaid text also to the terminal.

    judged: the negotiation with a judge; BadInput for an agent's graph, which has none.
    """
    picture = draw(_graph(spec, judged), fmt)  # type: ignore[arg-type]  # another format is refused there, in words
    if out is not None:
        _write(picture, out)
    elif fmt == "mermaid":
        sys.stdout.write(picture.decode())
    else:
        raise BadInput(f"a drawing as {fmt} needs a file: add --out {Path(spec).stem or 'graph'}.{fmt}")


def traverse_to(folder: Path, match: int | None, fmt: str | None, out: Path | None) -> None:
    """Draw how often each edge was taken in a tournament's matches, or in the one at position `match`."""
    from poise.games.transcript import Transcript, Usage
    from poise.graphs.drawing.traverse import draw_traversal, traversal
    from poise.tournaments.storage.rows import from_json
    from poise.tournaments.storage.store import Store

    kind = fmt or (out.suffix.lstrip(".") if out else "") or "svg"
    with Store.read(folder) as store:
        if match is not None and match not in store.done():
            raise BadInput(f"{folder} has no finished match {match}; matches count from 0, as in `poise view`")
        found = store.documents(None if match is None else [match])
        played = (
            (Transcript.from_dict(from_json(told, "a transcript")), Usage(**from_json(usage, "a match's usage")))
            for _, told, usage in found
        )
        picture = draw_traversal(traversal(played), kind)  # type: ignore[arg-type]  # another is refused there
    _write(picture, out or folder / f"traversal.{kind}")


def _write(picture: bytes, out: Path) -> None:
    try:
        out.write_bytes(picture)
    except OSError as error:
        raise BadInput(f"{out} cannot be written ({error.strerror}); name another file with --out") from None
    sys.stdout.write(f"drawing: {out}\n")


def _graph(spec: str, judged: bool) -> Any:
    if spec == "negotiation":
        return negotiation_graph(seat_graph().compile(), seat_graph().compile(), judged=judged).compile()
    if judged:
        raise BadInput(f"a judge listens to a negotiation and is no part of {spec!r}; leave --judge out")
    agent = find_in_either_seat(spec)
    graph = agent.make_graph() if agent.make_graph is not None else seat_graph()
    return graph.compile()
