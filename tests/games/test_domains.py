"""Domains: every engine plays in every one of them, and each has its words."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.builtin import built_in
from poise.agents.protocols import Line, Request, View
from poise.agents.registry import find_agent
from poise.agents.replay import brief_of
from poise.agents.voices.intents import accepts, refuses, walks_away
from poise.agents.voices.prompts import plain_sentence, render
from poise.agents.voices.readout import read_offer
from poise.common.errors import ScenarioError
from poise.common.words import with_unit
from poise.games.domains import DOMAINS, domain_words
from poise.games.moves import ACCEPT, FORFEIT, SEATS, WALK, offer
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.scenarios.generator import builtin
from poise.games.scenarios.published_targets import in_hours
from poise.graphs import Pairing
from poise.tournaments.charts.small import domains, roles

ENGINES = [(name, seat) for seat in SEATS for name in built_in(seat)]
UNITS = {"day", "days", "week", "weeks", "hour", "hours", "minute", "minutes"}


# --- every engine in every domain


def pairing(name, seat):
    """The engine against a plain opponent; the oracle only plays against what it can see into."""
    name = {"fixed": "fixed:caring", "emodistill": "emodistill,adapter=none"}.get(
        name, name
    )  # nothing asks a model here
    opponent = "simulated" if name.startswith("oracle") else "vanilla"
    pair = (name, opponent) if seat == "creditor" else (opponent, name)
    return Pairing(*(find_agent(each, at) for each, at in zip(pair, SEATS, strict=True)))


@cache
def cases(domain):
    """A generated case of the domain, and the same with its targets exchanged: both polarities."""
    case = next(case for case in builtin(domain) if case.gap > 30)
    turned = replace(case, creditor_target=case.debtor_target, debtor_target=case.creditor_target)
    return case, turned


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize(("name", "seat"), ENGINES, ids=[f"{seat}-{name}" for name, seat in ENGINES])
def test_every_engine_plays_in_every_domain(name, seat, domain):
    case, turned = cases(domain)
    assert {case.polarity, turned.polarity} == {1, -1}
    first, again = pairing(name, seat), pairing(name, seat)
    for scenario in (case, turned):
        played = first.play(scenario, seed=7).transcript
        assert played.outcome.ending != "failed", played.outcome.reason
        assert again.play(scenario, seed=7).transcript == played
        judged_anew(played)
        for message in played.messages:
            states_its_number(message, scenario)


def judged_anew(transcript):
    """Every move is legal, and the last of them ends the talks as the transcript says."""
    referee, moves, outcome = Referee(transcript.scenario, Rules(**transcript.rules)), [], None
    for message in transcript.messages:
        assert outcome is None
        outcome = referee.judge(moves, message.move)
        moves.append(message.move)
    assert outcome == transcript.outcome


def states_its_number(message, scenario):
    """The text states the move's number with the domain's unit, and names no other unit."""
    if message.move.kind == "offer":
        assert with_unit(message.move.value, scenario.unit) in message.text
    assert (set(re.findall(r"[a-z]+", message.text.lower())) & UNITS) <= {scenario.unit, scenario.unit[:-1]}


@pytest.mark.parametrize("domain", DOMAINS)
def test_reasons_speak_of_the_domains_roles_and_unit(domain):
    words, case = domain_words(domain), cases(domain)[0]
    outcome = (
        Pairing(find_agent("vanilla", "creditor"), find_agent("vanilla", "debtor")).play(case, 1).transcript.outcome
    )
    assert outcome.ending == "deal"
    assert words.amount(outcome.value) in outcome.reason
    roles = {words.role(seat) for seat in SEATS}
    others = {domain_words(other).role(seat) for other in DOMAINS for seat in SEATS} - roles
    assert not [role for role in others if re.search(rf"\b{role}\b", outcome.reason, re.IGNORECASE)]


# --- the words of a domain


def test_the_polarity_of_each_domain_is_the_published_one():
    expected = {"debt": 1, "disaster": -1, "medical": -1, "student": 1}
    for domain, polarity in expected.items():
        assert {case.polarity for case in builtin(domain)} == {polarity}


@pytest.mark.parametrize("creditor", ["vanilla", "fixed:anger", "eq-negotiator"])
def test_bedtimes_in_hours_leave_nothing_to_negotiate(creditor):
    """Why the domain counts minutes: in hours the published tolerance of 5 ends talks with the second message."""
    for debtor, case in zip(("vanilla", "angry", "cheating", "stonewalling", "sad"), builtin("student"), strict=False):
        pair = Pairing(find_agent(creditor, "creditor"), find_agent(debtor, "debtor"))
        assert len(pair.play(in_hours(case), 3).transcript.messages) == 2
        assert len(pair.play(case, 3).transcript.messages) > 2


@given(st.integers(0, 2000))
def test_a_clock_counts_on_past_midnight(value):
    """By the calendar of the standard library."""
    from datetime import datetime, timedelta

    told = domain_words("student").time_of_day(value)
    when = datetime(2024, 5, 1, 21, 0) + timedelta(minutes=value)
    assert told == when.strftime("%I:%M %p").lstrip("0")


def test_other_domains_have_no_clock():
    assert domain_words("debt").time_of_day(90) == ""
    assert cases("debt")[0].amount(90) == "90 days"
    assert cases("student")[0].amount(90) == "90 minutes (10:30 PM)"


@pytest.mark.parametrize(
    "text", ["Lights out at 10:30 PM.", "10:30pm is fine", "bed by 10:30 p.m.", "in 90 minutes", "90 min"]
)
def test_a_bedtime_is_no_secret_if_the_case_tells_it(text):
    with pytest.raises(ScenarioError, match="private target"):
        Scenario("a", "student", 90, 300, context={"Note": text})


@pytest.mark.parametrize("text", ["at 10:35 PM", "10 PM", "at 110:30 PM", "90 days", "10:30 AM", "1090 minutes"])
def test_other_times_may_be_told(text):
    assert Scenario("a", "student", 90, 300, context={"Note": text}).context["Note"] == text


def test_a_full_hour_is_told_without_its_minutes_too():
    with pytest.raises(ScenarioError, match="private target"):
        Scenario("a", "student", 60, 300, context={"Note": "Bed at 10 PM!"})


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_parties_are_named_in_every_generated_case(domain):
    words = domain_words(domain)
    for case in builtin(domain):
        for seat in SEATS:
            assert case.party(seat) == case.context[words.label(seat)] != words.role(seat)


def test_reports_say_what_the_seats_are_where_it_helps():
    of = {domain: builtin(domain)[0] for domain in DOMAINS}
    assert roles([of["debt"]]) == {"creditor": "", "debtor": ""}
    assert roles([of["student"], of["student"]]) == {"creditor": "robot", "debtor": "student"}
    assert roles([of["debt"], of["medical"]]) == {"creditor": "creditor, hospital", "debtor": "debtor, patient"}
    told = domains([of["disaster"], of["debt"]])
    assert list(told) == ["disaster", "debt"]
    assert told["disaster"]["creditor"] == "rescue team"
    assert told["disaster"]["question"] == "in how many minutes help reaches the survivor"


# --- what a model is told


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("seat", SEATS)
def test_prompts_name_the_roles_the_unit_and_no_secret(domain, seat):
    case = cases(domain)[0]
    view = View(brief_of(case, seat, Rules()))
    words, hidden = domain_words(domain), case.target("debtor" if seat == "creditor" else "creditor")
    told = render(Request(view, None, "joy"), "model").messages()
    system = told[0][1]
    for each in SEATS:
        assert words.role(each).removeprefix("the ") in system
        assert case.party(each) in system
    assert with_unit(case.target(seat), case.unit) in system
    assert case.context["Situation"].split(". ")[0] in system
    assert not re.search(rf"\b{hidden}\b", " ".join(text for _, text in told))


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("seat", SEATS)
def test_plain_sentences_are_read_as_they_are_meant(domain, seat):
    case = cases(domain)[0]
    lines = tuple(Line(each, "So.", offer(70)) for each in SEATS)
    view = View(brief_of(case, seat, Rules()), lines)
    for move in (offer(45), offer(45, firm=True), ACCEPT, WALK, FORFEIT):
        said = plain_sentence(move, view)
        number = {"offer": 45, "accept": 70}.get(move.kind)
        assert read_offer(said, case.unit) == number
        assert (accepts(said), walks_away(said)) == (move == ACCEPT, move == WALK)
        assert refuses(said) == move.firm
