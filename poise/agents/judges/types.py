"""What a judge is shown, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from poise.games.moves import Seat


@dataclass(frozen=True, slots=True)
class Exchange:
    """Two messages in a row, as both sides see them: the words, and neither the moves behind them nor any target.

    said:      (seat, text) of the message before the last, and of the last.
    domain:    names the roles of the seats. unit: of the numbers.
    tolerance: numbers this far apart count as the same (scenario units).
    """

    said: tuple[tuple[Seat, str], tuple[Seat, str]]
    domain: str
    unit: str
    tolerance: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the two messages are an agreement.

    agreed: None where no answer could be used. unjudged: why, in that case.
    usage:  what the answer cost, as `poise.agents.models.calls.Reply.usage`; {} without a model.
    """

    agreed: bool | None
    unjudged: str = ""
    usage: Mapping[str, float] = field(default_factory=dict)


class Judge(Protocol):
    """Judges an exchange; the same exchange gets the same verdict, as far as its model allows."""

    def judge(self, exchange: Exchange) -> Verdict:
        """The verdict. Raises ModelDown and ModelMissing; any other failure is a verdict without an answer."""
        ...
