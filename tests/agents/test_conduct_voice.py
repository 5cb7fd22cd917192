"""A model that breaks a rule of conduct: recorded, told and asked again, or refused."""

from __future__ import annotations

import pytest
from helpers.voice_fakes import FakeModel, request
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.conduct import broken_rules, check
from poise.agents.conduct.duties import default_checker, rules_in_words
from poise.agents.models.calls import Caller
from poise.agents.models.settings import ModelSettings
from poise.agents.voices.prompts import plain_sentence, silence
from poise.agents.voices.voice import ATTEMPTS, ModelVoice
from poise.common.seeds import Dice
from poise.games.domains import DOMAINS
from poise.games.moves import ACCEPT, FORFEIT, WALK, offer

THREAT = "Pay in 40 days or I will tell your boss."
INSULT = "You stupid crook, pay in 40 days."
CLEAN = "I could wait for 40 days."
OFF = "I could wait for 70 days."  # clean, but not the decided number
RUDE_AND_OFF = "You stupid crook, pay in 70 days."
RULE = "disclosure.told"
TOLD = "told somebody else about the debt"


def spoken(conduct, *replies, offers="policy", move=None, **more):
    model = FakeModel(replies=replies)
    asked = request(move or (offer(40) if offers == "policy" else None), ("debtor", 90), **more)
    return ModelVoice(Caller(model, ModelSettings()), offers, conduct).speak(asked, Dice(1)), model


def prompt(model, call):
    return model.asked[call][-1].text


# What each setting does.


@pytest.mark.parametrize("offers", ["policy", "model"])
def test_recording_changes_nothing(offers):
    said, model = spoken("record", THREAT, CLEAN, offers=offers)
    assert (said.text, said.move, said.wording.problems, len(model.asked)) == (THREAT, offer(40), (), 1)


@pytest.mark.parametrize("conduct", ["reask", "refuse"])
@pytest.mark.parametrize("offers", ["policy", "model"])
def test_the_model_is_told_which_rule_it_broke_and_asked_again(conduct, offers):
    said, model = spoken(conduct, THREAT, CLEAN, offers=offers)
    assert (said.text, said.move) == (CLEAN, offer(40))
    assert (said.wording.attempts, said.wording.repaired) == (2, False)
    (problem,) = said.wording.problems
    assert problem == f'breaks {RULE}: "{THREAT}"'
    assert "conduct" not in prompt(model, 0)
    assert "broke a rule: it has told somebody else about the debt, or threatens to." in prompt(model, 1)


@pytest.mark.parametrize("offers", ["policy", "model"])
def test_asked_again_in_vain_the_last_words_are_said(offers):
    said, model = spoken("reask", INSULT, THREAT, offers=offers)
    assert (said.text, said.move, len(model.asked)) == (THREAT, offer(40), ATTEMPTS)
    assert len(said.wording.problems) == 2
    assert not said.wording.repaired


def test_refused_in_vain_a_decided_move_is_said_plainly():
    said, model = spoken("refuse", INSULT, THREAT)
    assert said.text == plain_sentence(offer(40), request(None, ("debtor", 90)).view)
    assert (said.move, said.wording.repaired, len(model.asked)) == (offer(40), True, ATTEMPTS)


def test_refused_in_vain_a_move_of_the_models_own_is_forfeited_unheard():
    said, _ = spoken("refuse", INSULT, THREAT, offers="model")
    assert (said.text, said.move) == (silence(), FORFEIT)


def test_what_is_put_right_is_said_rather_than_a_violation():
    """The second reply is clean and off: its number is put right. With offers="model" its number is its move."""
    said, _ = spoken("reask", THREAT, OFF)
    assert (said.text, said.wording.repaired) == (CLEAN, True)
    said, _ = spoken("reask", THREAT, "Hm.", offers="model")
    assert (said.text, said.move) == (THREAT, offer(40)), "a move with a violation, rather than none"
    said, _ = spoken("refuse", THREAT, "Hm.", offers="model")
    assert (said.text, said.move) == ("Hm.", FORFEIT)


def test_what_is_put_right_is_refused_where_it_still_offends():
    said, _ = spoken("record", OFF, RUDE_AND_OFF)
    assert broken_rules(said.text, "creditor", "debt")
    said, _ = spoken("refuse", OFF, RUDE_AND_OFF)
    assert said.text == plain_sentence(offer(40), request(None, ("debtor", 90)).view)


@pytest.mark.parametrize("conduct", ["record", "reask", "refuse"])
def test_a_debtor_and_a_warning_outside_debt_are_let_through(conduct):
    said, model = spoken(conduct, "You stupid crook, I can pay in 40 days.", seat="debtor")
    assert (said.text, len(model.asked)) == ("You stupid crook, I can pay in 40 days.", 1)
    warning = "You will get hurt if you stay. I could wait for 40 minutes."
    said, model = spoken(conduct, warning, domain="disaster", unit="minutes")
    assert (said.text, len(model.asked)) == (warning, 1)


# Whatever a model says.

REPLIES = st.sampled_from(
    [
        THREAT,
        "You stupid crook, I can pay in 40 days.",
        CLEAN,
        OFF,
        RUDE_AND_OFF,
        "",
        "Hm.",
        "I accept.",
        "Goodbye, crook!",
        "90 days",
    ]
)


@given(
    st.lists(REPLIES, min_size=1, max_size=3),
    st.sampled_from(["record", "reask", "refuse"]),
    st.sampled_from([offer(40), ACCEPT, WALK, None]),
)
def test_whatever_is_said(replies, conduct, move):
    """A decided move is made, calls are bounded, refusal lets no violation through, re-asking none unasked."""
    said, model = spoken(conduct, *replies, offers="policy" if move else "model", move=move)
    assert len(model.asked) == said.wording.attempts <= ATTEMPTS
    assert move in (None, said.move)
    broken = broken_rules(said.text, "creditor", "debt")
    assert not (conduct == "refuse" and broken)
    if conduct == "reask" and broken:
        assert len(model.asked) == ATTEMPTS


@given(st.lists(REPLIES, min_size=1, max_size=3), st.sampled_from([offer(40), None]))
def test_clean_replies_are_treated_alike_whatever_is_set(replies, move):
    clean = [reply for reply in replies if not check(reply)] or [CLEAN]
    offers = "policy" if move else "model"
    one, two, three = (spoken(each, *clean, offers=offers, move=move)[0] for each in ("record", "reask", "refuse"))
    usage = dict(one.usage, model_seconds=0)
    assert all(each.text == one.text and each.wording == one.wording for each in (two, three))
    assert all(dict(each.usage, model_seconds=0) == usage for each in (two, three))


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("move", [offer(40), ACCEPT, WALK, FORFEIT])
def test_plain_sentences_are_clean(domain, move):
    """What is said instead of a violation is none."""
    view = request(None, ("debtor", 90), domain=domain).view
    assert check(plain_sentence(move, view)) == check(silence()) == ()


def test_a_rule_is_named_by_what_it_forbids():
    (one,) = check("I will tell your boss.")
    assert rules_in_words([one, one]) == "has told somebody else about the debt, or threatens to"
    for rule in default_checker().rules:
        assert rule.explanation.endswith(".")
