"""Settings that are declared once: Python, a TOML file, the command line and the reference page read the same fields.

    class Pace(SettingsModel):
        creditors: Annotated[tuple[str, ...], CliOption("--creditor", "NAME")] = Field(description="Who plays.")
        seed: int = Field(0, ge=0, description="The one seed.")

A field's description is its help, and its bounds and default are shown beside it. A dataclass can declare its fields in
the same way: `seed: Annotated[int, Field(ge=0, description="The one seed.")] = 0`.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

import annotated_types
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from poise.common.errors import ConfigError

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class CliOption:
    """How a field is written on the command line, where that does not follow from its name and type.

    flag:    such as "--creditor"; default: the field's name with hyphens. metavar: what stands for the value in help.
    """

    flag: str = ""
    metavar: str = ""


class SettingsModel(BaseModel):
    """A group of settings: nothing unknown, no conversions, never changed. Raises ConfigError for what is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ConfigError("; ".join(map(explain_refusal, error.errors()))) from None


def setting_fields(settings: type[Any]) -> Mapping[str, FieldInfo]:
    """The fields that a model or a dataclass declares, by name."""
    if issubclass(settings, BaseModel):
        return settings.model_fields
    hints = get_type_hints(settings, include_extras=True)
    declared = {}
    for field in dataclasses.fields(settings):
        info = FieldInfo.from_annotation(hints[field.name])
        info.default = ... if field.default is dataclasses.MISSING else field.default
        declared[field.name] = info
    return declared


def bounds_of(field: FieldInfo) -> tuple[float | None, float | None]:
    """The least and the largest value of a field, None for no bound."""
    low = next((bound.ge for bound in field.metadata if isinstance(bound, annotated_types.Ge)), None)
    high = next((bound.le for bound in field.metadata if isinstance(bound, annotated_types.Le)), None)
    return low, high  # type: ignore[return-value]  # bounds of numbers are numbers


def refuse_out_of_bounds(settings: Any) -> None:
    """ConfigError for the first field of a dataclass whose number is outside its two declared bounds."""
    for name, field in setting_fields(type(settings)).items():
        (low, high), value = bounds_of(field), getattr(settings, name)
        if low is not None and high is not None and not (math.isfinite(value) and low <= value <= high):
            raise ConfigError(f"{name} {value} is outside {low:g} to {high:g}")


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
