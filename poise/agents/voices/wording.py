"""Whether words make the move they should, and what to do when they do not.

A problem has a name (which picks what the model is told on the second try) and a sentence for the record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from poise.agents.conduct import violations
from poise.agents.conduct.duties import rules_in_words
from poise.agents.conduct.promises import gives_word
from poise.agents.models.text import MESSAGE_CHARACTERS, sentences
from poise.agents.protocols import View
from poise.agents.voices.intents import accepts, refuses, walks_away
from poise.agents.voices.prompts import promised
from poise.agents.voices.readout import Stated, offers_in
from poise.agents.voices.scripted import with_unit
from poise.games.moves import ACCEPT, WALK, Move

_EXCERPT: Final = 60
_WHOSE: Final = re.compile(r"\b(?:i|we|my|our|me|you|your|you're|you've|you'll|you'd|i'm|i'll|i'd|i've)\b", re.I)
_DENIED: Final = re.compile(r"\b(?:not|cannot|never|no|too|refuse|reject|more than|less than)\b|n't\b", re.I)


@dataclass(frozen=True, slots=True)
class WordingProblem:
    """Why a reply cannot be used. name: an entry of [again] in directions.toml. said: the number it stated, if any."""

    name: str
    reason: str
    said: str = ""


_EMPTY: Final = WordingProblem("empty", "the reply is empty")


def check_wording(text: str, move: Move, view: View, plain: str) -> WordingProblem | None:
    """Whether `text` can be the words of the decided `move`, which `plain` says in the plainest way; None when it can.

    An offer: the last number stated is the decided one, and no other is stated, except the other side's own offer where
    the words say that it is theirs or will not do ("your 90 days"). It neither accepts nor walks away. An acceptance
    accepts, and states no number but the one accepted. A walk walks away and, like a forfeit, states no number.
    """
    if not text or text == plain:
        return None if text else _EMPTY
    stated = offers_in(text, view.brief.unit)
    if move.kind == "offer":
        return _check_offer(text, stated, move, view)
    allowed = {view.other_offer} if move.kind == "accept" else set()
    wrong = [each for each in stated if each.value not in allowed]
    if wrong:
        said = _words(text, wrong[-1])
        problem = _quoted(f"states {said}, but the move is to {move.kind}", text)
        return WordingProblem("wrong" if allowed else "no_number", problem, said)
    made = {"accept": accepts, "walk": walks_away}.get(move.kind)
    if made is None or made(text) or plain in text:
        return None
    return WordingProblem(f"must_{move.kind}", _quoted(f"does not {move.kind}, but that is the move", text))


def _check_offer(text: str, stated: tuple[Stated, ...], move: Move, view: View) -> WordingProblem | None:
    wanted = with_unit(move.value or 0, view.brief.unit)
    if not stated:
        return WordingProblem("none", _quoted(f"states no number of {view.brief.unit}, but the move is {wanted}", text))
    wrong = [each for each in stated if each.value != move.value and not _is_theirs(text, each, view)]
    if stated[-1].value != move.value:
        wrong = wrong or [stated[-1]]
    if wrong:
        said = _words(text, wrong[-1])
        return WordingProblem("wrong", _quoted(f"states {said}, but the move is {wanted}", text), said)
    if accepts(text) and move.value != view.other_offer:
        return WordingProblem("accepts", _quoted(f"accepts, but the move is to offer {wanted}", text))
    if walks_away(text):
        return WordingProblem("walks", _quoted(f"walks away, but the move is to offer {wanted}", text))
    if promised(move, view) and not gives_word(text):
        return WordingProblem("must_promise", _quoted("does not give its word, but the move is a promise", text))
    return None


def _is_theirs(text: str, stated: Stated, view: View) -> bool:
    """Whether a number is the other side's offer, mentioned as such: `your 90 days`, `90 days is too long`."""
    if stated.value is None or stated.value != view.other_offer:
        return False
    start, end = _sentence(text, stated)
    people = _WHOSE.findall(text[start : stated.start])
    return bool(people and people[-1].lower().startswith("you")) or _DENIED.search(text[start:end]) is not None


