"""A person's words, as people type them, read as a move.

Lenient, because the person confirms every reading before it counts: `90`, `90 days`, `3 months`, `half an hour`,
`10:30 PM`, `ok deal`, `no way, 40`, `I'm out`. `[anger] 40 days!` says which emotion the words are meant to show.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.models.text import plain_numbers
from poise.agents.protocols import View
from poise.agents.voices.intents import accepts, refuses, walks_away
from poise.agents.voices.readout import UNITS, converts, offers_in
from poise.common.words import did_you_mean, with_unit
from poise.games.domains import domain_words
from poise.games.moves import ACCEPT, FORFEIT, WALK, Move

MOST_CHARACTERS: Final = 400  # as long as a model's message may be

_EMOTION: Final = re.compile(r"^\s*[\[(]\s*([a-z]+)\s*[\])]\s*", re.I)
_ONE: Final = re.compile(r"\ban? (?=(?:minute|day)\b)", re.I)  # idioms in a model's messages, but not here
_BARE: Final = re.compile(r"(?<![\w.,:$€£¥])-?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?![\w%:]|[.,][0-9])")
_PART: Final = re.compile(r"(?:[0-9]+ )?[0-9]/[0-9](?: [a-z]+)?", re.I)
_NO_NUMBER: Final = re.compile(r"\d|\bone$", re.I)  # "this one" is not a number
_TIME: Final = re.compile(rf"\s*({'|'.join([*UNITS, 'sec', 'second'])})s?\b", re.I)
_CLOCK: Final = re.compile(r"(?<![\w:])(\d{1,2})(?:[:.]([0-5]\d))?\s*([ap])\.?m\b|(?<![\w:])(\d{1,2}):([0-5]\d)", re.I)
_NOT_MINE: Final = re.compile(r"\b(?:not|your|instead of|rather than|than|you said|you want|from)\s+$", re.I)
_WORD: Final = re.compile(r"[a-z']+")
_AGREEING: Final = frozenset(
    _WORD.findall("ok okay fine yes yeah yep sure deal agree agreed accept accepted take takes work works good done")
)
_AROUND_IT: Final = frozenset(
    _WORD.findall(
        "i i'll i'd we we'll you you've it it's is that that's this a the have has got will do can for me us with your "
        "offer to let's then well alright all right great sounds thank thanks please and so very gladly happily"
    )
)
_NO: Final = re.compile(
    r"^\W*(?:no|nope|never|absolutely not|forget it|impossible)\b"
    r"|\b(?:no way|too (?:long|short|late|early|much|little|high|low|many|few|soon|far))\b",
    re.I,
)
_OUT: Final = re.compile(
    r"^\W*(?:(?:i|we)(?:'m| am|'ll| will|'re| are)?\s+)?"
    r"(?:walk(?:ing)?(?: (?:away|out))?|out|leaving|done talking|off)\W*$",
    re.I,
)
_LEAVING: Final = frozenset({"quit", "exit", "bye", "leave", "goodbye", "/quit", "/exit", "q"})


@dataclass(frozen=True, slots=True)
class Heard:
    """The reading of a person's words: the message as it would be sent, or in `problem` why it cannot be."""

    text: str = ""
    move: Move = FORFEIT
    emotion: str | None = None
    problem: str = ""


def hear(words: str, view: View) -> Heard:
    """A person's words as a message of the seat whose view this is; never raises.

    A bare number gets the scenario's unit. Words without a number, an acceptance or a walk are talk: a message that
    leaves the offers as they are.
    """
    line = " ".join("".join(each if each.isprintable() else " " for each in plain_numbers(words)).split())
    line = line[:MOST_CHARACTERS]
    emotion, line, problem = _emotion(line)
    if problem or not line:
        return Heard(line, problem=problem or "say something: a number, words, or both")
    if line.lower().rstrip(".!") in _LEAVING:
        return Heard(line, problem="to leave for now write /leave; to end the negotiation without a deal write: walk")
    value, text, problem = _number(line, view)
    if problem:
        return Heard(line, problem=problem, emotion=emotion)
    if value is None:
        return _without_number(line, emotion, view)
    if value == view.other_offer and _agrees(line):
        return Heard(text, ACCEPT, emotion)
    return _offer(value, text, emotion, view)


