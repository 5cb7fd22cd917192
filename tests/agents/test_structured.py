"""Replies of fixed form: their schema, what is of the form, and that a move counts only where the words make it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from helpers.ollama_server import Answer, StandIn, said
from helpers.voice_fakes import FakeModel, request
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.models.calls import Caller
from poise.agents.models.models import open_chat_model
from poise.agents.models.settings import ModelSettings
from poise.agents.registry import find_agent
from poise.agents.voices.structured import ROOM, Declared, declared_move, parse_reply, reply_schema
from poise.agents.voices.voice import ModelVoice
from poise.agents.voices.wording import WordingProblem, read_move
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.games.moves import ACCEPT, FORFEIT, WALK, Move, offer

VIEW = request(None, ("debtor", 90)).view
AGREED = '{"message": "I need the full payment in 45 days.", "move": "offer", "value": 45}'


def reply(message: str, move: str = "offer", value: object = None) -> str:
    return json.dumps({"message": message, "move": move, "value": value})


def speech(*replies: str, **more):
    model = FakeModel(replies=replies)
    spoken = ModelVoice(Caller(model, ModelSettings()), "model", reading="structured", **more).speak(
        request(None, ("debtor", 90), target=12), Dice(1)
    )
    return spoken, model


class TestForm:
    def test_a_schema_allows_what_is_legal_now(self):
        opening = reply_schema(request(None).view)["properties"]
        assert opening["move"]["enum"] == ["offer", "walk"]
        assert reply_schema(VIEW)["properties"]["move"]["enum"] == ["offer", "accept", "walk"]
        assert opening["value"]["anyOf"][0] == {"type": "integer", "minimum": 0, "maximum": 365}

    @pytest.mark.parametrize("text", [AGREED, f"```json\n{AGREED}\n```", f"<think>{reply('no')}</think>\n{AGREED}"])
    def test_a_reply_of_the_form_is_taken_apart(self, text):
        assert parse_reply(text) == Declared("I need the full payment in 45 days.", "offer", 45)

    @pytest.mark.parametrize(
        "text",
        [
            "I need the full payment in 45 days.",
            "[]",
            "null",
            "45",
            '{"message": "45 days"}',
            '["message", "move", "value"]',
            reply("45 days", "threaten", 45),
            reply("45 days", "offer", None),
            reply("45 days", "offer", "45"),
            reply("45 days", "offer", True),
            reply("45 days", "offer", 45.5),
            reply("45 days", "accept", [45]),
            AGREED.replace('"value": 45', '"value": 45, "value": 30'),
            AGREED.replace('"value": 45', '"value": 45, "why": "x"'),
            AGREED.replace('"I need the full payment in 45 days."', "7"),
            "[" * 100_000,
            AGREED[:-1],
        ],
    )
    def test_anything_else_is_asked_for_again(self, text):
        problem = parse_reply(text)
        assert isinstance(problem, WordingProblem)
        assert problem.name == "form"

    @given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
    def test_no_text_is_an_error(self, text):
        assert isinstance(parse_reply(text), WordingProblem)


class TestAgreement:
    @pytest.mark.parametrize(
        ("message", "move", "value", "made"),
        [
            ("I need the full payment in 45 days.", "offer", 45, offer(45)),
            ("I refuse your offer. I need the full payment in 45 days.", "offer", 45, Move("offer", 45, firm=True)),
            ("I accept your offer of 90 days.", "accept", 90, ACCEPT),
            ("I accept.", "accept", None, ACCEPT),
            ("I am walking away.", "walk", None, WALK),
            ("Pay in 6 weeks.", "offer", 42, offer(42)),
        ],
    )
    def test_words_that_make_the_move_make_it(self, message, move, value, made):
        assert declared_move(message, Declared(message, move, value), VIEW) == made

    @pytest.mark.parametrize(
        ("message", "move", "value", "problem"),
        [
            ("I need the full payment in 45 days.", "offer", 54, "disagree"),
            ("I will never accept 45 days.", "offer", 45, "disagree"),
            ("Could you pay in 45 days?", "offer", 45, "disagree"),
            ("Let us talk.", "offer", 45, "disagree"),
            ("I accept your offer of 90 days.", "offer", 45, "disagree"),
            ("I accept.", "walk", None, "disagree"),
            ("I need the full payment in 45 days.", "accept", None, "disagree"),
            ("I accept your offer of 90 days.", "accept", 45, "disagree"),
            ("I need the full payment in 45 days.", "walk", 45, "disagree"),
            ("I need the full payment in 999 days.", "offer", 999, "range"),
        ],
    )
    def test_words_that_do_not_are_a_problem(self, message, move, value, problem):
        verdict = declared_move(message, Declared(message, move, value), VIEW)
        assert isinstance(verdict, WordingProblem)
        assert verdict.name == problem

    def test_a_value_off_the_grid_and_an_acceptance_of_nothing_are_problems(self):
        view = replace(VIEW, brief=replace(VIEW.brief, rules=replace(VIEW.brief.rules, grid=10)))
        assert declared_move("Pay in 45 days.", Declared("", "offer", 45), view).name == "grid"
        assert declared_move("I accept.", Declared("", "accept", None), request(None).view).name == "nothing_to_accept"

    @pytest.mark.parametrize("value", [0, 1, 45, 90, 365])
    @pytest.mark.parametrize(
        "message",
        ["Pay in {} days.", "Not {} days.", "I accept {} days.", "{} days?", "You said {} days. I walk away."],
    )
    def test_a_move_that_both_readings_make_is_one_move(self, message, value):
        text = message.format(value)
        structured = declared_move(text, Declared(text, "offer", value), VIEW)
        words = read_move(text, VIEW)
        assert isinstance(structured, WordingProblem) or words in (structured, ACCEPT)


class TestVoice:
    def test_the_message_is_said_and_never_the_form(self):
        spoken, model = speech(AGREED)
        assert (spoken.text, spoken.move) == ("I need the full payment in 45 days.", offer(45))
        assert (spoken.wording.attempts, spoken.wording.replies) == (1, (AGREED,))
        assert "Answer in JSON with message, move" in model.asked[0][-1].content

    def test_one_that_disagrees_is_asked_again_and_told_why(self):
        spoken, model = speech(reply("I need the full payment in 45 days.", "offer", 54), AGREED)
        assert spoken.move == offer(45)
        assert "Your message did not do what your move and your value said." in model.asked[1][-1].content

    @pytest.mark.parametrize(
        "bad", ["I need it in 45 days.", reply("I need it in 45 days.", "walk"), AGREED[:30], "{}"]
    )
    def test_after_two_such_replies_the_message_is_a_forfeit(self, bad):
        spoken, _ = speech(bad)
        assert (spoken.move, spoken.wording.attempts) == (FORFEIT, 2)
        assert "{" not in spoken.text

    def test_a_reply_that_tells_its_target_is_refused(self):
        spoken, _ = speech(reply("My goal is 12 days. I need it in 45 days.", "offer", 45), AGREED)
        assert spoken.move == offer(45)
        assert "keep to itself" in spoken.wording.problems[0]

    def test_a_server_is_sent_the_schema_and_gives_the_form_its_room(self):
        with StandIn([Answer([said(AGREED)])]) as server:
            settings = ModelSettings(base_url=server.address, max_tokens=33, sampling="small")
            asked = Caller(open_chat_model("ollama:tiny:1b", settings), settings)
            spoken = ModelVoice(asked, "model", reading="structured").speak(request(None, ("debtor", 90)), Dice(1))
            sent = server.asked[0]
        assert spoken.move == offer(45)
        assert sent["format"] == reply_schema(VIEW)
        assert sent["options"]["num_predict"] == 33 + ROOM
        assert "stop" not in sent["options"]

    def test_it_is_for_a_model_that_decides(self):
        own = find_agent("vanilla,reading=structured", "creditor")
        with pytest.raises(AgentError, match="is for a model that decides the number; add offers=model"):
            own.declared_in("ollama:tiny", None, None)
        assert own.declared_in("ollama:tiny", "model", None)["reading"] == "structured"
        asked = Caller(FakeModel(replies=["Pay in 45 days."]), ModelSettings())
        decided = ModelVoice(asked, "policy", "record", "structured").speak(request(offer(45), ("debtor", 90)), Dice(1))
        assert decided.text == "Pay in 45 days."
        with pytest.raises(AgentError, match="neither 'words' nor 'structured'"):
            ModelVoice(Caller(FakeModel(replies=[""]), ModelSettings()), "model", reading="morse")
