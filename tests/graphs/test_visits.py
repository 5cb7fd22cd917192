"""The graph of a custom agent is recorded as data, and with each message the nodes that wrote it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import orjson
import pytest
from helpers.seats import case
from hypothesis import given
from hypothesis import strategies as st
from langgraph.graph import END, START

from poise.agents.registry import find_agent
from poise.games.transcript import Transcript, Usage, Visit
from poise.graphs import (
    Pairing,
    PlaySettings,
    decide,
    empty_seat_graph,
    feel,
    negotiation_graph,
    perceive,
    seat_graph,
    speak,
)
from poise.graphs.drawing.draw import picture_of, to_networkx
from poise.graphs.drawing.outline import (
    PERSON,
    UNKNOWN,
    UNRECORDED,
    USUAL,
    GraphOutline,
    agent_outline,
    negotiation_outline,
    outline_of,
)
from poise.graphs.drawing.traverse import draw_traversal, traversal
from poise.graphs.human.graph import person_graph


def consult(state):
    """Looks at something every second turn, and notes it."""
    return {"memory": replace(state.memory, notes={**state.memory.notes, "asked": len(state.lines)})}


def choose(state):
    return {"emotion": "caring"}


def either(state) -> Literal["consult", "choose"]:
    return "consult" if len(state.lines) % 4 == 0 else "choose"


def routed():
    graph = empty_seat_graph()
    for node in (perceive, consult, choose, decide, speak):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "perceive")
    graph.add_conditional_edges("perceive", either)
    for source, target in (("consult", "choose"), ("choose", "decide"), ("decide", "speak"), ("speak", END)):
        graph.add_edge(source, target)
    return graph


def nested():
    inner = empty_seat_graph()
    inner.add_node("consult", consult)
    inner.add_node("choose", choose)
    inner.add_edge(START, "consult")
    inner.add_edge("consult", "choose")
    inner.add_edge("choose", END)
    graph = empty_seat_graph()
    graph.add_node("perceive", perceive)
    graph.add_node("mind", inner.compile())
    graph.add_node("decide", decide)
    graph.add_node("speak", speak)
    for source, target in ((START, "perceive"), ("perceive", "mind"), ("mind", "decide"), ("decide", "speak")):
        graph.add_edge(source, target)
    graph.add_edge("speak", END)
    return graph


def forked():
    """Two branches side by side that meet before the words."""
    graph = empty_seat_graph()
    for node in (perceive, choose, decide, speak):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "perceive")
    graph.add_edge("perceive", "choose")
    graph.add_edge("perceive", "decide")
    graph.add_edge(["choose", "decide"], "speak")
    graph.add_edge("speak", END)
    return graph


def played(build, through="langgraph", seed=3):
    agent = replace(find_agent("vanilla", "creditor"), name="custom", make_graph=build)
    pairing = Pairing(agent, find_agent("sad", "debtor"), PlaySettings(through=through))
    return pairing.play(case(), seed)


def drawn_by_langgraph(creditor, debtor, *, judged):
    graph = negotiation_graph(creditor.compile(), debtor.compile(), judged=judged)
    return to_networkx(graph.compile().get_graph(xray=True))


@pytest.mark.parametrize("judged", [False, True])
@pytest.mark.parametrize("build", [seat_graph, routed, nested, forked])
def test_an_outline_draws_what_langgraph_draws_of_the_graph_itself(build, judged):
    expected = drawn_by_langgraph(build(), person_graph(), judged=judged)
    outline = negotiation_outline(outline_of(build()), outline_of(person_graph()), judged=judged)
    assert dict(outline.nodes(data=True)) == dict(expected.nodes(data=True))
    ways = [{way[:2]: way[2] for way in one.edges(data=True)} for one in (outline, expected)]
    assert ways[0] == ways[1]


def test_the_built_in_outlines_are_those_of_the_built_in_graphs():
    for outline, graph in ((USUAL, seat_graph()), (PERSON, person_graph())):
        found = outline_of(graph)
        assert found.nodes == outline.nodes
        assert set(found.edges) == set(outline.edges)
        assert set(found.conditional) == set(outline.conditional)


@pytest.mark.parametrize("build", [routed, nested, forked])
def test_an_outline_survives_json_and_the_visits_are_of_its_nodes(build):
    outline = GraphOutline.from_dict(orjson.loads(orjson.dumps(outline_of(build()).to_dict())))
    assert outline == outline_of(build())
    transcript = played(build).transcript
    assert Transcript.from_json(orjson.dumps(transcript.to_dict())).messages == transcript.messages
    for message in transcript.messages:
        if message.seat == "creditor":
            assert set(outline.visited(message)) <= set(outline.nodes)
            assert outline.visited(message)[-1] == "speak"
        else:
            assert message.nodes == ()  # the usual turn goes without saying


def test_both_ways_of_playing_record_the_same_visits_and_again_the_next_time():
    documents = {orjson.dumps(played(routed, way).transcript.to_dict()) for way in ("fast", "langgraph", "fast")}
    assert len(documents) == 1
    assert len({orjson.dumps(played(forked).transcript.to_dict()) for _ in range(3)}) == 1


def test_a_note_is_told_with_the_node_that_wrote_it():
    first, third = [message for message in played(routed, "fast").transcript.messages if message.seat == "creditor"][:2]
    assert first.nodes == (
        Visit("perceive"),
        Visit("consult", ("notes.asked",)),
        Visit("choose", ("emotion",)),
        Visit("decide", ("move",)),
        Visit("speak", ("speech",)),
    )
    assert [visit.node for visit in third.nodes] == ["perceive", "choose", "decide", "speak"]
    assert third.nodes[0].wrote == ("readings",)


@pytest.mark.parametrize(("build", "through"), [(routed, "fast"), (nested, "langgraph"), (forked, "langgraph")])
def test_seconds_stand_beside_the_transcript_one_for_each_visit(build, through):
    match = played(build, through)
    assert [len(seconds) for seconds in match.usage.nodes] == [len(one.nodes) for one in match.transcript.messages]
    assert all(second >= 0 for seconds in match.usage.nodes for second in seconds)
    assert match.usage.per_message == ()  # no model was asked


@pytest.mark.parametrize(("build", "through"), [(routed, "fast"), (nested, "langgraph"), (forked, "langgraph")])
def test_a_traversal_takes_only_edges_that_the_graph_has(build, through):
    match, outline = played(build, through), outline_of(build())
    own = negotiation_outline(outline, USUAL)
    whole = traversal([(match.transcript, match.usage, (outline, USUAL))])
    assert set(whole.edges) == set(own.edges)
    said = sum(message.seat == "creditor" for message in match.transcript.messages)
    assert whole.nodes["creditor:speak"]["count"] == said
    assert whole.edges["creditor:decide", "creditor:speak"]["count"] == said
    assert whole.nodes["creditor:perceive"]["seconds"] > 0
    assert b"consult" in draw_traversal(whole) or build is forked


def test_where_no_graph_was_recorded_the_traversal_says_so_and_claims_no_node():
    match = played(seat_graph)
    bare = replace(match.transcript, messages=tuple(replace(one, nodes=()) for one in match.transcript.messages))
    whole = traversal([(bare, Usage(), (UNRECORDED, USUAL))])
    assert f"creditor:{UNKNOWN}" in whole
    assert "creditor:feel" not in whole
    assert UNKNOWN.encode() in draw_traversal(whole)


def test_a_graph_that_cannot_be_built_is_left_for_the_match_to_report():
    def broken():
        raise ValueError("no graph today")

    agent = find_agent("vanilla", "creditor")
    assert agent_outline(replace(agent, make_graph=broken)) is None
    assert agent_outline(replace(agent, make_graph=empty_seat_graph)) is None
    assert agent_outline(agent) == USUAL


names = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=8)


@given(st.lists(names, max_size=6, unique=True), st.lists(st.tuples(names, names), max_size=8))
def test_whatever_stands_in_a_header_is_drawn_or_refused(nodes, ways):
    outline = GraphOutline.from_dict({"nodes": nodes, "edges": ways, "conditional": []})
    if outline is not None:
        assert picture_of(negotiation_outline(outline, USUAL), "svg").startswith(b"<?xml")


@pytest.mark.parametrize("data", [None, 3, {}, {"nodes": [], "edges": []}, {"nodes": ["a"], "edges": [["a", "b"]]}])
def test_what_is_no_outline_is_none(data):
    assert GraphOutline.from_dict(data) is None
    assert GraphOutline.from_dict({"nodes": [str(n) for n in range(1000)], "edges": []}) is None


def test_the_nodes_of_a_turn_that_feels_are_its_own():
    """A custom node may bear a built-in node's name: it is recorded as any other."""
    agent = replace(find_agent("vanilla", "creditor"), make_graph=seat_graph)
    message = Pairing(agent, find_agent("sad", "debtor")).play(case(), 1).transcript.messages[0]
    assert [visit.node for visit in message.nodes] == [node.__name__ for node in (perceive, feel, decide, speak)]
