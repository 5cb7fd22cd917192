"""The oracle: it sees the simulated debtor's hidden state and plans; a yardstick, not a player.

It cheats, and says so: its agent is declared `privileged`, the one way to be shown the other seat's notes, and every
transcript records both the declaration and what it saw. It knows the world (`poise.agents.simulated.world`) with all
its numbers. Against any other debtor it shows nothing, as `vanilla` does.

With k the creditor's own message number, s the hidden state, f the share of the gap that the debtor has given, c_k the
share that the creditor has given with its message k, g, k(s), leave(s) the debtor's pace and habits and t the tolerance
as a share of the gap, backward induction (Bellman 1957) over messages gives, for each emotion e of the 28:

    Q_k(s, f, e) = sum_s' T_e,k(s'|s) (1 - leave_k(s')) U_k(s', min(1, f + g k(s') (1 - r + r R_k)))
    U_k(s, f)    = 1 - c_k                     where f >= 1 - c_k              the debtor accepts
                   (f + 1 - c_k) / 2           where f >= 1 - c_k - t          its offer is within the tolerance
                   f                           where f >= 1 - c_{k+1}          the creditor's next message accepts
                   (f + 1 - c_{k+1}) / 2       where f >= 1 - c_{k+1} - t      that is within the tolerance
                   max_e Q_{k+1}(s, f, e)      otherwise; 0 after the last message

each times the discount. T_e,k is the transition under the mean of what the detector reads in the scripted phrases for
e, and of what the world's channel makes of it, which is exact since T is linear in what is heard. It, leave_k and the
giving hang on k by how the debtor answers the creditor's concession so far, c_0 to c_k. Before the debtor's first
message there is no state to see; the opening is the best on average over the world.

It is best, up to a grid of f and of the match's terms, for a creditor that concedes by the clock (`TimeDependent`) and
speaks in scripted phrases. A concession that answers the debtor's cannot be foreseen: the plan is then the one for
`linear`, and only near the best, as it is with a model's voice. As every policy, it chooses the emotion and leaves the
offers to the concession.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from poise.agents.concessions import TimeDependent
from poise.agents.emotions.tables import STATES
from poise.agents.emotions.taxonomy import EMOTIONS28
from poise.agents.policies import policy
from poise.agents.protocols import Concession, View
from poise.common.errors import AgentError, shorten
from poise.common.seeds import Dice
from poise.games.rules import Rules

if TYPE_CHECKING:
    import numpy as np

    from poise.agents.simulated import Mind, World

LINEAR: Final = TimeDependent()
_POINTS: Final = 401  # of the share given
_QUANTILES: Final = (-1.28, -0.52, 0.0, 0.52, 1.28)  # of the pace, as standard normals, for the opening


class OracleTerms(NamedTuple):
    """What a plan is made for.

    domain, rules: of the match. tolerance: as a share of the gap. way: the share of the gap that the creditor's
    concession is measured by (what the debtor's first offer left of it). disposition: its name. pace: of the debtor.
    concession: the creditor's.
    """

    domain: str
    rules: Rules
    tolerance: float
    way: float
    disposition: str
    pace: float
    concession: TimeDependent = LINEAR

    def conceded(self, message: int) -> float:
        """c_k, in [0, 1]."""
        last = (self.rules.max_messages - 1) // 2
        if message == 0:
            return 0.0  # the opening, before the other side's first offer is known
        return self.way * self.concession.reach * self.concession.fraction(min(1.0, message / last))


@policy(
    "oracle",
    "cheats: sees the hidden state of a simulated debtor (oracle:FILE for that world, oracle:DIR for many) and plans",
    argument="FILE|DIR",
    privileged=True,
    declare=lambda path: _declared(_worlds(path)),
)
class Oracle:
    """Plays best against debtors of one world: the default one, or that of the file at `path`; or of each in a folder.

    Which world of a folder it is in, it sees from the debtor's first message on.
    """

    def __init__(self, path: str = "") -> None:
        self._worlds = {world.digest: world for world in _worlds(path)}
        self._concession = LINEAR

    def plan_for(self, concession: Concession | None) -> None:
        """Take in what its agent concedes by; any but one by the clock is taken for `linear`."""
        self._concession = concession if isinstance(concession, TimeDependent) else LINEAR

    def choose(self, view: View, dice: Dice) -> str | None:  # noqa: ARG002 - it leaves nothing to chance
        """The best emotion of the 28; None against a debtor that is not simulated."""
        from poise.agents.simulated import Mind

        mind = Mind.of(view.notes.get("other", {}))
        if mind is None:
            brief = view.brief
            worlds = tuple(self._worlds.values())
            opens = None if view.readings else _opening(worlds, brief.domain, brief.rules, self._concession)
            return None if opens is None else EMOTIONS28[opens]
        if mind.world not in self._worlds:
            known = ", ".join(world.name for world in self._worlds.values())
            raise AgentError(
                f"the oracle of {shorten(known)} met a debtor of another world; say oracle:FILE with its file, or "
                "oracle:DIR with its folder"
            )
        return EMOTIONS28[advice(self._worlds[mind.world], view, mind, self._concession)]


def _worlds(path: str) -> list[World]:
    from poise.agents.simulated import load_world
    from poise.agents.simulated.files import world_files

    folder = Path(path)
    return [load_world(file) for file in world_files(folder)] if path and folder.is_dir() else [load_world(path)]


def _declared(worlds: list[World]) -> dict[str, Any]:
    return worlds[0].declared() if len(worlds) == 1 else {"worlds": [world.digest for world in worlds]}


def advice(world: World, view: View, mind: Mind, concession: TimeDependent = LINEAR) -> int:
    """The index of the best of the 28 labels for the creditor of `view`, were `mind` the debtor's."""
    best = best_plan(world, _terms(view, mind, concession))[0]
    message = min(view.index // 2, len(best) - 1)
    return int(best[message, mind.state, round(mind.given * (_POINTS - 1))])


def _terms(view: View, mind: Mind, concession: TimeDependent) -> OracleTerms:
    """The terms of this match, rounded so that matches share their plans.

    The debtor's opening follows from its standing offer and what it has given: offer = opening - given * way.
    """
    ours, theirs = (view.offers(seat) for seat in ("creditor", "debtor"))
    gap, left = 100.0, 1.0
    if ours and theirs and mind.given < 0.95:
        gap = max(1.0, abs(theirs[-1] - ours[0]) / (1 - mind.given))
        left = min(1.0, abs(theirs[0] - ours[0]) / gap)
    pace = float(f"{mind.pace:.2g}")
    tolerance = round(view.brief.rules.tolerance / gap, 2)
    rules = view.brief.rules
    return OracleTerms(view.brief.domain, rules, tolerance, round(left, 1), mind.disposition, pace, concession)


@lru_cache(maxsize=4096)
def best_plan(world: World, terms: OracleTerms) -> tuple[np.ndarray, np.ndarray]:
    """The best emotion by (message, state, point of the share given), and the 28 values of the first message."""
    import numpy as np

    one = world.disposition(terms.disposition)
    moves = _transitions(world, one.name, terms.domain)
    given = np.linspace(0.0, 1.0, _POINTS)
    replies = terms.rules.max_messages // 2  # messages of the creditor that the debtor can answer
    best = np.zeros((replies, len(STATES), _POINTS), dtype=np.int8)
    value, scores = np.zeros((len(STATES), _POINTS)), np.zeros((len(EMOTIONS28), len(STATES), _POINTS))
    for k, (movement, impatience) in reversed(list(enumerate(_answered(world, terms, replies)))):
        gives = [[terms.pace * state.gives * world.answers.giving(movement)] for state in world.states]
        after = np.minimum(1.0, given + np.array(gives))
        onward = np.array([np.interp(row, given, values) for row, values in zip(after, value, strict=True)])
        worth = _worth(after, onward, k, terms) * (_staying(world, impatience) if k >= world.pace.stays else 1.0)
        stuck = world.answers.pull * (1 - movement)
        scores = (1 - stuck) * (moves @ worth) + stuck * (np.array(one.resort) @ worth)  # 28 x 4 x points
        best[k], value = scores.argmax(0), scores.max(0)
    return best, scores[:, :, 0] @ np.array(one.start)


def _answered(world: World, terms: OracleTerms, replies: int) -> list[tuple[float, float]]:
    """R and I with each of the debtor's replies; a creditor with a schedule knows them beforehand."""
    course, conceded, impatience = [], [], 0.0
    for k in range(replies):
        conceded.append(terms.conceded(k))
        movement = world.answers.movement(conceded)
        impatience = world.answers.impatience(impatience, movement)
        course.append((movement, impatience))
    return course


def _staying(world: World, impatience: float) -> np.ndarray:
    """The probability of not leaving in each state, 4 x 1."""
    import numpy as np

    chances = (state.leaves + world.answers.leaving(s, impatience) for s, state in enumerate(world.states))
    return np.array([[1 - min(1.0, chance)] for chance in chances])


def _worth(given: np.ndarray, onward: np.ndarray, k: int, terms: OracleTerms) -> np.ndarray:
    """U_k by (state, point): what the debtor's answer to the creditor's message k is worth to the creditor."""
    import numpy as np

    rules, slack = terms.rules, terms.tolerance
    now, soon = (1 - terms.conceded(j) for j in (k, k + 1))
    middle = rules.deal_value == "midpoint"
    answer = (given + now) / 2 if middle else given
    counter = (given + soon) / 2 if middle else np.full_like(given, soon)
    discount = rules.discount ** (2 * k)
    cases = [(given >= now, now), (given >= now - slack, answer * rules.discount)]
    if 2 * (k + 1) < rules.max_messages:
        cases += [(given >= soon, given * rules.discount), (given >= soon - slack, counter * rules.discount**2)]
    return np.select([where for where, _ in cases], [np.asarray(each) * discount for _, each in cases], onward)


@lru_cache(maxsize=256)
def _transitions(world: World, disposition: str, domain: str) -> np.ndarray:
    """T_e, 28 x 4 x 4: for each label, the transition under what the detector reads in its scripted phrases."""
    import numpy as np

    states = range(len(STATES))
    return np.array(
        [
            [world.moves(disposition, state, heard) for state in states]
            for heard in map(world.channel.mean, expected_readings(domain))
        ]
    )


@lru_cache(maxsize=16)
def expected_readings(domain: str) -> list[list[float]]:
    """The mean reading of each label's phrases, 28 x 7."""
    from poise.agents.emotions.detector import default_detector
    from poise.agents.voices.scripted import phrases

    read, said = default_detector().read, phrases(domain)
    offer = said.moves["creditor", "offer"][0].format(offer="30")
    texts = [[f"{feeling} {offer}" for feeling in said.feelings["creditor", label]] for label in EMOTIONS28]
    return [
        [sum(share) / len(share) for share in zip(*(read(text).seven for text in row), strict=True)] for row in texts
    ]


@lru_cache(maxsize=64)
def _opening(worlds: tuple[World, ...], domain: str, rules: Rules, concession: TimeDependent) -> int:
    """The index of the label to open with: the best on average over the worlds' debtors."""
    total: Any = 0.0
    for world in worlds:
        all_kinds = sum(one.weight for one in world.dispositions)
        for one in world.dispositions:
            for z in _QUANTILES:
                pace = world.pace.median * math.exp(world.pace.spread * z)
                terms = OracleTerms(domain, rules, rules.tolerance / 100, 1.0, one.name, pace, concession)
                total = total + one.weight / all_kinds * best_plan(world, terms)[1]
    return int(total.argmax())
