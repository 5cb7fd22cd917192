"""Settings that are declared once: Python, a TOML file, the command line and the reference page read the same fields.

    class Pace(Settings):
        creditors: Annotated[tuple[str, ...], CliOption("--creditor", "NAME")] = Field(description="Who plays.")
        seed: int = Field(0, ge=0, description="The one seed.")

A field's description is its help, and its bounds and default are shown beside it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from poise.common.errors import ConfigError

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class CliOption:
    """How a field is written on the command line, where that does not follow from its name and type.

    flag:    such as "--creditor"; default: the field's name with hyphens. metavar: what stands for the value in help.
    """

    flag: str = ""
    metavar: str = ""


class Settings(BaseModel):
    """A group of settings: nothing unknown, no conversions, never changed. Raises ConfigError for what is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ConfigError("; ".join(map(explain_refusal, error.errors()))) from None


def explain_refusal(error: Any) -> str:
    """One of pydantic's errors as `field = value: what is wrong`."""
    path = ".".join(str(part) for part in error["loc"] if not str(part).startswith(("str", "int", "float", "bool")))
    message = error["msg"].removeprefix("Value error, ")
    message = f"{message[0].lower()}{message[1:]}"
    return f"{path}: {message}" if error["type"] == "missing" else f"{path} = {error['input']!r}: {message}"


def parse_options(items: Sequence[str]) -> dict[str, Scalar]:
    """`["temperature=0.7", "keep_alive=5m"]` as a mapping; numbers and true/false as in TOML, else text."""
    return dict(_parse_option(item) for item in items)


def _parse_option(item: str) -> tuple[str, Scalar]:
    key, equals, text = item.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"option {item!r} is not NAME=VALUE; write for example --option temperature=0.7")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), text
    return key.strip(), value if isinstance(value, str | int | float | bool) else text
