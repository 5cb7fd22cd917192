"""Promises: made in words, kept or broken by moves, and counted from transcripts alone."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest
from helpers.seats import case, pair
from helpers.wordless import seat_view
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.conduct import promises as promises_module
from poise.agents.conduct.promises import Promises, gives_word, promises
from poise.agents.personas import load_persona
from poise.agents.personas.persona import PersonaPolicy
from poise.agents.protocols import Request
from poise.agents.voices.scripted import ScriptedVoice, phrases
from poise.common.seeds import Dice
from poise.games.moves import SEATS, WALK, offer
from poise.games.scenario import Scenario
from poise.games.transcript import Message, Outcome, Transcript
from poise.graphs import Pairing

DEBT = case()  # the debtor wants more days
MEDICAL = Scenario("medical", "medical", 100, 20, bounds=(0, 200))  # the debtor wants fewer
values = st.integers(0, 200)
told = st.lists(st.tuples(values, st.booleans()), max_size=8)


# --- words


@pytest.mark.parametrize(
    "text",
    [
        "I promise payment in 60 days.",
        "You have my word: payment in 60 days.",
        "I give you my word on 60 days.",
        "We'll guarantee the money by then.",
        "I do promise it.",
        "It will be there in 60 days. You can count on me.",
        "I swear to pay in 60 days.",
        "Not before, but in 60 days. That\u2019s a promise.",
        "Is that all? I promise 60 days.",
    ],
)
def test_giving_ones_word_is_heard(text):
    assert gives_word(text)


@pytest.mark.parametrize(
    "text",
    [
        "My offer is 60 days.",
        "I can't promise anything.",
        "I can\u2019t promise that.",
        "I cannot give you my word on 60 days.",
        "I promise nothing.",
        "I never promised that.",
        "You promised me more time!",
        "You said I have your word.",
        "Can I promise that? 60 days.",
        "If I promise 60 days, will you stop calling?",
        "I promise 60 days, if you waive the fee.",
        "I would promise it.",
        "Don't count on it.",
        "This is promising.",
        "",
    ],
)
def test_what_is_no_promise_is_not_heard_as_one(text):
    assert not gives_word(text)


# --- moves


def talk(scenario, seat, said, ends=()):
    """`seat` makes offers of (value, with its word?); the other side says nothing that counts."""
    first = SEATS.index(seat)
    messages = [
        Message(2 * place + first, seat, "I promise." if word else "My offer.", offer(value))
        for place, (value, word) in enumerate(said)
    ]
    messages += [Message(99, seat, "I leave.", move) for move in ends]
    other = Message(0, SEATS[1 - first], "I promise you all of it.", offer(60))
    return Transcript(scenario, {}, {}, 0, {}, (other, *messages), Outcome("timeout"))


def by_pairs(scenario, seat, said, ends=()):
    """The definition once more: a promise is broken if any later offer is worse for the other side."""
    wants_more = (scenario.polarity > 0) == (seat == "debtor")
    broken = 0
    for place, (value, word) in enumerate(said):
        later = [each for each, _ in said[place + 1 :]]
        worse = any(each > value if wants_more else each < value for each in later)
        broken += word and (worse or WALK in ends)
    return Promises(sum(word for _, word in said), broken)


@given(st.sampled_from([DEBT, MEDICAL]), st.sampled_from(SEATS), told, st.sampled_from([(), (WALK,)]))
def test_promises_are_what_the_definition_says(scenario, seat, said, ends):
    found = promises(talk(scenario, seat, said, ends), seat)
    assert found == by_pairs(scenario, seat, said, ends)
    assert 0 <= found.broken <= found.made
    assert found.kept == found.made - found.broken


@given(st.sampled_from([DEBT, MEDICAL]), st.sampled_from(SEATS), st.lists(values, min_size=1, max_size=8))
def test_who_never_goes_back_breaks_nothing_and_who_goes_back_on_the_last_word_breaks_it(scenario, seat, offers):
    gives_less = scenario.polarity * (1 if seat == "debtor" else -1)
    conceding = sorted(offers, reverse=gives_less > 0)
    said = [(value, True) for value in conceding]
    assert promises(talk(scenario, seat, said), seat) == Promises(len(said), 0)
    retreat = (conceding[0] + gives_less, False)  # below the first promise, hence below all
    assert promises(talk(scenario, seat, [*said, retreat]), seat).broken == len(said)


def test_a_debtors_promise_by_hand():
    said = [(90, False), (70, True), (60, False), (80, False), (75, True)]
    assert promises(talk(DEBT, "debtor", said), "debtor") == Promises(made=2, broken=1)
    assert promises(talk(DEBT, "debtor", said, (WALK,)), "debtor") == Promises(made=2, broken=2)
    assert promises(talk(DEBT, "debtor", said), "creditor") == Promises(made=1, broken=0)  # the other side's one


def test_promises_add_up():
    assert Promises(3, 1) + Promises(2, 2) == Promises(5, 3)


# --- the cheat


def voiced(view, move, emotion="neutral"):
    return [ScriptedVoice().speak(Request(view, move, emotion), Dice(seed)).text for seed in range(60)]


@pytest.mark.parametrize("seat", SEATS)
@pytest.mark.parametrize("scenario", [DEBT, MEDICAL], ids=["debt", "medical"])
def test_the_scripted_voice_gives_its_word_where_the_notes_ask_for_it_and_only_there(scenario, seat):
    view = seat_view(scenario, seat, [offer(60)])
    assert all(map(gives_word, voiced(replace(view, notes={"promise": True}), offer(50))))
    assert not any(map(gives_word, voiced(view, offer(50))))
    assert not any(map(gives_word, voiced(replace(view, notes={"promise": True}), offer(50, firm=True))))
    assert all(map(gives_word, voiced(replace(view, notes={"promise": True}), offer(0))))  # zero is a number too


def test_promising_does_not_hide_the_emotion():
    view = replace(seat_view(DEBT, "debtor", [offer(60)]), notes={"promise": True})
    for seed in range(60):
        tone = ScriptedVoice().speak(Request(view, offer(50), "optimism"), Dice(seed)).tone
        assert tone in phrases().feelings["debtor", "optimism"]


def test_a_persona_notes_the_promise_it_will_break():
    persona = load_persona("cheating")
    policy, turn = PersonaPolicy(persona), persona.renege.message - 1
    view = seat_view(DEBT, "debtor", [offer(60)] * (2 * turn + 1), mood=-0.5)
    assert policy.note(view, Dice(0)) == {"promise": True}
    assert policy.note(replace(view, mood=0.9), Dice(0)) == {}
    assert PersonaPolicy(load_persona("sad")).note(view, Dice(0)) == {}


def counted(debtor, creditor):
    pairing = Pairing(*pair(creditor, debtor))
    scenarios = [case(low, high) for low, high in ((12, 112), (8, 60), (18, 160), (12, 90))]
    talks = [pairing.play(each, seed).transcript for each in scenarios for seed in range(5)]
    return talks, reduce(Promises.__add__, (promises(each, "debtor") for each in talks))


def test_the_cheat_really_promises_and_really_reneges():
    persona = load_persona("cheating")
    talks, total = counted("cheating", "fixed:gratitude")  # it is believed, so it cheats
    assert total.broken == len(talks)
    for each in talks:
        own = [message for message in each.messages if message.seat == "debtor"]
        promise, after = own[persona.renege.message - 1 : persona.renege.message + 1]
        assert gives_word(promise.text)
        assert promise.notes == {"promise": True}
        assert promise.emotion == persona.renege.promise
        assert after.move.value > promise.move.value


def test_the_cheat_who_is_questioned_keeps_its_word():
    assert counted("cheating", "fixed:curiosity")[1].broken == 0


@given(st.from_regex(promises_module._WORD), st.sampled_from(["", "\u017f", "I grant you "]))
def test_no_promise_is_passed_over_unread(text, before):
    """A quick look spares most messages the search: whatever the search would find, it lets through."""
    assert promises_module._may_promise(before + text)


@pytest.mark.parametrize("debtor", ["vanilla", "angry", "sad", "fear", "disgust", "pressure", "victim", "stonewalling"])
@pytest.mark.parametrize("creditor", ["vanilla", "fixed:gratitude", "fixed:anger"])
def test_nobody_else_goes_back_on_an_offer(debtor, creditor):
    """Their promises are broken by walking away alone."""
    talks, _ = counted(debtor, creditor)
    for each in talks:
        stayed = [message for message in each.messages if message.move != WALK]
        assert promises(replace(each, messages=tuple(stayed)), "debtor").broken == 0


@pytest.mark.parametrize("creditor", ["vanilla", "fixed:anger"])
def test_a_stonewaller_who_is_not_stirred_does_not_move(creditor):
    for each in counted("stonewalling", creditor)[0]:
        own = [message.move.value for message in each.messages if message.seat == "debtor" and message.move.value]
        assert own[0] - own[-1] <= 0.05 * each.scenario.gap
