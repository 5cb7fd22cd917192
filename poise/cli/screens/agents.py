"""The agents there are, and what the conformance checks say, for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from poise.agents.agent import Agent
from poise.agents.registry import agent_summaries, list_agents
from poise.cli.output import plain, show_json
from poise.common.errors import BadInput
from poise.games.moves import SEATS

if TYPE_CHECKING:
    from poise.testing import Check

_MESSAGES: Final = 12  # a whole match may take as long as this many messages


def show_agents(screen: Console, *, as_json: bool) -> None:
    """List every agent that can be named, by seat."""
    if as_json:
        agents = sorted(list_agents(), key=lambda agent: SEATS.index(agent.seat))
        show_json([_agent_data(agent) for agent in agents])
        return
    summaries = agent_summaries()
    for seat in SEATS:
        table = Table(box=SIMPLE_HEAD, title=f"{seat.capitalize()}s", title_style="bold", title_justify="left")
        table.add_column("name", no_wrap=True, style="bold")
        table.add_column("what it does")
        for (plays, name), summary in summaries.items():
            if plays == seat:
                table.add_row(Text(name), Text(summary or "-"))
        screen.print(table)
    screen.print(
        "NAME,concession=tit-for-tat or NAME,offers=model changes how an agent bargains, NAME@MODEL_URI gives it a "
        "model, file.py:function is your own.",
        style="dim",
    )


def _agent_data(agent: Agent) -> dict[str, Any]:
    return {
        "name": "fixed:EMOTION" if agent.name.startswith("fixed:") else agent.name,
        "seat": agent.seat,
        "summary": agent.summary,
        "learns": agent.learns,
        "settings": dict(agent.settings),
    }


def show_checks(screen: Console, spec: str, seconds: float) -> int:
    """Run the conformance checks and show what fails; the exit code. seconds: what a message may take."""
    from poise.graphs import PlaySettings
    from poise.testing.child import check_in_child

    if not 0 < seconds < math.inf:
        raise BadInput(f"--message-seconds {seconds:g} is not a time for a message; give seconds above 0, such as 60")
    title, checks = check_in_child(spec, PlaySettings(message_seconds=seconds, match_seconds=_MESSAGES * seconds))
    return show_verdicts(screen, title, checks)


def show_verdicts(screen: Console, title: str, checks: Iterable[Check]) -> int:
    """Show each check as soon as it is made, and how many failed; return the exit code."""
    screen.print(Text(title, style="bold"))
    made = []
    for check in checks:
        made.append(check)
        screen.print(_check_line(check))
    for traceback in dict.fromkeys(check.traceback for check in made if check.traceback):
        screen.print(traceback_text(traceback))
    failed = sum(not check.ok for check in made)
    verdict = f"{failed} of {len(made)} checks failed" if failed else f"all {len(made)} checks passed"
    screen.print(Text(verdict, style="bold red" if failed else "bold green"))
    return 1 if failed else 0


def traceback_text(traceback: str) -> Text:
    """A traceback of a user's code, made safe for a terminal."""
    lines = (plain(line, 200) for line in traceback.rstrip().splitlines())
    return Text("\n".join(["", *(f"  {line}" for line in lines)]), style="dim")


def _check_line(check: Check) -> Text:
    line = Text("  passed  " if check.ok else "  FAILED  ", style="green" if check.ok else "bold red")
    line.append(check.name, style="not bold default")
    if check.detail:
        line.append(f"\n          {plain(check.detail, 1000)}", style="not bold default")
    return line
