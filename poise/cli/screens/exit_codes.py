"""The exit codes of a run."""

from __future__ import annotations

from typing import Final

DOUBTFUL: Final = 3
WAITING: Final = 4
INTERRUPTED: Final = 130
EXIT_CODES: Final = (
    "Exit codes: 0 all matches are played; 1 an error; 2 a wrong command line; 3 all matches are played, but the "
    "figures are doubtful: every match of an agent failed, more of its messages than own_words_limit allows "
    "are Poise's own words, or it was trained in a world that it is judged in; 4 matches wait for a model's server, "
    "and resume plays them; 130 stopped by Ctrl-C or SIGTERM."
)
