"""How the tracker's parameters are learned from one negotiation to the next.

Parameters are constant while a negotiation runs, so that its filtering is well defined; a learner takes in the whole
negotiation when it is over and gives the parameters of the next one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import mul
from typing import Any, Final, NamedTuple, Protocol

from poise.agents.emotions.parameters import EMOTION_COUNT, Parameters, checked_table
from poise.agents.emotions.tables import MANNER, Row, Table, stochastic
from poise.common.errors import BadInput

# Below this the products of one step begin to lose digits.
TINY: Final = 1e-250


class LearningStep(NamedTuple):
    """One message of a finished negotiation, as a learner sees it.

    before: the belief before it, 4. seven: what was read, 7. cause: index of the emotion it reacted to.
    reply:  index of the emotion this seat answered with; None where the negotiation ended first.
    """

    before: Row
    seven: Row
    cause: int
    reply: int | None


class ParameterLearner(Protocol):
    """Turns finished negotiations into the parameters of the next."""

    def learn(self, steps: Iterable[LearningStep]) -> Parameters:
        """Take in one negotiation and give the parameters of the next."""
        ...

    def memory(self) -> dict[str, Any]:
        """What was learned, as JSON data."""
        ...

    def restore(self, memory: Mapping[str, Any]) -> Parameters:
        """Go on from `memory`, and give the parameters it stands for."""
        ...


class OnlineEM:
    """Online expectation-maximisation on Dirichlet counts (filtered, in the manner of Cappé 2011, arXiv:0908.2359).

    The expected counts of one message, with L and Z as in `poise.agents.emotions.tracker` and one hidden choice more,
    whether the emotion comes from the mirror or from the character:

        xi[r, s]      = bel(r) T[r, s] L(s) / Z                        transitions; they add up to 1
        mirror[c, d]  = p(d) mix E[c, d] / Z
        character[s, d] = p(d) (1 - mix) R[s, d] pred(s) / Z,          pred(s) = sum_r bel(r) T[r, s]

    After a negotiation n <- decay n + (its expected counts), and row = (strength prior + n) / its sum: a posterior mean
    that forgets, keeps every entry of a positive prior positive, and stays a distribution. The initial belief and `mix`
    stay as they are.

    Differs from the reference: it adds 0.03 to one entry of a row of sum 1 and normalises, which is a prior worth
    1/0.03 observations; `strength` keeps that, and the counts are expected ones instead of those of hard labels.
    """

    def __init__(self, prior: Parameters, strength: float = 1 / 0.03, decay: float = 0.97) -> None:
        if not (strength > 0.0 and 0.0 <= decay <= 1.0):
            raise BadInput(f"strength {strength!r} must be above 0 and decay {decay!r} within 0 to 1")
        self._prior, self._strength, self._decay = prior, strength, decay
        self._now = prior
        self._counts = {name: [[0.0] * len(row) for row in table] for name, table in self._tables().items()}

    def learn(self, steps: Iterable[LearningStep]) -> Parameters:
        """Take in one negotiation and give the parameters of the next."""
        for table in self._counts.values():
            for row in table:
                row[:] = [value * self._decay for value in row]
        causes = tuple(zip(*self._now.emission, strict=True))
        columns = tuple(zip(*self._now.transition, strict=True))
        for step in steps:
            likelihood = [sum(map(mul, step.seven, row)) for row in causes[step.cause]]
            reached = [sum(map(mul, step.before, column)) for column in columns]
            evidence = sum(map(mul, reached, likelihood))
            if TINY < evidence < math.inf:
                self._count(step, [seen / evidence for seen in likelihood], [due / evidence for due in reached])
        return self._update()

    def _count(self, step: LearningStep, seen: list[float], reached: list[float]) -> None:
        """Add one message's expected counts; `seen` is L(s) / Z and `reached` is pred(s) / Z."""
        now, counts = self._now, self._counts
        for row, moves, before in zip(counts["transition"], now.transition, step.before, strict=True):
            row[:] = [n + before * move * up for n, move, up in zip(row, moves, seen, strict=True)]
        for row, own, due in zip(counts["character"], now.character, reached, strict=True):
            share = (1.0 - now.mix) * due
            row[:] = [n + share * value * p for n, value, p in zip(row, own, step.seven, strict=True)]
        row, mirrored = counts["mirror"][step.cause], now.mirror[step.cause]
        share = now.mix * sum(reached)
        row[:] = [n + share * value * p for n, value, p in zip(row, mirrored, step.seven, strict=True)]

    def _update(self) -> Parameters:
        rows = {name: tuple(map(self._posterior, table, self._counts[name])) for name, table in self._tables().items()}
        self._now = replace(
            self._prior, transition=rows["transition"], mirror=rows["mirror"], character=rows["character"]
        )
        return self._now

    def _tables(self) -> dict[str, Table]:
        prior = self._prior
        return {"transition": prior.transition, "mirror": prior.mirror, "character": prior.character}

    def _posterior(self, prior: Row, counted: list[float]) -> Row:
        if not any(counted):
            return prior
        row = [self._strength * p + n for p, n in zip(prior, counted, strict=True)]
        total = sum(row)
        return tuple([value / total for value in row])

    def memory(self) -> dict[str, Any]:
        """The counts, as JSON data."""
        return {name: [list(row) for row in table] for name, table in self._counts.items()}

    def restore(self, memory: Mapping[str, Any]) -> Parameters:
        """Go on from `memory`, and give the parameters it stands for."""
        for name, table in self._tables().items():
            checked = checked_table(memory.get(name), name, len(table), len(table[0]))
            self._counts[name] = [list(row) for row in checked]
        return self._update()


class ReleasedCounts:
    """The release's learning: 0.03 onto E[reply, d] and onto its table of own emotions, rows normalised each time.

    Differs from `OnlineEM`: it counts the likeliest emotion d against this seat's *reply* to it rather than against
    what it reacted to, its prior is forgotten with every count, and the belief does not depend on what it learns
    (see the tracker). The second table, `manner`, is learned and kept but read by nothing, as in the release.
    """

    STEP: Final = 0.03

    def __init__(self, prior: Parameters) -> None:
        self._now = prior
        self._manner = MANNER

    def learn(self, steps: Iterable[LearningStep]) -> Parameters:
        """Take in one negotiation and give the parameters of the next."""
        mirror, manner = [list(row) for row in self._now.mirror], [list(row) for row in self._manner]
        for step in steps:
            if step.reply is None:
                continue
            for row, index in (
                (mirror[step.reply], step.seven.index(max(step.seven))),
                (manner[step.cause], step.reply),
            ):
                row[index] += self.STEP
                row[:] = [value / (1.0 + self.STEP) for value in row]
        self._manner = stochastic(manner)
        self._now = replace(self._now, mirror=stochastic(mirror))
        return self._now

    def memory(self) -> dict[str, Any]:
        """The two learned tables, as JSON data."""
        return {"mirror": [list(row) for row in self._now.mirror], "manner": [list(row) for row in self._manner]}

    def restore(self, memory: Mapping[str, Any]) -> Parameters:
        """Go on from `memory`, and give the parameters it stands for."""
        tables = [checked_table(memory.get(n), n, EMOTION_COUNT, EMOTION_COUNT) for n in ("mirror", "manner")]
        self._now, self._manner = replace(self._now, mirror=tables[0]), tables[1]
        return self._now
