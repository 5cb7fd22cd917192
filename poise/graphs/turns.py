"""Runs the turns of one seat through its graph, whoever wrote it, and keeps what its state adds from turn to turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, Literal, get_args, get_type_hints

from langgraph.channels.binop import BinaryOperatorAggregate
from langgraph.errors import GraphRecursionError
from langgraph.types import Overwrite

from poise.common.errors import AgentError
from poise.graphs.custom import AnyGraph, compiled, state_graph_of
from poise.graphs.fast import FastGraph, NotSequential, TooManySteps
from poise.graphs.state import PER_TURN, SeatState
from poise.graphs.visits import NodeRun, recorded_visits, run_fast, run_streamed

STEPS_A_TURN: Final = 500
_SEAT_FIELDS: Final = tuple(field.name for field in fields(SeatState))
_NOTHING_YET: Final[Mapping[str, Any]] = dict.fromkeys(("emotion", "move", "speech"))

Through = Literal["auto", "fast", "langgraph"]


class SeatRunner:
    """One seat's graph, ready to run turn after turn; `invoke` has the signature and result of a compiled graph.

    graph:   a StateGraph over SeatState, SeatDict or a state that extends one of them; compiled or not.
    name:    the agent's, for errors.
    through: "fast" runs it without LangGraph's engine, "auto" too where the graph allows it.
    records: the result has VISITS and SECONDS of `poise.graphs.visits` as well. watch: called with what each node did,
             after each turn.
    waits:   somebody answers `interrupt()`; else it is an error.

    Fields that the state adds are kept in `memory.state`. Raises AgentError for what is not a graph that can be run,
    and NotSequential with through="fast" for one that only LangGraph can run.
    """

    def __init__(  # noqa: PLR0913 - three of them by name only
        self,
        graph: Any,
        name: str = "your agent",
        through: Through = "auto",
        *,
        records: bool = False,
        watch: Callable[[Sequence[NodeRun]], None] | None = None,
        waits: bool = False,
    ) -> None:
        self._graph = state_graph_of(graph, name)
        self._name = name
        self._through = through
        self._records = records or watch is not None
        self._watch = watch
        self._waits = waits
        self._added = _added_fields(self._graph)
        self._folded = {key for key, of in self._graph.channels.items() if isinstance(of, BinaryOperatorAggregate)}
        _fresh(self._graph, name)
        self._steps = (getattr(graph, "config", None) or {}).get("recursion_limit", STEPS_A_TURN)
        self._fast: FastGraph | None = None
        if through != "langgraph":
            try:
                if self._records:  # so that both ways see the same nodes
                    for node, _ in self._graph.compile().get_subgraphs():
                        raise NotSequential(f"node {node!r} runs another graph")
                self._fast = FastGraph(self._graph, self._steps - 1)  # LangGraph counts one more
            except NotSequential:
                if through == "fast":
                    raise
        self.engine: Any = None if self._fast else self._compiled()

    def invoke(self, input: Any, *, context: Any) -> Mapping[str, Any]:  # noqa: A002 - LangGraph's own name for it
        """The seat's state after a turn that starts from the lines and the memory of `input`."""
        fresh = _fresh(self._graph, self._name) if self._added else _NOTHING_YET
        start = {**fresh, "lines": input.lines, "memory": input.memory, **input.memory.state}
        try:
            result = self._run(start, context)
        except (GraphRecursionError, TooManySteps) as error:
            last = f", the last one {error.node!r}" if isinstance(error, TooManySteps) else ""
            raise AgentError(
                f"the graph took more than {self._steps} steps in one turn{last}; let its routers reach END, or return "
                "`graph.compile().with_config(recursion_limit=...)`"
            ) from error
        if self._added:
            lasting = {key: result[key] for key in self._added if key in result}
            return {**result, "memory": replace(result["memory"], state=lasting)}
        return result

    def _run(self, start: Mapping[str, Any], context: Any) -> Mapping[str, Any]:
        if self._fast is not None:
            try:
                if not self._records:
                    return self._fast.invoke(start, context=context)
                fast = self._fast
                return self._recorded(lambda runs: run_fast(fast, start, context, runs))
            except NotSequential:
                if self._through == "fast":
                    raise
                self._fast, self.engine = None, self._compiled()
        config = {"recursion_limit": self._steps}
        given = {key: Overwrite(value) if key in self._folded else value for key, value in start.items()}
        if self._records:
            result = self._recorded(lambda runs: run_streamed(self.engine, given, context, config, runs))
        else:
            result = self.engine.invoke(given, config, context=context)
        return {**dict.fromkeys(_SEAT_FIELDS), "memory": start["memory"], **result}

    def _recorded(self, run: Callable[[list[NodeRun]], Mapping[str, Any]]) -> Mapping[str, Any]:
        runs: list[NodeRun] = []
        try:
            result = run(runs)
        finally:
            if self._watch is not None:
                self._watch(runs)
        return {**result, **recorded_visits(runs)}

    def _compiled(self) -> Any:
        return compiled(self._graph, waits=self._waits)


def _added_fields(graph: AnyGraph) -> tuple[str, ...]:
    """The fields beside a seat's own that last from turn to turn."""
    schema = graph.output_schema
    try:
        hints = get_type_hints(schema, include_extras=True)
    except (NameError, TypeError):  # LangGraph has resolved what it needs
        hints = {}
    each_turn = {name for name, hint in hints.items() if PER_TURN in get_args(hint)}
    added = graph.schemas[schema].keys() - {*_SEAT_FIELDS, *graph.managed} - each_turn
    return tuple(name for name in graph.schemas[schema] if name in added)


def _fresh(graph: AnyGraph, name: str) -> Mapping[str, Any]:
    """What the fields of the state hold before the first turn, as far as the schema says; made anew each time."""
    schema = graph.state_schema
    if not is_dataclass(schema) or not isinstance(schema, type):
        return _NOTHING_YET
    try:
        state = schema()
    except TypeError as error:
        raise AgentError(f"the state {schema.__name__} of {name!r} needs a default for every field ({error})") from None
    return {field.name: getattr(state, field.name) for field in fields(schema)}
