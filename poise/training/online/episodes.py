"""One finished negotiation as training sees it, and its value by the papers' measures."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class EpisodeStep(NamedTuple):
    """One message of the creditor: the emotion it had shown before, the one it had heard, the one it showed.

    Indices in EMOTIONS7; neutral where there was none before.
    """

    own: int
    heard: int
    shown: int


@dataclass(frozen=True, slots=True)
class Episode:
    """One finished negotiation, seen by the creditor.

    utility:  the creditor's, in [0, 1]; 0 without a deal.
    messages: exchanged by both seats, at least 1.
    value:    the deal's (scenario units), None without a deal.
    target:   the creditor's own (scenario units).
    steps:    the creditor's messages, oldest first.
    """

    utility: float
    deal: bool
    messages: int
    value: int | None
    target: int
    steps: tuple[EpisodeStep, ...] = ()


def evoemo_fitness(episode: Episode) -> float:
    """100 u / (1 + ln(n + 1)) for a deal, 0 without; in [0, 100)."""
    return 100.0 * episode.utility / (1.0 + math.log(episode.messages + 1)) if episode.deal else 0.0


def evoemo_released_fitness(episode: Episode) -> float:
    """The release's: 100 max(0, (x_c - x) / x_c) / (1 + ln(n + 1)) / (1 + 0.1 m), 0 without a deal.

    x is the deal's value, x_c the creditor's target, m its number of messages. Zero wherever x >= x_c.
    """
    if not episode.deal or episode.value is None:
        return 0.0
    saved = max(0.0, (episode.target - episode.value) / episode.target) if episode.target > 0 else 0.5
    return 100.0 * saved / (1.0 + math.log(episode.messages + 1)) / (1.0 + 0.1 * len(episode.steps))


def emodebt_reward(episode: Episode) -> float:
    """Value u / (1 + ln n) for a deal, -1 without; in [-1, 1]."""
    return episode.utility / (1.0 + math.log(episode.messages)) if episode.deal else -1.0


def emodebt_released_reward(episode: Episode) -> float:
    """The release's: -100 ln(n) / x for a deal at x, -180 without. It grows with x."""
    if not episode.deal or episode.value is None:
        return -180.0
    return -100.0 * math.log(episode.messages) / max(1, episode.value)


def mean(values: Iterable[float]) -> float:
    """The mean, summed exactly, so that the order does not matter; 0 without values."""
    listed = list(values)
    return math.fsum(listed) / len(listed) if listed else 0.0