def _without_number(line: str, emotion: str | None, view: View) -> Heard:
    if _agrees(line):
        if view.other_offer is None:
            return Heard(line, emotion=emotion, problem="there is no offer to accept yet; make one, such as 30")
        return Heard(line, ACCEPT, emotion)
    if walks_away(line) or _OUT.search(_straight(line)):
        return Heard(line, WALK, emotion)
    return Heard(line, FORFEIT, emotion)


def _offer(value: int, text: str, emotion: str | None, view: View) -> Heard:
    (low, high), grid, unit = view.brief.bounds, view.brief.rules.grid, view.brief.unit
    problem = ""
    if not low <= value <= high:
        problem = f"{with_unit(value, unit)} is outside {low} to {with_unit(high, unit)}"
    elif (value - low) % grid:
        problem = f"{with_unit(value, unit)} is between the steps of {grid} {unit} from {low}"
    if problem:
        return Heard(text, emotion=emotion, problem=problem)
    firm = view.other_offer is not None and (refuses(text) or _NO.search(text) is not None)
    return Heard(text, Move("offer", value, firm), emotion)


def _emotion(line: str) -> tuple[str | None, str, str]:
    """(emotion, the words without it, what is wrong with it)."""
    found = _EMOTION.match(line)
    if found is None:
        return None, line, ""
    name = found[1].lower()
    if name not in EMOTIONS28:
        hint = did_you_mean(name, EMOTIONS28)
        return None, line, f"{name!r} is not an emotion; {hint}there are {', '.join(EMOTIONS28)}"
    return name, line[found.end() :], ""


def _number(line: str, view: View) -> tuple[int | None, str, str]:
    """(value, the words with its unit, what is wrong with it), of the last number that is not the other side's."""
    unit = view.brief.unit
    plain = _ONE.sub("1 ", line)
    stated = [each for each in offers_in(plain, unit) if not _NOT_MINE.search(plain[: each.start])]
    if stated:
        if stated[-1].value is None:
            return None, line, f"{plain[stated[-1].start : stated[-1].end]} is not a whole number of {unit}"
        return stated[-1].value, line, ""
    if (clock := _time_of_day(line, view)) is not None:
        return clock, line, ""
    return _bare_number(line, unit)


def _bare_number(line: str, unit: str) -> tuple[int | None, str, str]:
    """The same for a number without a unit: in figures anywhere, in words only at the end."""
    if part := _PART.search(line):
        return None, line, f"{part[0]}: this negotiation is in whole {unit}; give a number of them"
    found = [each for each in _BARE.finditer(line) if not _NOT_MINE.search(line[: each.start()])]
    units = [(each, _TIME.match(line, each.end())) for each in found]
    foreign = [f"{each[0]}{named[0]}" for each, named in units if named and not converts(named[1], unit)]
    if foreign:
        return None, line, f"{foreign[-1]}: this negotiation is in whole {unit}; give a number of them"
    bare = [each for each, named in units if named is None]
    if not bare:
        end = line.rstrip(" .!?")
        said = () if _NO_NUMBER.search(end) else offers_in(f"{end} {unit}", unit)
        return (said[-1].value, f"{end} {unit}{line[len(end) :]}", "") if said else (None, line, "")
    last = bare[-1]
    if "." in last[0]:
        return None, line, f"{last[0]} is not a whole number of {unit}"
    value = int(last[0].replace(",", ""))
    return value, f"{line[: last.start()]}{with_unit(value, unit)}{line[last.end() :]}", ""


def _time_of_day(line: str, view: View) -> int | None:
    """A time of day as minutes after the start of the domain's clock; None without a clock or a time."""
    clock = domain_words(view.brief.domain).clock
    found = _CLOCK.search(line)
    if not clock or found is None:
        return None
    hour, minute = int(found[1] or found[4]), int(found[2] or found[5] or 0)
    start_hour, start_minute = map(int, clock.split(":"))
    late = (found[3] or "").lower() == "p" or (not found[3] and hour < 12 <= start_hour and hour >= start_hour - 12)
    hour = hour % 12 + 12 * late if found[3] or hour < 12 else hour
    return (60 * hour + minute - 60 * start_hour - start_minute) % 1440


def _agrees(line: str) -> bool:
    plain = _straight(line)
    if _NO.search(plain) or refuses(plain) or plain.endswith("?"):
        return False
    words = set(_WORD.findall(re.sub(r"[0-9]+(?:\s*[a-z]+)?", "", plain.lower())))
    return accepts(plain) or bool(words & _AGREEING and words <= _AGREEING | _AROUND_IT)


def _straight(line: str) -> str:
    return line.replace("\u2019", "'")
