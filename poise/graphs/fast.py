"""Runs a declared StateGraph without LangGraph's engine: the same nodes, routers and reducers, in a plain loop.

Training and LLM-free tournaments play many thousands of negotiations, and LangGraph spends about 0.2 ms on every step.
A graph qualifies when it is sequential: each node is a plain or async function with one way on (an edge or a router),
and the state is a dataclass or a TypedDict whose fields are replaced or folded by a reducer. Whatever else LangGraph
can do is refused here with `NotSequential`, and the graph is then played through LangGraph. Tests show that both ways
give identical transcripts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, Final, is_typeddict

from langgraph.channels.binop import BinaryOperatorAggregate
from langgraph.channels.last_value import LastValue
from langgraph.graph import END, START
from langgraph.runtime import Runtime
from langgraph.types import Overwrite, Send

from poise.common.errors import PoiseError, shorten
from poise.graphs.custom import AnyGraph, awaited, check_target, fields_of, unknown_key
from poise.graphs.failures import blame

MOST_STEPS: Final = 10_000

Seen = Callable[[str, Mapping[str, Any], Any, float], None]
"""Is shown a node's name, the state before it, what it returned, and the seconds it took."""


class NotSequential(PoiseError):
    """The graph uses something that only LangGraph's own engine can run."""


class TooManySteps(PoiseError):
    """The graph took more steps than it may; `node` is the last one."""

    def __init__(self, steps: int, node: str) -> None:
        super().__init__(
            f"the graph took more than {steps:,} steps, the last one {node!r}; does a router never reach END?"
        )
        self.node = node


class FastGraph:
    """A sequential StateGraph as one callable; `invoke` has the signature and result of a compiled graph.

    steps: that one run may take.

    Raises NotSequential when the graph is not sequential, naming the node and the reason; while it runs, when a node
    returns something, or asks for something, that only LangGraph's engine understands.
    """

    def __init__(self, graph: AnyGraph, steps: int = MOST_STEPS) -> None:
        if graph.managed:
            raise NotSequential(f"state field {next(iter(graph.managed))!r} is managed by LangGraph")
        self._nodes = {name: _function(name, spec) for name, spec in graph.nodes.items()}
        self._next = {name: _way_on(graph, name) for name in (START, *graph.nodes)}
        self._fields = fields_of(graph)
        self._folded = _folded(graph)
        self._replaced = self._fields - self._folded.keys()
        self._state = _maker(graph.state_schema, graph)
        self._inputs = {name: _maker(spec.input_schema, graph) for name, spec in graph.nodes.items()}
        self._steps = steps

    def invoke(self, input: Any, *, context: Any, seen: Seen | None = None) -> dict[str, Any]:  # noqa: A002 - LangGraph's own name for it
        """The state at the end, from a state, or a mapping of its fields, to start with.

        seen: is called after each node.
        """
        values = self._start(input)
        runtime = Runtime(context=context)
        nodes, inputs, following, state = self._nodes, self._inputs, self._next, self._state
        name = START
        try:
            step = following[START]
            name = step if isinstance(step, str) else step(state(values))
            for _ in range(self._steps):
                if name == END:
                    return values
                began = time.perf_counter() if seen is not None else 0.0
                update = nodes[name](inputs[name](values), runtime)
                if seen is not None:
                    seen(name, values, update, time.perf_counter() - began)
                if update:
                    self._apply(name, update, values)
                step = following[name]
                name = step if isinstance(step, str) else step(state(values))
        except Exception as error:
            if _asks_for_langgraph(error):
                raise NotSequential(f"node {name!r} uses LangGraph's run-time configuration") from error
            blame(error, name)
            raise
        if name == END:
            return values
        raise TooManySteps(self._steps, name)

    def _start(self, given: Any) -> dict[str, Any]:
        """The fields of the state to start with; of those that are not given, the empty value of their reducer."""
        values = dict(given) if isinstance(given, Mapping) else dict(vars(given))
        for key, channel in self._folded.items():
            if key not in values and (empty := type(channel)(channel.typ, channel.operator)).is_available():
                values[key] = empty.get()
        return values

    def _apply(self, name: str, update: Any, values: dict[str, Any]) -> None:
        """Take in what a node returned."""
        if type(update) is not dict:
            raise NotSequential(f"node {name!r} returned a {type(update).__name__}, and not a dict")
        folded, replaced = self._folded, self._replaced
        for key, value in update.items():
            if type(value) is Overwrite:
                values[key] = value.value
            elif key in replaced:
                values[key] = value
            elif key in folded:
                values[key] = folded[key].operator(values[key], value) if key in values else value
            else:
                raise unknown_key(name, key, self._fields)


