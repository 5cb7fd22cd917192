"""The graphs that are served: your own agent is drawn, run, stopped and resumed; a person answers; errors are told."""

from __future__ import annotations

import pytest
from helpers.pages import clean_registries
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from poise.agents.registry import find_agent
from poise.cli.init import write_starter
from poise.common.errors import AgentError, BadInput
from poise.games.scenarios.loaders import load_scenarios
from poise.graphs import play
from poise.graphs.studio import SeatTurn, serve_negotiation, serve_seat

CONFIG = {"configurable": {"thread_id": "one"}, "recursion_limit": 100}


@pytest.fixture
def own(tmp_path):
    with clean_registries():
        yield str(write_starter("own", tmp_path / "own") / "agent.py")


def kept(graph):
    graph.checkpointer = InMemorySaver()  # as the server does
    return graph


def test_your_own_agent_is_drawn_and_run_as_it_is_played(own):
    graph = serve_negotiation(creditor=own, debtor="sad", seed=3)
    drawn = graph.get_graph(xray=True).draw_mermaid()
    assert "consult" in drawn
    assert "comfort" in drawn
    state = graph.invoke({}, CONFIG, context={})
    played = play(load_scenarios("builtin")[0], find_agent(own, "creditor"), find_agent("sad", "debtor"), seed=3)
    assert state["outcome"] == played.outcome
    assert [message.text for message in state["messages"]] == [message.text for message in played.messages]
    assert state["creditor"].state["heard"]


def test_it_can_be_stopped_before_each_message_and_keeps_its_state(own):
    graph = kept(serve_negotiation(creditor=own, debtor="sad", seed=3))
    state = graph.invoke({}, CONFIG, context={}, interrupt_before=["creditor", "debtor"])
    steps = 0
    while graph.get_state(CONFIG).next:
        state = graph.invoke(None, CONFIG, context={}, interrupt_before=["creditor", "debtor"])
        steps += 1
    assert steps == len(state["messages"])
    assert (
        state["outcome"]
        == serve_negotiation(creditor=own, debtor="sad", seed=3).invoke({}, CONFIG, context={})["outcome"]
    )


@pytest.mark.parametrize("seat", ["creditor", "debtor"])
def test_a_person_takes_a_seat_by_interrupts(seat, own):
    other = {"creditor": "angry", "debtor": own}[seat]
    graph = kept(serve_negotiation(**{seat: "human", {"creditor": "debtor", "debtor": "creditor"}[seat]: other}))
    state = graph.invoke({}, CONFIG, context={})
    asked = 0
    while (waiting := state.get("__interrupt__")) and asked < 40:
        question = waiting[0].value
        assert question["seat"] == seat
        asked += 1
        answer = (
            "I walk away from this."
            if len(graph.get_state(CONFIG).values.get("lines", ())) > 2
            else "My offer is 60 days."
        )
        state = graph.invoke(Command(resume=answer if question["ask"] == "message" else True), CONFIG, context={})
    assert asked >= 4
    assert (state["outcome"].ending, state["outcome"].by) == ("walked", seat)
    assert next(message.text for message in state["messages"] if message.seat == seat) == "My offer is 60 days."


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"debtor": "angri"}, "AgentError: no debtor is called 'angri'; did you mean 'angry'"),
        ({"case": 10**6}, "case 1000000 is outside 0 to"),
        ({"creditor": "nowhere.py"}, "nowhere.py does not exist"),
    ],
)
@pytest.mark.parametrize("judged", [False, True])
def test_what_a_client_chose_wrongly_is_the_outcome(choice, words, judged):
    outcome = serve_negotiation(judged=judged).invoke({}, CONFIG, context=choice)["outcome"]
    assert outcome.ending == "failed"
    assert words in outcome.reason


def test_one_turn_of_your_own_agent_and_its_errors(own, tmp_path):
    graph = serve_seat(own)
    assert "consult" in graph.get_graph(xray=True).draw_mermaid()
    said = [{"seat": "creditor", "text": "10 days", "value": 10}, {"seat": "debtor", "text": "No!", "value": 100}]
    answer = graph.invoke(SeatTurn(said), context={})["answer"]
    assert (answer["seat"], answer["kind"]) == ("creditor", "offer")
    assert "has no 'text'" in graph.invoke(SeatTurn([{"seat": "debtor"}]), context={})["answer"]["error"]
    (tmp_path / "bad.py").write_text("from poise import agent\n@agent('bad')\ndef bad(view):\n    return 1 / 0\n")
    assert serve_seat(f"{tmp_path}/bad.py").invoke(SeatTurn(), context={})["answer"]["error"] == (
        "ZeroDivisionError: division by zero (node 'feel', bad.py line 4)"
    )


def test_what_cannot_be_served_is_refused_at_once():
    with pytest.raises(AgentError, match="did you mean 'vanilla'"):
        serve_negotiation(creditor="vanila")
    with pytest.raises(BadInput, match="'sed' cannot be chosen; did you mean 'seed'"):
        serve_negotiation(sed=3)
