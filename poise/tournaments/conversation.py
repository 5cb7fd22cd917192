"""A person's talks in a terminal: asked and answered line by line."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from rich.console import Console
from rich.text import Text

from poise.agents.conduct import violations
from poise.agents.voices.scripted import with_unit
from poise.games.errors import BadInput
from poise.games.moves import SEATS, Move, Seat, other
from poise.tournaments.debrief import debrief, ending
from poise.tournaments.render import console, plain
from poise.tournaments.sitting import Sitting, resume_command

_LEAVE: Final = frozenset({"/leave", "/quit", "/exit", "/q", "/bye"})
_HELP: Final = (
    "An offer: 90 | 90 days | 3 months | no way, 40     An agreement: ok deal | I accept     The end: walk\n"
    "[anger] 40! shows an emotion, if you like; any other words are talk. You see how you were understood before it "
    "counts.\n/case reads the case again, /help this; /leave, Ctrl-D or Ctrl-C leaves, and you can come back."
)


class Screen(Protocol):
    """Where a person reads and types."""

    def tell(self, text: str, style: str = "") -> None:
        """Show a line, or several."""
        ...

    def ask(self, prompt: str) -> str:
        """A line that was typed. Raises EOFError when the person leaves."""
        ...


class Terminal:
    """The terminal. What others wrote is shown without control characters."""

    def __init__(self, screen: Console | None = None, read: Callable[[str], str] = input) -> None:
        self._screen = screen or console()
        self._read = read
        if read is input:
            import readline  # noqa: F401 - lines can be edited where it is there

    def tell(self, text: str, style: str = "") -> None:
        """Show a line, or several."""
        for line in text.split("\n"):
            self._screen.print(Text(plain(line, 4000)), style=style or None)

    def ask(self, prompt: str) -> str:
        """A line that was typed."""
        try:
            return self._read(prompt)
        except KeyboardInterrupt:
            self.tell("")  # what comes next begins on a line of its own
            raise


def seat_of(name: str | None) -> Seat:
    """The seat that a person named; BadInput with the remedy for none."""
    wanted = (name or "").strip().lower()
    for seat in SEATS:
        if wanted and seat.startswith(wanted):
            return seat
    given = f"--as {name!r} is no seat" if name else "no seat is chosen"
    raise BadInput(f"{given}; write --as creditor or --as debtor")


def some_seed() -> int:
    """A seed that differs from one call to the next; it is stored with the match."""
    return time.time_ns() // 1000 % 2**31


def converse(sitting: Sitting, screen: Screen) -> bool:
    """Play until the talks are over (True, and the match is stored) or the person leaves (False)."""
    try:
        done = _talk(sitting, screen)
    except EOFError:
        done = False
    except BaseException as error:
        error.add_note(f"What was said is kept; come back with: {resume_command(sitting.folder)}")
        raise
    if not done:
        screen.tell(f"\nYou left the table. Come back with: {resume_command(sitting.folder)}", "yellow")
        return False
    transcript = sitting.keep()
    screen.tell("\n" + ending(transcript, sitting.table.seat), "bold")
    try:
        curious = screen.ask("See what the other side wanted, felt and read in you? [Y/n] ").strip().lower()
        if curious not in ("n", "no"):
            screen.tell(debrief(transcript, sitting.table.seat))
    except (EOFError, KeyboardInterrupt):
        pass
    screen.tell(f"\nStored: poise view {sitting.folder}", "dim")
    return True


def _talk(sitting: Sitting, screen: Screen) -> bool:
    table = sitting.table
    screen.tell(case_told(sitting))
    screen.tell(_HELP, "dim")
    question, told = table.sit_down(), 0
    while question is not None:
        told = _tell_lines(sitting, screen, told)
        answer = _answer(sitting, screen, question)
        if answer is None:
            return False
        question = table.answer(answer)
    _tell_lines(sitting, screen, told)
    return True


def _answer(sitting: Sitting, screen: Screen, question: Mapping[str, Any]) -> str | None:
    """What the person answers; None when they leave."""
    if question["ask"] == "confirm":
        screen.tell(_echo(sitting, question), "cyan")
        prompt = "Send it? [Y/n, or say it anew] "
    else:
        if question["problem"]:
            screen.tell(f"  {question['problem']}", "yellow")
        prompt = "you> "
    while True:
        typed = screen.ask(prompt).strip()
        command = typed.lower()
        if command in _LEAVE:
            return None
        if command == "/case":
            screen.tell(case_told(sitting))
        elif command.startswith("/"):
            screen.tell(_HELP, "dim")
        elif typed or question["ask"] == "confirm":
            return typed or "yes"


def _tell_lines(sitting: Sitting, screen: Screen, told: int) -> int:
    """Show what was said since; how many lines there are now."""
    lines = sitting.table.view().lines
    for line in lines[told:]:
        mine = line.seat == sitting.table.seat
        screen.tell(
            f"{'you' if mine else sitting.table.scenario.party(line.seat)}: {line.text}", "dim" if mine else "bold"
        )
    return len(lines)


def case_told(sitting: Sitting) -> str:
    """What a person is told before the first word: the case, the rules, and their own target; never the other's."""
    table, scenario = sitting.table, sitting.table.scenario
    from poise.games.domains import domain_words

    words, seat, rules = domain_words(scenario.domain), table.seat, table.pairing.rules
    low, high = scenario.bounds
    facts = "\n".join(f"  {label}: {text}" for label, text in scenario.context.items())
    return (
        f"You are {words.role(seat)} ({scenario.party(seat)}); across the table: {words.role(other(seat))} "
        f"({scenario.party(other(seat))}), played by {sitting.opponent}.\nYou negotiate {words.question}.\n{facts}\n"
        f"You want {scenario.amount(scenario.target(seat))}; the other side does not know. Offers go from {low} to "
        f"{with_unit(high, scenario.unit)}; two within {rules.tolerance} of each other are a deal. At most "
        f"{rules.max_messages} messages, then there is none, which is worth nothing to either side.\n"
    )


def _echo(sitting: Sitting, question: Mapping[str, Any]) -> str:
    """How a person's words were read, and what comes of them."""
    table = sitting.table
    move = Move(question["kind"], question["value"], question["firm"])
    made = {
        "offer": f"You offer {table.scenario.amount(move.value or 0)}",
        "accept": f"You accept {table.scenario.amount(table.view().other_offer or 0)}",
        "walk": "You walk away, without a deal",
        "forfeit": "You only talk, and make no new offer",
    }[move.kind]
    showing = f", showing {question['emotion']}" if question["emotion"] else ""
    lines = [f'  {made}{showing}: "{question["text"]}"']
    outcome = table.preview(move)
    if outcome is not None and move.kind != "walk":
        lines.append(f"  That ends the talks. {outcome.reason}")
    if broken := violations(question["text"], table.seat, table.scenario.domain):
        lines.append(f"  It breaks a rule of conduct ({', '.join(each.rule for each in broken)}), which is recorded.")
    return "\n".join(lines)