def _asks_for_langgraph(error: Exception) -> bool:
    """Whether LangGraph's `interrupt`, `get_config`, `get_store` or `get_stream_writer` found no engine around it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return isinstance(error, RuntimeError) and trace is not None and trace.tb_frame.f_code.co_name == "get_config"


def _maker(schema: Any, graph: AnyGraph) -> Callable[[Mapping[str, Any]], Any]:
    """Makes a node's input of the state's values: an object of its own for each node, as LangGraph gives."""
    names = graph.schemas[schema].keys()
    if is_typeddict(schema):
        return lambda values: {name: values[name] for name in names if name in values}
    if not is_dataclass(schema) or not isinstance(schema, type):
        raise NotSequential(f"the state {getattr(schema, '__name__', schema)} is neither a dataclass nor a TypedDict")
    plain = not hasattr(schema, "__post_init__") and not any("__slots__" in vars(base) for base in schema.__mro__[:-1])
    given = is_dataclass(graph.state_schema) and names <= graph.schemas[graph.state_schema].keys()
    if not plain or not given:  # its __init__ sets what is missing
        return lambda values: schema(**{name: values[name] for name in names if name in values})
    make = object.__new__
    narrow = names < graph.channels.keys()

    def state(values: Mapping[str, Any]) -> Any:
        made = make(schema)
        made.__dict__.update({name: values[name] for name in names} if narrow else values)
        return made

    return state


def _function(name: str, spec: Any) -> Callable[[Any, Runtime[Any]], Any]:
    function = _plain(spec.runnable)
    accepts = set(getattr(spec.runnable, "func_accepts", ()))
    extras = [spec.retry_policy, spec.cache_policy, spec.defer, spec.timeout, spec.error_handler_node, spec.ends]
    if function is None or accepts - {"runtime"} or any(extras):
        raise NotSequential(f"node {name!r} is not a plain function of (state) or (state, runtime)")
    if accepts:
        return lambda state, runtime: function(state, runtime=runtime)
    return lambda state, _runtime: function(state)


def _plain(runnable: Any) -> Any:
    """The function of a node or a router, to be called without awaiting; None where there is none."""
    function, async_function = getattr(runnable, "func", None), getattr(runnable, "afunc", None)
    if function is not None or async_function is None:
        return function
    return lambda *given, **named: awaited(lambda: async_function(*given, **named))


def _way_on(graph: AnyGraph, name: str) -> str | Callable[[Any], str]:
    ends = sorted(end for start, end in graph.edges if start == name)
    branches = list(graph.branches.get(name, {}).values())
    if len(ends) + len(branches) != 1 or any(name in starts for starts, _ in graph.waiting_edges):
        raise NotSequential(f"node {name!r} has {len(ends) + len(branches)} ways on; a sequential graph has one")
    if ends:
        return ends[0]
    router = _plain(branches[0].path)
    targets = branches[0].ends
    if router is None or getattr(branches[0].path, "func_accepts", None):
        raise NotSequential(f"the router after {name!r} is not a plain function of the state")
    return lambda state: _target(name, router(state), targets or {**dict.fromkeys(graph.nodes), END: None})


def _target(name: str, chosen: Any, targets: Mapping[Any, str | None]) -> str:
    """The node that a router chose."""
    if isinstance(chosen, list | tuple | Send):
        raise NotSequential(f"the router after {name!r} chose {shorten(chosen)}, and not one node")
    check_target(name, chosen, targets)
    return targets[chosen] or str(chosen)


def _folded(graph: AnyGraph) -> dict[str, BinaryOperatorAggregate[Any]]:
    """The fields with a reducer."""
    folded: dict[str, BinaryOperatorAggregate[Any]] = {}
    for key, channel in graph.channels.items():
        if isinstance(channel, BinaryOperatorAggregate):
            folded[key] = channel
        elif type(channel) is not LastValue and not key.startswith("branch:"):
            raise NotSequential(f"state field {key!r} is kept in a {type(channel).__name__}")
    return folded
