"""A voice without a model: it says moves in stock phrases that show their emotion.

What it can say is in `phrases/`: an emotion's phrase, then the move's. It is what LLM-free tournaments speak with, and
its words are read by the same detector as a model's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.protocols import Request, Speech, View
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.common.words import did_you_mean
from poise.games.domains import domain_file
from poise.games.moves import SEATS, Move, Seat

FOLDER: Final = Path(__file__).parent / "phrases"
GENERAL_MOVES: Final = FOLDER / "moves.toml"
_PLAIN: Final = "plain"


class Phrases(NamedTuple):
    """What can be said in one domain: feelings by seat and emotion ("plain" for none), moves by seat and kind."""

    feelings: Mapping[tuple[Seat, str], tuple[str, ...]]
    moves: Mapping[tuple[Seat, str], tuple[str, ...]]


def phrases(domain: str = "debt") -> Phrases:
    """The phrases of `domain`: those in `phrases/`, or the `moves.toml` in the domain's own folder.

    Moves that a domain has no words of its own for are worded by moves.toml.

    Raises AgentError for a file of moves that cannot be used.
    """
    return _phrases(domain, domain_file(domain, "moves.toml"))


@cache
def _phrases(domain: str, own: Path | None) -> Phrases:
    moves = _general_moves()
    built_in = FOLDER / "domains" / f"{domain}.toml"
    if own:
        moves |= _checked_moves(own)
    elif built_in.exists():
        moves |= _by_seat_and_kind(_read(built_in))
    return Phrases(_feelings(domain), moves)


def _feelings(domain: str) -> dict[tuple[Seat, str], tuple[str, ...]]:
    emotions, elsewhere = _read(FOLDER / "emotions.toml"), _read(FOLDER / "elsewhere.toml")
    return {
        (seat, emotion): tuple(
            emotions[emotion]["both"] + (emotions[emotion][seat] if domain == "debt" else elsewhere[emotion])
        )
        for seat in SEATS
        for emotion in (_PLAIN, *EMOTIONS28)
    }


Moves = dict[tuple[Seat, str], tuple[str, ...]]


def _general_moves() -> Moves:
    return _by_seat_and_kind(_read(GENERAL_MOVES))


def _by_seat_and_kind(table: Mapping[str, Any]) -> Moves:
    return {
        (seat, kind): tuple(texts if isinstance(texts, list) else [texts])
        for seat in SEATS
        for kind, texts in table.get(seat, {}).items()
    }


def _checked_moves(path: Path) -> Moves:
    """A user's moves; each needs at least one phrase, with {offer} once where it states a number."""
    general = _general_moves()
    try:
        moves = _by_seat_and_kind(_read(path))
    except (OSError, ValueError, AttributeError) as error:
        raise AgentError(f"{path}: this file of moves cannot be used ({error}); see docs/domains.md") from None
    for (seat, kind), texts in moves.items():
        if (seat, kind) not in general:
            known = ", ".join(sorted({kind for _, kind in general}))
            hint = did_you_mean(kind, {kind for _, kind in general})
            raise AgentError(f"{path}: [{seat}] has {kind!r}, which is not a move; {hint}there are {known}")
        wanted = _holes(general[seat, kind][0])
        if not texts or any(_holes(text) != wanted for text in texts):
            holds = "each with {offer} once and no other brace" if wanted else "without braces"
            raise AgentError(f"{path}: [{seat}] {kind} has to be a list of texts, {holds}")
    return moves


def _holes(text: object) -> list[str]:
    """The names in braces; any other brace counts as one without a name, and what is no text as one more."""
    if not isinstance(text, str):
        return ["", ""]
    return [found[1] or "" for found in re.finditer(r"\{(offer)\}|[{}]", text)]


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


def with_unit(value: int, unit: str) -> str:
    """The number with its unit as a person says it: 1 day, 12 days.

    Units are given in the plural ("days"); a plural without a final s stays as it is.
    """
    return f"{value} {unit[:-1] if value == 1 and unit.endswith('s') else unit}"


class ScriptedVoice:
    """Says any move with any of the 28 emotions, or plainly without one.

    An offer, firm or not, and an acceptance state their number once, with its unit; no other number is ever said.
    The same request and dice give the same words. A seat does not open two messages running with the same phrase.
    """

    def __init__(self) -> None:
        self._told: dict[str, Phrases] = {}  # looking for a domain's files costs more than speaking

    def speak(self, request: Request, dice: Dice) -> Speech:
        """The words for `request.move`.

        Raises AgentError when no move is decided (offers="model"): there is no model here to decide it.
        """
        view, move = request.view, request.move
        if move is None:
            raise AgentError(
                'offers="model" needs a model to decide the number, and the scripted voice has none; '
                'name a model, such as embedded:smollm2, or use offers="policy"'
            )
        seat = view.brief.seat
        domain = view.brief.domain
        told = self._told.get(domain) or self._told.setdefault(domain, phrases(domain))
        feelings = told.feelings.get((seat, request.emotion or _PLAIN))
        if feelings is None:
            raise AgentError(f"emotion {request.emotion!r} is none of the 28; see `poise.agents.emotions.EMOTIONS28`")
        feeling = _fresh(feelings, view, dice)
        promised = move.kind == "offer" and view.notes.get("promise")
        kind = "firm" if move.firm else "promise" if promised else move.kind
        said = dice.pick(told.moves[seat, kind])
        return Speech(f"{feeling} {said.format(offer=_amount(view, move))}", move)


def _fresh(feelings: tuple[str, ...], view: View, dice: Dice) -> str:
    """A phrase other than the one this seat's last message began with."""
    feeling = dice.pick(feelings)
    if len(view.lines) > 1 and view.lines[-2].text.startswith(feeling):
        return feelings[(feelings.index(feeling) + 1) % len(feelings)]
    return feeling


def _amount(view: View, move: Move) -> str:
    """The number that the move is about; "" for one without."""
    if move.kind == "accept":
        value = view.other_offer
        if value is None:
            raise AgentError("an acceptance where the other side has no offer standing; make an offer instead")
    else:
        value = move.value
    return "" if value is None else with_unit(value, view.brief.unit)
