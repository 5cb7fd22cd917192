"""Debtors with a character: a persona, its mood, and the policy that plays it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from operator import mul
from pathlib import Path
from typing import Any, Final

from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.agents.protocols import View
from poise.common.seeds import Dice
from poise.games.transcript import Reading

FOLDER: Final = Path(__file__).parent  # one TOML file a persona


@cache
def persona_names() -> tuple[str, ...]:
    """The personas that come with Poise, `vanilla` first."""
    names = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return tuple(sorted(names, key=lambda name: name != "vanilla"))


@dataclass(frozen=True, slots=True)
class Reaction:
    """How far an emotion, read with certainty, pulls the mood when that is -1, 0 and 1, and why."""

    bad: float
    even: float
    good: float
    why: str


@dataclass(frozen=True, slots=True)
class Band:
    """The emotions (of the 28) shown while the mood is below `below`, with their weights."""

    below: float
    emotions: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MoodReach:
    """How the concession follows the mood.

    beta:     shape over time (Faratin et al. 1998): below 1 holds out, 1 is even, above 1 gives early.
    patience: share of the negotiation after which everything the mood allows has been conceded, in (0, 1].
    bad, even, good: the largest fraction conceded of the way to the other side's first offer, at moods -1, 0 and 1.
    """

    beta: float
    patience: float
    bad: float
    even: float
    good: float

    def at(self, mood: float) -> float:
        """The reach at `mood`: linear between the three."""
        return self.even + mood * (self.good - self.even if mood > 0 else self.even - self.bad)


@dataclass(frozen=True, slots=True)
class Walk:
    """Leaves once the mood was at or below `mood` for `messages` messages running."""

    mood: float
    messages: int


@dataclass(frozen=True, slots=True)
class Renege:
    """Breaks a promise once: takes back `share` of what was conceded, with its own message number `message`.

    It does so only while the mood is below `below`. The message before, the promise, shows the emotion `promise`.
    Message numbers count the debtor's own from 0.
    """

    message: int
    share: float
    below: float
    promise: str


@dataclass(frozen=True, slots=True)
class Persona:
    """A debtor's character; see the module's head for the mood and the file of `vanilla` for every setting.

    name:       the file's name without its ending.
    text:       what a model learns of its character.
    strategy:   how it bargains in words: threats, blame, hardship, silence, or "" for none.
    start_mood: the mood at the first word.
    rest_mood:  the mood it drifts to when nothing moves it.
    inertia:    share of the mood that stays from one message to the next, in [0, 1).
    reactions:  in the order of EMOTIONS7.
    bands:      from the worst mood to the best; the last holds for every mood above the others.
    """

    name: str
    summary: str
    text: str
    start_mood: float
    rest_mood: float
    inertia: float
    reactions: tuple[Reaction, ...]
    bands: tuple[Band, ...]
    concession: MoodReach
    walk: Walk | None = None
    renege: Renege | None = None
    strategy: str = ""
    _even: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _rise: tuple[float, ...] = field(init=False, repr=False, compare=False)
    _fall: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_even", tuple(each.even for each in self.reactions))
        object.__setattr__(self, "_rise", tuple(each.good - each.even for each in self.reactions))
        object.__setattr__(self, "_fall", tuple(each.even - each.bad for each in self.reactions))

    def feel(self, mood: float, reading: Reading) -> float:
        """The mood after reading the other side's message, in [-1, 1]."""
        seen = reading.emotions
        slope = self._rise if mood > 0 else self._fall
        pull: float = self.rest_mood + sum(map(mul, seen, self._even)) + mood * sum(map(mul, seen, slope))
        pull = max(-1.0, min(1.0, pull))
        return self.inertia * mood + (1 - self.inertia) * pull

    def moods(self, readings: Sequence[Reading]) -> list[float]:
        """The mood after each of `readings`, from the start of the negotiation."""
        mood, moods = self.start_mood, []
        for reading in readings:
            mood = self.feel(mood, reading)
            moods.append(mood)
        return moods

    def reaction(self, emotion: str) -> Reaction:
        """The reaction to one of the seven."""
        return self.reactions[EMOTIONS7.index(emotion)]

    def settings(self) -> dict[str, Any]:
        """JSON data that identifies the persona: two that behave alike are equal, whatever their comments say."""
        data = asdict(self)
        for derived in ("_even", "_rise", "_fall", "summary"):
            del data[derived]
        if not self.strategy:
            del data["strategy"]
        for reaction in data["reactions"]:
            del reaction["why"]
        plain: dict[str, Any] = json.loads(json.dumps(data))  # tuples become lists, as they would on the way back
        return plain


@dataclass(frozen=True, slots=True)
class PersonaPolicy:
    """The persona's own choice of what to show: drawn by weight from the band its mood lies in."""

    persona: Persona

    def note(self, view: View, dice: Dice) -> dict[str, Any]:  # noqa: ARG002 - mood and clock decide
        """{"promise": True} for the message that makes the promise to be broken, so that the voice says it."""
        return {"promise": True} if self._promises(view) else {}

    def _promises(self, view: View) -> bool:
        renege = self.persona.renege
        return renege is not None and view.index // 2 == renege.message - 1 and view.mood < renege.below

    def choose(self, view: View, dice: Dice) -> str:
        """One of the 28; the promise that will be broken shows its own emotion."""
        renege = self.persona.renege
        if renege and self._promises(view):
            return renege.promise
        bands = self.persona.bands
        band = next((each for each in bands[:-1] if view.mood < each.below), bands[-1])
        return band.emotions[dice.weighted(band.weights)] if len(band.emotions) > 1 else band.emotions[0]
