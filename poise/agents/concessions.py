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

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from poise.agents.personas import Persona
from poise.agents.types import Brief, Concession, View
from poise.games.errors import AgentError
from poise.games.moves import ACCEPT, FORFEIT, WALK, Move, offer, other
from poise.games.seeds import Dice

REACH: Final = 0.65  # an agent without a character gives up to two thirds of the way, so that two of them can meet


def opening(brief: Brief) -> int | None:
    """The first offer: the possible offer next to the target on the conceding side, else on the demanding side.

    The target itself is never said, even where it is the only possible offer: then there is no opening (None).
    """
    low, high = brief.bounds
    grid, ahead = brief.rules.grid, brief.direction
    steps = (brief.target - low) / grid
    up, down = low + grid * (math.floor(steps) + 1), low + grid * (math.ceil(steps) - 1)
    near, far = (up, down) if ahead > 0 else (down, up)
    return next((value for value in (near, far) if low <= value <= high), None)


def progress(view: View) -> float:
    """How much of this seat's messages are behind it: 0 at its first, 1 at the last it can make."""
    seat_offset = view.index % 2
    last = (view.brief.rules.max_messages - 1 - seat_offset) // 2
    return min(1.0, (view.index // 2) / last) if last > 0 else 1.0


def way(view: View, start: int) -> int:
    """How far it is from the opening `start` to the other side's first offer (scenario units, >= 0)."""
    them = other(view.brief.seat)
    for line in view.lines:
        if line.seat == them and line.move.value is not None:
            return max(0, view.brief.direction * (line.move.value - start))
    return 0


def conceded(view: View, start: int) -> int:
    """How far this seat's standing offer lies from its opening `start` (scenario units, >= 0)."""
    mine = view.own_offer
    return 0 if mine is None else max(0, view.brief.direction * (mine - start))


def reply(view: View, start: int, distance: float) -> Move:
    """Offer what lies `distance` (scenario units) from the opening `start`, or accept what is at least as good."""
    brief = view.brief
    step = brief.direction * brief.rules.grid
    wanted = start + step * math.floor(distance / brief.rules.grid + 1e-9)
    if wanted == brief.target:  # happens only where the bounds forced the opening to the demanding side
        wanted -= step
    theirs = view.other_offer
    if theirs is not None and brief.direction * (wanted - theirs) >= 0:
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
        start = opening(view.brief)
        if start is None:
            return FORFEIT
        due = self.reach * self.fraction(progress(view)) * way(view, start)
        return reply(view, start, max(due, conceded(view, start)))


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
        start = opening(view.brief)
        if start is None:
            return FORFEIT
        before = conceded(view, start)
        due = min(before + self._step(view), self.reach * way(view, start))
        return reply(view, start, max(due, before))

    def _step(self, view: View) -> float:
        """How much more to concede now (scenario units, >= 0)."""
        brief, mine = view.brief, view.own_offer
        theirs = view.offers(other(brief.seat))
        if mine is None or not theirs or view.lines[-1].move.value is None:
            return 0.0
        gap = max(0, brief.direction * (theirs[-1] - mine))
        if len(theirs) == 1:
            return max(brief.rules.grid, self.first_step * gap) if self.first_step else 0.0
        given = max(0, brief.direction * (theirs[-2] - theirs[-1]))
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
        start = opening(view.brief)
        if start is None:
            return FORFEIT
        settings = self.persona.concession
        share = math.pow(min(1.0, progress(view) / settings.patience), 1 / settings.beta)
        due = settings.at(view.mood) * share * way(view, start)
        return reply(view, start, self._allowed(view, due, conceded(view, start)))

    def _leaves(self, view: View) -> bool:
        walk = self.persona.walk
        if walk is None or view.mood > walk.mood or len(view.readings) < walk.messages:
            return False
        # Moods are not in the view: they follow from the readings, and are worked out only where they can matter.
        return all(mood <= walk.mood for mood in self.persona.moods(view.readings)[-walk.messages :])

    def _allowed(self, view: View, due: float, before: int) -> float:
        """`due`, held to what was offered before, and less what a broken promise has taken back (scenario units)."""
        renege = self.persona.renege
        if renege is None or view.index // 2 < renege.message:
            return max(due, before)
        if view.index // 2 == renege.message:
            return before * (1 - renege.share) if view.mood < renege.below else max(due, before)
        return max(due - self._taken_back(view), before)

    def _taken_back(self, view: View) -> int:
        ahead, mine = view.brief.direction, view.offers(view.brief.seat)
        return max((ahead * (earlier - later) for earlier, later in pairwise(mine)), default=0)


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise AgentError(
            f"{name} {value} is outside 0 to 1; it is a fraction of the way to the other side's first offer"
        )


CONCESSIONS: Final[Mapping[str, Callable[[], Concession]]] = MappingProxyType(
    {
        "boulware": lambda: TimeDependent(beta=0.25),
        "linear": TimeDependent,
        "conceder": lambda: TimeDependent(beta=4.0),
        "tit-for-tat": TitForTat,
        "relative-tit-for-tat": lambda: TitForTat(relative=True),
    }
)


def named_concession(name: str) -> Concession:
    """The concession of that name, with its usual settings.

    Raises AgentError with the names there are.
    """
    if name not in CONCESSIONS:
        near = difflib.get_close_matches(name, CONCESSIONS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise AgentError(f"no concession is called {name!r}; {hint}there are {', '.join(CONCESSIONS)}")
    return CONCESSIONS[name]()
