"""Transcripts written by hand, as process figures need them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from helpers.seats import case
from poise.agents.emotions.tables import STATES
from poise.agents.emotions.taxonomy import EMOTIONS7
from poise.common.seeds import Dice
from poise.games.moves import ACCEPT, WALK, offer
from poise.games.transcript import Message, Outcome, Reading, Transcript, Usage
from poise.tournaments.process.columns import Columns, columns_of, negotiation_of
from poise.tournaments.process.measures import Traces, traces_of
from poise.tournaments.storage.rows import Row, measured

SEATS = ("creditor", "debtor")


def talk(moves: Sequence[int | str], value: int | None = None, scenario: Any = None, **more: Any) -> Transcript:
    """Seats in turn, the creditor first; an integer is an offer, else "accept" or "walk". value: the deal's."""
    scenario = scenario or case()
    kinds = {"accept": ACCEPT, "walk": WALK}
    messages = tuple(
        Message(index, SEATS[index % 2], "Well.", kinds[move] if isinstance(move, str) else offer(move))
        for index, move in enumerate(moves)
    )
    ending = "deal" if value is not None else "walked" if moves[-1] == "walk" else "timeout"
    share = 0.0 if value is None else (scenario.debtor_target - value) / scenario.gap * scenario.polarity
    utilities = (share, 1 - share) if value is not None else (0.0, 0.0)
    return Transcript(scenario, {}, {}, 0, {}, messages, Outcome(ending, value, utilities=utilities), **more)


def columns(*talks: Transcript) -> Columns:
    """Their messages as process figures take them."""
    return columns_of([negotiation_of(one) for one in talks], [one.scenario for one in talks])


def traces(*talks: Transcript, usage: Usage | None = None) -> Traces:
    """What process figures keep of them; each cost `usage`."""
    usage = usage or Usage()
    rows = [Row(0, "", 0, 0, 0, 0, *measured(one, usage)) for one in talks]
    negotiations = [negotiation_of(one) for one in talks]
    return traces_of(negotiations, [one.scenario for one in talks], rows, [usage] * len(talks))


def reading(seven: Sequence[float] | None = None, belief: Sequence[float] | None = None) -> Reading:
    """What was read; a single emotion or state by its index as a certainty."""
    return Reading(tuple(seven or _certain(6, EMOTIONS7)), "neutral", tuple(belief or (0.25,) * 4))


def _certain(place: int, names: Sequence[str]) -> tuple[float, ...]:
    return tuple(float(place == one) for one in range(len(names)))


def feeling(shown: Sequence[str | None]) -> Transcript:
    """Seats in turn show these (of the seven), and read each other without an error."""
    said = talk([100] * len(shown))
    messages = []
    for place, message in enumerate(said.messages):
        before = shown[place - 1] if place else None
        read = reading(_certain(EMOTIONS7.index(before), EMOTIONS7)) if before else None
        messages.append(Message(message.index, message.seat, "Well.", message.move, shown[place], reading=read))
    return Transcript(said.scenario, {}, {}, 0, {}, tuple(messages), said.outcome)


def drawn(seed: int) -> Transcript:
    """Some talk: offers that wander, any ending, emotions and beliefs all over."""
    dice = Dice(seed, "talk")
    case_ = case(10 + dice.pick(range(30)), 80 + dice.pick(range(60)))
    places = [case_.creditor_target, case_.debtor_target]
    moves: list[int] = []
    for index in range(2 + dice.pick(range(12))):
        places[index % 2] += (1, -1)[index % 2] * dice.pick(range(-2, 9))
        moves.append(max(0, places[index % 2]))
    said = talk(moves, moves[-1] if dice.unit() < 0.6 else None, case_)
    rng = np.random.default_rng(seed)
    messages = tuple(_felt(message, rng) for message in said.messages)
    return Transcript(case_, {}, {}, seed, {}, messages, said.outcome)


def _felt(message: Message, rng: Any) -> Message:
    belief = tuple(rng.dirichlet(np.ones(4)))
    read = Reading(tuple(rng.dirichlet(np.ones(7))), "joy", belief) if message.index else None
    notes = {"state": STATES[rng.integers(4)]} if message.seat == "debtor" else {}
    shown = None if rng.random() < 0.2 else EMOTIONS7[rng.integers(7)]
    return Message(message.index, message.seat, "Well.", message.move, shown, reading=read, notes=notes)
