"""What a person types at the table, and that both seats see one number however it is written."""

from __future__ import annotations

import pytest
from helpers.voice_fakes import request
from hypothesis import given
from hypothesis import strategies as st

from poise.agents.models.text import clean_reply, neutralise, plain_numbers
from poise.agents.voices.heard import hear
from poise.games.moves import ACCEPT, FORFEIT, offer

DAYS = request(None, ("creditor", 20), seat="debtor").view
MINUTES = request(None, ("creditor", 20), seat="debtor", domain="student", unit="minutes", bounds=(0, 600)).view


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("90", 90),
        ("3 months", 90),
        ("6 wks", 42),
        ("a week", 7),
        ("a day", 1),
        ("a fortnight", 14),
        ("a month and a half", 45),
        ("1\u00bd months", 45),
        ("half a month", 15),
        ("half a year", 180),
        ("a year", 365),
        ("45 days, give or take a week", 45),
        ("\uff14\uff15", 45),
        ("\u0664\u0665 days", 45),
        ("2 weeks and 3 days", 17),
        ("no way, 40", 40),
    ],
)
def test_days_as_people_type_them(words, value):
    heard = hear(words, DAYS)
    assert (heard.move.kind, heard.move.value, heard.problem) == ("offer", value, "")


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("half an hour", 30),
        ("an hour and a half", 90),
        ("1\u00bd hours", 90),
        ("a minute", 1),
        ("10:30 PM", 90),
        ("45 min", 45),
    ],
)
def test_minutes_as_people_type_them(words, value):
    assert hear(words, MINUTES).move == offer(value)


@pytest.mark.parametrize(
    ("words", "view"), [("6 wks", MINUTES), ("3 fortnights", MINUTES), ("90 min", DAYS), ("1\u00bd hours", DAYS)]
)
def test_another_unit_is_never_taken_for_the_scenarios(words, view):
    heard = hear(words, view)
    assert heard.move == FORFEIT
    assert "this negotiation is in whole" in heard.problem


@pytest.mark.parametrize("words", ["two and a half weeks", "1.5 days", "\u00bd day"])
def test_what_is_no_whole_number_is_told(words):
    assert "is not a whole number of days" in hear(words, DAYS).problem


def test_their_number_is_accepted():
    assert hear("I accept 20 days", DAYS).move == ACCEPT


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\uff14\uff15 days", "45 days"),
        ("1\u00bd months", "1 1/2 months"),
        ("\u00be hour", "3/4 hour"),
        ("\u0969 days", "3 days"),
    ],
)
def test_a_number_is_shown_as_it_is_read(written, shown):
    assert clean_reply(written) == neutralise(written) == shown


@given(st.text(st.sampled_from("0129 .\u00bd\u00be\u2153\uff10\uff15\u0660\u0969\u00b2\u2167ab"), max_size=30))
def test_both_seats_see_the_same_numbers(text):
    assert neutralise(clean_reply(text)) == clean_reply(text)
    assert plain_numbers(plain_numbers(text)) == plain_numbers(text)
