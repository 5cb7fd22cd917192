"""Graphs as users write them: their own state, compiled, async, with subgraphs, branches, loops and parallel nodes.

Each is played in both ways where both apply, and the transcripts must be the same.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import operator
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import pytest
from helpers.seats import case, pair
from langchain_core.messages import AIMessage, AnyMessage
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite, Send, interrupt

from poise.agents.agent import Agent
from poise.agents.emotions import EMOTIONS7
from poise.agents.models.calls import Reply
from poise.common.errors import AgentError
from poise.games.transcript import Transcript
from poise.graphs import (
    PER_TURN,
    Pairing,
    PlaySettings,
    SeatContext,
    SeatDict,
    SeatState,
    decide,
    empty_seat_graph,
    feel,
    perceive,
    play,
    seat_graph,
    speak,
)
from poise.graphs.fast import NotSequential

WAYS = ("fast", "langgraph")


@dataclass
class Ledger(SeatState):
    turns: int = 0
    heard: Annotated[list[str], operator.add] = field(default_factory=list)
    draft: Annotated[int, PER_TURN] = 0


@dataclass
class Tries(SeatState):
    tries: Annotated[int, PER_TURN] = 0


class LedgerDict(SeatDict):
    turns: int
    heard: Annotated[list[str], operator.add]
    draft: Annotated[int, PER_TURN]


def remember(state: Ledger) -> dict[str, Any]:
    reading = state.memory.readings[-1].label if state.memory.readings else "nothing"
    return {"turns": state.turns + 1, "heard": [reading], "draft": state.draft + 1}


def remember_in_dict(state: LedgerDict) -> dict[str, Any]:
    reading = state["memory"].readings[-1].label if state["memory"].readings else "nothing"
    return {"turns": state.get("turns", 0) + 1, "heard": [reading], "draft": state.get("draft", 0) + 1}


def chain(*nodes: Any, state: type = SeatState) -> StateGraph:
    graph = empty_seat_graph(state)
    names = [node.__name__ for node in nodes]
    for name, node in zip(names, nodes, strict=True):
        graph.add_node(name, node)
    for start, end in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(start, end)
    return graph


def agent_with(build: Any, **changes: Any) -> Agent:
    return replace(pair("vanilla")[0], name="custom", make_graph=build, **changes)


def transcript_of(build: Any, through: str = "auto", *, raises: bool = True, seed: int = 3) -> Transcript:
    settings = PlaySettings(through=through)
    return play(case(), agent_with(build), pair("vanilla", "sad")[1], seed=seed, settings=settings, raises=raises)


def both_ways(build: Any) -> Transcript:
    fast, slow = (transcript_of(build, through) for through in WAYS)
    assert fast == slow
    assert Transcript.from_dict(json.loads(json.dumps(fast.to_dict()))) == fast
    return fast


def own(transcript: Transcript) -> list[Any]:
    return [message for message in transcript.messages if message.seat == "creditor"]


class TestAStateOfItsOwn:
    @pytest.mark.parametrize(
        "build",
        [
            lambda: chain(perceive, remember, feel, decide, speak, state=Ledger),
            lambda: chain(perceive, remember_in_dict, feel, decide, speak, state=LedgerDict),
        ],
        ids=["dataclass", "TypedDict"],
    )
    def test_lasts_from_turn_to_turn_and_is_recorded(self, build):
        messages = own(both_ways(build))
        assert len(messages) > 2
        assert [message.state["turns"] for message in messages] == [*range(1, len(messages) + 1)]
        assert messages[-1].state["heard"] == [
            "nothing",
            *(message.reading.label for message in messages[1:]),
        ]
        assert not any("draft" in message.state for message in messages)

    def test_what_is_per_turn_begins_anew(self):
        drafts = []

        def look(state: Ledger) -> dict[str, Any]:
            drafts.append(state.draft)
            return {}

        messages = own(transcript_of(lambda: chain(remember, look, feel, decide, speak, state=Ledger)))
        assert drafts == [1] * len(messages)

    def test_begins_anew_with_each_match_also_where_a_node_changes_it_in_place(self):
        def careless(state: Ledger) -> dict[str, Any]:
            state.heard.append("again")
            return {"heard": []}

        pairing = Pairing(agent_with(lambda: chain(careless, feel, decide, speak, state=Ledger)), pair()[1])
        first, second = (pairing.play(case(), 1).transcript for _ in range(2))
        assert first == second

    def test_nobody_else_sees_it(self):
        """The other seat's memory, and its own state, stay without it."""
        transcript = transcript_of(lambda: chain(perceive, remember, feel, decide, speak, state=Ledger))
        assert not any(message.state for message in transcript.messages if message.seat == "debtor")

    def test_langchain_s_messages_are_kept_and_recorded_without_their_random_ids(self):
        @dataclass
        class Chat(SeatState):
            messages: Annotated[list[AnyMessage], add_messages] = field(default_factory=list)

        def think(state: Chat) -> dict[str, Any]:
            return {"messages": [AIMessage(f"thought {len(state.messages)}")]}

        state = own(both_ways(lambda: chain(think, feel, decide, speak, state=Chat)))[-1].state
        assert state["messages"][:2] == [
            {"role": "ai", "content": "thought 0"},
            {"role": "ai", "content": "thought 1"},
        ]

    def test_a_reducer_can_be_overwritten(self):
        def only_last(state: Ledger) -> dict[str, Any]:
            return {"heard": Overwrite([f"turn {state.turns}"]), "turns": state.turns + 1}

        messages = own(both_ways(lambda: chain(only_last, feel, decide, speak, state=Ledger)))
        assert messages[-1].state["heard"] == [f"turn {len(messages) - 1}"]

    @pytest.mark.parametrize("through", WAYS)
    def test_what_cannot_be_written_is_refused_with_the_field(self, through):
        @dataclass
        class Odd(SeatState):
            thing: object = None

        def fill(state: Odd) -> dict[str, Any]:
            return {"thing": object()}

        reason = transcript_of(
            lambda: chain(fill, feel, decide, speak, state=Odd), through, raises=False
        ).outcome.reason
        assert "the state's field 'thing' holds <object" in reason
        assert "PER_TURN" in reason

    def test_a_field_without_a_default_is_refused_before_play(self):
        @dataclass(kw_only=True)
        class Strict(SeatState):
            needed: int

        with pytest.raises(AgentError, match="Strict of 'custom' needs a default for every field"):
            Pairing(agent_with(lambda: chain(feel, decide, speak, state=Strict)), pair()[1])


