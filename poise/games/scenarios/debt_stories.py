"""Debt scenarios in words: vocabulary, decks that keep it varied, and the composer of one story.

What the texts are made of is data, in `data/debt/`: `trades/*.json` has, for each line of business, names, what the
business is, what it borrowed for and what went wrong, each written for that business; `phrases.json` the sentences
that fit every business and the orders in which they come; `credit.json` the kinds of credit with their lenders and
securities. People and towns are in `data/names.json`. Sentences hold no numbers but a year and the amount lent, so
that a private target cannot slip into them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from poise.games.scenarios.storytelling import Decks, Teller, names


@dataclass(frozen=True, slots=True)
class Trade:
    """One line of business.

    short:    what a text calls the business after its first mention. names: patterns for its name.
    kinds:    what it is, as noun phrases. equipment, inventory, premises: what it can pledge, "" for nothing.
    purposes: (kind of credit, noun phrase, verb phrase). reasons: (key of `credit.json` reasons, sentence).
    coast:    whether it needs the sea.
    """

    sector: str
    short: str
    names: Sequence[str]
    kinds: Sequence[str]
    purposes: Sequence[tuple[str, str, str]]
    reasons: Sequence[tuple[str, str]]
    equipment: str = ""
    inventory: str = ""
    premises: str = ""
    coast: bool = False


@dataclass(frozen=True, slots=True)
class StoryVocabulary:
    """Everything in `data/debt/`."""

    trades: tuple[Trade, ...]
    credit: Mapping[str, Any]
    phrases: Mapping[str, Any]
    names: Mapping[str, Sequence[str]]


@lru_cache(maxsize=1)
def vocabulary() -> StoryVocabulary:
    """The vocabulary as shipped, read once."""
    folder = Path(__file__).parents[1] / "data" / "debt"
    trades = [
        Trade(**trade)
        for file in sorted((folder / "trades").glob("*.json"))
        for trade in json.loads(file.read_text(encoding="utf-8"))
    ]
    rest = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in _OTHER_FILES}
    return StoryVocabulary(tuple(trades), names=names(), **rest)


_OTHER_FILES = ("credit", "phrases")


@dataclass(frozen=True, slots=True)
class Plot:
    """What one story tells.

    words: fill the placeholders of the phrases; "debtor again" is what the debtor is called once it was named.
    """

    reason: str
    cash: str
    stage: str
    words: Mapping[str, str]


def compose(plot: Plot, decks: Decks) -> str:
    """The story: sentences in the order of a plan; whoever was named before is named briefly."""
    phrases = vocabulary().phrases
    teller = Teller(plot.words.get, same={"it": "debtor"})
    return " ".join(teller.tell(_sentence(part, plot, decks)) for part in decks.deal("plans", phrases["plans"]))


def _sentence(part: str, plot: Plot, decks: Decks) -> str:
    phrases = vocabulary().phrases
    match part:
        case "reason":
            return plot.reason
        case "cash":
            frames: Sequence[str] = phrases["cash"][plot.cash]
            return decks.deal(plot.cash, frames)
        case "stage":
            frames = phrases["stage"][plot.stage]
            return decks.deal(plot.stage, frames)
    if plot.words["place"] in plot.words["debtor"]:  # then no sentence has to name the town again
        part, frames = f"{part} without town", [frame for frame in phrases[part] if "{place}" not in frame]
        return decks.deal(part, frames)
    frames = phrases[part]
    return decks.deal(part, frames)
