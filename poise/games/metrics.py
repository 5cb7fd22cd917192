"""What negotiations are measured by, computed from transcripts alone.

Definitions (x is the deal's value, x_c and x_d the two targets, in the scenario's unit):

    savings          u = clip((x_d - x) / (x_d - x_c), 0, 1), the creditor's; the debtor's is 1 - u. Signed, so that it
                     holds whichever side wants more of the unit.
    utility          the referee's: savings times the discount of the deal, 0 without a deal. Without a discount its
                     mean is success rate * mean savings over deals.
    success rate     deals / negotiations, with the Wilson interval.
    collection rate  mean of min(1, x_c / x), 0 without a deal. Compare by utility instead: x_c is small beside what
                     debts settle at, so this rate hardly moves.
    debt multiple    x / x_c over deals.
    rounds           messages exchanged.
    promises         offers that a seat gives its word on; broken when a later offer of it gives the other side less,
                     or when it walks away.

Differs from the reference: where the creditor wants more of the unit than the debtor (x_c > x_d), x_c / x is at least 1
for every deal between the targets, so the collection rate takes x / x_c there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from poise.common.errors import BadInput
from poise.games.moves import SEATS, Seat
from poise.games.transcript import Transcript


def savings(value: float, creditor_target: int, debtor_target: int) -> float:
    """The creditor's share of the gap at `value`, in [0, 1]; the debtor's is the rest (targets differ)."""
    share = (debtor_target - value) / (debtor_target - creditor_target)
    return min(1.0, max(0.0, share))


def collection(value: float, creditor_target: int, debtor_target: int) -> float:
    """How much of its target the creditor got, in [0, 1], whichever side wants more of the unit."""
    if debtor_target > creditor_target:
        return 1.0 if value <= creditor_target else creditor_target / value
    return 1.0 if value >= creditor_target else value / creditor_target


def debt_multiple(value: float, creditor_target: int) -> float | None:
    """The deal as a multiple of the creditor's target; None where that target is 0."""
    return value / creditor_target if creditor_target else None


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a rate (Wilson 1927, JASA 22:209-212); (0, 1) when nothing was tried.

    Raises BadInput for successes outside 0..trials or a confidence outside (0, 1).
    """
    if not 0 <= successes <= trials:
        raise BadInput(f"{successes} successes in {trials} trials; give 0 to {trials}")
    low, high = wilson_of(successes / max(1, trials), max(1, trials), confidence)
    return (low, high) if trials else (0.0, 1.0)


def wilson_of(rate: float, size: float, confidence: float = 0.95) -> tuple[float, float]:
    """The same from a rate in [0, 1] and a sample size > 0, which need not be whole (an effective one).

    Raises BadInput for a rate, a size or a confidence outside these bounds.
    """
    from statistics import NormalDist

    if not 0 < confidence < 1:
        raise BadInput(f"confidence {confidence} is outside 0 to 1; the usual one is 0.95")
    if not (0 <= rate <= 1 and size > 0):
        raise BadInput(f"rate {rate} of {size}; give a rate from 0 to 1 and a size above 0")
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    centre = rate + z2 / (2 * size)
    spread = math.sqrt(z2 * (rate * (1 - rate) + z2 / (4 * size)) / size)
    low = 0.0 if rate == 0 else (centre - spread) / (1 + z2 / size)
    high = 1.0 if rate == 1 else (centre + spread) / (1 + z2 / size)
    return low, high


@dataclass(frozen=True, slots=True)
class Score:
    """One negotiation in numbers; pairs are (creditor, debtor).

    utilities: the referee's, discounted, 0 without a deal. savings: undiscounted, 0 without a deal.
    collection: in [0, 1], 0 without a deal. debt_multiple: None without a deal or with a creditor target of 0.
    """

    deal: bool
    utilities: tuple[float, float]
    savings: tuple[float, float]
    collection: float
    debt_multiple: float | None
    rounds: int


def score(transcript: Transcript) -> Score:
    """The numbers of one negotiation; one that failed counts as one without a deal."""
    scenario, outcome, rounds = transcript.scenario, transcript.outcome, len(transcript.messages)
    if outcome.ending != "deal" or outcome.value is None:
        return Score(False, (0.0, 0.0), (0.0, 0.0), 0.0, None, rounds)
    targets = scenario.creditor_target, scenario.debtor_target
    share = savings(outcome.value, *targets)
    return Score(
        deal=True,
        utilities=outcome.utilities,
        savings=(share, 1 - share),
        collection=collection(outcome.value, *targets),
        debt_multiple=debt_multiple(outcome.value, targets[0]),
        rounds=rounds,
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """Many negotiations in numbers, seen from one seat.

    success_interval: Wilson, 95 %. utility, collection_rate and rounds are means over all negotiations, savings and
    debt_multiple over deals (None without any). All means are 0 when there are no negotiations.
    """

    seat: Seat
    negotiations: int
    deals: int
    success_rate: float
    success_interval: tuple[float, float]
    utility: float
    savings: float | None
    collection_rate: float
    debt_multiple: float | None
    rounds: float


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0


def summarise(scores: Iterable[Score], seat: Seat = "creditor") -> Summary:
    """The metrics of many negotiations, seen from `seat`; the order of `scores` does not matter."""
    scores = list(scores)
    side = SEATS.index(seat)
    deals = [one for one in scores if one.deal]
    multiples = [one.debt_multiple for one in deals if one.debt_multiple is not None]
    return Summary(
        seat=seat,
        negotiations=len(scores),
        deals=len(deals),
        success_rate=len(deals) / len(scores) if scores else 0.0,
        success_interval=wilson(len(deals), len(scores)),
        utility=_mean([one.utilities[side] for one in scores]),
        savings=_mean([one.savings[side] for one in deals]) if deals else None,
        collection_rate=_mean([one.collection for one in scores]),
        debt_multiple=_mean(multiples) if multiples else None,
        rounds=_mean([one.rounds for one in scores]),
    )