class TestANodeThatReturnsWhatItMayNot:
    @pytest.mark.parametrize("through", WAYS)
    @pytest.mark.parametrize(
        ("update", "words"),
        [
            ({"count": 1}, r"node 'odd' returned the key 'count', which is not a field of the state \(emotion, "),
            ({"count": 1}, r"@dataclass class MyState\(SeatState\): count: TYPE = DEFAULT"),
            ({"emotoin": "joy"}, "did you mean 'emotion'"),
            ("joy", r"node 'odd' returned 'joy'; a node returns a dict"),
            (Command(update={"count": 1}), "returned the key 'count'"),
        ],
    )
    def test_is_refused_with_the_key_and_the_remedy(self, through, update, words):
        def odd(state: SeatState) -> Any:
            return update

        if through == "fast" and not isinstance(update, dict):
            through = "auto"
        with pytest.raises(AgentError, match=words):
            transcript_of(lambda: chain(feel, odd, decide, speak), through)


class TestEveryKindOfGraph:
    def test_compiled(self):
        build = lambda: chain(perceive, feel, decide, speak)  # noqa: E731
        assert both_ways(lambda: build().compile()) == both_ways(build)

    def test_async_nodes_and_routers(self):
        async def reflect(state: SeatState, runtime: Runtime[SeatContext]) -> dict[str, Any]:
            await asyncio.sleep(0)
            return {"emotion": runtime.context.dice.child(len(state.lines), "reflect").pick(["joy", "caring"])}

        async def route(state: SeatState) -> Literal["decide"]:
            return "decide"

        def build():
            graph = chain(perceive, reflect, decide, speak)
            graph.edges.discard(("reflect", "decide"))
            graph.add_conditional_edges("reflect", route)
            return graph

        assert {message.emotion for message in own(both_ways(build))} == {"joy", "caring"}

    def test_async_nodes_where_a_loop_is_running_as_in_a_notebook(self):
        async def reflect(state: SeatState) -> dict[str, Any]:
            return {"emotion": "joy"}

        async def cell() -> Transcript:
            return transcript_of(lambda: chain(perceive, reflect, decide, speak))

        assert {message.emotion for message in own(asyncio.run(cell()))} == {"joy"}

    def test_a_tool_and_seeded_dice(self):
        def rate(days: int) -> float:
            return days / 100

        def consult(state: SeatState, runtime: Runtime[SeatContext]) -> dict[str, Any]:
            view = runtime.context.view(state)
            luck = runtime.context.dice.child(view.index, "consult").unit()
            return {"emotion": "joy" if luck < rate(view.other_offer or 50) else "curiosity"}

        emotions = [message.emotion for message in own(both_ways(lambda: chain(perceive, consult, decide, speak)))]
        assert set(emotions) == {"joy", "curiosity"}
        other = transcript_of(lambda: chain(perceive, consult, decide, speak), seed=4)
        assert [message.emotion for message in own(other)][: len(emotions)] != emotions

    def test_a_node_asks_the_seat_s_model_and_its_calls_are_counted(self, monkeypatch):
        asked = []

        class Answers:
            def ask(self, question):
                asked.append(question)
                return Reply("caring", {"calls": 1, "prompt_tokens": 5})

        def consult(state: SeatState, runtime: Runtime[SeatContext]) -> dict[str, Any]:
            context = runtime.context
            dice = context.dice.child(len(state.lines), "consult")
            return {"emotion": context.ask("Which emotion?", dice, system="One word.") if context.has_model else "joy"}

        def played() -> Any:
            pairing = Pairing(agent_with(lambda: chain(perceive, consult, decide, speak)), pair()[1])
            return pairing.play(case(), 1)

        assert {message.emotion for message in own(played().transcript)} == {"joy"}
        monkeypatch.setattr(type(Pairing(*pair())._voices["creditor"]), "caller", Answers(), raising=False)
        match = played()
        assert {message.emotion for message in own(match.transcript)} == {"caring"}
        assert match.usage.calls == len(asked) == len(own(match.transcript))
        assert match.usage.prompt_tokens == 5 * len(asked)
        assert asked[0].turns == [("system", "One word."), ("user", "Which emotion?")]
        assert len({question.seed for question in asked}) == len(asked)

    def test_a_node_that_asks_without_a_model_says_what_to_do(self):
        def consult(state: SeatState, runtime: Runtime[SeatContext]) -> dict[str, Any]:
            return {"emotion": runtime.context.ask("Which?", runtime.context.dice.child("consult"))}

        with pytest.raises(AgentError, match="the seat plays without one"):
            transcript_of(lambda: chain(perceive, consult, decide, speak))

    def test_conditional_edges_and_a_bounded_loop(self):
        def again(state: Tries) -> dict[str, Any]:
            return {"tries": state.tries + 1, "emotion": EMOTIONS7[state.tries]}

        def enough(state: Tries) -> Literal["again", "decide"]:
            return "again" if state.tries < 3 else "decide"

        def build():
            graph = chain(again, decide, speak, state=Tries)
            graph.edges.discard(("again", "decide"))
            graph.add_conditional_edges("again", enough)
            return graph

        assert {message.emotion for message in own(both_ways(build))} == {EMOTIONS7[2]}

    def test_a_subgraph_shares_the_state(self):
        def inner(state: Ledger) -> dict[str, Any]:
            return {"turns": state.turns + 1}

        def build(*, sub: Any):
            graph = chain(feel, decide, speak, state=Ledger)
            graph.add_node("mind", sub)
            graph.edges.discard((START, "feel"))
            graph.add_edge(START, "mind")
            graph.add_edge("mind", "feel")
            return graph

        slow = transcript_of(lambda: build(sub=chain(inner, state=Ledger).compile()))
        flat = transcript_of(lambda: build(sub=inner))
        assert [replace(message, nodes=()) for message in slow.messages] == [
            replace(message, nodes=()) for message in flat.messages
        ]
        assert own(slow)[0].nodes[0].node == "mind:inner"
        assert own(slow)[-1].state["turns"] == len(own(slow))
        with pytest.raises(NotSequential):
            transcript_of(lambda: build(sub=chain(inner, state=Ledger).compile()), "fast")

    def test_a_subgraph_called_within_a_node(self):
        inner = chain(remember, state=Ledger).compile()

        def mind(state: Ledger) -> dict[str, Any]:
            return {"turns": inner.invoke(state)["turns"]}

        build = lambda: chain(mind, feel, decide, speak, state=Ledger)  # noqa: E731
        second = own(transcript_of(build))[1]
        assert second.state["turns"] == 2
        assert second.nodes[0].node == "mind:remember"  # as it is drawn
        with pytest.raises(NotSequential, match="'mind' runs another graph"):
            transcript_of(build, "fast")

    def test_parallel_branches_join(self):
        def left(state: Ledger) -> dict[str, Any]:
            return {"heard": ["left"]}

        def right(state: Ledger) -> dict[str, Any]:
            return {"heard": ["right"]}

        def build():
            graph = empty_seat_graph(Ledger)
            for node in (perceive, left, right, feel, decide, speak):
                graph.add_node(node.__name__, node)
            for start, end in [(START, "perceive"), ("perceive", "left"), ("perceive", "right")]:
                graph.add_edge(start, end)
            graph.add_edge(["left", "right"], "feel")
            for start, end in [("feel", "decide"), ("decide", "speak"), ("speak", END)]:
                graph.add_edge(start, end)
            return graph

        messages = own(transcript_of(build))
        assert messages[1].state["heard"] == ["left", "right"] * 2
        assert transcript_of(build) == transcript_of(build, "langgraph")

    def test_send_maps_over_items(self):
        def fan(state: Ledger) -> list[Send]:
            return [Send("part", {"item": item}) for item in "abc"]

        def part(given: dict[str, str]) -> dict[str, Any]:
            return {"heard": [given["item"]]}

        def build():
            graph = chain(feel, decide, speak, state=Ledger)
            graph.edges.discard((START, "feel"))
            graph.add_node("part", part)
            graph.add_conditional_edges(START, fan, ["part"])
            graph.add_edge("part", "feel")
            return graph

        assert own(transcript_of(build))[0].state["heard"] == ["a", "b", "c"]

    def test_command_goes_on_and_updates(self):
        def choose(state: SeatState) -> Command[Literal["decide"]]:
            return Command(update={"emotion": "joy"}, goto="decide")

        def build():
            graph = chain(choose, decide, speak)
            graph.edges.discard(("choose", "decide"))
            return graph

        assert {message.emotion for message in own(transcript_of(build))} == {"joy"}

    def test_what_only_langgraph_s_engine_understands_is_found_while_it_runs(self):
        def writes(state: SeatState) -> Any:
            get_stream_writer()("aside")
            return replace(state, emotion="joy")  # a whole state as its own update

        assert {message.emotion for message in own(transcript_of(lambda: chain(writes, decide, speak)))} == {"joy"}
        with pytest.raises(NotSequential, match="'writes' uses LangGraph's run-time configuration"):
            transcript_of(lambda: chain(writes, decide, speak), "fast")

    def test_a_state_and_a_node_of_pydantic_s(self):
        from pydantic import BaseModel, ConfigDict

        class Checked(BaseModel):
            model_config = ConfigDict(arbitrary_types_allowed=True)
            lines: Any = ()
            memory: Any = None
            emotion: str | None = None
            move: Any = None
            speech: Any = None
            turns: int = 0

        def count(state: Checked) -> dict[str, Any]:
            return {"turns": state.turns + 1}

        messages = own(transcript_of(lambda: chain(count, feel, decide, speak, state=Checked)))
        assert [message.state["turns"] for message in messages] == [*range(1, len(messages) + 1)]


