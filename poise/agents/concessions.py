"""Concessions: what to offer, and when to accept.

A seat never learns the other's target. It concedes from its own opening towards the other side's *first* offer; how
far along that way it is, is the conceded fraction, in [0, 1].

Every concession here
- opens beside its target, never on it, and never says the number of its target in an offer;
- stays on the grid and within the bounds, and rounds in its own favour;
- accepts when what stands against it is at least as good as what it would offer now (AC_next, Baarslag et al. 2013,
  https://doi.org/10.1007/978-3-642-30737-9_1);
- never takes an offer back, but for a persona that breaks a promise (`Renege`), which does it once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from poise.agents.personas.persona import Persona
from poise.agents.protocols import Brief, Concession, View
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.common.words import did_you_mean
from poise.games.moves import ACCEPT, FORFEIT, WALK, Move, offer, other

REACH: Final = 0.65  # an agent without a character gives up to two thirds of the way, so that two of them can meet


def opening(brief: Brief) -> int | None:
    """The first offer: the possible offer next to the target on the conceding side, else on the demanding side.

    The target itself is never said, even where it is the only possible offer: then there is no opening (None).
    """
    return _beside(brief.target, brief.bounds, brief.rules.grid, brief.direction)


@lru_cache(maxsize=4096)
def _beside(target: int, bounds: tuple[int, int], grid: int, ahead: int) -> int | None:
    low, high = bounds
    steps = (target - low) / grid
    up, down = low + grid * (math.floor(steps) + 1), low + grid * (math.ceil(steps) - 1)
    near, far = (up, down) if ahead > 0 else (down, up)
    return next((value for value in (near, far) if low <= value <= high), None)


class ConcessionPosition(NamedTuple):
    """Where a seat stands (scenario units).

    start:    its opening. ahead: +1 where conceding raises its offer, -1 where it lowers it.
    conceded: how far its standing offer lies from the opening, >= 0.
    way:      how far the other side's first offer lies from the opening, 0 where there is none or it is past it.
    theirs:   what stands against it, None for nothing.
    """

    start: int
    ahead: int
    conceded: int
    way: int
    theirs: int | None


def position(view: View) -> ConcessionPosition | None:
    """Where the seat of `view` stands; None when it has nothing to open with."""
    brief = view.brief
    start, ahead = opening(brief), brief.direction
    if start is None:
        return None
    mine, theirs = view.own_offer, view.other_offer
    conceded = 0 if mine is None else max(0, ahead * (mine - start))
    if theirs is None:
        return ConcessionPosition(start, ahead, conceded, 0, None)
    first = next(line.move.value for line in view.lines if line.seat != brief.seat and line.move.value is not None)
    return ConcessionPosition(start, ahead, conceded, max(0, ahead * (first - start)), theirs)


def progress(view: View) -> float:
    """How much of this seat's messages are behind it: 0 at its first, 1 at the last it can make."""
    last = (view.brief.rules.max_messages - 1 - view.index % 2) // 2
    return min(1.0, (view.index // 2) / last) if last > 0 else 1.0


def reply(brief: Brief, at: ConcessionPosition, distance: float) -> Move:
    """Offer what lies `distance` (scenario units) from the opening, or accept what is at least as good."""
    step = at.ahead * brief.rules.grid
    wanted = at.start + step * math.floor(distance / brief.rules.grid + 1e-9)
    if wanted == brief.target:  # happens only where the bounds forced the opening to the demanding side
        wanted -= step
    if at.theirs is not None and at.ahead * (wanted - at.theirs) >= 0:
        return ACCEPT
    return offer(wanted)


@dataclass(frozen=True, slots=True)
class TimeDependent:
    """Concede by the clock (Faratin, Sierra & Jennings 1998, https://doi.org/10.1016/S0921-8890(98)00029-3).

        F(t) = kappa + (1 - kappa) (min(t, T) / T)^(1 / beta)

    with t / T the share of the seat's own messages behind it. beta < 1 is boulware (holds out), 1 linear, > 1 conceder.
    The fraction conceded is reach * F(t).

    Differs from the reference: the paper concedes towards a private reservation value, which scenarios do not have;
    here it is `reach` of the way to the other side's first offer. kappa takes effect once that offer is known.
    """

    beta: float = 1.0
    reach: float = REACH
    kappa: float = 0.0

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise AgentError(f"beta {self.beta} is not above 0; use below 1 to hold out, above 1 to give early")
        _check_share("reach", self.reach)
        _check_share("kappa", self.kappa)

    def fraction(self, share: float) -> float:
        """F, with `share` = min(t, T) / T in [0, 1]."""
        return self.kappa + (1 - self.kappa) * math.pow(share, 1 / self.beta)

    def decide(self, view: View, dice: Dice) -> Move:  # noqa: ARG002 - the clock needs no dice
        """The offer due now, or acceptance."""
        at = position(view)
        if at is None:
            return FORFEIT
        due = self.reach * self.fraction(progress(view)) * at.way
        return reply(view.brief, at, max(due, at.conceded))


@dataclass(frozen=True, slots=True)
class TitForTat:
    """Give what was given (behaviour-dependent tactics, Faratin et al. 1998, https://doi.org/10.1016/S0921-8890(98)00029-3).

    Absolute: concede by as many units as the other side just did. Relative: by the same share of the gap that was open
    at the time. No more is conceded in all than `reach` of the way to the other side's first offer. A seat that has
    nothing to answer yet takes a first step of `first_step` of the gap, so that two of a kind do not wait for ever.

    Differs from the reference: the paper's relative tactic multiplies by a ratio of prices, which depends on where
    zero lies; shares of the gap do not. The other side's retreats are not imitated.
    """

    relative: bool = False
    reach: float = 0.8
    first_step: float = 0.1

    def __post_init__(self) -> None:
        _check_share("reach", self.reach)
        _check_share("first_step", self.first_step)

    def decide(self, view: View, dice: Dice) -> Move:  # noqa: ARG002 - the other side's moves are all it needs
        """The answer in kind, or acceptance."""
        at = position(view)
        if at is None:
            return FORFEIT
        due = min(at.conceded + self._step(view, at), self.reach * at.way)
        return reply(view.brief, at, max(due, at.conceded))

    def _step(self, view: View, at: ConcessionPosition) -> float:
        """How much more to concede now (scenario units, >= 0)."""
        brief, mine = view.brief, view.own_offer
        theirs = view.offers(other(brief.seat))
        if mine is None or not theirs or view.lines[-1].move.value is None:
            return 0.0
        gap = max(0, at.ahead * (theirs[-1] - mine))
        if len(theirs) == 1:
            return max(brief.rules.grid, self.first_step * gap) if self.first_step else 0.0
        given = max(0, at.ahead * (theirs[-2] - theirs[-1]))
        if not self.relative:
            return given
        share = given / (given + gap) if given else 0.0
        return round(share * gap / brief.rules.grid) * brief.rules.grid


@dataclass(frozen=True, slots=True)
class MoodConcession:
    """A persona's concession: by the clock, as far as the mood allows, and away when it has had enough.

    The fraction conceded is reach(mood) * min(1, t / (patience T))^(1 / beta). A mood that turns sour stops the
    concession where it stands. A persona with `Renege` takes back a share of what it conceded, once; from then on it is
    the lower curve that counts.
    """

    persona: Persona

    def decide(self, view: View, dice: Dice) -> Move:  # noqa: ARG002 - the mood and the clock decide
        """The offer that mood and clock allow, acceptance, or walking away."""
        if self._leaves(view):
            return WALK
        at = position(view)
        if at is None:
            return FORFEIT
        settings = self.persona.concession
        share = math.pow(min(1.0, progress(view) / settings.patience), 1 / settings.beta)
        due = settings.at(view.mood) * share * at.way
        return reply(view.brief, at, self._allowed(view, due, at.conceded))

    def _leaves(self, view: View) -> bool:
        walk = self.persona.walk
        if walk is None or view.mood > walk.mood or len(view.readings) < walk.messages:
            return False
        # Moods are not in the view: they follow from the readings, and are worked out only where they can matter.
        return all(mood <= walk.mood for mood in self.persona.moods(view.readings)[-walk.messages :])

    def _allowed(self, view: View, due: float, before: int) -> float:
        """`due`, held to what was offered before, and less what a broken promise has taken back (scenario units)."""
        renege, turn = self.persona.renege, view.index // 2
        if renege is None or turn < renege.message:
            return max(due, before)
        if turn == renege.message:
            return before * (1 - renege.share) if view.mood < renege.below else max(due, before)
        return max(due - _taken_back(view, renege.message), before)


def _taken_back(view: View, message: int) -> int:
    """By how much this seat's own message number `message` stepped back from its offer before (scenario units)."""
    own = [line.move.value for line in view.lines[view.index % 2 : 2 * message + 2 : 2]]
    kept, promised = own[-1], next((value for value in reversed(own[:-1]) if value is not None), None)
    return 0 if kept is None or promised is None else max(0, view.brief.direction * (promised - kept))


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise AgentError(
            f"{name} {value} is outside 0 to 1; it is a fraction of the way to the other side's first offer"
        )


CONCESSIONS: Final[Mapping[str, Callable[[], Concession]]] = MappingProxyType(
    {
        "boulware": lambda: TimeDependent(beta=0.25),
        "last-minute": lambda: TimeDependent(beta=0.05, reach=1.0),
        "linear": TimeDependent,
        "conceder": lambda: TimeDependent(beta=4.0),
        "tit-for-tat": TitForTat,
        "relative-tit-for-tat": lambda: TitForTat(relative=True),
    }
)


# Rivals of `linear` where emotion plays no part: by the clock, holding out and giving early, and by what the other side
# does.
BLIND: Final = (
    *(f"clock:{beta}:{reach}" for beta in (0.1, 0.25, 0.5, 0.75, 1.5, 2) for reach in (0.4, 0.65, 1)),
    "last-minute",
    "clock:1:0",
    "tit-for-tat",
    "relative-tit-for-tat",
)
_CLOCK: Final = "clock:"


def named_concession(name: str) -> Concession:
    """The concession of that name, with its usual settings; `clock:BETA:REACH` is `TimeDependent` with these.

    Raises AgentError with the names there are, or where a number is refused.
    """
    if name.startswith(_CLOCK):
        try:
            beta, reach = map(float, name.removeprefix(_CLOCK).split(":"))
        except ValueError:
            raise AgentError(
                f"concession {name!r} is not clock:BETA:REACH with two numbers, such as clock:0.5:0.65"
            ) from None
        return TimeDependent(beta, reach)
    if name not in CONCESSIONS:
        hint = did_you_mean(name, CONCESSIONS)
        raise AgentError(
            f"no concession is called {name!r}; {hint}there are {', '.join(CONCESSIONS)}, clock:BETA:REACH"
        )
    return CONCESSIONS[name]()
