"""A person at the table: how words are read, leaving and coming back, what is stored and what is never shown."""

from __future__ import annotations

import gzip
import operator
import os
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Annotated

import pytest
from helpers.paths import DATA
from helpers.seats import case, pair
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START
from typer.testing import CliRunner

from poise.agents.protocols import Line, View
from poise.agents.registry import find_agent
from poise.agents.replay import brief_of
from poise.agents.voices.heard import MOST_CHARACTERS, hear
from poise.cli.app import app
from poise.cli.screens.play import converse
from poise.common.errors import AgentError, BadInput, ModelDown, StoreError
from poise.games.moves import ACCEPT, FORFEIT, WALK, offer, other
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Message, Outcome, Reading
from poise.graphs import SeatState, decide, empty_seat_graph, perceive, speak
from poise.graphs.human.checkpoints import CheckpointFile
from poise.graphs.human.serializer import StateSerializer
from poise.graphs.human.session import HumanSession
from poise.graphs.state import NegotiationState, SeatMemory
from poise.tournaments.human import match as match_module
from poise.tournaments.human.match import TALKS, HumanMatch, invite, seat_of
from poise.tournaments.report.page import write_report
from poise.tournaments.statistics.standings import read_standings
from poise.tournaments.storage.store import Store

BEDTIME = load_scenarios("builtin:student:2")[0]


def seen(*offers: int, scenario=None, seat="debtor") -> View:
    """A view in which the other side has made these offers."""
    scenario = scenario or case()
    lines = tuple(Line(other(seat), f"{value} days", offer(value)) for value in offers)
    return View(brief_of(scenario, seat, Rules()), lines)


class TestWords:
    @pytest.mark.parametrize(
        ("words", "move"),
        [
            ("90", offer(90)),
            ("90 days", offer(90)),
            ("3 months", offer(90)),
            ("a month", offer(30)),
            ("a fortnight!", offer(14)),
            ("make it forty-five", offer(45)),
            ("what about 30?", offer(30)),
            ("no way, 40", offer(40, firm=True)),
            ("I can pay in 45 days, not 20", offer(45)),
            ("your 20 days is too short, 60", offer(60, firm=True)),
            ("fine, 80", offer(80)),
            ("ok 20", ACCEPT),
            ("ok deal", ACCEPT),
            ("I accept", ACCEPT),
            ("sounds good", ACCEPT),
            ("I\u2019ll take it", ACCEPT),
            ("walk", WALK),
            ("I'm out.", WALK),
            ("no", FORFEIT),
            ("deal?", FORFEIT),
            ("I won't accept that", FORFEIT),
            ("I pay $500 every 30 days", FORFEIT),
            ("tell me more", FORFEIT),
        ],
    )
    def test_words_are_read_as_a_person_means_them(self, words, move):
        heard = hear(words, seen(20))
        assert (heard.move, heard.problem) == (move, "")

    @pytest.mark.parametrize(
        ("words", "minutes"), [("10:30 PM", 90), ("10.30pm", 90), ("11", 11), ("half an hour", 30)]
    )
    def test_a_domain_with_a_clock_takes_times_of_day(self, words, minutes):
        assert hear(words, seen(20, scenario=BEDTIME)).move == offer(minutes)

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            ("400", "400 days is outside 0 to 365 days"),
            ("2.5", "2.5 is not a whole number of days"),
            ("90 minutes", "is in whole days"),
            ("[angr] 40", "did you mean 'anger'"),
            ("", "say something"),
            ("quit", "/leave"),
        ],
    )
    def test_what_cannot_be_is_refused_with_the_remedy(self, words, problem):
        assert problem in hear(words, seen(20)).problem

    def test_there_is_nothing_to_accept_before_an_offer(self):
        assert "no offer to accept" in hear("deal", seen()).problem

    def test_a_bare_number_is_sent_with_its_unit_and_an_emotion_is_taken_off(self):
        heard = hear("[anger] no way, 1!", seen(20))
        assert (heard.text, heard.emotion) == ("no way, 1 day!", "anger")

    @settings(max_examples=200, deadline=None)
    @given(words=st.text(max_size=600), number=st.integers(-5, 500), told=st.booleans())
    def test_whatever_is_typed_is_a_legal_message_or_a_problem(self, words, number, told):
        view = seen(20) if told else seen()
        heard = hear(f"{words} {number}", view)
        assert len(heard.text) <= MOST_CHARACTERS + 10
        assert heard.text.isprintable()
        if not heard.problem:
            referee = Referee(case(), Rules())
            opening = FORFEIT if not told else offer(20)
            referee.check([opening], heard.move)


