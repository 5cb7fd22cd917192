"""How a training tells its caller how far it is."""

from __future__ import annotations

from typing import Protocol


class TrainingWatch(Protocol):
    """Shown how far a training is."""

    def begin(self, what: str, total: int, done: int) -> None:
        """`done` of `total` `what` (such as "steps") were finished by earlier runs."""
        ...

    def advance(self, count: int, note: str) -> None:
        """So many more are finished; `note` is a figure worth showing, such as the loss."""
        ...


class Unwatched:
    """A `TrainingWatch` that shows nothing."""

    def begin(self, what: str, total: int, done: int) -> None:
        """Show nothing."""

    def advance(self, count: int, note: str) -> None:
        """Show nothing."""