class TestWhatCannotBePlayed:
    @pytest.mark.parametrize("through", ["auto", "langgraph"])
    @pytest.mark.parametrize("compiles", [False, True])
    def test_an_interrupt_is_a_clear_error(self, through, compiles):
        def ask(state: SeatState) -> dict[str, Any]:
            return {"emotion": interrupt("which?")}

        build = lambda: chain(ask, decide, speak).compile() if compiles else chain(ask, decide, speak)  # noqa: E731
        with pytest.raises(AgentError, match=r"node 'ask' stops the graph .*`interrupt\(\)` needs a person"):
            transcript_of(build, through)

    def test_a_graph_compiled_to_stop_is_refused_before_play(self):
        build = lambda: seat_graph().compile(interrupt_before=["decide"])  # noqa: E731
        with pytest.raises(AgentError, match="'custom' is compiled to stop at 'decide', and nobody is there"):
            transcript_of(build)

    @pytest.mark.parametrize("through", ["auto", *WAYS])
    def test_a_loop_without_an_end_says_so(self, through):
        def round_and_round(state: SeatState) -> dict[str, Any]:
            return {}

        def build():
            graph = chain(round_and_round, decide, speak)
            graph.edges.discard(("round_and_round", "decide"))
            graph.add_conditional_edges("round_and_round", lambda state: "round_and_round", ["round_and_round", END])
            return graph

        with pytest.raises(AgentError, match=r"more than 500 steps in one turn.*let its routers reach END"):
            transcript_of(build, through)

    @pytest.mark.parametrize("through", WAYS)
    @pytest.mark.parametrize(("limit", "enough"), [(5, True), (4, False)])
    def test_a_graph_s_own_limit_counts_alike_in_both_ways(self, through, limit, enough):
        build = lambda: seat_graph().compile().with_config(recursion_limit=limit)  # noqa: E731
        outcome = transcript_of(build, through, raises=False).outcome
        assert (outcome.ending != "failed") is enough
        assert enough or f"more than {limit} steps" in outcome.reason

    @pytest.mark.parametrize("through", WAYS)
    def test_a_router_that_chooses_what_is_not_there(self, through):
        def build():
            graph = chain(feel, decide, speak)
            graph.edges.discard(("feel", "decide"))
            graph.add_conditional_edges("feel", lambda state: "decied", ["decide"])
            return graph

        with pytest.raises(AgentError, match="the router after 'feel' chose 'decied', which is none of 'decide'"):
            transcript_of(build, through)

    @pytest.mark.parametrize(
        ("build", "words"),
        [
            (lambda: None, r"the function of 'custom' returned None and not a StateGraph; .*`return graph`"),
            (empty_seat_graph, "the graph of 'custom' cannot be run: .*START"),
            (lambda: "graph", "returned 'graph' and not a StateGraph"),
        ],
    )
    def test_what_is_not_a_graph_is_refused_before_play(self, build, words):
        with pytest.raises(AgentError, match=words):
            transcript_of(build)

    def test_a_function_that_fails_says_where(self):
        def build():
            return empty_seat_graph().add_edge("nowhere", "nothing", 3)

        with pytest.raises(
            AgentError, match=r"the function of 'custom' failed: TypeError: .* \(test_custom_graphs.py line"
        ):
            transcript_of(build)

    def test_an_async_function_is_refused(self):
        async def build():
            return seat_graph()

        with pytest.raises(AgentError, match="make it a plain `def`"):
            transcript_of(build)


