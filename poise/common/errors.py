"""Every error that Poise raises on purpose.

    PoiseError
    ├── BadInput            something the user handed over is refused
    │   ├── ScenarioError   a scenario, or a file of them
    │   ├── AgentError      an agent's name, file or settings
    │   └── ConfigError     a tournament's settings
    ├── IllegalMove         the referee refuses a move
    ├── ModelError          a model call failed
    │   ├── ModelMissing    the server does not have the model
    │   ├── ModelDown       the server cannot be reached, fails or refuses
    │   │   └── Unanswered  it gives no answer to one request; others may be answered
    │   ├── ModelTimeout    no reply within the deadline
    │   └── BadReply        the reply is cut, empty or not what was asked for
    ├── DeadlineExceeded    an agent took longer than a message or a match may take
    └── StoreError          a tournament's folder or file cannot be used

Messages name the value, the bound and the remedy.
"""

from __future__ import annotations

import reprlib
from typing import Final

_BRIEF: Final = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 70


def shorten(value: object) -> str:
    """`value` as an error message shows it, in about 60 characters at most."""
    if isinstance(value, str) and len(value) > 60:
        return f"{value[:40]!r}... ({len(value):,} characters)"
    try:
        return _BRIEF.repr(value)
    except ValueError:  # Python refuses to print an integer of more than 4300 digits
        return "with thousands of digits"


class PoiseError(Exception):
    """Base of all errors raised on purpose; its text is written for the user."""


class BadInput(PoiseError):
    """Something the user handed over is refused."""


class ScenarioError(BadInput):
    """A scenario, or a file of scenarios, is refused."""


class AgentError(BadInput):
    """An agent's name, file or settings are refused."""


class ConfigError(BadInput):
    """A tournament's settings are refused."""


class IllegalMove(PoiseError):
    """The referee refuses a move."""


class ModelError(PoiseError):
    """A model call failed. model: the URI of the model that was asked, "" where that is not known."""

    model: str = ""


class ModelMissing(ModelError):
    """The server does not have the model."""


class ModelDown(ModelError):
    """The server cannot be reached, fails, or refuses the request."""


class Unanswered(ModelDown):
    """The server gives no answer to one request, such as a prompt that is too long; others may be answered."""


class ModelTimeout(ModelError):
    """No reply came within the deadline."""


class BadReply(ModelError):
    """The reply is cut, empty or not what was asked for."""


class DeadlineExceeded(PoiseError):
    """An agent took longer than a message or a match may take."""


class StoreError(PoiseError):
    """A tournament's folder or file cannot be used."""
