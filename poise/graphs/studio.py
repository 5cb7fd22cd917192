"""The graphs as LangGraph's development server and Studio see them (`langgraph.json`).

There the context is JSON that a person fills in: who plays whom, on which scenario, with which seed and model. The
negotiation needs no input; a seat's graph takes the messages so far and answers with the next message.

    # graphs.py, named in langgraph.json as "./graphs.py:mine" and so on
    from poise.graphs.studio import serve_negotiation, serve_seat

    mine = serve_negotiation(creditor="ledger.py", debtor="angry")      # your own agent: drawn, run, stepped
    table = serve_negotiation(creditor="ledger.py", debtor="human")     # a person answers the debtor's interrupts
    turn = serve_seat("ledger.py")                          # one turn of it

What goes wrong in an agent, or with what a person chose, is how the negotiation ends: its outcome says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, make_dataclass, replace
from functools import lru_cache
from typing import Any

from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from poise.agents.agent import Agent
from poise.agents.protocols import Line
from poise.agents.registry import find_agent
from poise.common.errors import BadInput
from poise.common.words import did_you_mean
from poise.games.moves import Move, Seat
from poise.games.scenarios.loaders import load_scenarios
from poise.graphs.custom import state_graph_of
from poise.graphs.failures import place_of
from poise.graphs.human.graph import PERSON, person
from poise.graphs.negotiation import Resolve, negotiation_graph
from poise.graphs.pairing import Pairing, PlaySettings
from poise.graphs.seat import graph_of
from poise.graphs.state import NegotiationContext, SeatState, unguarded
from poise.graphs.turns import SeatRunner


@dataclass(frozen=True)
class StudioChoice:
    """What a person chooses in Studio.

    creditor, debtor: as on the command line; "human" is a person, who answers interrupts.
    case: which scenario of `scenarios`, from 0. judge: of the graph that has one, "rules" or a model URI.
    """

    creditor: str = "eq-negotiator"
    debtor: str = "angry"
    scenarios: str = "builtin"
    case: int = 0
    seed: int = 0
    model: str = "scripted"
    judge: str = "rules"


@dataclass
class SeatTurn:
    """A seat's graph in Studio: the messages so far, and its answer.

    said: messages such as {"seat": "debtor", "text": "90 days?", "kind": "offer", "value": 90}, oldest first.
    """

    said: list[dict[str, Any]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=64)
def _resolved(choice: StudioChoice) -> NegotiationContext:
    scenarios = load_scenarios(choice.scenarios)
    if not 0 <= choice.case < len(scenarios):
        raise BadInput(f"case {choice.case} is outside 0 to {len(scenarios) - 1} of {choice.scenarios}")
    agents = _agent(choice.creditor, "creditor"), _agent(choice.debtor, "debtor")
    settings = PlaySettings(model=choice.model, judge=choice.judge or None, through="langgraph")
    context = Pairing(*agents, settings).context(scenarios[choice.case], choice.seed)
    creditor, debtor = (
        replace(context.seat(agent.seat), runner=SeatRunner(graph_of(agent), agent.name, "langgraph", waits=True))
        for agent in agents
    )
    # A person in Studio may take all day.
    return replace(context, creditor=creditor, debtor=debtor, guard=unguarded)


def _agent(name: str, seat: Seat) -> Agent:
    return person(seat) if name == PERSON else find_agent(name, seat)


def negotiation() -> Any:
    """The negotiation graph, compiled."""
    return _negotiation(judged=False)


def judged_negotiation() -> Any:
    """The negotiation graph with a judge, compiled."""
    return _negotiation(judged=True)


def _negotiation(*, judged: bool) -> Any:
    return serve_negotiation(judged=judged)


def serve_negotiation(
    creditor: str = "eq-negotiator", debtor: str = "angry", *, judged: bool = False, **choice: Any
) -> Any:
    """The negotiation between two agents, with their own graphs, compiled: for a line of your langgraph.json.

    creditor, debtor: as on the command line, such as "ledger.py"; "human" is a person, who answers interrupts.
    choice: further fields of StudioChoice. All of them are the defaults of what a client may choose.

    Raises AgentError for names and graphs that are refused.
    """
    schema, resolve = _choosing({"creditor": creditor, "debtor": debtor, **choice})
    drawn = [
        state_graph_of(graph_of(agent), agent.name).compile()
        for agent in (_agent(creditor, "creditor"), _agent(debtor, "debtor"))
    ]
    return negotiation_graph(drawn[0], drawn[1], schema, resolve, judged=judged, tells=True).compile()


def _choosing(given: Mapping[str, Any]) -> tuple[type, Resolve]:
    """The type of what a client may choose, with these defaults, and what makes a negotiation's context of it."""
    known = [each.name for each in fields(StudioChoice)]
    if unknown := given.keys() - set(known):
        name = min(unknown)
        raise BadInput(f"{name!r} cannot be chosen; {did_you_mean(name, known)}there are {', '.join(known)}")
    schema = make_dataclass(
        "ServedChoice",
        [(name, type(value), field(default=value)) for name, value in given.items()],
        bases=(StudioChoice,),
        frozen=True,
    )

    def resolve(context: Any) -> NegotiationContext:
        chosen = {} if context is None else context if isinstance(context, Mapping) else vars(context)
        try:
            return _resolved(StudioChoice(**{**given, **chosen}))
        except TypeError as error:
            raise BadInput(f"the context is refused ({error})") from None

    return schema, resolve


def creditor() -> Any:
    """The creditor's graph, compiled."""
    return serve_seat(StudioChoice.creditor, "creditor")


def debtor() -> Any:
    """The debtor's graph, compiled."""
    return serve_seat(StudioChoice.debtor, "debtor")


def serve_seat(name: str, seat: Seat = "creditor") -> Any:
    """One turn of an agent, by its own graph, compiled: the messages so far as input, its answer as output.

    An error is the answer's `error`.
    """
    schema, resolve = _choosing({seat: name})
    drawn = state_graph_of(graph_of(_agent(name, seat)), name).compile()

    def turn(state: SeatTurn, runtime: Runtime[Any]) -> dict[str, Any]:
        try:
            context = resolve(runtime.context).seat(seat)
            runner = context.runner or drawn
            result = runner.invoke(SeatState(lines=tuple(map(_line, state.said))), context=context)
        except GraphBubbleUp:
            raise
        except Exception as error:  # noqa: BLE001 - the server would say no more than "internal error"
            return {"answer": {"seat": seat, "error": f"{type(error).__name__}: {error}{place_of(error)}"}}
        speech = result["speech"]
        move = {"kind": speech.move.kind, "value": speech.move.value}
        return {"answer": {"seat": seat, "text": speech.text, "emotion": result.get("emotion"), **move}}

    graph = StateGraph(SeatTurn, schema)
    graph.add_node(seat, turn)
    graph.add_edge(START, seat)
    graph.add_edge(seat, END)
    return graph.compile()


def _line(said: Mapping[str, Any]) -> Line:
    try:
        return Line(said["seat"], said["text"], Move(said.get("kind", "offer"), said.get("value")))
    except KeyError as error:
        raise BadInput(f"a message in `said` has no {error}; it needs seat, text and, for an offer, value") from None
