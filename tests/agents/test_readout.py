"""Numbers and intentions read out of words."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from poise.agents.voices.intents import accepts, refuses, walks_away
from poise.agents.voices.readout import offers_in, read_offer

PLAIN = st.text(alphabet="abcdefghijklmnop ,.!?'$%()", max_size=60)  # holds no unit, no digit and no number word
DAYS = {"day": 1, "week": 7, "month": 30}


def values(text: str, unit: str = "days") -> list[int | None]:
    return [stated.value for stated in offers_in(text, unit)]


def reference(text: str) -> int | None:
    """The published read-out: the last of N days / weeks (x7) / months (x30)."""
    found = re.findall(r"(\d+)\s*(day|week|month)s?\b", text)
    return int(found[-1][0]) * DAYS[found[-1][1]] if found else None


@given(st.integers(0, 999), st.sampled_from(sorted(DAYS)), PLAIN, PLAIN)
def test_a_stated_number_is_read_as_the_reference_reads_it(number, unit, before, after):
    text = f"{before} {number} {unit}s. {after}"
    assume(not text.rstrip().endswith("$"))
    assume("$" not in before[-3:])
    assert read_offer(text, "days") == reference(text) == number * DAYS[unit]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=5))
def test_every_offer_is_found_and_the_last_one_counts(numbers):
    text = " Well. ".join(f"I say {number} days" for number in numbers)
    assert values(text) == numbers
    assert read_offer(text, "days") == numbers[-1]


_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORDS += ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def in_words(number: int) -> str:
    """English words for 0 to 9,999, by the schoolbook."""
    if number < 20:
        return _WORDS[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_WORDS[number % 10]}" if number % 10 else "")
    head, rest = (number // 1000, number % 1000) if number >= 1000 else (number // 100, number % 100)
    name = "thousand" if number >= 1000 else "hundred"
    return f"{in_words(head)} {name}" + (
        f" and {in_words(rest)}" if 0 < rest < 100 else f" {in_words(rest)}" * (rest > 0)
    )


@given(st.integers(2, 9_999))
@example(100)
@example(1_000)
def test_words_mean_what_digits_mean(number):
    assert values(f"Give me {in_words(number)} days") == [number]
    assert values(f"Give me {in_words(number).replace('-', ' ').title()} Days, please") == [number]
    assert values(f"Give me {number} ({in_words(number)}) days") == [number]
    assert values(f"Give me {number:,} days") == [number]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 45-day plan", [45]),
        ("a forty-five-day plan", [45]),
        ("45days", [45]),
        ("forty-five (45) days", [45]),
        ("a hundred and twenty days", [120]),
        ("1,000 days", [1000]),
        ("1.5 months", [45]),
        ("2 weeks and 3 days", [17]),
        ("1 month, or 35 days", [30, 35]),
        ("between 2 weeks and 20 days", [14, 20]),
        ("30 to 45 days", [30, 45]),
        ("30-45 days", [30, 45]),
        ("30- to 45-day terms", [30, 45]),
        ("between thirty and forty days", [30, 40]),
        ("45 calendar days", [45]),
        ("45 business days", []),
        ("in $15,700 within 30 days", [30]),
        ("by March 15, 30 days later", [30]),
        ("one week", [7]),
        ("45 Days!", [45]),
        ("**45** days", [45]),
        ("_45 days_ or '50 days'", [45, 50]),
        ("net-45 days", [45]),
        ("Now.45 days", [45]),
        ("30/45 days", [30, 45]),
    ],
)
def test_ways_of_stating_an_offer(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "I owe $15,700",
        "I pay $45 days of wages",
        "45% of it",
        "the 15th of March",
        "March 15, 2026",
        "on 2026-03-15",
        "you are 60 days overdue",
        "60 days past due",
        "that was 30 days ago",
        "for the last 90 days",
        "I am paid every 14 days",
        "$300 per 30 days",
        "one day I will pay",
        "someone stayed weekdays",
        "twice a week",
        "",
    ],
)
def test_what_is_no_offer(text):
    assert values(text) == []
    assert read_offer(text, "days") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.3 weeks", [None]),
        ("12,5 days", [None]),
        ("1.2.3 days", [None]),
        ("9" * 30 + " days", [None]),
        ("-5 days", [-5]),
        ("0 days", [0]),
    ],
)
def test_numbers_that_cannot_be_offers_are_seen_all_the_same(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("help comes in 2 hours", "minutes", 120),
        ("in 1 hour and 20 minutes", "minutes", 80),
        ("in 90 mins", "minutes", 90),
        ("3 hours", "hours", 3),
        ("3 hours", "days", None),
        ("2 days", "hours", None),
        ("12 points", "points", 12),
    ],
)
def test_each_unit_knows_its_longer_ones(text, unit, expected):
    assert read_offer(text, unit) == expected


@given(st.text(max_size=300), st.sampled_from(["days", "minutes", "hours", "points", "a.b*"]))
def test_any_text_can_be_read(text, unit):
    for stated in offers_in(text, unit):
        assert 0 <= stated.start < stated.end <= len(text)
        assert stated.value is None or abs(stated.value) < 10**9


@pytest.mark.parametrize(
    "text", ["9, " * 2000, "9," * 20_000 + " ", "a hundred and " * 300, "1 and " * 500, "forty- " * 400, "- " * 2000]
)
def test_long_hostile_text_hides_no_offer(text):
    assert values(text + "7 days")[-1:] == [7]


class TestIntents:
    @pytest.mark.parametrize(
        "text",
        [
            "I accept.",
            "We accept your offer of 60 days.",
            "Fine, deal!",
            "OK. It's a deal.",
            "Agreed.",
            "I\u2019ll accept that. Thank you.",
            "I am happy. We have a deal.",
            "I agree to your terms.",
        ],
    )
    def test_acceptance(self, text):
        assert accepts(text)

    @pytest.mark.parametrize(
        "text",
        [
            "I cannot accept that.",
            "I don't accept.",
            "Would you accept 30 days?",
            "If you pay now, we have a deal.",
            "I accept if you go down to 30 days.",
            "No deal.",
            "We do not have a deal.",
            "Let me know when it is a deal.",
            "I agree that this is hard.",
            "I deal with many people.",
            "",
        ],
    )
    def test_no_acceptance(self, text):
        assert not accepts(text)

    @pytest.mark.parametrize("text", ["I am walking away.", "These talks are over.", "I'm done here.", "We walk away!"])
    def test_walking_away(self, text):
        assert walks_away(text)

    @pytest.mark.parametrize(
        "text", ["I will not walk away.", "Before I walk away, listen.", "Are we done here?", "Take a walk.", ""]
    )
    def test_staying(self, text):
        assert not walks_away(text)

    @pytest.mark.parametrize(
        "text", ["I refuse your offer.", "I can't accept that.", "No deal. 40 days.", "That is unacceptable."]
    )
    def test_refusal(self, text):
        assert refuses(text)

    @pytest.mark.parametrize("text", ["I refuse to give up.", "I need 40 days.", "I can accept that.", ""])
    def test_no_refusal(self, text):
        assert not refuses(text)

    @given(st.text(max_size=200))
    def test_any_text_can_be_read(self, text):
        assert not (accepts(text) and walks_away(text)) or "deal" in text.lower() or "accept" in text.lower()
