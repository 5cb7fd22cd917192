"""Which nodes of a custom graph a turn went through, what each of them wrote, and how long it took.

Names and fields go into the transcript in the order of the graph, which is the same in every run; seconds are kept
beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from poise.games.transcript import Visit
from poise.graphs.fast import FastGraph
from poise.graphs.state import SeatMemory

VISITS: Final = "__visits__"
SECONDS: Final = "__seconds__"


class RecordingGraph:
    """Runs a seat's graph, a FastGraph or a compiled one.

    The result has VISITS as well, a tuple of `Visit`, and SECONDS, a tuple of the seconds of each.
    """

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def invoke(self, input: Any, *, context: Any) -> dict[str, Any]:  # noqa: A002 - LangGraph's own name for it
        """The state at the end, from a state to start with."""
        if not isinstance(self._graph, FastGraph):
            return _streamed(self._graph, input, context)
        visits: list[Visit] = []
        spent: list[float] = []

        def seen(node: str, before: Mapping[str, Any], update: Mapping[str, Any], seconds: float) -> None:
            visits.append(Visit(node, _written(before.get("memory"), update)))
            spent.append(round(seconds, 6))

        result = self._graph.invoke(input, context=context, seen=seen)
        return {**result, VISITS: tuple(visits), SECONDS: tuple(spent)}


@dataclass
class _Task:
    """A node that LangGraph started. path: of the subgraphs around it, as LangGraph names them."""

    path: tuple[str, ...]
    node: str
    id: str
    memory: Any
    began: float
    wrote: tuple[str, ...] = ()
    seconds: float = 0.0


def _streamed(graph: Any, start: Any, context: Any) -> dict[str, Any]:
    """Run a compiled graph. Branches side by side are listed in LangGraph's order, whichever ends first."""
    tasks: dict[str, _Task] = {}
    inside: dict[tuple[str, ...], list[_Task]] = {}
    result: dict[str, Any] = {}
    root: tuple[str, ...] | None = None
    for path, mode, told in graph.stream(start, context=context, stream_mode=["tasks", "values"], subgraphs=True):
        root = path if root is None else root
        if mode == "values":
            result = told if path == root else result
        elif "triggers" in told:
            task = _Task(path, told["name"], told["id"], _memory(told["input"]), time.perf_counter())
            tasks[task.id] = task
            inside.setdefault(path, []).append(task)
        elif ended := tasks.get(told["id"]):
            ended.wrote, ended.seconds = _written(ended.memory, told["result"]), time.perf_counter() - ended.began
    ordered = list(_flattened(inside, root or (), ""))
    return {
        **result,
        VISITS: tuple(Visit(name, task.wrote) for name, task in ordered),
        SECONDS: tuple(round(task.seconds, 6) for _, task in ordered),
    }


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


def _memory(state: Any) -> Any:
    return state.get("memory") if isinstance(state, Mapping) else getattr(state, "memory", None)


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
