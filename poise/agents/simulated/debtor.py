"""One simulated debtor at play: its mind from message to message, what it shows, what it offers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, Final, NamedTuple

from poise.agents.concessions import opening, position, reply
from poise.agents.emotions.tables import STATES, Row
from poise.agents.emotions.taxonomy import EMOTIONS7, INDEX_OF
from poise.agents.protocols import View
from poise.agents.simulated.channel import CERTAIN
from poise.agents.simulated.world import World
from poise.common.errors import AgentError
from poise.common.seeds import Dice
from poise.games.moves import FORFEIT, WALK, Move

_NORMAL: Final = NormalDist()


class Mind(NamedTuple):
    """What the other side cannot see; the debtor keeps it in its notes.

    world: the world's digest. disposition: its name. state: an index of STATES.
    pace:  g, the share of the way conceded a message in a state that gives 1. given: that conceded so far, in [0, 1].
    impatience: I, in messages in which the creditor did not move; 0 in a world that does not answer concessions.
    taken: the emotion of the seven that it took the creditor's last message for; "" where it was not misread.
    """

    world: str
    disposition: str
    state: int
    pace: float
    given: float
    impatience: float = 0.0
    taken: str = ""

    def notes(self) -> dict[str, Any]:
        """As JSON data, the state by its name; without impatience and misreading where there is none."""
        left_out = {name for name in ("impatience", "taken") if not getattr(self, name)}
        notes = {**self._asdict(), "state": STATES[self.state]}
        return {name: value for name, value in notes.items() if name not in left_out}

    @classmethod
    def of(cls, notes: Mapping[str, Any]) -> Mind | None:
        """The mind in `notes`; None where there is none."""
        if "disposition" not in notes:
            return None
        return cls(**{**notes, "state": STATES.index(notes["state"])})


def draw_debtor(world: World, dice: Dice) -> Mind:
    """A debtor of this world, before the first word. The draws do not depend on anything said."""
    one = world.dispositions[dice.weighted([each.weight for each in world.dispositions])]
    state = dice.weighted(one.start)
    z = _NORMAL.inv_cdf(max(1e-12, dice.unit()))
    return Mind(world.digest, one.name, state, world.pace.median * math.exp(world.pace.spread * z), 0.0)


class SimulatedPolicy:
    """Moves the hidden state by what was read, then shows an emotion; see `poise.agents.simulated.world`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._menus = [(tuple(menu), tuple(menu.values())) for menu in (world.labels[each] for each in EMOTIONS7)]

    def note(self, view: View, dice: Dice) -> dict[str, Any]:
        """The mind after the other side's last message, as notes."""
        mind = Mind.of(view.notes) or draw_debtor(self.world, dice)
        state, impatience, movement, taken = mind.state, mind.impatience, 1.0, ""
        answers = self.world.answers
        if not answers.silent:
            movement = answers.movement(conceded(view))
            impatience = answers.impatience(impatience, movement)
        if view.readings:
            heard: Row = view.readings[-1].emotions
            wrong = self.world.channel.misread(heard, dice.child("channel"))
            if wrong is not None:
                heard, taken = CERTAIN[wrong], EMOTIONS7[wrong]
            state = dice.weighted(self.world.moves_when(mind.disposition, state, heard, movement))
        given = min(1.0, mind.given + mind.pace * self.world.states[state].gives * answers.giving(movement))
        return mind._replace(state=state, given=given, impatience=impatience, taken=taken).notes()

    def choose(self, view: View, dice: Dice) -> str:
        """One of the 28."""
        mind = _mind(view)
        last = INDEX_OF[view.shown[-1]] if view.shown else None
        seven = view.readings[-1].emotions if view.readings else self.world.dynamics.marginal
        if mind.taken:
            seven = CERTAIN[EMOTIONS7.index(mind.taken)]
        emotion = dice.weighted(self.world.shown(mind.disposition, mind.state, last, seven))
        wrong = self.world.channel.misread(CERTAIN[emotion], dice.child("channel"))
        labels, weights = self._menus[emotion if wrong is None else wrong]
        return labels[dice.weighted(weights)] if len(labels) > 1 else labels[0]


class SimulatedConcession:
    """Offers what its state has let it give so far, accepts what is as good, or leaves."""

    def __init__(self, world: World) -> None:
        self.world = world

    def decide(self, view: View, dice: Dice) -> Move:
        """The move for the message about to be made."""
        mind = _mind(view)
        leaves = self.world.states[mind.state].leaves + self.world.answers.leaving(mind.state, mind.impatience)
        if view.index // 2 >= self.world.pace.stays and dice.unit() < leaves:
            return WALK
        at = position(view)
        if at is None:
            return FORFEIT
        return reply(view.brief, at, max(mind.given * at.way, at.conceded))


def conceded(view: View) -> list[float]:
    """C by message of the other side, from its first offer on: the share of the way between the openings, in [0, 1].

    Empty where the way has no length: then nobody can be said to stand still.
    """
    brief, start = view.brief, opening(view.brief)
    shares: list[float] = []
    first = way = 0
    for line in view.lines[1 - view.index % 2 :: 2]:
        value = line.move.value
        if not shares:
            if value is None or start is None:
                continue
            first, way = value, brief.direction * (value - start)
            if way <= 0:
                return []
        elif value is None:
            shares.append(shares[-1])
            continue
        shares.append(min(1.0, max(0.0, brief.direction * (first - value) / way)))
    return shares


def _mind(view: View) -> Mind:
    mind = Mind.of(view.notes)
    if mind is None:
        raise AgentError(
            "a simulated debtor without notes: its turn needs `poise.graphs.feel`, which lets its policy take them"
        )
    return mind