class TestLeavingAndComingBack:
    """The talks are the same however often a person gets up."""

    WORDS = ("tell me about it", "yes", "99999", "[anger] no way, 70", "no", "60", "", "40", "50", "y", "walk", "y")

    @settings(max_examples=4, deadline=None)
    @given(
        seat=st.sampled_from(["creditor", "debtor"]),
        name=st.integers(0, 4),
        leaves=st.sets(st.integers(0, len(WORDS))),
        seed=st.integers(0, 2**32),
    )
    def test_the_transcript_is_that_of_never_leaving(self, tmp_path_factory, seat, name, leaves, seed):
        names = {
            "debtor": ["eq-negotiator", "emomas", "random", "q-learning", "wsls"],
            "creditor": ["simulated", "angry", "cheating", "vanilla", "pressure"],
        }
        agent = find_agent(names[seat][name], other(seat))
        stays = HumanSession(seat, agent, (case(), seed), InMemorySaver(serde=StateSerializer()))
        stays.start()
        folder = tmp_path_factory.mktemp("talks")
        saver = CheckpointFile(folder / TALKS)
        leaver = HumanSession(seat, agent, (case(), seed), saver)
        question = leaver.start()
        for number, words in enumerate(self.WORDS):
            if number in leaves:
                saver.close()
                saver = CheckpointFile(folder / TALKS)
                leaver = HumanSession(seat, agent, (case(), seed), saver)
                assert leaver.start() == question
            answer = words or "yes"
            question = leaver.answer(answer)
            assert question == stays.answer(answer)
            if question is None:
                break
        assert question is None
        left, stayed = leaver.played(), stays.played()
        assert left.transcript == stayed.transcript
        assert left.memory == stayed.memory
        saver.close()

    def test_a_model_that_is_down_costs_nothing_that_was_said(self, tmp_path):
        failing = [True]

        class Patchy:
            def choose(self, view, dice):
                if view.index == 2 and failing and failing.pop():
                    raise ModelDown("no server")

        agent = replace(pair()[0], make_policy=Patchy)
        with CheckpointFile(tmp_path / TALKS) as saver:
            table = HumanSession("debtor", agent, (case(), 1), saver)
            table.start()
            table.answer("90")
            with pytest.raises(ModelDown):
                table.answer("yes")
            again = HumanSession("debtor", agent, (case(), 1), saver)
            assert again.start()["index"] == 3
            assert [line.text for line in again.view().lines][1] == "90 days"


@dataclass
class Counting(SeatState):
    turns: int = 0
    heard: Annotated[list[str], operator.add] = field(default_factory=list)
    pairs: tuple[tuple[int, int], ...] = ()


def count(state):
    reading = [state.memory.readings[-1].label] if state.memory.readings else []
    return {"turns": state.turns + 1, "heard": reading, "pairs": (*state.pairs, (state.turns, len(state.lines)))}


def counting_graph():
    graph = empty_seat_graph(Counting)
    for node in (perceive, count, decide, speak):
        graph.add_node(node.__name__, node)
    for start, end in (("perceive", "count"), ("count", "decide"), ("decide", "speak")):
        graph.add_edge(start, end)
    graph.add_edge(START, "perceive")
    graph.add_edge("speak", END)
    return graph


