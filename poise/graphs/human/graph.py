"""A person's seat: a graph that stops to ask, and goes on when it is answered.

Each stop is a LangGraph interrupt whose value is JSON for whoever shows it: a terminal, a browser, LangGraph Studio.
The first asks for words; the second says how they were read, so that nothing counts unseen.

    {"ask": "message", "seat": "debtor", "index": 3, "problem": ""}
    {"ask": "confirm", "seat": "debtor", "index": 3, "text": ..., "kind": "offer", "value": 90, "firm": false,
     "emotion": null}

The answer to the first is the words; to the second True or "yes", or other words instead. Nobody's target but the
person's own, and nothing of what the other side thinks, is in them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Final, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from poise.agents.agent import Agent
from poise.agents.protocols import Speech, View
from poise.agents.voices.heard import Heard, hear
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.games.moves import Move, Seat
from poise.graphs.nodes import perceive
from poise.graphs.state import PER_TURN, SeatContext, SeatMemory, SeatState

PERSON: Final = "human"
_YES: Final = frozenset({"", "y", "yes", "ok", "send", "true"})
_NO: Final = frozenset({"n", "no", "false"})


@dataclass
class PersonState(SeatState):
    """A person's turn: a seat's, and what was made of the last words (None before any)."""

    heard: Annotated[Heard | None, PER_TURN] = None
    sent: Annotated[bool, PER_TURN] = False


class PersonTurn(TypedDict, total=False):
    """What a node of a person's graph may change."""

    memory: SeatMemory
    emotion: str | None
    heard: Heard
    sent: bool
    speech: Speech


def listen(state: PersonState, runtime: Runtime[SeatContext]) -> PersonTurn:
    """Ask for words, and say what was wrong with the last ones."""
    view = runtime.context.view(state)
    problem = state.heard.problem if state.heard is not None else ""
    words = interrupt({"ask": "message", "seat": view.brief.seat, "index": view.index, "problem": problem})
    return {"heard": hear(str(words), view)}


def confirm(state: PersonState, runtime: Runtime[SeatContext]) -> PersonTurn:
    """Show how the words were read, and ask whether they shall be sent."""
    view, heard = runtime.context.view(state), _heard(state)
    question = {"ask": "confirm", "seat": view.brief.seat, "index": view.index, "text": heard.text}
    move = asdict(heard.move)
    answer = str(interrupt({**question, **move, "emotion": heard.emotion})).strip()
    if answer.lower() in _YES:
        return {"sent": True}
    return {"heard": Heard() if answer.lower() in _NO else hear(answer, view)}


def say(state: PersonState) -> PersonTurn:
    """The confirmed words are the message."""
    heard = _heard(state)
    return {"emotion": heard.emotion, "speech": Speech(heard.text, heard.move)}


def _heard(state: PersonState) -> Heard:
    assert state.heard is not None  # noqa: S101 - for the type checker: `listen` comes before
    return state.heard


def _after_listen(state: PersonState) -> Literal["listen", "confirm"]:
    return "listen" if _heard(state).problem else "confirm"


def _after_confirm(state: PersonState) -> Literal["listen", "confirm", "say"]:
    if state.sent:
        return "say"
    heard = _heard(state)
    return "listen" if heard.problem or not heard.text else "confirm"


def person_graph() -> StateGraph[PersonState, SeatContext, PersonState, PersonState]:
    """The graph of a person's turn; it needs a checkpointer, since it stops and waits.

    The other side's words are read by the same tracker as for any seat, so that the transcript is like any other; the
    person is shown nothing of it.
    """
    graph = StateGraph(PersonState, SeatContext)
    graph.add_node("perceive", perceive)
    graph.add_node("listen", listen)
    graph.add_node("confirm", confirm)
    graph.add_node("say", say)
    graph.add_edge(START, "perceive")
    graph.add_edge("perceive", "listen")
    graph.add_conditional_edges("listen", _after_listen)
    graph.add_conditional_edges("confirm", _after_confirm)
    graph.add_edge("say", END)
    return graph


class _OwnMind:
    """Stands where an agent's policy and concession do: a person needs neither."""

    def choose(self, view: View, dice: Dice) -> str | None:  # noqa: ARG002 - the seam's signature
        raise AgentError("a person chooses; play with `poise play`")

    def decide(self, view: View, dice: Dice) -> Move:  # noqa: ARG002 - the seam's signature
        raise AgentError("a person decides; play with `poise play`")


def person(seat: Seat) -> Agent:
    """The person in `seat`, declared as such."""
    return Agent(
        name=PERSON,
        seat=seat,
        make_policy=_OwnMind,
        make_concession=_OwnMind,
        offers="policy",
        model="scripted",
        make_graph=person_graph,
        human=True,
        summary="a person at the table",
    )
