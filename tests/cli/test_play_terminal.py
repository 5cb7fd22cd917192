"""`poise play` in a real terminal: keys are pressed, and however a person gets up, they come back to the same talks."""

from __future__ import annotations

import signal

import pytest
from helpers.terminal import BACKSPACE, CTRL_C, CTRL_D, LEFT, TerminalProgram

from poise.cli.screens.play import converse
from poise.tournaments.human.match import TALKS, HumanMatch, invite
from poise.tournaments.storage.store import Store

OPPONENT, SOURCE, SEED = "eq-negotiator", "builtin:3", 5
BEGIN = ["play", "--as", "debtor", "--against", OPPONENT, "--scenario", SOURCE, "--seed", str(SEED), "talks"]
BACK = ["play", "--resume", "talks"]
MESSAGE, CONFIRM, CURIOUS = "you> ", "Send it? [Y/n, or other words] ", "read in your words? [Y/n] "
WORDS = ["90", "tell me more", "80", "walk"]


class Reader:
    """Somebody who says WORDS and confirms each."""

    def __init__(self):
        self.lines = [line for words in WORDS for line in (words, "yes")] + ["n"]

    def tell(self, text, style=""):
        pass

    def ask(self, prompt):
        return self.lines.pop(0)


def talks_of(folder):
    with Store.read(folder) as store:
        (transcript,) = store.transcripts()
    return transcript


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The talks of somebody who never gets up."""
    config, case = invite("debtor", OPPONENT, SOURCE, {"seed": SEED})
    with HumanMatch.start(config, case, tmp_path_factory.mktemp("stays") / "talks") as sitting:
        assert converse(sitting, Reader())
    return talks_of(sitting.folder)


def test_whoever_gets_up_comes_back_to_the_same_talks(tmp_path, undisturbed):
    """By Ctrl-C while typing, by Ctrl-D before it is confirmed, by closing the window, by a killed process."""
    with TerminalProgram(BEGIN, tmp_path) as sitting:
        sitting.until(MESSAGE)
        sitting.type("90")
        sitting.until(CONFIRM)
        sitting.type("")
        sitting.until(MESSAGE)
        sitting.press("half a thou")
        sitting.until("half a thou")
        sitting.press(CTRL_C)
        sitting.until("stopped\n")
        assert sitting.end() == 130
        assert "resume with: poise play --resume talks" in sitting.shown
        assert "Traceback" not in sitting.shown
    with TerminalProgram(BACK, tmp_path) as sitting:
        assert "you: 90 days" in sitting.until(MESSAGE)
        sitting.type("tell me more")
        sitting.until(CONFIRM)
        sitting.press(CTRL_D)
        assert sitting.end() == 0
        assert "You left the table. Resume with: poise play --resume talks" in sitting.shown
    with TerminalProgram(BACK, tmp_path) as sitting:
        assert 'make no new offer: "tell me more"' in sitting.until(CONFIRM)
        sitting.type("")
        sitting.until(MESSAGE)
        assert sitting.hang_up() == -signal.SIGHUP
    with TerminalProgram(BACK, tmp_path) as sitting:
        assert "you: tell me more" in sitting.until(MESSAGE)
        sitting.type("80")
        sitting.until(CONFIRM)
        sitting.kill()
    with TerminalProgram(BACK, tmp_path) as sitting:
        assert "You offer 80 days" in sitting.until(CONFIRM)
        sitting.type("")
        sitting.until(MESSAGE)
        sitting.press(f"wall{BACKSPACE}{BACKSPACE}k{LEFT}l")  # a line is edited, as anywhere
        sitting.type("")
        assert 'You walk away, without a deal: "walk"' in sitting.until(CONFIRM)
        sitting.type("y")
        sitting.until(CURIOUS)
        sitting.type("n")
        assert sitting.end() == 0
    assert talks_of(tmp_path / "talks") == undisturbed
    assert not list((tmp_path / "talks").glob(f"{TALKS}*"))
