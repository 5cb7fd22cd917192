"""The names of the emotions and the maps between them: 28 to act with, 7 to track.

The 28 are the labels of GoEmotions (Demszky et al. 2020, https://aclanthology.org/2020.acl-main.372), in the order of
its label file; the 7 are Ekman's six basic emotions and neutral. The map from 28 to 7 is the one published with the
data. Every label belongs to exactly one of the seven.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from poise.common.errors import BadInput
from poise.common.words import did_you_mean

EMOTIONS7: Final = ("joy", "sadness", "anger", "fear", "surprise", "disgust", "neutral")
EMOTIONS28: Final = (
    "admiration",
    "amusement",
    "anger",
    "annoyance",
    "approval",
    "caring",
    "confusion",
    "curiosity",
    "desire",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "excitement",
    "fear",
    "gratitude",
    "grief",
    "joy",
    "love",
    "nervousness",
    "optimism",
    "pride",
    "realization",
    "relief",
    "remorse",
    "sadness",
    "surprise",
    "neutral",
)
NEUTRAL: Final = "neutral"
NEGATIVE7: Final = frozenset({"sadness", "anger", "fear", "disgust"})

_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "joy": (
            "admiration",
            "amusement",
            "approval",
            "caring",
            "desire",
            "excitement",
            "gratitude",
            "joy",
            "love",
            "optimism",
            "pride",
            "relief",
        ),
        "sadness": ("disappointment", "embarrassment", "grief", "remorse", "sadness"),
        "anger": ("anger", "annoyance", "disapproval"),
        "fear": ("fear", "nervousness"),
        "surprise": ("confusion", "curiosity", "realization", "surprise"),
        "disgust": ("disgust",),
        "neutral": ("neutral",),
    }
)
TO_SEVEN: Final[Mapping[str, str]] = MappingProxyType(
    {label: seven for seven, labels in _MEMBERS.items() for label in labels}
)
# For each of the 28, in order, the index of its one of the seven.
SEVEN_INDEX: Final = tuple(EMOTIONS7.index(TO_SEVEN[label]) for label in EMOTIONS28)
INDEX_OF: Final[Mapping[str | None, int]] = MappingProxyType(dict(zip(EMOTIONS28, SEVEN_INDEX, strict=True)))


def to_seven(label: str) -> str:
    """The one of the seven that `label` (one of the 28, or already one of the 7) belongs to.

    Raises:
        BadInput: `label` is no emotion.
    """
    # Every name of the seven is also a label of the 28 and maps to itself, so one table serves both.
    seven = TO_SEVEN.get(label)
    if seven is None:
        hint = did_you_mean(label, EMOTIONS28)
        raise BadInput(f"{label!r} is not an emotion; {hint}say one of: {', '.join(EMOTIONS28)}")
    return seven


def members(seven: str) -> tuple[str, ...]:
    """The labels of the 28 that belong to `seven`, in the order of the 28.

    Raises:
        BadInput: `seven` is none of the seven.
    """
    if seven not in _MEMBERS:
        hint = did_you_mean(seven, EMOTIONS7)
        raise BadInput(f"{seven!r} is none of the seven emotions; {hint}say one of: {', '.join(EMOTIONS7)}")
    return _MEMBERS[seven]


def is_negative(label: str) -> bool:
    """Whether `label` (of the 28 or the 7) belongs to sadness, anger, fear or disgust.

    Raises:
        BadInput: `label` is no emotion.
    """
    return to_seven(label) in NEGATIVE7


def pool_to_seven(twenty_eight: Sequence[float]) -> tuple[float, ...]:
    """Probabilities of the seven (EMOTIONS7) by adding those of their members (`twenty_eight`, EMOTIONS28).

    Raises:
        BadInput: there are not 28 numbers.
    """
    if len(twenty_eight) != len(EMOTIONS28):
        msg = f"{len(twenty_eight)} numbers where 28 are due, one for each label of EMOTIONS28"
        raise BadInput(msg)
    pooled = [0.0] * len(EMOTIONS7)
    for index, value in zip(SEVEN_INDEX, twenty_eight, strict=True):
        pooled[index] += value
    return tuple(pooled)
