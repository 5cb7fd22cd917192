"""A match node by node, for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from poise.agents.registry import find_agent
from poise.cli.output import plain
from poise.cli.screens.agents import traceback_text
from poise.common.errors import BadInput
from poise.games.moves import SEATS, other
from poise.games.scenarios.loaders import load_scenarios
from poise.graphs.pairing import PlaySettings
from poise.graphs.trace import TraceStep, trace
from poise.testing.bench import find_in_either_seat


def show_trace(
    screen: Console, spec: str, against: str | None, source: str, seed: int, model: str, messages: int
) -> int:
    """Play one match of the agent and show what its nodes changed. The exit code is 1 where an agent failed.

    source: of the scenario, the first one. messages: how many are shown at most.
    """
    agent = find_in_either_seat(spec)
    theirs = other(agent.seat)
    opponent = find_agent(against or ("angry" if theirs == "debtor" else "vanilla"), theirs)
    scenarios = load_scenarios(source)
    if not scenarios:
        raise BadInput(f"{source!r} has no scenario; name one, such as builtin:3")
    by_seat = {agent.seat: agent, theirs: opponent}
    screen.print(Text(f"{agent.name} ({agent.seat}) against {opponent.name} on {scenarios[0].id}", style="bold"))
    steps = trace(scenarios[0], by_seat[SEATS[0]], by_seat[SEATS[1]], seed=seed, settings=PlaySettings(model=model))
    shown = -1
    for step in steps:
        if step.index >= messages:
            screen.print(f"stopped after {messages} messages", style="dim")
            return 0
        if step.outcome is not None:
            failed = step.outcome.ending == "failed"
            screen.print(Text(plain(str(step).strip(), 600), style="bold red" if failed else "bold green"))
            if step.traceback:
                screen.print(traceback_text(step.traceback), soft_wrap=True)
            return int(failed)
        if step.seat == agent.seat:
            _show_step(screen, step, first=step.index != shown)
            shown = step.index
        elif (said := next((change for change in step.changes if change.field == "speech"), None)) is not None:
            screen.print(Text(f"\n{step.index:>3}  {step.seat}: {plain(said.after.text)}", style="dim"))
    return 0


def _show_step(screen: Console, step: TraceStep, *, first: bool) -> None:
    if first:
        screen.print(Text(f"\n{step.index:>3}  {step.seat}", style="bold"))
    screen.print(Text(f"     {plain(step.node)}", style="cyan").append(f"  {1000 * step.seconds:.1f} ms", style="dim"))
    for change in step.changes:
        screen.print(Text(f"       {plain(str(change))}"), soft_wrap=True)
