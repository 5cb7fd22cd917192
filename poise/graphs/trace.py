"""One negotiation, node by node: what each node of both graphs read and changed.

    from poise import find_agent, load_scenarios, trace

    for step in trace(load_scenarios("builtin")[0], find_agent("mine.py", "creditor"), find_agent("sad", "debtor")):
        print(step)

In a notebook the trace itself is a table: `trace(...)` as the last line of a cell.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final

from poise.agents.agent import Agent
from poise.agents.protocols import Speech
from poise.common.errors import shorten
from poise.games.moves import SEATS, Move, Seat
from poise.games.scenario import Scenario
from poise.games.transcript import Outcome, Reading
from poise.graphs.negotiation import negotiation_graph
from poise.graphs.pairing import Pairing, PlaySettings
from poise.graphs.seat import graph_of
from poise.graphs.state import NegotiationState, SeatMemory
from poise.graphs.turns import SeatRunner
from poise.graphs.visits import NodeRun

_NOTHING: Final[tuple[Any, ...]] = (None, (), {})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that a node changed, before and after; the memory's are "memory.FIELD"."""

    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        before = (
            ""
            if any(self.before is none or self.before == none for none in _NOTHING)
            else f" (before: {_words(self.before)})"
        )
        return f"{self.field} = {_words(self.after)}{before}"


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One node's work on a message, or how the negotiation ended.

    index:   of the message, from 0. node: its name, within a subgraph "SUBGRAPH:NODE"; "" at the end.
    changes: what it returned that differs from the state before. seconds: wall-clock time.
    outcome: how the negotiation ended; None before the last step. traceback: of the exception that ended it.
    """

    index: int
    seat: Seat
    node: str
    changes: tuple[FieldChange, ...] = ()
    seconds: float = 0.0
    outcome: Outcome | None = None
    traceback: str = ""

    def __str__(self) -> str:
        if self.outcome is not None:
            return f"     {self.outcome.ending}: {self.outcome.reason}"
        head = f"{self.index:>3}  {self.seat}  {self.node}"
        return "\n".join([head, *(f"       {change}" for change in self.changes)])


class Trace:
    """A negotiation that is played while it is iterated, from the start each time; as a table in a notebook."""

    def __init__(self, play: Callable[[], Iterator[TraceStep]]) -> None:
        self._play = play

    def __iter__(self) -> Iterator[TraceStep]:
        return self._play()

    def __repr__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        rows = []
        for step in self:
            if step.outcome is not None:
                rows.append(f"<tr><td></td><td colspan=3><b>{html.escape(str(step).strip())}</b></td></tr>")
                continue
            changes = "<br>".join(html.escape(str(change)) for change in step.changes)
            cells = (str(step.index), step.seat, step.node)
            rows.append(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}<td>{changes}</td></tr>")
        head = "".join(f"<th>{name}</th>" for name in ("message", "seat", "node", "changes"))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def trace(
    scenario: Scenario, creditor: Agent, debtor: Agent, *, seed: int = 0, settings: PlaySettings | None = None
) -> Trace:
    """The steps of one negotiation, as they are made: the same as `play` plays with the same arguments.

    An exception in an agent's code is the last step, with its traceback.
    """
    return Trace(lambda: _steps(Pairing(creditor, debtor, settings), scenario, seed))


def _steps(pairing: Pairing, scenario: Scenario, seed: int) -> Iterator[TraceStep]:
    through = pairing.settings.through
    if through == "auto" and pairing.calls_model:
        through = "langgraph"
    runs: list[NodeRun] = []

    def runner(agent: Agent) -> SeatRunner:
        return SeatRunner(graph_of(agent), agent.name, through, watch=runs.extend)

    runners = {seat: runner(agent) for seat, agent in pairing.agents.items()}
    graph = negotiation_graph(runners[SEATS[0]], runners[SEATS[1]], judged=pairing.settings.judge is not None).compile()
    config: Any = {"recursion_limit": 2 * pairing.rules.max_messages + 10}
    index = 0
    context = pairing.context(scenario, seed)
    for updates in graph.stream(NegotiationState(), config, context=context, stream_mode="updates"):
        for seat, update in updates.items():
            if seat not in SEATS:
                continue
            yield from (TraceStep(index, seat, run.node, _changes_of(run), run.seconds) for run in runs)
            runs.clear()
            index += 1
            if (outcome := (update or {}).get("outcome")) is not None:
                yield TraceStep(index, seat, "", outcome=outcome, traceback=update.get("traceback", ""))


def _changes_of(run: NodeRun) -> tuple[FieldChange, ...]:
    changes: list[FieldChange] = []
    for name, after in run.update.items():
        before = run.before.get(name)
        if isinstance(after, SeatMemory) and isinstance(before, SeatMemory):
            changes += _changes_of_memory(before, after)
        elif before is not after and before != after:
            changes.append(FieldChange(name, before, after))
    return tuple(changes)


def _changes_of_memory(before: SeatMemory, after: SeatMemory) -> Iterator[FieldChange]:
    for one in fields(SeatMemory):
        old, new = getattr(before, one.name), getattr(after, one.name)
        if old is new or old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            names = [key for key in new if key not in old or old[key] != new[key]]
            yield from (FieldChange(f"memory.{one.name}.{key}", old.get(key), new[key]) for key in names)
        else:
            yield FieldChange(f"memory.{one.name}", old, new)


def _words(value: Any) -> str:
    """A value as a person reads it, in one line."""
    match value:
        case None | () | {}:
            words = "nothing"
        case Speech():
            words = repr(value.text)
        case Move():
            words = " ".join(str(part) for part in (value.kind, value.value, value.firm and "firmly") if part)
        case Reading():
            words = f"{value.label}, belief {', '.join(f'{share:.2f}' for share in value.belief)}"
        case float():
            words = f"{value:.3g}"
        case [*_, last] if is_dataclass(last):
            words = f"{len(value)}, the last {_words(last)}"
        case _:
            words = shorten(value)
    return words
