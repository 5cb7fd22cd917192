"""Which nodes of a custom graph a turn went through, what each of them wrote, and how long it took.

Names and fields go into the transcript in the order of the graph, which is the same in every run; seconds are kept
beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.types import Command

from poise.games.transcript import Visit
from poise.graphs.fast import FastGraph
from poise.graphs.state import SECONDS, VISITS, SeatMemory


@dataclass(frozen=True, slots=True)
class NodeRun:
    """One node at work: its name ("SUBGRAPH:NODE" within one), the state before it, its update, and its seconds."""

    node: str
    before: Mapping[str, Any]
    update: Mapping[str, Any]
    seconds: float


def recorded_visits(runs: Sequence[NodeRun]) -> dict[str, Any]:
    """VISITS, a tuple of `Visit`, and SECONDS, a tuple of the seconds of each."""
    return {
        VISITS: tuple(Visit(run.node, _written(run.before.get("memory"), run.update)) for run in runs),
        SECONDS: tuple(round(run.seconds, 6) for run in runs),
    }


def run_fast(graph: FastGraph, start: Mapping[str, Any], context: Any, runs: list[NodeRun]) -> Mapping[str, Any]:
    """The state at the end; what each node did is appended to `runs`, also where one fails."""

    def seen(node: str, before: Mapping[str, Any], update: Any, seconds: float) -> None:
        runs.append(NodeRun(node, dict(before), _changes(update), seconds))

    return graph.invoke(start, context=context, seen=seen)


@dataclass
class _Task:
    """A node that LangGraph started. path: of the subgraphs around it, as LangGraph names them."""

    path: tuple[str, ...]
    node: str
    id: str
    before: Mapping[str, Any]
    began: float
    update: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


def run_streamed(
    graph: Any, start: Mapping[str, Any], context: Any, config: Any, runs: list[NodeRun]
) -> Mapping[str, Any]:
    """The same of a compiled graph. Branches side by side are in LangGraph's order, whichever ends first."""
    tasks: dict[str, _Task] = {}
    inside: dict[tuple[str, ...], list[_Task]] = {}
    result: Mapping[str, Any] = {}
    root: tuple[str, ...] | None = None
    stream = graph.stream(start, config, context=context, stream_mode=["tasks", "values"], subgraphs=True)
    try:
        for path, mode, told in stream:
            root = path if root is None else root
            if mode == "values":
                result = told if path == root else result
            elif "triggers" in told:
                before = told["input"] if isinstance(told["input"], Mapping) else getattr(told["input"], "__dict__", {})
                task = _Task(path, told["name"], told["id"], dict(before), time.perf_counter())
                tasks[task.id] = task
                inside.setdefault(path, []).append(task)
            elif ended := tasks.get(told["id"]):
                ended.update, ended.seconds = _changes(told["result"]), time.perf_counter() - ended.began
    finally:
        ordered = _flattened(inside, root or (), "")
        runs.extend(NodeRun(name, task.before, task.update, task.seconds) for name, task in ordered)
    return result


def _changes(update: Any) -> Mapping[str, Any]:
    changes = update.update if isinstance(update, Command) else update
    return changes if isinstance(changes, Mapping) else {}


def _flattened(
    inside: Mapping[tuple[str, ...], list[_Task]], path: tuple[str, ...], prefix: str
) -> Iterator[tuple[str, _Task]]:
    """The nodes in order; a subgraph is its own nodes, as in a drawing of the graph."""
    for task in inside.get(path, ()):
        deeper = (*path, f"{task.node}:{task.id}")
        if deeper in inside:
            yield from _flattened(inside, deeper, f"{prefix}{task.node}:")
        else:
            yield f"{prefix}{task.node}", task


def _written(before: Any, update: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that a node's update sets; of the memory, what it replaced."""
    wrote: list[str] = []
    for name, value in update.items():
        if name != "memory" or not isinstance(value, SeatMemory) or not isinstance(before, SeatMemory):
            wrote.append(str(name))
            continue
        wrote += [part for part in ("readings", "shown", "mood") if getattr(value, part) is not getattr(before, part)]
        kept = before.notes
        wrote += [f"notes.{key}" for key, note in value.notes.items() if key not in kept or kept[key] is not note]
    return tuple(wrote)
