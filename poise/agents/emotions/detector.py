"""The detector: what emotion a message shows.

Trained on GoEmotions (Demszky et al. 2020) by `python -m poise.training.detector.fit`; how text becomes probabilities
follows `poise.agents.emotions.model`. What a message says of feelings that are courtesy, denied, other people's or
supposed is left out first (`poise.agents.emotions.pragmatics`). Else it reads words on their face: English, short and
informal texts best; irony, and what only the whole negotiation reveals, are beyond it. A question reads as curiosity,
hence partly as surprise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from poise.agents.emotions.artifact import load_detector
from poise.agents.emotions.features import TEXT_LIMIT, normalise
from poise.agents.emotions.model import Model
from poise.agents.emotions.pragmatics import own_feelings
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.common.errors import BadInput

ARTIFACT: Final = Path(__file__).with_name("detector.npz")
MEMO: Final = 4096
_AT_ONCE: Final = 1024  # texts of one matrix product


@dataclass(frozen=True, slots=True)
class Detection:
    """What was read in one message.

    seven:        probabilities of the seven emotions, in the order of EMOTIONS7; they sum to 1.
    twenty_eight: probabilities of the 28 labels, in the order of EMOTIONS28; they sum to 1.
    label:        the likeliest of the 28; neutral where no emotion clears its threshold. The likeliest of the seven is
                  the one that the label belongs to.
    """

    seven: tuple[float, ...]
    twenty_eight: tuple[float, ...]
    label: str


class EmotionReader(Protocol):
    """Reads the emotion in a message, and tells what it cost."""

    def read(self, text: str) -> Detection:
        """What `text` shows."""
        ...

    def spent(self) -> dict[str, float]:
        """What a model's calls cost since this was asked last; {} without a model."""
        ...


class Detector:
    """Reads emotions in text: the same text gives the same detection, from any thread; no text is refused.

    The first 2,000 characters count (`features.TEXT_LIMIT`). The latest readings are remembered by normalised text, in
    which every number is the same, so that a memo serves messages that differ in the offer alone.
    """

    def __init__(self, model: Model, memo: int = MEMO) -> None:
        """Read with `model`, remembering the `memo` latest readings (0: none).

        Raises:
            BadInput: `memo` is negative.
        """
        if memo < 0:
            msg = f"memo={memo}: a detector remembers 0 readings or more"
            raise BadInput(msg)
        self.model = model
        self._remembered = lru_cache(memo)(self._detect)
        self._as_written = lru_cache(memo)(self._read)  # to normalise a text costs several look-ups

    @property
    def remembered(self) -> int:
        """Readings in the memo now."""
        return self._remembered.cache_info().currsize

    def read(self, text: str) -> Detection:
        """What `text` shows."""
        return self._as_written(text) if len(text) <= TEXT_LIMIT else self._read(text)

    def _read(self, text: str) -> Detection:
        return self._remembered(normalise(text))

    def read_many(self, texts: Iterable[str]) -> list[Detection]:
        """What each text shows, in order: what `read` finds, twice as quick for many texts. The memo is not used."""
        normalised = [normalise(text) for text in texts]
        unread = list(dict.fromkeys(normalised))
        found: dict[str, Detection] = {}
        for begin in range(0, len(unread), _AT_ONCE):
            some = unread[begin : begin + _AT_ONCE]
            seven, twenty_eight = self.model.probabilities(self.model.logits_of([own_feelings(text) for text in some]))
            labels = [EMOTIONS28[place] for place in twenty_eight.argmax(axis=1)]
            rows = zip(some, seven.tolist(), twenty_eight.tolist(), labels, strict=True)
            found |= {text: Detection(tuple(of7), tuple(of28), label) for text, of7, of28, label in rows}
        return [found[text] for text in normalised]

    def spent(self) -> dict[str, float]:
        """Nothing: no model is asked."""
        return {}

    def _detect(self, normalised: str) -> Detection:
        seven, twenty_eight = self.model.probabilities(self.model.logits(own_feelings(normalised)))
        label = EMOTIONS28[int(twenty_eight.argmax())]
        return Detection(tuple(seven.tolist()), tuple(twenty_eight.tolist()), label)


@lru_cache(1)
def default_detector() -> Detector:
    """The shipped detector, loaded at the first call and shared by all of this process.

    Raises:
        BadInput: the shipped file is missing or damaged.
    """
    return Detector(load_detector(ARTIFACT))
