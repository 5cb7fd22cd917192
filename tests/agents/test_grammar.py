"""Words held to a grammar: they make the decided move at the first try, whatever the model is."""

from __future__ import annotations

import re

import pytest
from helpers.ollama_server import MODEL
from helpers.tiny_gguf import write_tiny_model
from helpers.voice_fakes import request
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.models.calls import open_caller
from poise.agents.models.embedded.shared import close_engines
from poise.agents.models.endpoint import Question
from poise.agents.models.models import check_model, open_chat_model, wording_of
from poise.agents.models.settings import ModelSettings
from poise.agents.registry import find_agent
from poise.agents.voices.grammar import WORDS, move_grammar
from poise.agents.voices.prompts import plain_sentence
from poise.agents.voices.voice import ModelVoice
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.games.moves import ACCEPT, FORFEIT, WALK, Move, offer

MOVES = st.integers(0, 365).map(offer) | st.sampled_from([ACCEPT, WALK, FORFEIT])


@given(MOVES, st.sampled_from([None, "anger"]), st.sampled_from(["creditor", "debtor"]))
def test_it_ends_with_the_sentence_of_the_move(move: Move, emotion, seat):
    asked = request(move, ("debtor" if seat == "creditor" else "creditor", 90), seat=seat, emotion=emotion)
    root = move_grammar(asked).splitlines()[0]
    assert root == f'root ::= opening{"" if emotion else "?"} "{plain_sentence(move, asked.view)}"'


def test_where_the_model_decides_there_is_none():
    assert move_grammar(request(None)) == ""


def test_a_quotation_mark_in_a_unit_ends_no_literal():
    root = move_grammar(request(offer(4), unit='"days"\\')).splitlines()[0]
    assert root.count('"') - root.count('\\"') == 2


class Noting:
    """A caller that notes what it is asked."""

    def __init__(self, wording):
        self.wording, self.asked = wording, []

    def ask(self, question):
        self.asked.append(question)
        raise AgentError("noted")


@pytest.mark.parametrize(("wording", "held"), [("", False), ("grammar", True)])
def test_a_voice_asks_for_it_only_where_it_was_chosen(wording, held):
    caller = Noting(wording)
    with pytest.raises(AgentError, match="noted"):
        ModelVoice(caller, "policy").speak(request(offer(27)), Dice(1))
    assert ("27 days" in caller.asked[0].grammar) == held


@pytest.mark.parametrize("uri", [f"ollama:{MODEL}", "openai:m"])
def test_a_provider_that_cannot_hold_a_model_to_one_refuses_it(uri):
    for ask in (open_chat_model, check_model):
        with pytest.raises(AgentError, match="cannot be held to a grammar; leave wording out"):
            ask(uri, ModelSettings(wording="grammar", base_url="http://127.0.0.1:1/v1"))
    with pytest.raises(AgentError, match="neither 'grammar' nor 'free' nor left out"):
        ModelSettings(wording="gbnf")


def test_it_is_part_of_what_a_model_declares_only_where_it_is_set():
    assert "wording" not in ModelSettings().declared()
    assert "wording" not in ModelSettings(wording="free").declared()
    assert ModelSettings(wording="grammar").declared()["wording"] == "grammar"


def test_small_embedded_models_are_held_to_one_unless_they_are_tuned_or_set_free(tmp_path, monkeypatch):
    write_tiny_model(tmp_path / "tiny.gguf", "llama")
    small = f"embedded:{tmp_path / 'tiny.gguf'}"
    assert all(wording_of(uri, "", None) == "grammar" for uri in ("embedded:smollm2", small))
    assert wording_of(small, "free", None) == "free"
    assert wording_of("embedded:smollm2", "", find_agent("emodistill", "creditor").adapter) == "free"
    assert {wording_of(uri, "", None) for uri in (f"ollama:{MODEL}", "openai:m", "llamacpp:m")} == {"free"}
    monkeypatch.setattr("poise.agents.models.sampling._SMALL_PARAMETERS", 1000)
    assert wording_of(small, "", None) == "free"


def test_what_is_held_to_one_by_default_is_another_agent_than_before():
    vanilla = find_agent("vanilla", "creditor")
    assert vanilla.declared_in("embedded:smollm2", None, None)["wording"] == "grammar"
    for model, offers, wording in (
        ("embedded:smollm2", None, "free"),
        ("embedded:smollm2", "model", ""),
        ("scripted", None, ""),
    ):
        assert "wording" not in vanilla.declared_in(model, offers, None, None, {"wording": wording})


@pytest.mark.model
def test_a_model_of_random_weights_says_the_sentence_after_an_opening_of_its_own(tmp_path):
    write_tiny_model(tmp_path / "tiny.gguf", "llama")
    settings = ModelSettings(wording="grammar", context=1024, max_tokens=400)
    caller = open_caller(f"embedded:{tmp_path / 'tiny.gguf'}", settings)
    try:
        for seed, move in enumerate((offer(27), WALK)):
            asked = request(move, ("debtor", 90), emotion="anger")
            said = caller.ask(Question([("user", "Speak.")], seed, grammar=move_grammar(asked))).text
            opening = said.removesuffix(sentence := plain_sentence(move, asked.view))
            assert opening + sentence == said
            assert re.fullmatch(rf"[A-Z][A-Za-z'-]*([,;:]? [A-Za-z][A-Za-z'-]*){{0,{WORDS - 1}}}[.!?] ", opening)
    finally:
        close_engines()
