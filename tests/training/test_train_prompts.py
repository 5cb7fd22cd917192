"""The prompts of training pairs are byte for byte those that run time sends."""

import json
import re

import pytest
from helpers.voice_fakes import FakeModel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poise.agents import voices
from poise.agents.models import models
from poise.agents.registry import find_agent
from poise.agents.replay import Seen
from poise.games.moves import SEATS
from poise.games.scenarios.loaders import load_scenarios
from poise.games.transcript import Transcript
from poise.graphs import Pairing, PlaySettings
from poise.training.data.gathering import TrainingNegotiation, pairs_of

ROLES = {"system": "system", "human": "user", "ai": "assistant"}
SENTENCE = re.compile(r'(?:Repeat|Finish) this sentence: "(.*?)"', re.DOTALL)


def obedient(messages):
    """Says the sentence that is asked for; an unfinished one it ends with a number that grows with the talks."""
    asked = SENTENCE.search(messages[-1].content)
    number = 20 + 3 * len(messages)
    if not asked:
        text = f"I can do {number} days."
    else:
        text = asked[1] if "Repeat" in asked[0] else f"{asked[1]} {number} days."
    if "Answer in JSON" in messages[-1].content:
        return json.dumps({"message": text, "move": "offer", "value": number})
    return text


@pytest.fixture
def recorder(monkeypatch):
    model = FakeModel(replies=[obedient])
    monkeypatch.setattr(models, "open_chat_model", lambda *_: model)
    voices._model_voice.cache_clear()
    yield model
    voices._model_voice.cache_clear()


def told(messages):
    return tuple((ROLES[each.type], each.content) for each in messages)


@given(
    domain=st.sampled_from(["debt", "disaster", "medical", "student"]),
    row=st.integers(0, 79),
    debtor=st.sampled_from(["vanilla", "cheating", "simulated", "threatening"]),
    creditor=st.sampled_from(["random", "vanilla", "eq-negotiator", "fixed:anger"]),
    decides=st.sampled_from([("policy", None), ("model", None), ("model", "structured")]),
    seed=st.integers(0, 9),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_prompts_of_a_transcript_are_those_that_were_sent(recorder, domain, row, debtor, creditor, decides, seed):
    scenario = load_scenarios(f"builtin:{domain}")[row]
    play = PlaySettings(model="ollama:recorder", offers=decides[0], reading=decides[1])
    pairing = Pairing(find_agent(creditor, "creditor"), find_agent(debtor, "debtor"), play)
    recorder.asked.clear()
    played = pairing.play(scenario, seed).transcript
    sent = iter(list(recorder.asked))
    transcript = Transcript.from_dict(played.to_dict())  # as it comes out of a store
    views = {seat: Seen(transcript, seat) for seat in SEATS}
    assert transcript.messages
    for message in transcript.messages:
        first = told(next(sent))
        assert tuple(map(tuple, views[message.seat].prompt(message.index // 2))) == first
        for _again in range(message.wording.attempts - 1):
            next(sent)
    pairs = {pair.index: pair for seat in SEATS for pair in pairs_of(TrainingNegotiation(transcript, "m", "s"), seat)}
    usable = [each for each in transcript.messages if each.move.kind != "forfeit"]
    assert sorted(pairs) == [each.index for each in usable]
    for message in usable:
        assert pairs[message.index].reply == message.text
        assert "JSON" not in pairs[message.index].messages[-1].content
        assert pairs[message.index].emotion == message.emotion
