"""Replies made by a grammar whose every sentence has a known meaning, for all domains and both seats.

A reply is an opening that changes nothing, a body with its label, perhaps a close, and one character of noise. {n} is
a number in one of many spellings, {s} the other side's standing offer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from poise.agents.voices.reading.grammar import grammar
from poise.games.domains import DOMAINS, domain_words
from poise.games.moves import SEATS, Seat

STANDING = 20
OPENINGS = ("", "", "Hello. ", "I am so angry right now! ", "Thank you for calling. ", "Listen. ", "That is funny! ")
CLOSES = ("", "", " Thank you.", " I mean it.", " Please.", " It is a hard time for all of us.")
NOISE = "  \u200b\u00a0*_~\t"
OFFERS = ("My offer is {n}.", "I need {n}, not {s}.", "Not {s}. I propose {n}.", "I refuse your offer. Let's say {n}!")
OTHERS = {
    "accept": (
        "I accept your offer of {s}.",
        "Fine, deal!",
        "We have a deal: {s}.",
        "I accept.",
        "Your offer is accepted.",
    ),
    "walk": ("I am walking away.", "These talks are over.", "I'm done negotiating.", "We walk away."),
    "none": (
        "I can't do {n}.",
        "I will never accept {n}.",
        "{n} is far too much for me.",
        "{n} is out of the question.",
        "Do you want it in {n}?",
        "You said {n}.",
        "You have ignored me for {n}.",
        "It has been {n} since you called.",
        "Maybe {n}, I don't know.",
        "I accept if you drop the fees.",
        "I can do {n} if you help me first.",
        "Oh sure, {n}, very funny.",
        "I might accept {n}.",
        "I can offer minus {n}.",
        "I can do between 30 {unit} and {n}.",
        "I can do 30 to 40 {unit}.",
        "I can do 100 000 {unit}.",
        "I propose {n}, or 27 {unit}.",
        "I was going to walk away.",
        "I will not accept your offer of {s}.",
        "Let us talk.",
    ),
}
_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ONES += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_DIGITS = (0x30, 0xFF10, 0x0660, 0x0966)  # ASCII, full-width, Arabic-Indic, Devanagari


@dataclass(frozen=True)
class Labelled:
    """A reply, the seat that says it, and what it does."""

    text: str
    domain: str
    seat: Seat
    label: str
    value: int | None = None


def in_words(number: int) -> str:
    """A number below a thousand in English."""
    if number >= 100:
        rest = f" and {in_words(number % 100)}" if number % 100 else ""
        return f"{_ONES[number // 100]} hundred{rest}"
    if number < 20:
        return _ONES[number]
    return _TENS[number // 10 - 2] + (f"-{_ONES[number % 10]}" if number % 10 else "")


def spelled(number: int, unit: str, dice: random.Random) -> str:
    """A number of `unit` (days or minutes) in one of the spellings that are read."""
    first = dice.choice(_DIGITS)
    digits = "".join(chr(first + int(digit)) for digit in str(number))
    plain = dice.choice(["{} {u}", "**{}** {u}", "{}  {u}", "{} full {u}", "{}{u}", "{}-{one}", "{} ({w}) {u}"])
    longer, size = ("week", 7) if unit == "days" else ("hour", 60)
    whole, rest = divmod(number, size)
    said = [plain.format(digits, u=unit, one=unit[:-1], w=in_words(number)), f"{in_words(number)} {unit}"]
    if rest and whole > 1:
        said += [f"{whole} {longer}s and {rest} {unit}", f"{in_words(whole)} {longer}s, {rest} {unit}"]
    if not rest and whole > 1:
        said.append(f"{whole} {longer}s")
    return dice.choice(said)


def generated(count: int, seed: int) -> Iterator[Labelled]:
    """Replies with their meaning, the same ones for the same seed."""
    dice = random.Random(seed)
    frames = {
        (domain, seat): [says for frame in grammar().frames_for(domain, seat) for says in frame.says]
        for domain in DOMAINS
        for seat in SEATS
    }
    for _ in range(count):
        domain, seat = dice.choice(DOMAINS), dice.choice(SEATS)
        unit = domain_words(domain).plural
        label = dice.choice(["offer", "offer", *OTHERS])
        value = dice.choice([each for each in range(41, 300) if each != STANDING])
        if label == "offer":
            framed = [f"{says}." for says in frames[domain, seat]]
            body = dice.choice(framed + 4 * list(OFFERS)).replace("45 days", "{n}").replace("45 minutes", "{n}")
        else:
            body = dice.choice(OTHERS[label])
        body = body.replace("{n}", spelled(value, unit, dice)).replace("{s}", f"{STANDING} {unit}")
        text = dice.choice(OPENINGS) + body.replace("{unit}", unit) + dice.choice(CLOSES)
        if blanks := [place for place, character in enumerate(text) if character == " "]:
            place = dice.choice(blanks)
            text = text[:place] + dice.choice(NOISE) + text[place:]
        yield Labelled(text, domain, seat, label, value if label == "offer" else None)
