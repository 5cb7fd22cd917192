"""A person's match in a terminal, line by line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from rich.console import Console
from rich.text import Text

from poise.cli.output import plain
from poise.cli.screens.console import console
from poise.tournaments.human.match import HumanMatch, resume_play_command
from poise.tournaments.human.steps import LEAVE, Scene, answer, case_told, finish_match, go_on

_HELP: Final = (
    "An offer: 90 | 90 days | 3 months | no way, 40     An agreement: ok deal | I accept     The end: walk\n"
    "[anger] 40! shows an emotion, if you like; other words make no move. You see how a message is understood before "
    "it counts.\n/case shows the scenario again, /help this; /leave, Ctrl-D or Ctrl-C leaves, and you can come back."
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
    """The terminal. Text that others wrote is shown without control characters."""

    def __init__(self, screen: Console | None = None, read: Callable[[str], str] = input) -> None:
        self._screen = screen or console()
        self._read = read
        if read is input:
            import readline  # noqa: F401 - makes lines editable where it is installed

    def tell(self, text: str, style: str = "") -> None:
        """Show a line, or several."""
        for line in text.split("\n"):
            self._screen.print(Text(plain(line, 4000)), style=style or None)

    def ask(self, prompt: str) -> str:
        """A line that was typed."""
        try:
            return self._read(prompt)
        except KeyboardInterrupt:
            self.tell("")  # what comes next starts on a new line
            raise


def converse(match: HumanMatch, screen: Screen) -> bool:
    """Play until the negotiation is over (True; the match is stored) or the person leaves (False)."""
    try:
        done = _exchange(match, screen)
    except EOFError:
        done = False
    except BaseException as error:
        error.add_note(f"What was said is kept; resume with: {resume_play_command(match.folder)}")
        raise
    if not done:
        screen.tell(f"\nYou left the table. Resume with: {resume_play_command(match.folder)}", "yellow")
        return False
    ended = finish_match(match)
    screen.tell("\n" + ended.reason, "bold")
    try:
        curious = screen.ask("See what the other side wanted, felt and read in your words? [Y/n] ").strip().lower()
        if curious not in ("n", "no"):
            screen.tell(ended.debrief)
    except (EOFError, KeyboardInterrupt):
        pass
    screen.tell(f"\nStored: poise view {match.folder}", "dim")
    return True


def _exchange(match: HumanMatch, screen: Screen) -> bool:
    for remark in match.remarks:
        screen.tell(remark, "dim")
    screen.tell(case_told(match))
    screen.tell(_HELP, "dim")
    scene, shown = go_on(match), 0
    while scene.asks:
        shown = _tell_lines(scene, screen, shown)
        words = _ask_words(scene, screen)
        if words is None:
            return False
        scene = answer(match, words)
    _tell_lines(scene, screen, shown)
    return True


def _ask_words(scene: Scene, screen: Screen) -> str | None:
    """What the person answers; None when they leave."""
    if scene.asks == "confirm":
        screen.tell("\n".join(f"  {line}" for line in scene.echo), "cyan")
        prompt = "Send it? [Y/n, or other words] "
    else:
        if scene.problem:
            screen.tell(f"  {scene.problem}", "yellow")
        prompt = "you> "
    while True:
        typed = screen.ask(prompt).strip()
        command = typed.lower()
        if command in LEAVE:
            return None
        if command == "/case":
            screen.tell(scene.case)
        elif command.startswith("/"):
            screen.tell(_HELP, "dim")
        elif typed or scene.asks == "confirm":
            return typed or "yes"


def _tell_lines(scene: Scene, screen: Screen, shown: int) -> int:
    """Show the lines after the first `shown`; returns how many there are now."""
    for line in scene.lines[shown:]:
        screen.tell(f"{line.who}: {line.text}", "dim" if line.mine else "bold")
    return len(scene.lines)
