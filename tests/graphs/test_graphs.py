"""One negotiation: the nodes, the graphs, and the two ways of playing them."""

from __future__ import annotations

import json
import operator
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import pytest
from helpers.seats import CREDITORS, DEBTORS, case, pair, plain_agent
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from poise.agents.agent import Agent
from poise.agents.registry import graph_agent
from poise.common.errors import ModelDown
from poise.games.moves import ACCEPT, WALK, Move, offer
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.transcript import Transcript
from poise.graphs import Pairing, PlaySettings, SeatState, empty_seat_graph, play, seat_graph, speak
from poise.graphs.fast import FastGraph, NotSequential
from poise.graphs.negotiation import negotiation_graph
from poise.graphs.state import NegotiationState


@dataclass
class Count:
    number: int = 0
    seen: Annotated[tuple[int, ...], operator.add] = ()


class TestFastPlayIsLangGraphPlay:
    @settings(max_examples=12, deadline=None)
    @given(
        creditor=st.sampled_from(CREDITORS),
        debtor=st.sampled_from(DEBTORS),
        creditor_target=st.integers(0, 150),
        gap=st.integers(-60, 180).filter(bool),
        seed=st.integers(0, 2**63),
    )
    def test_transcripts_and_memories_are_identical(self, creditor, debtor, creditor_target, gap, seed):
        scenario = case(creditor_target, creditor_target + (gap if creditor_target + gap > 0 else 9))
        fast, slow = (
            Pairing(*pair(creditor, debtor), PlaySettings(through=through)) for through in ("fast", "langgraph")
        )
        for number in range(2):  # the second negotiation starts from what the first taught
            left, right = fast.play(scenario, seed + number), slow.play(scenario, seed + number)
            assert left.transcript == right.transcript
            assert left.memory == right.memory

    @settings(max_examples=6, deadline=None)
    @given(
        creditor=st.sampled_from(CREDITORS),
        debtor=st.sampled_from(DEBTORS),
        seed=st.integers(0, 2**63),
        stops=st.sampled_from((["creditor"], ["debtor"], ["creditor", "debtor"])),
    )
    def test_a_negotiation_stopped_before_a_message_resumes_from_langgraph_s_own_checkpoints(
        self, creditor, debtor, seed, stops
    ):
        """As in LangGraph Studio: its checkpoints return tuples as lists."""
        scenario = case()
        pairing = Pairing(*pair(creditor, debtor), PlaySettings(judge="rules"))
        seats = seat_graph().compile(), seat_graph().compile()
        graph = negotiation_graph(*seats, judged=True).compile(checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": "one"}, "recursion_limit": 100}
        context = pairing.context(scenario, seed)
        state = graph.invoke(NegotiationState(), config, context=context, interrupt_before=stops)
        while graph.get_state(config).next:
            state = graph.invoke(None, config, context=context, interrupt_before=stops)
        played = pairing.record(scenario, seed, state, context, 0.0).transcript
        expected = Pairing(*pair(creditor, debtor), PlaySettings(judge="rules")).play(scenario, seed).transcript
        assert Transcript.from_dict(played.to_dict()) == expected

    def test_a_sequential_graph_with_reducers_and_routers(self):
        def step(state: Count, runtime: Runtime[int]) -> dict[str, int]:
            return {"number": state.number + runtime.context}

        def note(state: Count) -> dict[str, tuple[int, ...]]:
            state.number = -1  # a node's own copy: no other node may notice
            return {"seen": (state.number,)}

        def again(state: Count) -> Literal["step", "__end__"]:
            return "step" if state.number < 9 else "__end__"

        graph = StateGraph(Count, int)
        graph.add_node("step", step)
        graph.add_node("note", note)
        graph.add_edge(START, "step")
        graph.add_edge("step", "note")
        graph.add_conditional_edges("note", again)
        expected = graph.compile().invoke(Count(), context=3)
        assert FastGraph(graph).invoke(Count(), context=3) == expected == {"number": 9, "seen": (-1, -1, -1)}

    def test_a_parallel_graph_is_refused_by_name_and_played_through_langgraph(self):
        def build():
            graph = seat_graph()
            graph.add_node("aside", lambda state: {})
            graph.add_edge("perceive", "aside")
            graph.add_edge("aside", END)
            return graph

        with pytest.raises(NotSequential, match="'perceive' has 2 ways on"):
            FastGraph(build())
        agent = replace(pair()[0], make_graph=build)
        played = Pairing(agent, pair()[1]).play(case(), 1).transcript
        usual = play(case(), *pair(), seed=1).messages
        assert tuple(replace(message, nodes=()) for message in played.messages) == usual


class TestOneNegotiation:
    def test_turns_alternate_and_the_creditor_speaks_first(self):
        transcript = play(case(), *pair("eq-negotiator", "sad"), seed=3)
        assert [message.index for message in transcript.messages] == list(range(len(transcript.messages)))
        assert [message.seat for message in transcript.messages[:3]] == ["creditor", "debtor", "creditor"]
        assert transcript.messages[0].reading is None
        assert all(message.reading for message in transcript.messages[1:])

    def test_the_transcript_survives_json(self):
        transcript = play(case(), *pair("eq-negotiator", "threatening"), seed=3)
        assert Transcript.from_dict(json.loads(json.dumps(transcript.to_dict()))) == transcript

    def test_the_referees_verdict_is_the_outcome(self):
        transcript = play(
            case(), plain_agent("creditor", offer(20), offer(60)), plain_agent("debtor", offer(90), ACCEPT)
        )
        assert (transcript.outcome.ending, transcript.outcome.value) == ("deal", 60)
        assert transcript.outcome.utilities == pytest.approx((0.52, 0.48))

    def test_walking_away_ends_it(self):
        transcript = play(case(), plain_agent("creditor", offer(20)), plain_agent("debtor", WALK))
        assert (transcript.outcome.ending, transcript.outcome.by) == ("walked", "debtor")

    @pytest.mark.parametrize(
        ("move", "reason"),
        [(ACCEPT, "no offer standing"), (offer(10**6), "outside 0 to 365 days"), (offer(-1), "outside 0 to 365 days")],
    )
    def test_an_illegal_move_is_refused_and_ends_the_match_as_failed(self, move, reason):
        transcript = play(case(), plain_agent("creditor", move), pair()[1], raises=False)
        assert (transcript.outcome.ending, transcript.outcome.by) == ("failed", "creditor")
        assert reason in transcript.outcome.reason
        assert transcript.messages == ()

    @settings(max_examples=25, deadline=None)
    @given(creditor=st.sampled_from(CREDITORS), debtor=st.sampled_from(DEBTORS), seed=st.integers(0, 2**32))
    def test_every_transcript_replays_in_a_fresh_referee(self, creditor, debtor, seed):
        rules = Rules(max_messages=12)
        transcript = play(case(), *pair(creditor, debtor), seed=seed, settings=PlaySettings(rules=rules))
        referee, moves = Referee(case(), rules), []
        for message in transcript.messages:
            outcome = referee.judge(moves, message.move)
            moves.append(message.move)
        assert outcome == transcript.outcome

    def test_a_different_seed_is_a_different_talk(self):
        first, second = (play(case(), *pair("random", "angry"), seed=seed) for seed in (1, 2))
        assert [each.text for each in first.messages] != [each.text for each in second.messages]


class TestIsolation:
    """What one seat keeps to itself never reaches the other."""

    @pytest.mark.parametrize("debtor", DEBTORS)
    def test_a_target_never_reaches_the_other_side(self, debtor, monkeypatch):
        canary = {"creditor": 7351, "debtor": 9173}
        heard: dict[str, list[str]] = {"creditor": [], "debtor": []}
        from poise.graphs import pairing as module

        real = module.open_voice("scripted", "policy", {})

        class Eavesdropper:
            def speak(self, request, dice):
                heard[request.view.brief.seat].append(repr(request))
                return real.speak(request, dice)

        monkeypatch.setattr(module, "open_voice", lambda *_: Eavesdropper())
        for creditor in CREDITORS:
            play(case(canary["creditor"], canary["debtor"]), *pair(creditor, debtor), seed=5)
        assert heard["creditor"]
        assert heard["debtor"]
        for seat, secret in (("creditor", canary["debtor"]), ("debtor", canary["creditor"])):
            said = re.compile(rf"(?<![\d.]){secret}(?!\d)")  # a probability may hold the same digits
            assert not any(said.search(text) for text in heard[seat])

    def test_a_seats_state_holds_only_its_own_memory(self):
        seen: list[SeatState] = []

        def spy(state: SeatState) -> dict[str, object]:
            seen.append(state)
            return {}

        def build():
            graph = seat_graph()
            graph.edges.discard(("speak", END))
            graph.add_node("spy", spy)
            graph.add_edge("speak", "spy")
            graph.add_edge("spy", END)
            return graph

        debtor = replace(pair("vanilla", "angry")[1], make_graph=build)
        transcript = play(case(), pair("fixed:gratitude")[0], debtor, seed=1)
        labels = {message.emotion for message in transcript.messages if message.seat == "creditor"}
        assert labels == {"gratitude"}
        assert seen
        assert not any("gratitude" in state.memory.shown for state in seen)


class TestBadAgents:
    def test_an_agent_that_raises_fails_its_match_with_the_reason(self):
        class Broken:
            def choose(self, view, dice):
                raise ValueError("no idea")

        agent = replace(pair()[1], make_policy=Broken)
        outcome = play(case(), pair()[0], agent, raises=False).outcome
        assert (outcome.ending, outcome.by) == ("failed", "debtor")
        assert "ValueError: no idea" in outcome.reason

    @pytest.mark.parametrize("through", ["fast", "langgraph"])
    @pytest.mark.parametrize("in_thread", [False, True])
    def test_an_agent_that_hangs_fails_its_match(self, through, in_thread, test_over):
        class Stuck:
            def choose(self, view, dice):
                while not test_over.is_set():
                    pass

        agent = replace(pair()[0], make_policy=Stuck)
        limits = PlaySettings(message_seconds=0.1, through=through)
        outcomes = []
        run = lambda: outcomes.append(play(case(), agent, pair()[1], settings=limits, raises=False).outcome)  # noqa: E731
        if in_thread:
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
        else:
            run()
        assert outcomes[0].ending == "failed"
        assert "no message within 0.1 s" in outcomes[0].reason

    @pytest.mark.parametrize(
        ("error", "in_thread"), [(SystemExit, False), (SystemExit, True), (KeyboardInterrupt, True)]
    )
    def test_an_agent_that_would_end_the_process_fails_its_match(self, error, in_thread):
        class Leaver:
            def choose(self, view, dice):
                raise error(3)

        agent = replace(pair()[0], make_policy=Leaver)
        run = lambda: play(case(), agent, pair()[1], raises=False).outcome  # noqa: E731
        if in_thread:
            with ThreadPoolExecutor(1) as pool:
                outcome = pool.submit(run).result()
        else:
            outcome = run()
        assert (outcome.ending, outcome.by) == ("failed", "creditor")
        assert f"raised {error.__name__}: 3" in outcome.reason

    def test_ctrl_c_in_an_agent_s_turn_stops_the_caller(self):
        class Interrupted:
            def choose(self, view, dice):
                signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            play(case(), replace(pair()[0], make_policy=Interrupted), pair()[1])

    def test_a_match_has_a_deadline_of_its_own(self):
        class Slow:
            def choose(self, view, dice):
                time.sleep(0.06)

        agent = replace(pair()[0], make_policy=Slow)
        outcome = play(
            case(), agent, pair("vanilla", "stonewalling")[1], settings=PlaySettings(match_seconds=0.1), raises=False
        ).outcome
        assert "the match took longer than 0.1 s" in outcome.reason

    def test_a_server_that_is_down_is_not_the_agents_fault(self):
        class Down:
            def choose(self, view, dice):
                raise ModelDown("no server")

        with pytest.raises(ModelDown):
            play(case(), replace(pair()[0], make_policy=Down), pair()[1])

    def test_a_graph_without_a_speech_says_what_to_do(self):
        def build():
            graph = empty_seat_graph()
            graph.add_node("idle", lambda state: {})
            graph.add_edge(START, "idle")
            graph.add_edge("idle", END)
            return graph

        outcome = play(case(), replace(pair()[0], make_graph=build), pair()[1], raises=False).outcome
        assert "let its last node be `poise.graphs.speak`" in outcome.reason

    @pytest.mark.parametrize("wrong", ["happy", "", 3])
    def test_an_emotion_that_does_not_exist_is_refused(self, wrong):
        class Odd:
            def choose(self, view, dice):
                return wrong

        outcome = play(case(), replace(pair()[0], make_policy=Odd), pair()[1], raises=False).outcome
        assert outcome.ending == "failed"
        assert "28 labels" in outcome.reason


def test_a_graph_of_ones_own_is_played():
    def build():
        graph = empty_seat_graph()
        graph.add_node("fixed", lambda state: {"emotion": "joy", "move": offer(40)})
        graph.add_node("speak", speak)
        graph.add_edge(START, "fixed")
        graph.add_edge("fixed", "speak")
        graph.add_edge("speak", END)
        return graph

    agent = graph_agent("stubborn-joy")(build).__poise_agent__
    assert isinstance(agent, Agent)
    transcript = play(case(), agent, pair()[1], seed=1)
    own = [message for message in transcript.messages if message.seat == "creditor"]
    assert {message.emotion for message in own} == {"joy"}
    assert {message.move for message in own} == {Move("offer", 40)}
