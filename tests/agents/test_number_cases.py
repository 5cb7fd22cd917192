"""Numbers as they are met in the field, each read as what it says or asked for again, never as another number.

Days from 0 to 365; the other side's standing offer is 20. None: it is asked for again.
"""

from __future__ import annotations

import json

import pytest
from helpers.paths import SHARED
from helpers.voice_fakes import request

from poise.agents.voices.prompts import render
from poise.agents.voices.wording import read_move
from poise.games.moves import ACCEPT, Move, Seat, offer

FILE = SHARED / "cases" / "numbers.json"
CASES: dict[str, tuple[int | Move | None, ...]] = {
    "I can't do 20 days.": (None,),
    "I can do 45, not 30 days.": (45, None),
    "Pay in 40 days. You have ignored us for 90 days.": (40, None),
    "I can pay in 2 weeks and 10 days.": (24, None),
    "2 weeks, 3 days": (17, None),
    "1 000 days": (None,),
    "I can agree on \uff14\uff15 days.": (45,),
    "it has been 90 days since you called": (None,),
    "a fortnight": (14,),
    "a week": (7,),
    "two and a half weeks": (None,),
    "6 wks": (42,),
    "two weeks": (14,),
    "**45** days": (45,),
    "between 30 and 45 days": (45, None),
    "I accept 20 days": (ACCEPT,),
}
MORE: dict[str, tuple[int | Move | None, ...]] = {
    # refusals
    "20 days is out of the question.": (None,),
    "There is no way I could manage 20 days.": (None,),
    "20 days? Not a chance.": (None,),
    "20 days won't work for me.": (None,),
    "I will not accept 20 days.": (None,),
    "Your 20 days are too short.": (None,),
    "I accept 20 days if you waive the interest.": (None,),
    "Would you accept 20 days?": (None,),
    "If I had 20 days I would go bankrupt.": (None,),
    "I cannot agree to 20 days, but I could do 35 days.": (35, None),
    "I accept. But I need 45 days.": (45, None),
    # contrasts
    "Not 30 days but 45 days.": (45, None),
    "45 days instead of 30 days.": (45, None),
    "Rather than 30 days, let us say 45 days.": (45, None),
    "45 days, not 54.": (45, None),
    "You said 20 days. I say 45 days.": (45, None),
    # the past and facts
    "Give me 45 days. I have waited 90 days for my own customers to pay.": (45, None),
    "We were told 60 days ago that it is due; pay in 40 days.": (40, None),
    "The invoice is 90 days overdue.": (None,),
    "You have had 90 days already.": (None,),
    "My last payment took 45 days.": (None,),
    # compound and fractional
    "a month and two weeks": (44, None),
    "three weeks and four days": (25, None),
    "a fortnight and three days": (17, None),
    "2 1/2 weeks": (None,),
    "1\u00bd months": (45, None),
    "a month and a half": (45, None),
    "half a month": (15, None),
    # grouped digits, other scripts, negative, notations
    "1,000 days": (None,),
    "1'000 days": (None,),
    "1.000 days": (None,),
    "1\u202f000 days": (None,),
    "10 000 days": (None,),
    "\u0664\u0665 days": (45, None),
    "\u096a\u096b days": (45, None),
    "4\uff15 days": (45, None),
    "\U0001d7d2\U0001d7d3 days": (45, None),
    "minus five days": (None,),
    "-5 days": (None,),
    "\u22125 days": (None,),
    "366 days": (None,),
    "1e2 days": (100, None),
    "45 business days": (None,),
    "45 days give or take a week": (45, None),
    # ranges
    "30-45 days": (45, None),
    "either 30 or 45 days": (None,),
    "45 days or 30 days": (None,),
}


@pytest.mark.parametrize("seat", ["creditor", "debtor"])
@pytest.mark.parametrize("text", [*CASES, *MORE])
def test_a_number_is_what_it_says_or_asked_for_again(text, seat: Seat):
    allowed = (CASES | MORE)[text]
    read = read_move(text, request(None, ("debtor" if seat == "creditor" else "creditor", 20), seat=seat).view)
    found = read if isinstance(read, Move) else None
    right = [offer(value) if isinstance(value, int) else value for value in allowed]
    if found not in right:  # what only the other seat would say of itself may be asked for again
        assert found is None, f"{text!r} read as {found}"
        assert "what the other side would say of itself" in read.reason


@pytest.mark.data
@pytest.mark.skipif(not FILE.exists(), reason="the cases are not beside the checkout")
def test_every_published_case_is_among_them():
    told = json.loads(FILE.read_text(encoding="utf-8"))["cases"]
    assert {text for case in told for text in case["text"].split(" / ")} == set(CASES)


def test_the_other_side_is_shown_the_number_that_was_read():
    said = "I can agree on \uff14\uff15 days."
    prompt = render(request(None, ("debtor", said, offer(45))), "model").messages()
    assert "45 days" in json.dumps(prompt)
    assert "\uff14" not in json.dumps(prompt, ensure_ascii=False)
