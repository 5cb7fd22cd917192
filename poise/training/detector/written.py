"""Negotiation messages written for the detector's training, from the words and sentences in negotiation.toml.

Each word is put into a few of the frames; each sentence is used alone and beside a plain one. The frames are the same
for every label and occur as neutral text too, so that they carry no information.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from poise.agents.emotions.taxonomy import EMOTIONS28, NEUTRAL
from poise.common.seeds import Dice

FILE: Final = Path(__file__).with_name("negotiation.toml")
FRAMES_EACH: Final = 3
"""Frames that a word is put in."""
_ABOUT: Final = (
    "I am writing about {}.",
    "This is about {}.",
    "We are talking about {}.",
    "What about {}?",
    "It concerns {}.",
)


class LabelledText(NamedTuple):
    """A text and its label, one of the 28."""

    text: str
    label: str


def written(seed: int) -> list[LabelledText]:
    """All examples; the same for the same seed."""
    with FILE.open("rb") as file:
        material = tomllib.load(file)
    dice = Dice(seed, "written examples")
    found = [example for label in EMOTIONS28[:-1] for example in _of_label(label, material, dice)]
    return [*found, *_plain(material["plain"], dice)]


def _of_label(label: str, material: dict[str, Any], dice: Dice) -> Iterator[LabelledText]:
    plain, words = material["plain"], material[label]
    for kind in ("feel", "thing"):
        for word in words.get(kind, []):
            for _ in range(FRAMES_EACH):
                frame = dice.pick(material["frames"][kind])
                clause, move = dice.pick(plain["clause"]), dice.pick(plain["move"])
                text = frame.replace("{}", word).replace("{clause}", clause).replace("{move}", move)
                yield LabelledText(text, label)
    for sentence in words["say"]:
        yield LabelledText(sentence, label)
        beside = f"{sentence} {dice.pick(plain['move'])}", f"{dice.pick(plain['say'])} {sentence}"
        yield LabelledText(dice.pick(beside), label)


def _plain(plain: dict[str, list[str]], dice: Dice) -> Iterator[LabelledText]:
    for sentence in (*plain["say"], *plain["move"]):
        yield LabelledText(sentence, NEUTRAL)
        yield LabelledText(f"{sentence} {dice.pick(plain['move'])}", NEUTRAL)
        yield LabelledText(f"{dice.pick(plain['say'])} {sentence}", NEUTRAL)
    for clause in plain["clause"]:
        for frame in _ABOUT:
            yield LabelledText(frame.format(clause), NEUTRAL)
