"""Two raters who say yes or no to the same things."""

from __future__ import annotations

from dataclasses import dataclass

from poise.games.metrics import wilson


@dataclass(frozen=True, slots=True)
class Counts:
    """The 2 x 2 table of referee against judge: how often each pair of answers was given."""

    both: int = 0
    referee_only: int = 0
    judge_only: int = 0
    neither: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.both + other.both,
            self.referee_only + other.referee_only,
            self.judge_only + other.judge_only,
            self.neither + other.neither,
        )

    @classmethod
    def one(cls, referee: bool, judge: bool) -> Counts:
        """A single pair of answers."""
        return cls(referee and judge, referee and not judge, judge and not referee, not (referee or judge))

    @property
    def total(self) -> int:
        """All pairs of answers."""
        return self.both + self.referee_only + self.judge_only + self.neither

    @property
    def agreed(self) -> int:
        """Pairs of the same answer."""
        return self.both + self.neither

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share of same answers, as if each pair stood for itself."""
        return wilson(self.agreed, self.total)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa (Cohen 1960, Educational and Psychological Measurement 20:37), in [-1, 1].

        kappa = (p_o - p_e) / (1 - p_e), with p_o the share of same answers and p_e what it would be if each rater kept
        to its own share of yes and answered by chance. None where p_e is 1: without answers, or where both always say
        the same thing.
        """
        total = self.total
        if not total:
            return None
        referee, judge = self.both + self.referee_only, self.both + self.judge_only
        chance = referee * judge + (total - referee) * (total - judge)
        if chance == total * total:
            return None
        return (self.agreed * total - chance) / (total * total - chance)
