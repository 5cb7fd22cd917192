"""Checks that words make the intended move, and repairs for those that do not.

A problem has a name (which selects what the model is told on the second try) and a sentence for the record.
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
from poise.agents.voices.intents import refuses
from poise.agents.voices.prompts import promised
from poise.agents.voices.reading.reader import MessageReading, QuantityRole, read_message
from poise.agents.voices.reading.roles import REVERSED
from poise.agents.voices.reading.stock import stock_of
from poise.agents.voices.reading.table import Table
from poise.agents.voices.readout import Stated, offers_in
from poise.common.words import with_unit
from poise.games.moves import ACCEPT, WALK, Move

_EXCERPT: Final = 60


@dataclass(frozen=True, slots=True)
class WordingProblem:
    """Why a reply cannot be used. name: an entry of [again] in directions.toml. said: the number it stated, if any."""

    name: str
    reason: str
    said: str = ""


_EMPTY: Final = WordingProblem("empty", "the reply is empty")


def reading_of(text: str, view: View) -> MessageReading:
    """What `text` does as a message of the seat whose view this is."""
    brief = view.brief
    return read_message(
        text, Table(brief.unit, brief.domain, brief.seat, view.other_offer, stock_of(brief.domain, brief.seat))
    )


def check_wording(text: str, move: Move, view: View, plain: str) -> WordingProblem | None:
    """Whether `text` can be the words of the decided `move`, which `plain` says in the plainest way; None when it can.

    The same reader as for offers="model" has to read the move in them. An offer is read as an offer of the decided
    number, which is the last one stated; no other is stated but facts ("you are 60 days late") and the other side's own
    offer where the words attribute it to them or reject it. An acceptance is read as one. A walk is read as one and,
    like a forfeit, states no number; a forfeit neither accepts nor walks away.
    """
    if not text or text == plain:
        return None if text else _EMPTY
    reading = reading_of(text, view)
    if move.kind == "offer":
        return _check_offer(text, reading, move, view)
    stated = offers_in(text, view.brief.unit)
    allowed = {view.other_offer} if move.kind == "accept" else set()
    wrong = [each for each in stated if each.value not in allowed]
    if wrong:
        said = _words(text, wrong[-1])
        problem = _quoted(f"states {said}, but the move is to {move.kind}", text)
        return WordingProblem("wrong" if allowed else "no_number", problem, said)
    if move.kind == "forfeit":
        done = {"accept": "accepts", "walk": "walks"}.get(reading.outcome)
        return None if done is None else WordingProblem(done, _quoted(f"{reading.reason}, but it is to forfeit", text))
    if reading.outcome == move.kind:
        return None
    return WordingProblem(f"must_{move.kind}", _quoted(f"does not {move.kind}, but that is the move", text))


def _check_offer(  # noqa: PLR0911  # one return for each problem
    text: str, reading: MessageReading, move: Move, view: View
) -> WordingProblem | None:
    wanted = with_unit(move.value or 0, view.brief.unit)
    stated = [each for each in reading.evidence if each.role != "fact"]
    if not stated and reading.outcome not in ("accept", "walk"):
        return WordingProblem("none", _quoted(f"states no number of {view.brief.unit}, but the move is {wanted}", text))
    wrong = [each for each in stated if each.value != move.value and not _is_theirs(each, view)]
    if stated and stated[-1].value != move.value:
        wrong = wrong or [stated[-1]]
    if wrong:
        said = _words(text, wrong[-1])
        return WordingProblem("wrong", _quoted(f"states {said}, but the move is {wanted}", text), said)
    if reading.outcome == "accept" and move.value != view.other_offer:
        return WordingProblem("accepts", _quoted(f"accepts, but the move is to offer {wanted}", text))
    if reading.outcome == "walk" or "walks away" in reading.reason:
        return WordingProblem("walks", _quoted(f"walks away, but the move is to offer {wanted}", text))
    if reading.outcome not in ("offer", "accept"):
        return _unread(text, reading, stated, f"the move is to offer {wanted}")
    if promised(move, view) and not gives_word(text):
        return WordingProblem("must_promise", _quoted("does not give its word, but the move is a promise", text))
    return None


def _is_theirs(stated: QuantityRole, view: View) -> bool:
    """Whether a number is the other side's offer, mentioned as such: `your 90 days`, `90 days is too long`."""
    return (
        stated.value is not None
        and stated.value == view.other_offer
        and stated.role in ("theirs", "refused", "contrast", "question")
    )


def _unread(text: str, reading: MessageReading, stated: list[QuantityRole], but: str) -> WordingProblem:
    """The problem of a message whose number is not what it offers, or whose words read two ways."""
    said = _words(text, stated[-1]) if stated else ""
    if any(each.rule == REVERSED for each in stated):
        return WordingProblem("reversed", _quoted(f"speaks for the other side with {said}, but {but}", text), said)
    name = "unclear" if reading.outcome == "ambiguous" else "not_offered"
    return WordingProblem(name, _quoted(f"mentions {said} ({reading.reason}), but {but}", text), said)


def misconduct(text: str, view: View) -> WordingProblem | None:
    """The rules of conduct that `text` breaks, in words; None where it breaks none that bind the seat."""
    found = violations(text, view.brief.seat, view.brief.domain)
    if not found:
        return None
    rules = ", ".join(each.rule for each in found)
    return WordingProblem("conduct", _quoted(f"breaks {rules}", text), rules_in_words(found))


def read_move(text: str, view: View) -> Move | WordingProblem:  # noqa: PLR0911  # one return for each outcome
    """The move that `text` makes, or why it makes none (offers="model").

    Explicit acceptance and walking away are those moves. An offer is a whole number, within bounds and on the
    grid; it is firm where the other side's offer is explicitly refused. A number that is refused, asked about, a fact
    or the other side's is not an offer, and words that read two ways make no move.
    """
    if not text:
        return _EMPTY
    reading = reading_of(text, view)
    if reading.outcome == "accept":
        if view.other_offer is not None:
            return ACCEPT
        return WordingProblem("nothing_to_accept", _quoted("accepts, but no offer is on the table", text))
    if reading.outcome == "walk":
        return WALK
    if reading.outcome == "offer":
        value = reading.value
        said = next(_words(text, each) for each in reading.evidence if each.role == "offered" and each.value == value)
        firm = view.other_offer is not None and refuses(text)
        return illegal(value, said, text, view) or Move("offer", value, firm)
    stated = [each for each in reading.evidence if each.role != "fact"]
    if not stated and reading.outcome == "none":
        return WordingProblem("none", _quoted(f"states no number of {view.brief.unit}", text))
    return _unread(text, reading, stated, "offers none")


def illegal(value: int | None, said: str, text: str, view: View) -> WordingProblem | None:
    """Why `value`, which `text` states as `said`, cannot be offered; None where it is within bounds and on the grid."""
    (low, high), grid, unit = view.brief.bounds, view.brief.rules.grid, view.brief.unit
    if value is None or not low <= value <= high:
        problem = f"states {said}, which is not a whole number of {unit} from {low} to {high}"
        return WordingProblem("range", _quoted(problem, text), said)
    if (value - low) % grid:
        return WordingProblem("grid", _quoted(f"states {said}, which is not in steps of {grid} from {low}", text), said)
    return None


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


def _words(text: str, stated: Stated | QuantityRole) -> str:
    return text[stated.start : stated.end][:_EXCERPT]


def _quoted(problem: str, text: str) -> str:
    excerpt = text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."
    return f'{problem}: "{excerpt}"'
