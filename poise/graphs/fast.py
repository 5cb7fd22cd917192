"""Runs a declared StateGraph without LangGraph's engine: the same nodes, routers and reducers, in a plain loop.

Training and LLM-free tournaments play many thousands of negotiations, and LangGraph spends about 0.2 ms on every step.
A graph qualifies when it is sequential: each node is a plain function with one way on (an edge or a router), and the
state is a dataclass whose fields are replaced or folded by a reducer. Whatever else LangGraph can do is refused here
with `NotSequential`, and the graph is then played through LangGraph. Tests show that both ways give identical
transcripts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from langgraph.channels.binop import BinaryOperatorAggregate
from langgraph.channels.last_value import LastValue
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from poise.common.errors import PoiseError

_MAX_STEPS = 10_000

Seen = Callable[[str, Mapping[str, Any], Mapping[str, Any], float], None]
"""Is shown a node's name, the state before it, its update, and the seconds it took."""


class NotSequential(PoiseError):
    """The graph uses something that only LangGraph's own engine can run."""


class FastGraph:
    """A sequential StateGraph as one callable; `invoke` has the signature and result of a compiled graph.

    Raises NotSequential when the graph is not sequential, naming the node and the reason.
    """

    def __init__(self, graph: StateGraph[Any, Any, Any, Any]) -> None:
        self._schema = graph.state_schema
        self._nodes = {name: _function(name, spec) for name, spec in graph.nodes.items()}
        self._next = {name: _way_on(graph, name) for name in (START, *graph.nodes)}
        self._reducers = _reducers(graph)

    def invoke(self, input: Any, *, context: Any, seen: Seen | None = None) -> dict[str, Any]:  # noqa: A002 - LangGraph's own name for it
        """The state at the end, from a state to start with. seen: is called after each node."""
        values = dict(vars(input))
        runtime = Runtime(context=context)
        schema, nodes, following, reducers = self._schema, self._nodes, self._next, self._reducers
        step = following[START]
        name = step if isinstance(step, str) else step(input)
        for _ in range(_MAX_STEPS):
            if name == END:
                return values
            began = time.perf_counter() if seen is not None else 0.0
            update = nodes[name](_instance(schema, values), runtime)
            if seen is not None:
                seen(name, values, update or {}, time.perf_counter() - began)
            if update:
                for key, value in update.items():
                    values[key] = reducers[key](values[key], value) if key in reducers else value
            step = following[name]
            name = step if isinstance(step, str) else step(_instance(schema, values))
        raise PoiseError(f"the graph took more than {_MAX_STEPS} steps; does a router never reach END?")


def _instance(schema: Any, values: Mapping[str, Any]) -> Any:
    """A state of its own for each node, as LangGraph gives, so that a node cannot change another's."""
    state = object.__new__(schema)
    state.__dict__.update(values)
    return state


def _function(name: str, spec: Any) -> Callable[[Any, Runtime[Any]], Mapping[str, Any] | None]:
    function = getattr(spec.runnable, "func", None)
    accepts = set(getattr(spec.runnable, "func_accepts", ()))
    extras = [spec.retry_policy, spec.cache_policy, spec.defer, spec.timeout, spec.error_handler_node]
    if function is None or accepts - {"runtime"} or any(extras):
        raise NotSequential(f"node {name!r} is not a plain function of (state) or (state, runtime)")
    if accepts:
        return lambda state, runtime: function(state, runtime=runtime)
    return lambda state, _runtime: function(state)


def _way_on(graph: StateGraph[Any, Any, Any, Any], name: str) -> str | Callable[[Any], str]:
    ends = sorted(end for start, end in graph.edges if start == name)
    branches = list(graph.branches.get(name, {}).values())
    if len(ends) + len(branches) != 1 or any(name in starts for starts, _ in graph.waiting_edges):
        raise NotSequential(f"node {name!r} has {len(ends) + len(branches)} ways on; a sequential graph has one")
    if ends:
        return ends[0]
    router = getattr(branches[0].path, "func", None)
    targets = branches[0].ends
    if router is None or getattr(branches[0].path, "func_accepts", None):
        raise NotSequential(f"the router after {name!r} is not a plain function of the state")
    return (lambda state: targets[router(state)]) if targets else router


def _reducers(graph: StateGraph[Any, Any, Any, Any]) -> dict[str, Callable[[Any, Any], Any]]:
    reducers: dict[str, Callable[[Any, Any], Any]] = {}
    for key, channel in graph.channels.items():
        if isinstance(channel, BinaryOperatorAggregate):
            reducers[key] = channel.operator
        elif type(channel) is not LastValue and not key.startswith("branch:"):
            raise NotSequential(f"state field {key!r} is kept in a {type(channel).__name__}")
    return reducers