class TestCheckpoints:
    def test_the_state_of_a_custom_graph_is_resumed(self, tmp_path):
        agent = replace(find_agent("vanilla", "creditor"), make_graph=counting_graph)
        for answer in ("110 days", "yes", "100 days", "yes", "walk"):
            with CheckpointFile(tmp_path / TALKS) as saver:  # another process each time
                session = HumanSession("debtor", agent, (case(), 1), saver)
                session.start()
                session.answer(answer)
        with CheckpointFile(tmp_path / TALKS) as saver:
            session = HumanSession("debtor", agent, (case(), 1), saver)
            session.start()
            assert session.answer("yes") is None
            messages = session.played().transcript.messages
            kept = session.state()["creditor"].state
        own = [message.state for message in messages if message.seat == "creditor"]
        assert [state["turns"] for state in own] == [1, 2, 3]
        assert own[-1]["heard"] == [message.reading.label for message in messages[2::2]]
        assert kept["pairs"] == ((0, 0), (1, 2), (2, 4))
        assert not any(message.state for message in messages if message.seat == "debtor")

    def test_state_comes_back_as_it_was(self):
        reading = Reading((0.5, 0.5), "joy", (1.0,))
        message = Message(0, "creditor", "hi", offer(3), reading=reading, notes={"poise:tuple": [1], "a": (1, (2,))})
        memory = SeatMemory((reading,), ("joy", None), 0.5, {"x": {"poise:kind": "Move"}})
        state = NegotiationState(messages=(message,), creditor=memory, outcome=Outcome("deal", 3, utilities=(0.5, 0.5)))
        serializer = StateSerializer()
        assert serializer.loads_typed(serializer.dumps_typed(state)) == state

    def test_a_type_of_somebody_else_is_not_built(self):
        class Stranger:
            pass

        serializer = StateSerializer()
        with pytest.raises(TypeError):
            serializer.dumps_typed(Stranger())
        with pytest.raises(StoreError, match="damaged"):
            serializer.loads_typed(("pickle", b"\x80\x04N."))
        with pytest.raises(StoreError, match="damaged"):
            serializer.loads_typed((*serializer.dumps_typed({"a": {"b": 1}})[:1], b"\x81\xaapoise:kind\xa2os"))

    @pytest.mark.parametrize("killed", [False, True])
    def test_a_match_in_the_tables_of_before_is_resumed(self, tmp_path, killed):
        """Its file was written by the checkpointer that Poise had before; `killed` in the midst of taking it over."""
        path = tmp_path / TALKS
        path.write_bytes(gzip.decompress((DATA / "former_talks.sqlite.gz").read_bytes()))
        if killed:
            with closing(sqlite3.connect(path)) as db:
                for table in ("checkpoints", "writes"):
                    db.execute(f"ALTER TABLE {table} RENAME TO former_{table}")
        agent, played = find_agent("vanilla", "creditor"), (Scenario("one", "debt", 30, 120), 5)
        for _ in range(2):  # taken over once, and then read as any other
            with CheckpointFile(path) as saver:
                session = HumanSession("debtor", agent, played, saver)
                question = session.start()
                assert (question["ask"], question["value"], question["index"]) == ("confirm", 80, 3)
                assert [line.move.value for line in session.view().lines] == [31, 90, 33]
        with CheckpointFile(path) as saver:
            session = HumanSession("debtor", agent, played, saver)
            assert session.answer("yes")["index"] == 5
            session.answer("walk")
            assert session.answer("yes") is None
            assert len(session.played().transcript.messages) == 6

    def test_a_file_that_is_none_is_refused(self, tmp_path):
        (tmp_path / TALKS).write_text("this is no database, and it is long enough to be taken for one" * 20)
        with pytest.raises(StoreError, match="cannot be used"):
            CheckpointFile(tmp_path / TALKS)


class Typed:
    """A screen on which everything is typed beforehand; the person leaves when there is nothing left."""

    def __init__(self, *lines):
        self.lines = list(lines)
        self.shown = []

    def tell(self, text, style=""):
        self.shown.append(text)

    def ask(self, prompt):
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)

    @property
    def text(self):
        return "\n".join(self.shown)


class Interrupted(Typed):
    """Presses Ctrl-C when there is nothing left."""

    def ask(self, prompt):
        if not self.lines:
            raise KeyboardInterrupt
        return self.lines.pop(0)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invited(seat="debtor", opponent="eq-negotiator", source="builtin:3"):
    return invite(seat, opponent, source, {"seed": 5})


