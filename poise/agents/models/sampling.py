"""The tables of sampling.toml: sampling options by kind of model, and the chat templates that can be named."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from poise.common.errors import AgentError
from poise.common.words import did_you_mean

SMALL: Final = "small"
_SMALL_PARAMETERS: Final = 1_000_000_000
_OTHER: Final = "other"
_TEMPLATES: Final = "templates"


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("sampling.toml").read_text(encoding="utf-8"))


@cache
def sampling_table() -> Mapping[str, Mapping[str, Any]]:
    """The options of a request by table: SMALL, an architecture, or "other"."""
    tables = {name: table for name, table in _file().items() if name != _TEMPLATES}
    return {name: {key: value for key, value in table.items() if key != "reason"} for name, table in tables.items()}


def is_small(parameters: int) -> bool:
    """Whether a model of so many parameters is sampled as SMALL."""
    return parameters < _SMALL_PARAMETERS


def sampling_of(architecture: str, parameters: int) -> Mapping[str, Any]:
    """The options for a model of so many parameters."""
    table = sampling_table()
    return table[SMALL] if is_small(parameters) else table.get(architecture, table[_OTHER])


def named_template(name: str) -> tuple[str, list[str]]:
    """A chat template's Jinja source and the words that end a reply: one of the table, or the file at a path.

    Raises AgentError where there is none.
    """
    known = _file()[_TEMPLATES]
    if name in known:
        return known[name]["source"], list(known[name]["stop"])
    try:
        return Path(name).expanduser().read_text(encoding="utf-8"), []
    except (OSError, UnicodeDecodeError, ValueError):
        raise AgentError(
            f"template {name!r} is neither a name nor a file with a Jinja template; {did_you_mean(name, known)}"
            f"the names are {', '.join(known)}"
        ) from None


SMALL_MODEL: Final[Mapping[str, Any]] = sampling_table()[SMALL]
