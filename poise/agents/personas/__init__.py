"""Debtors with a character: how what they read moves their mood, and what their mood does to them.

A persona is one TOML file. Those of this folder are found by name; copy one, change it, and name it by its path.

The mood is a number in [-1, 1] that the creditor's words move and time heals. With p the probabilities of the seven
emotions that the debtor *read* in the last message, m the mood before, and r_e(m) the reaction to emotion e:

    pull = clip(rest + sum_e p_e r_e(m), -1, 1)        m' = inertia m + (1 - inertia) pull

Each reaction is given for the worst, the even and the best mood (-1, 0, 1) and is linear in between: a cheerful word
that warms a friend insults an enemy. A reading spread over many emotions pulls little, so what is not expressed
readably is lost.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from poise.agents.personas.persona import (
    FOLDER,
    Band,
    MoodReach,
    Persona,
    PersonaPolicy,
    Reaction,
    Renege,
    Walk,
    persona_names,
)

__all__ = [
    "FOLDER",
    "Band",
    "MoodReach",
    "Persona",
    "PersonaPolicy",
    "Reaction",
    "Renege",
    "Walk",
    "load_persona",
    "persona_names",
    "persona_summary",
]


def load_persona(name: str | Path) -> Persona:
    """The persona of this folder called `name`, or the one in the file at that path (it ends in .toml).

    Raises AgentError with file, key, value and remedy where the file is refused.
    """
    from poise.agents.personas.files import read_persona

    if isinstance(name, Path) or name.endswith(".toml"):
        return read_persona(Path(name))
    return _shipped(name)


def persona_summary(name: str) -> str:
    """What the persona of this folder called `name` is, without reading the rest of its file."""
    written = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return str(written["summary"] if "summary" in written else load_persona(name).summary)


@cache
def _shipped(name: str) -> Persona:
    from poise.agents.personas.files import read_persona, unknown_persona

    if name not in persona_names():
        raise unknown_persona(name, persona_names())
    return read_persona(FOLDER / f"{name}.toml")
