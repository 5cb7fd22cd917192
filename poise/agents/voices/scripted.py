"""A voice without a model: it says moves in stock phrases that show their emotion.

What it can say is in `phrases/`: an emotion's phrase, then the move's. It is what LLM-free tournaments speak with, and
its words are read by the same detector as a model's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.types import Request, Speech, View
from poise.games.domains import DOMAINS
from poise.games.errors import AgentError
from poise.games.moves import SEATS, Move, Seat
from poise.games.seeds import Dice

FOLDER: Final = Path(__file__).parent / "phrases"
_PLAIN: Final = "plain"


class Phrases(NamedTuple):
    """What can be said: feelings by seat and emotion ("plain" for none), moves by domain, seat and kind."""

    feelings: Mapping[tuple[Seat, str], tuple[str, ...]]
    moves: Mapping[tuple[str, Seat, str], tuple[str, ...]]


@cache
def phrases() -> Phrases:
    """The phrases of this package, read once."""
    emotions, moves = _read("emotions.toml"), _read("moves.toml")
    return Phrases(
        {
            (seat, emotion): tuple(emotions[emotion]["both"] + emotions[emotion][seat])
            for seat in SEATS
            for emotion in (_PLAIN, *EMOTIONS28)
        },
        {
            (domain, seat, kind): tuple(texts)
            for domain in DOMAINS
            for seat in SEATS
            for kind, texts in moves.get(domain, moves["any"])[seat].items()
        },
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


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
        self._feelings, self._moves = phrases()

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
        feelings = self._feelings.get((seat, request.emotion or _PLAIN))
        if feelings is None:
            raise AgentError(f"emotion {request.emotion!r} is none of the 28; see `poise.agents.emotions.EMOTIONS28`")
        feeling = _fresh(feelings, view, dice)
        kind = "firm" if move.firm else move.kind
        said = dice.pick(self._moves[view.brief.domain, seat, kind])
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