class TestHumanMatch:
    def test_a_match_is_stored_as_any_other_and_marked_human(self, here):
        with HumanMatch.start(*invited()) as match:
            screen = Typed("90", "", "ok deal", "yes", "")
            assert converse(match, screen)
        assert not list(match.folder.glob(f"{TALKS}*"))
        with Store.read(match.folder) as store:
            (transcript,) = store.transcripts()
        assert transcript.debtor["human"] is True
        assert "human" not in transcript.creditor
        assert [message.text for message in transcript.messages if message.seat == "debtor"] == ["90 days", "ok deal"]
        assert all(message.reading for message in transcript.messages[1:])
        assert read_standings(match.folder).finished == 1
        assert write_report(match.folder).stat().st_size > 1000
        with (
            pytest.raises(StoreError, match="is over; look at it with: poise view"),
            HumanMatch.resume(match.folder),
        ):
            pass

    def test_leaving_is_coming_back_to_the_same_talks(self, here):
        with HumanMatch.start(*invited()) as match:
            away = Typed("90", "yes", "80")  # and leaves before it is confirmed
            assert not converse(match, away)
            assert f"poise play --resume {match.folder}" in away.text
        with HumanMatch.resume() as match:
            back = Typed("y", "/leave")
            assert not converse(match, back)
            assert "You offer 80 days" in back.text
        with HumanMatch.resume(match.folder) as match:
            assert converse(match, Typed("walk", "y", "n"))
        with Store.read(match.folder) as store:
            (transcript,) = store.transcripts()
        assert (transcript.outcome.ending, transcript.outcome.by) == ("walked", "debtor")

    def test_the_talks_left_last_are_those_in_which_something_was_said_last(self, here):
        home = here / "runs" / "play"
        for name in ("a", "b"):
            with HumanMatch.start(*invited(), home / name):
                pass
        (home / "a" / f"{TALKS}-wal").touch()  # by a process that was killed
        for path, time in ((home / "a" / TALKS, 10), (home / "b" / TALKS, 20), (home / "a" / f"{TALKS}-wal", 30)):
            os.utime(path, (time, time))
        with HumanMatch.resume() as match:
            assert match.folder.name == "a"

    def test_ctrl_c_at_the_last_question_is_a_no(self, here):
        with HumanMatch.start(*invited()) as match:
            screen = Interrupted("walk", "y")
            assert converse(match, screen)
        assert "Stored: poise view" in screen.text
        assert not list(match.folder.glob(f"{TALKS}*"))

    def test_the_others_target_and_mind_are_shown_at_the_end_alone(self, here):
        scenario = replace(case(7351, 9173), context={"Sector": "Boats"})
        config, _ = invited("creditor", "simulated")
        with HumanMatch.start(config, scenario, here / "talks") as match:
            screen = Typed("/case", "8000", "no", "8100", "", "accept", "what do you want?", "y", "walk", "y", "y")
            assert converse(match, screen)
        end = next(number for number, text in enumerate(screen.shown) if "walked away" in text)
        before, after = "\n".join(screen.shown[:end]), "\n".join(screen.shown[end:])
        assert "You want 7351 days" in before
        assert not re.search(r"9173|read as|mood|notes", before)
        assert "The other side wanted 9173 days" in after
        assert "read as" in after
        assert "private notes" in after

    def test_what_was_understood_is_said_before_it_counts(self, here):
        with HumanMatch.start(*invited()) as match:
            screen = Typed("no way, 9", "you idiot, 3 months", "/leave")
            converse(match, screen)
            assert match.session.view().offers("debtor") == []
        assert 'You offer 9 days: "no way, 9 days"' in screen.text
        assert 'You offer 90 days: "you idiot, 3 months"' in screen.text

    def test_a_creditor_is_told_which_rule_of_conduct_it_is_about_to_break(self, here):
        with HumanMatch.start(*invited("creditor", "sad")) as match:
            screen = Typed("Pay in 20 days or we will have you arrested.", "/leave")
            converse(match, screen)
        assert "breaks a rule of conduct" in screen.text

    def test_nobody_sits_down_in_a_folder_with_a_tournament_or_comes_back_to_none(self, here):
        with HumanMatch.start(*invited()) as match:
            pass
        with pytest.raises(StoreError, match="already holds a tournament"), HumanMatch.start(*invited(), match.folder):
            pass
        with pytest.raises(StoreError, match="there is no negotiation"), HumanMatch.resume(here / "nowhere"):
            pass

    def test_a_person_is_told_how_the_model_is_set_up(self, here, monkeypatch):
        monkeypatch.setattr(match_module, "check_models", lambda *_: ("tiny is a small model",))
        with HumanMatch.start(*invited()) as match:
            screen = Typed("/leave")
            converse(match, screen)
        assert "tiny is a small model" in screen.text
        with HumanMatch.resume(match.folder) as match:
            assert match.remarks == ("tiny is a small model",)

    def test_a_seat_is_named(self):
        assert seat_of("Creditor") == "creditor"
        with pytest.raises(BadInput, match="--as creditor or --as debtor"):
            seat_of(None)

    def test_no_tournament_waits_for_a_person(self):
        with pytest.raises(AgentError, match="poise play"):
            find_agent("human", "creditor")


def test_the_command_plays_leaves_and_comes_back(here):
    begin = ["play", "--as", "debtor", "--against", "angry", "--scenario", "builtin:3", "--seed", "1"]
    assert "'angry' is a debtor, not a creditor" in CliRunner().invoke(app, begin).stderr
    begin[4] = "fixed:caring"
    left = CliRunner().invoke(app, [*begin, "talks"], input="3 months\ny\n")
    assert (left.exit_code, "You left the table" in left.stdout) == (0, True)
    ended = CliRunner().invoke(app, ["play", "--resume", "talks"], input="ok deal\ny\nn\n")
    assert (ended.exit_code, "accepted the creditor's offer" in ended.stdout) == (0, True)
