"""Graphs as users write them: compiled or not, with a state of their own, async nodes, subgraphs.

A StateGraph is taken from whatever a user's function returns. For LangGraph's own engine its nodes are wrapped, so that
a key that is not a field of the state is refused, an exception says in which node it was raised, and an async node runs
where nothing is awaited.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from copy import copy
from dataclasses import replace
from typing import Any, Final, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.errors import GraphBubbleUp
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Send

from poise.common.errors import AgentError, shorten
from poise.common.words import did_you_mean
from poise.graphs.failures import blame, blamed

T = TypeVar("T")
AnyGraph = StateGraph[Any, Any, Any, Any]
UNKNOWN_KEY: Final = "which is not a field of the state"
_LISTED: Final = 6


def state_graph_of(graph: Any, name: str = "your agent") -> AnyGraph:
    """The StateGraph that a user's function returned, compiled or not; AgentError for anything else."""
    if isinstance(graph, CompiledStateGraph):
        stops = [*graph.interrupt_before_nodes, *graph.interrupt_after_nodes]
        if stops:
            raise AgentError(
                f"the graph of {name!r} is compiled to stop at {', '.join(map(repr, stops))}, and nobody is there to "
                "resume it; compile it without interrupt_before and interrupt_after"
            )
        graph = graph.builder
    if not isinstance(graph, StateGraph):
        hint = "make it a plain `def`" if inspect.isawaitable(graph) else "let it end with `return graph`"
        if inspect.iscoroutine(graph):
            graph.close()
        raise AgentError(f"the function of {name!r} returned {shorten(graph)} and not a StateGraph; {hint}")
    try:
        return graph.validate()
    except ValueError as error:
        raise AgentError(f"the graph of {name!r} cannot be run: {error}") from None


def compiled(graph: AnyGraph, *, waits: bool = False) -> Any:
    """The graph, compiled by LangGraph, with its nodes wrapped. The graph itself stays as it is.

    waits: somebody answers `interrupt()`; else it is an error.
    """
    return _wrapped(graph, "", waits).compile()


def _wrapped(graph: AnyGraph, path: str, waits: bool) -> AnyGraph:
    fields = fields_of(graph)

    def node(name: str, runnable: Any) -> Any:
        if not isinstance(runnable, CompiledStateGraph):
            return _Wrapped(
                path + name, runnable, lambda update: check_update(path + name, update, fields), waits=waits
            )
        inner = _wrapped(runnable.builder, f"{path}{name}:", waits)
        made = inner.compile(checkpointer=runnable.checkpointer, cache=runnable.cache, store=runnable.store)
        return made.with_config(runnable.config) if runnable.config else made

    def router(start: str, branch: Any) -> Any:
        def check(chosen: Any) -> None:
            for each in chosen if isinstance(chosen, list | tuple) else [chosen]:
                if branch.ends is not None and not isinstance(each, Send):
                    check_target(path + start, each, branch.ends)

        return branch._replace(path=_Wrapped(f"{path}{start}, its router", branch.path, check, waits=waits))

    other = copy(graph)
    other.nodes = {name: replace(spec, runnable=node(name, spec.runnable)) for name, spec in graph.nodes.items()}
    other.branches = type(graph.branches)(dict)
    for start, branches in graph.branches.items():
        other.branches[start] = {key: router(start, branch) for key, branch in branches.items()}
    return other


class _Wrapped(Runnable[Any, Any]):
    """The function of a node or a router; its errors name it, and `check` looks at what it returned."""

    def __init__(self, path: str, runnable: Any, check: Callable[[Any], None], *, waits: bool) -> None:
        self.name = path
        self._runnable = runnable
        self._check = check
        self._waits = waits

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002 - LangChain's own name
        """What the function returns for the state `input`."""
        try:
            result = self._call(input, config, **kwargs)
            self._check(result)
        except GraphBubbleUp as error:
            if self._waits:
                raise
            refused = AgentError(
                f"node {self.name!r} stops the graph ({type(error).__name__}), and nobody is there to resume it: "
                "`interrupt()` needs a person, as in `poise play`; in a tournament let the node decide by itself"
            )
            blame(refused, str(self.name))
            raise refused from error
        except Exception as error:
            if not blamed(error):  # by a node of an inner graph, whose path begins with this one's
                blame(error, str(self.name))
            raise
        return result

    def _call(self, state: Any, config: RunnableConfig | None, **kwargs: Any) -> Any:
        if getattr(self._runnable, "func", self) is None:  # LangGraph has only an async function
            return awaited(lambda: self._runnable.ainvoke(state, config, **kwargs))
        return self._runnable.invoke(state, config, **kwargs)


def fields_of(graph: AnyGraph) -> frozenset[str]:
    """The fields that a node of the graph may change."""
    return frozenset({*graph.channels, *graph.managed})


def check_update(node: str, update: Any, fields: Collection[str]) -> None:
    """Raise AgentError unless a node may return `update`: the fields it changes, None, or LangGraph's Command."""
    changes = update.update if isinstance(update, Command) else update
    if isinstance(changes, list | tuple):
        for each in changes:
            check_update(node, each, fields)
    elif isinstance(changes, Mapping):
        if unknown := [key for key in changes if key not in fields]:
            raise unknown_key(node, unknown[0], fields)
    elif isinstance(changes, str | int | float):
        raise AgentError(
            f"node {node!r} returned {shorten(changes)}; a node returns a dict of the fields that it changes, such as "
            '{"emotion": "joy"}, or None'
        )


def check_target(start: str, chosen: Any, targets: Mapping[Any, str | None]) -> None:
    """Raise AgentError where the router after `start` chose what is none of its targets."""
    if not isinstance(chosen, Hashable) or chosen not in targets:
        known = ", ".join(repr(target) for target in targets)
        raise AgentError(f"the router after {start!r} chose {shorten(chosen)}, which is none of {known}")


def unknown_key(node: str, key: Any, fields: Collection[str]) -> AgentError:
    """The error of a node that returned a key which is not a field of the state."""
    known = sorted(field for field in fields if not field.startswith(("branch:", "__")))
    hint = did_you_mean(key, known)
    listed = ", ".join(known[:_LISTED]) + (", ..." if len(known) > _LISTED else "")
    declare = str(key) if str(key).isidentifier() else "name"
    return AgentError(
        f"node {node!r} returned the key {shorten(key)}, {UNKNOWN_KEY} ({listed}); {hint}"
        f"to keep it, declare it: `@dataclass class MyState(SeatState): {declare}: TYPE = DEFAULT`, and build the "
        "graph with `empty_seat_graph(MyState)`"
    )


def awaited(call: Callable[[], Awaitable[T]]) -> T:
    """What an async function gives, where nothing awaits it; beside a running event loop, in a thread of its own."""

    async def run() -> T:
        return await call()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run())
    context, outcome = contextvars.copy_context(), list[Any]()

    def work() -> None:
        try:
            outcome.append((context.run(asyncio.run, run()), None))
        except BaseException as error:  # noqa: BLE001 - handed over to the waiting thread
            outcome.append((None, error))

    thread = threading.Thread(target=work, daemon=True, name="poise-async-node")
    thread.start()
    thread.join()
    result, error = outcome[0]
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]  # without an error there is a result