def multiply(state: SeatState) -> dict[str, Any]:
    return {"emotion": 1 // len(state.lines)}  # the line that fails, at the opening


class TestAnExceptionInAUsersCode:
    @pytest.mark.parametrize("through", WAYS)
    def test_names_node_file_and_line(self, through):
        line = inspect.getsourcelines(multiply)[1] + 1
        settings = PlaySettings(through=through)
        agent = agent_with(lambda: chain(multiply, decide, speak))
        played = Pairing(agent, pair()[1], settings).play(case(), 1)
        assert played.transcript.outcome.reason == (
            "the creditor failed: ZeroDivisionError: integer division or modulo by zero "
            f"(node 'multiply', test_custom_graphs.py line {line})"
        )
        assert f'test_custom_graphs.py", line {line}, in multiply' in played.usage.traceback
        assert "1 // len(state.lines)" in played.usage.traceback
        assert "langgraph" not in played.usage.traceback
        assert "traceback" not in json.dumps(played.transcript.to_dict()).lower()

    @pytest.mark.parametrize("through", WAYS)
    def test_play_raises_it_with_a_note_that_says_where(self, through):
        with pytest.raises(ZeroDivisionError) as raised:
            transcript_of(lambda: chain(multiply, decide, speak), through)
        assert any("node 'multiply', test_custom_graphs.py line" in note for note in raised.value.__notes__)

    def test_in_a_subgraph_the_path_leads_to_the_node(self):
        def build():
            graph = chain(feel, decide, speak)
            graph.add_node("mind", chain(multiply).compile())
            graph.edges.discard((START, "feel"))
            graph.add_edge(START, "mind")
            graph.add_edge("mind", "feel")
            return graph

        assert "(node 'mind:multiply', test_custom_graphs.py line" in transcript_of(build, raises=False).outcome.reason

    def test_a_long_message_leaves_room_for_the_place(self):
        def shout(state: SeatState) -> dict[str, Any]:
            raise ValueError("x" * 5000)

        reason = transcript_of(lambda: chain(shout, decide, speak), raises=False).outcome.reason
        assert len(reason) <= 500
        assert "(node 'shout', test_custom_graphs.py line" in reason

    def test_a_failed_match_has_the_same_reason_from_run_to_run(self):
        build = lambda: chain(multiply, decide, speak)  # noqa: E731
        assert transcript_of(build, raises=False) == transcript_of(build, "langgraph", raises=False)
