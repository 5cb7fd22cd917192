"""A person's match step by step, for any screen: a terminal or a browser.

    scene = go_on(match)                  # begin or resume
    while scene.asks:
        scene = answer(match, "3 months") # "yes" sends what it asks to confirm, "no" takes it back
    ended = finish_match(match)           # stored, once

A scene holds what the person may see and nothing else: never the other side's target or thoughts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from poise.agents.conduct import violations
from poise.agents.protocols import Line
from poise.common.words import with_unit
from poise.games.moves import Move, Seat, other
from poise.games.transcript import Transcript
from poise.tournaments.human.debrief import debrief, ending
from poise.tournaments.human.match import HumanMatch

LEAVE: Final = frozenset({"/leave", "/quit", "/exit", "/q", "/bye"})


@dataclass(frozen=True, slots=True)
class HumanMessage:
    """A message as the person sees it. move: what it does, in words; "" where it makes no move."""

    mine: bool
    who: str
    text: str
    move: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What the person sees now.

    asks:     "message" asks for words, "confirm" whether to send the words as understood; "" when it is over.
    index:    of the message about to be made.
    problem:  what was wrong with the last words, or "".
    text:     the words to be confirmed. echo: how they were read and what comes of them, line by line.
    own_offer, other_offer: the standing offers, in words, or "".
    """

    asks: str
    index: int
    seat: Seat
    case: str
    lines: tuple[HumanMessage, ...] = ()
    problem: str = ""
    text: str = ""
    echo: tuple[str, ...] = ()
    own_offer: str = ""
    other_offer: str = ""


@dataclass(frozen=True, slots=True)
class HumanMatchEnd:
    """How the match ended, and what the person then may learn about the other side."""

    reason: str
    debrief: str

    @classmethod
    def of(cls, transcript: Transcript) -> HumanMatchEnd:
        """The end of a match that a person played."""
        seat: Seat = "creditor" if transcript.creditor.get("human") else "debtor"
        return cls(ending(transcript, seat), debrief(transcript, seat))


def go_on(match: HumanMatch) -> Scene:
    """Begin or resume. Raises ModelDown and ModelMissing when the agent's model fails; calling it again retries."""
    return _scene(match, match.session.start())


def answer(match: HumanMatch, words: str) -> Scene:
    """Answer what the scene asks; returns the next scene. Raises as `go_on` does; the words are kept."""
    return _scene(match, match.session.answer(words))


def finish_match(match: HumanMatch) -> HumanMatchEnd:
    """Store the match; returns how it ended."""
    return HumanMatchEnd.of(match.store())


def _scene(match: HumanMatch, question: Mapping[str, Any] | None) -> Scene:
    session, asked = match.session, question or {}
    view = session.view()
    standing = ["" if offer is None else session.scenario.amount(offer) for offer in (view.own_offer, view.other_offer)]
    return Scene(
        asks=asked.get("ask", ""),
        index=view.index,
        seat=session.seat,
        case=case_told(match),
        lines=tuple(_spoken(match, line) for line in view.lines),
        problem=asked.get("problem", ""),
        text=asked.get("text", ""),
        echo=_understood(match, asked) if "kind" in asked else (),
        own_offer=standing[0],
        other_offer=standing[1],
    )


def _spoken(match: HumanMatch, line: Line) -> HumanMessage:
    session, move = match.session, line.move
    mine = line.seat == session.seat
    does = {"offer": f"offer {session.scenario.amount(move.value or 0)}", "accept": "agreed", "walk": "left"}
    return HumanMessage(mine, "you" if mine else session.scenario.party(line.seat), line.text, does.get(move.kind, ""))


def case_told(match: HumanMatch) -> str:
    """What a person is told before the first word: the case, the rules, and their own target; never the other's."""
    session, scenario = match.session, match.session.scenario
    from poise.games.domains import domain_words

    words, seat, rules = domain_words(scenario.domain), session.seat, session.pairing.rules
    low, high = scenario.bounds
    facts = "\n".join(f"  {label}: {text}" for label, text in scenario.context.items())
    return (
        f"You are {words.role(seat)} ({scenario.party(seat)}); across the table: {words.role(other(seat))} "
        f"({scenario.party(other(seat))}), played by {match.opponent}.\nYou negotiate {words.question}.\n{facts}\n"
        f"You want {scenario.amount(scenario.target(seat))}; the other side does not know. Offers go from {low} to "
        f"{with_unit(high, scenario.unit)}; two within {rules.tolerance} of each other are a deal. At most "
        f"{rules.max_messages} messages, then there is none, which is worth nothing to either side.\n"
    )


def _understood(match: HumanMatch, question: Mapping[str, Any]) -> tuple[str, ...]:
    """How the person's words were read, and what they lead to."""
    session = match.session
    move = Move(question["kind"], question["value"], question["firm"])
    made = {
        "offer": f"You offer {session.scenario.amount(move.value or 0)}",
        "accept": f"You accept {session.scenario.amount(session.view().other_offer or 0)}",
        "walk": "You walk away, without a deal",
        "forfeit": "You make no new offer",
    }[move.kind]
    showing = f", showing {question['emotion']}" if question["emotion"] else ""
    lines = [f'{made}{showing}: "{question["text"]}"']
    outcome = session.preview(move)
    if outcome is not None and move.kind != "walk":
        lines.append(f"That ends the negotiation. {outcome.reason}")
    if broken := violations(question["text"], session.seat, session.scenario.domain):
        lines.append(
            f"It breaks a rule of conduct ({', '.join(violation.rule for violation in broken)}), which is recorded."
        )
    return tuple(lines)