def _sentence(text: str, stated: Stated) -> tuple[int, int]:
    before = [text.rfind(mark, 0, stated.start) for mark in ".!?;"]
    after = [text.find(mark, stated.end) for mark in ".!?;"]
    return max(before) + 1, min((place for place in after if place >= 0), default=len(text))


def misconduct(text: str, view: View) -> WordingProblem | None:
    """The rules of conduct that `text` breaks, in words; None where it breaks none that bind the seat."""
    found = violations(text, view.brief.seat, view.brief.domain)
    if not found:
        return None
    rules = ", ".join(each.rule for each in found)
    return WordingProblem("conduct", _quoted(f"breaks {rules}", text), rules_in_words(found))


def read_move(text: str, view: View) -> Move | WordingProblem:
    """The move that `text` makes, or why it makes none (offers="model").

    Explicit acceptance, with no number but the other side's own, accepts; with another number it is an offer of that
    number. Explicit walking away without a number walks away. Else the last number stated is the offer: a whole
    number, within bounds, on the grid; firm where the other side's offer is explicitly refused.
    """
    stated = offers_in(text, view.brief.unit)
    if accepts(text) and all(each.value == view.other_offer for each in stated):
        if view.other_offer is not None:
            return ACCEPT
        return WordingProblem("nothing_to_accept", _quoted("accepts, but no offer is on the table", text))
    if stated:
        return _read_offer(text, stated[-1], view)
    if walks_away(text):
        return WALK
    return WordingProblem("none", _quoted(f"states no number of {view.brief.unit}", text)) if text else _EMPTY


def _read_offer(text: str, stated: Stated, view: View) -> Move | WordingProblem:
    (low, high), grid, unit = view.brief.bounds, view.brief.rules.grid, view.brief.unit
    said = _words(text, stated)
    if stated.value is None or not low <= stated.value <= high:
        problem = f"states {said}, which is no whole number of {unit} from {low} to {high}"
        return WordingProblem("range", _quoted(problem, text), said)
    if (stated.value - low) % grid:
        return WordingProblem("grid", _quoted(f"states {said}, which is not in steps of {grid} from {low}", text), said)
    return Move("offer", stated.value, firm=view.other_offer is not None and refuses(text))


def repair(text: str, move: Move, view: View, plain: str) -> str:
    """Words that make `move`, kept as close to `text` as a fixed rule allows; they always pass `check_wording`.

    In this order, the first that passes: the text with its one wrong number replaced (unless that number is the other
    side's own offer); the sentences that state no wrong number, followed by the plain sentence; the plain sentence.
    """
    stated = offers_in(text, view.brief.unit)
    wrong = [each for each in stated if each.value != move.value]
    if move.kind == "offer" and len(wrong) == 1 and wrong[0].value != view.other_offer:
        fixed = _replaced(text, wrong[0], move, view)
        if check_wording(fixed, move, view, plain) is None:
            return fixed
    kept = [sentence for sentence in sentences(text) if not offers_in(sentence, view.brief.unit)]
    while kept:
        joined = " ".join([*(_ended(sentence) for sentence in kept), plain])
        if len(joined) <= MESSAGE_CHARACTERS and check_wording(joined, move, view, plain) is None:
            return joined
        kept.pop()
    return plain


def _replaced(text: str, wrong: Stated, move: Move, view: View) -> str:
    amount = with_unit(move.value or 0, view.brief.unit)
    followed = text[wrong.end : wrong.end + 2]
    if "-" in text[wrong.start : wrong.end] and re.match(r" \w", followed):
        amount = f"{move.value}-{view.brief.unit.removesuffix('s')}"  # `a 60-day plan`
    return text[: wrong.start] + amount + text[wrong.end :]


def _ended(sentence: str) -> str:
    return sentence if sentence.rstrip("\"')\u201d\u2019").endswith((".", "!", "?", "\u2026")) else f"{sentence}."


def _words(text: str, stated: Stated) -> str:
    return text[stated.start : stated.end][:_EXCERPT]


def _quoted(problem: str, text: str) -> str:
    excerpt = text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."
    return f'{problem}: "{excerpt}"'
