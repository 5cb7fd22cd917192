"""Talks without words: two concessions bargain, and the debtor reads exactly the emotions the test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from poise.agents.concessions import MoodConcession
from poise.agents.emotions import EMOTIONS7, TO_SEVEN
from poise.agents.personas.persona import Persona, PersonaPolicy
from poise.agents.protocols import Brief, Concession, Line, View
from poise.common.seeds import Dice
from poise.games.moves import FORFEIT, Move, Seat, offer
from poise.games.referee import Referee
from poise.games.rules import Rules
from poise.games.scenario import Scenario
from poise.games.transcript import Outcome, Reading

DICE = Dice(0)


def reading(emotion: str = "neutral", share: float = 1.0) -> Reading:
    """`emotion` read with probability `share`, the rest neutral."""
    seven = [0.0] * 7
    seven[EMOTIONS7.index(emotion)] += share
    seven[EMOTIONS7.index("neutral")] += 1 - share
    return Reading(tuple(seven), emotion, (0.25, 0.25, 0.25, 0.25))


def brief(scenario: Scenario, seat: Seat, rules: Rules) -> Brief:
    return Brief(
        seat,
        scenario.target(seat),
        scenario.domain,
        scenario.unit,
        scenario.polarity,
        scenario.bounds,
        scenario.context,
        rules,
    )


def seat_view(
    scenario: Scenario, seat: Seat, moves: Sequence[Move], rules: Rules | None = None, **more: object
) -> View:
    """The view of `seat` after `moves`, the creditor's first."""
    lines = tuple(Line("debtor" if index % 2 else "creditor", "", move) for index, move in enumerate(moves))
    return View(brief(scenario, seat, rules or Rules()), lines, **more)  # type: ignore[arg-type]


def bargain(
    scenario: Scenario, creditor: Concession, debtor: Concession, rules: Rules | None = None
) -> tuple[Outcome, list[Move]]:
    """Two concessions against each other; every move passes the referee."""
    rules = rules or Rules()
    referee = Referee(scenario, rules)
    moves: list[Move] = []
    while True:
        seat: Seat = "debtor" if len(moves) % 2 else "creditor"
        side = debtor if seat == "debtor" else creditor
        move = side.decide(seat_view(scenario, seat, moves, rules), DICE)
        outcome = referee.judge(moves, move)
        moves.append(move)
        if outcome is not None:
            return outcome, moves


Chooser = Callable[[str, Dice], str]


def court(
    persona: Persona, choose: Chooser, creditor: Concession, scenario: Scenario, seed: int = 0
) -> tuple[Outcome, list[Move]]:
    """A creditor that shows `choose(the debtor's last emotion, of seven)` against a persona that reads just that."""
    rules, dice = Rules(), Dice(seed)
    referee, character, concession = Referee(scenario, rules), PersonaPolicy(persona), MoodConcession(persona)
    moves: list[Move] = []
    readings: tuple[Reading, ...] = ()
    mood, shown = persona.start_mood, "neutral"
    while True:
        if len(moves) % 2:
            mood = persona.feel(mood, readings[-1])
            view = seat_view(scenario, "debtor", moves, readings=readings, mood=mood)
            shown = TO_SEVEN[character.choose(view, dice)]
            move = concession.decide(view, dice)
        else:
            readings = (*readings, reading(choose(shown, dice)))
            move = creditor.decide(seat_view(scenario, "creditor", moves), dice)
        outcome = referee.judge(moves, move)
        moves.append(move)
        if outcome is not None:
            return outcome, moves


class Says:
    """A side that says what it is told, and then repeats the last; None is a forfeit."""

    def __init__(self, *values: int | None) -> None:
        self.values = values

    def decide(self, view: View, dice: Dice) -> Move:
        own = sum(line.seat == view.brief.seat for line in view.lines)
        value = self.values[min(own, len(self.values) - 1)]
        return FORFEIT if value is None else offer(value)
